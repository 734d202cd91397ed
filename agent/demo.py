"""The demo: a written call and ports made of nothing, so that a machine without MIDI can hear what an answer is.

Knows nothing of the musician. The call was composed for this project: a question in C major over four chords, that ends on the dominant.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from models.music.note import Note, Phrase

from . import thread_priority
from .midi.messages import NOTE_OFF, NOTE_ON, Event

BEAT = 0.6  # seconds: 100 a minute
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

#: Voice by voice: name, the beat on which it starts, its length in beats, its velocity.
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
#: Nobody plays like a clock: seconds early or late, note after note.
TOUCH = (0.004, -0.006, 0.009, 0.0, 0.012, -0.003, 0.007, -0.009, 0.002, 0.011, -0.005)


def pitch(name: str) -> int:
    """The MIDI number of a note's name: C4 is 60."""
    return STEPS[name[0]] + 12 * (int(name[1:]) + 1)


def written_call() -> Phrase:
    """The call, in seconds from its first beat."""
    voices = [*MELODY, *BASS, *((name, at, length, v) for names, at, length, v in CHORDS for name in names)]
    notes = []
    for i, (name, at, length, velocity) in enumerate(voices):
        onset = max(at * BEAT + TOUCH[i % len(TOUCH)], 0.0)
        notes.append(Note(onset, length * BEAT * 0.96, pitch(name), velocity))
    return Phrase.of(notes)


def messages(notes: Sequence[Note]) -> list[tuple[float, bytes]]:
    """Note-ons and note-offs on the first channel, in order of time."""
    timed = [(n.onset, 1, bytes((NOTE_ON, n.pitch, n.velocity))) for n in notes]
    timed += [(n.end, 0, bytes((NOTE_OFF, n.pitch, 0))) for n in notes]
    return [(when, message) for when, _, message in sorted(timed)]


class DemoInput:
    """An input port on which the written call is played, in real time, once it is open."""

    name = "demo:keyboard"

    def __init__(self, phrase: Phrase, delay: float = 0.5) -> None:
        self._messages, self._delay = messages(phrase.notes), delay
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        def play() -> None:
            thread_priority.once()
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
    """An output port that leads nowhere: the take keeps what is sent."""

    name = "demo:nowhere"

    def send(self, message: bytes) -> None:
        pass

    def close(self) -> None:
        pass
