"""Stand: where one answer lies beside its style: a little higher or lower, louder or softer, for as long as it lasts.

Knows nothing of networks or of notes. What people play after a phrase is seldom in the middle of how they play; each phrase takes its own
stand. A musician that draws note by note from narrowed odds has none, and keeps closer to a call than a person does. So one is drawn for
each answer, and asked for as a knob is (`models.knobs`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .attributes import NAMES

#: How far answers stand from their style, in the usual spreads of each quality (`models.attributes`).
SPREADS = {"density": 0.42, "register": 0.52, "loudness": 0.23}


def beside(point: NDArray[np.float32], far: float, seed: int, begun: int) -> NDArray[np.float32]:
    """The tied dimensions (7,) of a style, moved to where the answer stands, `far` times as far as people do."""
    return point[: len(NAMES)] + np.float32(far) * taken(seed, begun)


@lru_cache(maxsize=64)
def taken(seed: int, begun: int) -> NDArray[np.float32]:
    """The stand of the answer that begins after `begun` notes of a session with this seed, (7,), in spreads. The same each time."""
    drawn = np.random.default_rng([seed, begun]).standard_normal(len(NAMES)).clip(-2.0, 2.0)
    return np.array([SPREADS.get(name, 0.0) for name in NAMES], np.float32) * drawn.astype(np.float32)
