"""A composed call and two fake ports, so that a machine without MIDI can play a demo.

The call was composed for this project: a phrase in C major over four chords, which ends on the dominant like a question.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from models.music.note_records import Note, Phrase

from . import thread_priority
from .midi.messages import NOTE_OFF, NOTE_ON, Event

BEAT = 0.6  # seconds, which is 100 beats a minute
LEGATO = 0.96  # of its written length, for which a key is held
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

#: Each note: name, the beat on which it starts, its length in beats, its velocity. A chord has several names.
MELODY = (
    ("E5", 0.0, 1.0, 78),
    ("G5", 1.0, 0.5, 84),
    ("A5", 1.5, 0.5, 92),
    ("G5", 2.0, 1.0, 86),
    ("E5", 3.0, 0.5, 76),
    ("D5", 3.5, 0.5, 72),
    ("C5", 4.0, 0.75, 80),
    ("D5", 4.75, 0.25, 70),
    ("E5", 5.0, 0.5, 78),
    ("A4", 5.5, 0.5, 68),
    ("D5", 6.0, 2.0, 82),
)
BASS = (("C3", 0.0, 1.9, 64), ("A2", 2.0, 1.9, 60), ("F2", 4.0, 1.9, 62), ("G2", 6.0, 2.0, 66))
CHORDS = (
    (("E3", "G3", "C4"), 1.0, 0.9, 48),
    (("E3", "A3", "C4"), 3.0, 0.9, 46),
    (("F3", "A3", "C4"), 5.0, 0.9, 48),
    (("F3", "G3", "B3"), 7.0, 0.9, 50),
)
#: Seconds by which each note comes late (negative: early), in turn, as no person plays exactly in time.
TIMING_DEVIATIONS = (0.004, -0.006, 0.009, 0.0, 0.012, -0.003, 0.007, -0.009, 0.002, 0.011, -0.005)


def pitch(name: str) -> int:
    """The MIDI number of a note's name: C4 is 60."""
    return SEMITONES[name[0]] + 12 * (int(name[1:]) + 1)


def written_call() -> Phrase:
    """The call; onsets in seconds from its first beat."""
    chord_notes = [(name, beat, length, velocity) for names, beat, length, velocity in CHORDS for name in names]
    notes = []
    for i, (name, beat, length, velocity) in enumerate([*MELODY, *BASS, *chord_notes]):
        onset = max(beat * BEAT + TIMING_DEVIATIONS[i % len(TIMING_DEVIATIONS)], 0.0)
        notes.append(Note(onset, length * BEAT * LEGATO, pitch(name), velocity))
    return Phrase.of(notes)


def messages(notes: Sequence[Note]) -> list[tuple[float, bytes]]:
    """The times of note-ons and note-offs, in seconds, and the messages, on the first channel, in order of time."""
    timed = [(n.onset, 1, bytes((NOTE_ON, n.pitch, n.velocity))) for n in notes]
    timed += [(n.end, 0, bytes((NOTE_OFF, n.pitch, 0))) for n in notes]
    return [(when, message) for when, _, message in sorted(timed)]


class DemoInput:
    """An input port that plays a phrase in real time once it is open. `delay`: seconds before its first note."""

    name = "demo:keyboard"

    def __init__(self, phrase: Phrase, delay: float = 0.5) -> None:
        self._messages = messages(phrase.notes)
        self._delay = delay
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        def play() -> None:
            thread_priority.request_once()
            start = time.perf_counter() + self._delay
            for when, message in self._messages:
                if self._closed.wait(max(start + when - time.perf_counter(), 0.0)):
                    return
                on_event(Event(time.perf_counter(), message))

        self._thread = threading.Thread(target=play, name="demo keyboard", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)


class DemoOutput:
    """An output port that drops its messages: the take records them."""

    name = "demo:nowhere"

    def send(self, message: bytes) -> None:
        pass

    def close(self) -> None:
        pass
