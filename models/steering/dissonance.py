"""Clash: what sounds is listened to before a note is put beside it.

Knows nothing of keys, chords or networks. Two notes a semitone apart, or an octave and a semitone, or one less, rub; people let them rub
less often than a musician who draws note by note and forgets what still rings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..music.features import CHORD
from ..music.note import HIGHEST, LOWEST, Note

RUBS = (-13, -11, -1, 1, 11, 13)  # semitones

Row = NDArray[np.floating]


def rubbed(notes: Sequence[Note], onset: float) -> list[int]:
    """The pitches, as indices from the lowest, that would rub against what still sounds a moment after `onset`."""
    soon = onset + CHORD
    sounding = {note.pitch for note in notes if note.onset + note.duration > soon}
    beside = {pitch + step - LOWEST for pitch in sounding for step in RUBS}
    return [pitch for pitch in beside if 0 <= pitch <= HIGHEST - LOWEST]


def leaned(logits: Row, notes: Sequence[Note], onset: float, power: float) -> Row:
    """The logits (88,) of the pitch, those that would rub against one of the last `notes` lowered by `power` nats."""
    if not power or not (beside := rubbed(notes, onset)):
        return logits
    out = logits.copy()
    out[beside] -= power
    return out
