"""Cadence: where an answer comes to rest: on the home triad of the key that its call is in.

Knows nothing of networks or of the present. A phrase may end anywhere, but more often than elsewhere it ends at home, and an answer that
does so sounds finished. So, once an answer may close, the odds of the notes of that triad are raised a little, its root's most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.features import KEYS, classes_of
from ..music.note import LOWEST
from .constraints import surely

THIRD_FIFTH = 0.6  # of the root's share: what the other two notes of the triad are raised by

Row = NDArray[np.floating]


def home(called: Sequence[int], key: int = 0) -> Row:
    """(88,) how much each pitch is home to notes of these pitches, 0 to 1: 0 throughout where they are in no key.

    `key`: a set of pitch classes (bit 0 is C), where one is asked for.
    """
    heard = np.array(classes_of(called))
    scale = np.array([key >> c & 1 for c in range(12)]) if key else heard
    nowhere: Row = np.zeros(codec.SIZES[codec.PITCH], np.float32)
    if not scale.any():
        return nowhere
    shares = KEYS @ scale / scale.sum()
    tonic = int(shares.argmax())
    # A major key and its relative minor have the same notes: home is where more of its own triad was heard.
    major, minor = ([(tonic + c) % 12 for c in triad] for triad in ((0, 4, 7), (9, 0, 4)))
    triad = major if heard[major].sum() >= heard[minor].sum() else minor
    at_home = np.zeros(12)
    at_home[triad] = 1.0, THIRD_FIFTH, THIRD_FIFTH
    pitch = np.arange(len(nowhere)) + LOWEST
    row: Row = (surely(float(shares[tonic])) * at_home[pitch % 12]).astype(np.float32)
    return row
