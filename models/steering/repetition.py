"""Loops: what has gone round often enough is left, and not played for ever.

Knows nothing of networks, harmony or time. A musician that reads its own last notes, and has learned to take up what it reads, is drawn to
go round once more, each time more surely. So from the third time on (a single note: once it was struck four times), the note that would
go on with it is disfavoured, each time more. An accompaniment under a tune is no loop: here all notes in a row must come again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..encoding import codec
from ..music.note import LOWEST, Note
from ..music.settings import TERMS
from .base import Call, Row, Step, Style

LONGEST = 8  # notes of a loop
LEAST = 6  # notes that have come again, however short the loop is
TIMES = 2  # that a loop has come again before it is left
NATS = 0.7  # for each note from there on
STUCK, SHAKEN = 3, 2.0  # the same two where the loop is one note: a line that has stopped is left sooner
MOST = 8.0  # nats


class Repetition:
    """Lowers the pitch that would go on with a loop, `strength` times as much as usual."""

    name = "repetition"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: the loop is in the answerer's last notes."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        if not strength or (found := worn(step.own)) is None:
            return logits
        pitch, nats = found
        out = logits.copy()
        out[pitch] -= strength * nats
        return out


def worn(notes: Sequence[Note]) -> tuple[int, float] | None:
    """The pitch, as an index from the lowest, that would go on with a loop among one player's last notes, and the nats against it."""
    pitches = [note.pitch for note in notes[-(TIMES + 2) * LONGEST :]]
    for period in range(1, LONGEST + 1):
        again = 0
        while again + period < len(pitches) and pitches[-1 - again] == pitches[-1 - again - period]:
            again += 1
        least, nats = (STUCK, SHAKEN) if period == 1 else (max(LEAST, TIMES * period), NATS)
        if (beyond := again - least + 1) > 0:
            return pitches[-period] - LOWEST, min(nats * beyond, MOST)
    return None
