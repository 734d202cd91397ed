"""Dissonance: pitches a semitone from what still sounds are lowered, also in other octaves.

People play such pairs less often than a musician does who draws note by note and does not hear what still sounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..encoding import codec
from ..music.note_records import HIGHEST, LOWEST, Note
from ..music.simultaneous_notes import CHORD_SECONDS
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style

DISSONANT_INTERVALS = (-13, -11, -1, 1, 11, 13)  # semitones


class Dissonance:
    """Lowers the pitches that would rub against what still sounds by `strength` nats."""

    name = "clash"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: what sounds is in the step."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        if not strength or not (indices := dissonant_pitches(step.recent, step.onset)):
            return logits
        out = logits.copy()
        out[indices] -= strength
        return out

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        for row, step in zip(logits, steps, strict=True):
            if strength and (indices := dissonant_pitches(step.recent, step.onset)):
                row[indices] -= strength
        return logits


def dissonant_pitches(notes: Sequence[Note], onset: float) -> list[int]:
    """The pitches, as indices from the lowest, that would rub against what still sounds a moment after `onset`."""
    soon = onset + CHORD_SECONDS
    sounding = {note.pitch for note in notes if note.onset + note.duration > soon}
    indices = {pitch + step - LOWEST for pitch in sounding for step in DISSONANT_INTERVALS}
    return [pitch for pitch in indices if 0 <= pitch <= HIGHEST - LOWEST]
