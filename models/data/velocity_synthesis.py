"""Touch: how loudly the notes of a score might be struck, for music that does not say.

Knows nothing of lessons or networks. A lead sheet and many a piano roll have no velocities; a hand that plays them has. Whoever has only
seen such music bare does not know it again when it is played.

What a performance has, roughly: a level, a tune that stands out, swells, strikes that differ, and notes of a chord that do, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..music.chords import stroke_numbers

EVEN = 0.15  # share of hands that strike all notes alike: a keyboard, or a file, that does not tell
LEVEL = 35.0, 95.0  # MIDI velocity
TUNE, SWELL = 16.0, 8.0  # by how much the tune stands out, and how far a swell goes either way, at most
STRIKE, NOTE = 6.0, 4.0  # the spread among strikes, and among the notes of one, at most
BREATH = 3.0, 12.0  # seconds from one swell to the next


def touched(
    rng: np.random.Generator, onset: NDArray[np.float64], pitch: NDArray[np.int64], tune: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Velocities, (n,), for (n,) notes in the order of their onsets.

    `tune`: which of them it is; where none or all are, what lies on top.
    """
    level = rng.uniform(*LEVEL)
    if rng.random() < EVEN:
        return np.full(len(onset), round(level), dtype=np.int64)
    strike = stroke_numbers(onset)
    if tune.all() or not tune.any():
        top = np.full(strike[-1] + 1, -1)
        np.maximum.at(top, strike, pitch)
        tune = pitch == top[strike]
    swell = rng.uniform(0.0, SWELL) * np.sin(2.0 * np.pi * (onset / rng.uniform(*BREATH) + rng.random()))
    strikes = rng.normal(0.0, rng.uniform(0.0, STRIKE), strike[-1] + 1)[strike]
    notes = rng.normal(0.0, rng.uniform(0.0, NOTE), len(onset))
    velocity = level + rng.uniform(0.0, TUNE) * tune + swell + strikes + notes
    return np.clip(velocity.round(), 2, 126).astype(np.int64)
