"""The echo: a musician without a network, which plays the call back an octave up. For tests, and to try the wiring."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..music.note_records import ANSWER, Note, Span

MOST_SECONDS = 0.5  # of a note that it plays
HIGHEST_MOVED = 96  # MIDI number: higher pitches stay where they are


class Echo:
    """Plays the call back an octave up."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def about(self) -> dict[str, Any]:
        return {"engine": "echo", "weights": "none", "fingerprint": "none", "window": 256, "style": 0}

    def hear(self, at: int, notes: list[Note]) -> None:
        self.notes[at:] = notes

    def style(self, z: list[float] | None, sampling: dict[str, float]) -> None:
        pass

    def vamp(self, notes: list[Note]) -> None:
        pass

    def seed(self, seed: int) -> None:
        pass

    def counts(self) -> dict[str, int]:
        return {}

    def draft(self, span: Span, count: int, side_by_side: bool) -> None:
        pass

    def spare(self) -> bool:
        return False

    def encode(self, notes: list[Note]) -> list[float]:
        return []

    def habits(self, notes: list[Note]) -> dict[str, float]:
        return {}

    def play(self, span: Span) -> Generator[Note, None, str]:
        answer_length = 0  # notes of the call that have been answered so far
        while answer_length < len(self.notes) and self.notes[-1 - answer_length].role == ANSWER:
            answer_length += 1
        last = len(self.notes) - answer_length
        first = last
        while first > 0 and self.notes[first - 1].role != ANSWER:
            first -= 1
        call = self.notes[first:last]
        if not call:
            return "end"
        if span.another:
            answer_length = 0
        start = self.notes[last].onset if answer_length else max(span.earliest, call[-1].onset + 0.25)
        if span.bar is not None and span.on_beat and not answer_length:
            start = span.bar.next_beat(start)
        for note in call[answer_length:]:
            onset = start + note.onset - call[0].onset
            if onset > min(span.stop, span.hush):
                return "end"
            onset = max(onset, span.earliest)
            up = 12 if note.pitch <= HIGHEST_MOVED else 0
            place = None if span.bar is None else span.bar.place(onset)
            duration = min(note.duration, MOST_SECONDS, span.hush - onset)
            echo = Note(onset, duration, note.pitch + up, note.velocity, ANSWER, place)
            self.notes.append(echo)
            yield echo
            if onset >= span.until:
                return "more"
        return "end"
