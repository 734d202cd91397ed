"""Features: seven plain figures of how a passage is played. A musician could check each of them by ear.

The first dimensions of the style's latent are tied to them (`models.network.style_encoder`).
"""

from __future__ import annotations

import itertools
import math
import operator
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .keys import classes_of, within_keys
from .simultaneous_notes import CHORD_SECONDS

NAMES = ("density", "register", "polyphony", "loudness", "articulation", "freedom", "chromaticism")
LOUDNESS = NAMES.index("loudness")

#: Simple ratios of two times: 1 to 4 and 1.5 and 3 times as long or short, in octaves; and the edges between their neighbourhoods.
_SIMPLE_RATIOS = np.array([-2.0, -1.585, -1.0, -0.585, 0.0, 0.585, 1.0, 1.585, 2.0])
_RATIO_EDGES = (_SIMPLE_RATIOS[1:] + _SIMPLE_RATIOS[:-1]) / 2
_SIMPLE_RATIO_LIST = _SIMPLE_RATIOS.tolist()
_RATIO_EDGE_LIST = _RATIO_EDGES.tolist()


def _median(values: Sequence[float]) -> float:
    """The median."""
    ordered = sorted(values)
    half = len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def ratio_deviations(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) how far each ratio of two times is from the nearest simple one; both in octaves."""
    return np.abs(ratios - _SIMPLE_RATIOS[_RATIO_EDGES.searchsorted(ratios)])


@lru_cache(maxsize=4096)  # of notes that were just measured, all but the last two are measured again at the next note
def _wait_deviation(wait: float, later: float) -> float:
    """How far the ratio of two waits, in seconds, is from a simple one; in octaves, at most half of one."""
    ratio = math.log2(later / wait)
    off = abs(ratio - _SIMPLE_RATIO_LIST[bisect_left(_RATIO_EDGE_LIST, ratio)])
    return off if off < 0.5 else 0.5


def measure(
    onset: Sequence[float], duration: Sequence[float], pitch: Sequence[int], velocity: Sequence[int]
) -> NDArray[np.float64]:
    """The features of a passage of at least four notes as an array, (7,): see `measure_list`."""
    return np.array(measure_list(onset, duration, pitch, velocity))


def measure_list(
    onset: Sequence[float], duration: Sequence[float], pitch: Sequence[int], velocity: Sequence[int]
) -> list[float]:
    """The seven features of a passage of at least four notes, in the order of `NAMES`. Times are in seconds, onsets in their order.

    density: log2 of notes a second · register: mean MIDI pitch · polyphony: notes sounding at once, on average ·
    loudness: mean velocity · articulation: log2 of the median duration over the time between chords · freedom: how far
    successive onset intervals are from simple ratios (0 strict, 0.5 free) · chromaticism: share of notes outside the
    best-fitting key.

    Lists, as it is called at every note: arrays take twice as long for so few numbers.
    """
    count = len(onset)
    span = max(onset[-1] - onset[0], 0.25)
    between = [wait for wait in map(operator.sub, onset[1:], onset[:-1]) if wait > CHORD_SECONDS]
    typical = _median(between) if between else span
    off = [_wait_deviation(a, b) for a, b in itertools.pairwise(between)] if len(between) > 2 else [0.0]
    return [
        math.log2(count / span),
        sum(pitch) / count,
        min(sum(duration) / span, 12.0),
        sum(velocity) / count,
        math.log2(max(_median(duration), 0.02) / max(typical, 0.04)),
        sum(off) / len(off),
        1.0 - max(within_keys(classes_of(pitch))) / count,
    ]


MEAN = np.array([3.1, 62.5, 5.0, 72.0, 1.0, 0.12, 0.07])
"""The rough mean of each feature over the open corpus. It is fixed, so that a latent keeps its meaning."""
SPREAD = np.array([0.8, 6.6, 2.1, 22.0, 0.95, 0.06, 0.08])
"""The rough standard deviation of each feature over the open corpus, fixed as well."""


def standardize(attributes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features as the latent has them, (7,): centred and scaled, within ±3."""
    return np.clip((attributes - MEAN) / SPREAD, -3.0, 3.0)
