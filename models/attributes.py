"""Attributes: seven plain figures of how a passage is played. They anchor the first dimensions of the style.

Knows nothing of networks or latents; it measures notes, and a musician could check each figure by ear.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

NAMES = ("density", "register", "polyphony", "loudness", "articulation", "freedom", "chromaticism")

MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=float)
KEYS = np.stack([np.roll(MAJOR, tonic) for tonic in range(12)])
"""The twelve diatonic collections, (12, 12); a minor key shares its relative major's."""

#: 1 to 4 and 2 to 3 times as long or short, in octaves; and where the nearest one changes.
_SIMPLE = np.array([-2.0, -1.585, -1.0, -0.585, 0.0, 0.585, 1.0, 1.585, 2.0])
_BETWEEN = (_SIMPLE[1:] + _SIMPLE[:-1]) / 2

CHORD = 0.035  # seconds: onsets closer than this are one chord


def key_share(pitch: NDArray[np.int64], weight: NDArray[np.float64] | None = None) -> tuple[int, float]:
    """The diatonic collection (by its major tonic, 0 = C) that holds most of the notes, and the share that it holds."""
    counts = np.bincount(np.asarray(pitch) % 12, weights=weight, minlength=12)
    shares = KEYS @ counts / max(counts.sum(), 1e-9)
    best = int(shares.argmax())
    return best, float(shares[best])


def _mean(values: NDArray[np.generic]) -> float:
    """The mean; numpy's own takes thrice as long for a few numbers."""
    return float(np.add.reduce(values)) / len(values)


def _middle(values: NDArray[np.float64]) -> float:
    """The median; numpy's own takes five times as long for a few numbers."""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half]) if len(values) % 2 else float(ordered[half - 1] + ordered[half]) / 2


def off_simple(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each ratio of two times is from a simple one, in octaves; so are the ratios given."""
    return np.abs(ratios - _SIMPLE[_BETWEEN.searchsorted(ratios)])


def measure(
    onset: NDArray[np.float64], duration: NDArray[np.float64], pitch: NDArray[np.int64], velocity: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The seven attributes of a passage of at least four notes, in the order of `NAMES`, shape (7,).

    density: log2 of notes a second · register: mean MIDI pitch · polyphony: notes sounding at once, on average ·
    loudness: mean velocity · articulation: log2 of the median duration over the time between chords · freedom: how far
    successive onset intervals are from simple ratios (0 strict, 0.5 free) · chromaticism: share of notes outside the
    best-fitting key.
    """
    span = max(float(onset[-1] - onset[0]), 0.25)
    steps = onset[1:] - onset[:-1]
    between = steps[steps > CHORD]
    typical = _middle(between) if len(between) else span
    ratios = np.log2(between[1:] / between[:-1]) if len(between) > 2 else np.zeros(1)
    off = off_simple(ratios)
    return np.array(
        [
            math.log2(len(onset) / span),
            _mean(pitch),
            min(duration.sum() / span, 12.0),
            _mean(velocity),
            math.log2(max(_middle(duration), 0.02) / max(typical, 0.04)),
            _mean(np.minimum(off, 0.5)),
            1.0 - key_share(pitch)[1],
        ]
    )


MEAN = np.array([3.1, 62.5, 5.0, 72.0, 1.0, 0.12, 0.07])
"""Rough middle of each attribute over the open corpus. Fixed, so that a latent keeps its meaning."""
SPREAD = np.array([0.8, 6.6, 2.1, 22.0, 0.95, 0.06, 0.08])
"""Rough spread of each attribute over the open corpus."""


def standard(attributes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Attributes as the latent knows them: centred and scaled, within ±3."""
    return np.clip((attributes - MEAN) / SPREAD, -3.0, 3.0)
