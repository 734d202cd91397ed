"""Repetition: a note that would go on with a loop is lowered, the more the longer the loop has lasted.

A network that reads its own last notes, and has learned to take up what it reads, tends to go round once more, each time
more surely. The term acts from the third round on, or once a single pitch was struck four times. All notes in a row must
come again, so an accompaniment under a melody is no loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..encoding import codec
from ..music.note_records import LOWEST, Note
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style

LONGEST_LOOP = 8  # notes of a loop
LEAST_REPEATED = 6  # notes that have come again, however short the loop is
LEAST_ROUNDS = 2  # that a loop has come again before it is left
NATS_PER_NOTE = 0.7  # for each note from there on
LEAST_SAME_PITCH, NATS_PER_SAME_PITCH = (
    3,
    2.0,
)  # the same two where the loop is one note: a line that has stopped is left sooner
MOST_NATS = 8.0  # nats


class Repetition:
    """Lowers the pitch that would go on with a loop, `strength` times as much as usual."""

    name = "repetition"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: the loop is in the answerer's last notes."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        if not strength or (found := loop_pitch(step.own)) is None:
            return logits
        pitch, nats = found
        out = logits.copy()
        out[pitch] -= strength * nats
        return out

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        for row, step in zip(logits, steps, strict=True):
            if strength and (found := loop_pitch(step.own)) is not None:
                row[found[0]] -= strength * found[1]
        return logits


def loop_pitch(notes: Sequence[Note]) -> tuple[int, float] | None:
    """The pitch, as an index from the lowest, that would go on with a loop among one player's last notes, and the nats against it."""
    pitches = [note.pitch for note in notes[-(LEAST_ROUNDS + 2) * LONGEST_LOOP :]]
    for period in range(1, LONGEST_LOOP + 1):
        repeat_length = 0
        while (
            repeat_length + period < len(pitches)
            and pitches[-1 - repeat_length] == pitches[-1 - repeat_length - period]
        ):
            repeat_length += 1
        least, nats = (
            (LEAST_SAME_PITCH, NATS_PER_SAME_PITCH)
            if period == 1
            else (max(LEAST_REPEATED, LEAST_ROUNDS * period), NATS_PER_NOTE)
        )
        if (excess := repeat_length - least + 1) > 0:
            return pitches[-period] - LOWEST, min(nats * excess, MOST_NATS)
    return None
