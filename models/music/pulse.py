"""The pulse: the player's own beat where nobody gives one, as far as a phrase tells it.

Knows nothing of bars, clocks or MIDI. Pure: onsets in monotonic seconds.

Each pulse that a foot could tap is tried on the onsets, as a circle is on a clock face: where they gather on one side, it fits.
It is trusted only where they gather closely, and where enough of them say so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chords import STROKE_SECONDS, chords_of
from .note import Bar, Note

FASTEST, SLOWEST = 0.3, 0.9  # seconds from beat to beat
PERIODS = np.geomspace(FASTEST, SLOWEST, 160)  # that are tried
LIKED, BREADTH = 0.55, 0.9  # seconds, and octaves to either side: where feet like to tap
LIKING = np.exp(-0.5 * (np.log2(PERIODS / LIKED) / BREADTH) ** 2)
LEAST = 5  # strokes
LONGEST = 8.0  # seconds of the phrase that count
LASTING = 0.9  # what a stroke counts, of the one after it
SURE = 0.78  # of 1: how closely strokes must gather, each on a beat or half-way between two; what follows keeps to no looser ones


def pulse(phrase: Sequence[Note], groove: float = 0.0, swing: float = 0.5) -> Bar | None:
    """The phrase's pulse as bars of one beat; None where it has none that is sure."""
    late = [note for note in phrase if phrase[-1].onset - note.onset <= LONGEST]
    strokes = [chord[0].onset for chord in chords_of(late, STROKE_SECONDS)]
    if len(strokes) < LEAST:
        return None
    last = strokes[-1]
    since = np.array(strokes) - last
    weights = LASTING ** np.arange(len(since))[::-1]  # late strokes count more
    on, halves = (_gathered(since, weights / weights.sum(), p) for p in (PERIODS, PERIODS / 2))
    sure = abs(halves) >= SURE
    if not sure.any():
        return None
    best = int(np.argmax(sure * (abs(halves) + 0.5 * abs(on)) * LIKING))
    period = float(PERIODS[best])
    return Bar(last + float(np.angle(on[best])) / math.tau * period, period, 1, groove, swing)


def steadiness(onsets: Sequence[float]) -> float:
    """How closely strokes at these seconds gather on beats, or half-way between, of the pulse that fits best: 1 if all lie there."""
    since = np.array(onsets) - onsets[-1]
    return float(np.abs(_gathered(since, np.full(len(since), 1.0 / len(since)), PERIODS / 2)).max())


def kept(notes: Sequence[Note], beat: Bar) -> float:
    """How closely notes keep to a pulse: 1 where each lies on a beat or half-way between two, about 0 where they do not care."""
    turns = 2.0 * math.tau / beat.length * beat.beats
    return sum(math.cos(turns * (note.onset - beat.start)) for note in notes) / max(len(notes), 1)


def _gathered(since: NDArray[np.float64], weights: NDArray[np.float64], periods: NDArray[np.float64]) -> Any:
    """Where on the circle of each period the strokes gather, as a point; its length says how closely.

    A sum, and no product of matrices: for those, numpy's library keeps threads that wait awake, a quarter of a core for nothing.
    """
    return (np.exp(2j * np.pi * since[None] / periods[:, None]) * weights).sum(axis=1)
