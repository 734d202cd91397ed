"""Tones: an answer is made of the tones that its call was made of, in any octave.

Knows nothing of keys or chords. A key has seven tones, and a phrase of eight bars seldom uses them all alike: what people play next stays
nearer to the tones that were just heard than a musician does who draws note by note. So the odds of each pitch are raised by how often
the call had its tone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..music.note import HIGHEST, LOWEST

SELDOM = 0.04  # of the call's notes: a tone that is as rare as this is raised by a quarter of what one that is all of them would be

Row = NDArray[np.floating]

_TONES = np.arange(LOWEST, HIGHEST + 1) % 12


def called(pitches: Sequence[int]) -> Row:
    """How firmly each pitch (88,) is one of the call's tones, 0 to 1, by the call's pitches; 0 for all where there are none."""
    if not pitches:
        return np.zeros(len(_TONES))
    share = np.bincount(np.array(pitches) % 12, minlength=12) / len(pitches)
    return (np.log1p(share / SELDOM) / np.log1p(share.max() / SELDOM))[_TONES]
