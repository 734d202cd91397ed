"""Attributes: seven plain figures of how a passage is played. They anchor the first dimensions of the style.

Knows nothing of networks or latents; it measures notes, and a musician could check each figure by ear.
"""

from __future__ import annotations

import itertools
import math
import operator
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .chords import CHORD_SECONDS
from .keys import classes_of, within_keys

NAMES = ("density", "register", "polyphony", "loudness", "articulation", "freedom", "chromaticism")
LOUDNESS = NAMES.index("loudness")

#: 1 to 4 and 2 to 3 times as long or short, in octaves; and where the nearest one changes.
_SIMPLE = np.array([-2.0, -1.585, -1.0, -0.585, 0.0, 0.585, 1.0, 1.585, 2.0])
_BETWEEN = (_SIMPLE[1:] + _SIMPLE[:-1]) / 2
_SIMPLE_LIST, _BETWEEN_LIST = _SIMPLE.tolist(), _BETWEEN.tolist()


def _middle(values: Sequence[float]) -> float:
    """The median."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def off_simple(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each ratio of two times is from a simple one, in octaves; so are the ratios given."""
    return np.abs(ratios - _SIMPLE[_BETWEEN.searchsorted(ratios)])


def _off(ratio: float) -> float:
    """`off_simple` of one ratio, and at most half an octave."""
    off = abs(ratio - _SIMPLE_LIST[bisect_left(_BETWEEN_LIST, ratio)])
    return off if off < 0.5 else 0.5


def measure(
    onset: Sequence[float], duration: Sequence[float], pitch: Sequence[int], velocity: Sequence[int]
) -> NDArray[np.float64]:
    """The seven attributes of a passage of at least four notes, as `figures` tells them, shape (7,)."""
    return np.array(figures(onset, duration, pitch, velocity))


def figures(
    onset: Sequence[float], duration: Sequence[float], pitch: Sequence[int], velocity: Sequence[int]
) -> list[float]:
    """The seven attributes of a passage of at least four notes, in the order of `NAMES`.

    density: log2 of notes a second · register: mean MIDI pitch · polyphony: notes sounding at once, on average ·
    loudness: mean velocity · articulation: log2 of the median duration over the time between chords · freedom: how far
    successive onset intervals are from simple ratios (0 strict, 0.5 free) · chromaticism: share of notes outside the
    best-fitting key.

    Plain lists, as it is asked at every note: arrays take twice as long for so few numbers.
    """
    count = len(onset)
    span = max(onset[-1] - onset[0], 0.25)
    between = [wait for wait in map(operator.sub, onset[1:], onset[:-1]) if wait > CHORD_SECONDS]
    typical = _middle(between) if between else span
    off = [_off(math.log2(b / a)) for a, b in itertools.pairwise(between)] if len(between) > 2 else [0.0]
    return [
        math.log2(count / span),
        sum(pitch) / count,
        min(sum(duration) / span, 12.0),
        sum(velocity) / count,
        math.log2(max(_middle(duration), 0.02) / max(typical, 0.04)),
        sum(off) / len(off),
        1.0 - max(within_keys(classes_of(pitch))) / count,
    ]


MEAN = np.array([3.1, 62.5, 5.0, 72.0, 1.0, 0.12, 0.07])
"""Rough middle of each attribute over the open corpus. Fixed, so that a latent keeps its meaning."""
SPREAD = np.array([0.8, 6.6, 2.1, 22.0, 0.95, 0.06, 0.08])
"""Rough spread of each attribute over the open corpus."""


def standard(attributes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Attributes as the latent knows them: centred and scaled, within ±3."""
    return np.clip((attributes - MEAN) / SPREAD, -3.0, 3.0)
