"""The pulse: the player's own beat where no clock gives one, as far as a phrase tells it.

Each period that a foot could tap is tried: the onsets become phases on a circle, and the length of their mean vector says how well the
period fits. A pulse is trusted only where the phases gather closely, and where there are enough onsets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .note_records import Bar, Note
from .simultaneous_notes import STROKE_SECONDS, chords_of

SHORTEST_BEAT, LONGEST_BEAT = 0.3, 0.9  # seconds
PERIODS = np.geomspace(SHORTEST_BEAT, LONGEST_BEAT, 160)  # seconds, all that are tried
PREFERRED_BEAT, PREFERRED_OCTAVES = 0.55, 0.9  # seconds, and the standard deviation in octaves: where feet like to tap
PREFERENCE = np.exp(-0.5 * (np.log2(PERIODS / PREFERRED_BEAT) / PREFERRED_OCTAVES) ** 2)
FEWEST_STROKES = 5  # strokes
PHRASE_SECONDS = 8.0  # of the phrase, its last ones, that count
RECENCY = 0.9  # the weight of a stroke, as a share of the weight of the next one
FEWEST_GATHERED = (
    0.78  # of 1: length of the mean vector of a sure pulse, on beats and half-beats ("How sure a pulse must be")
)


def find_pulse(phrase: Sequence[Note], groove: float = 0.0, swing: float = 0.5) -> Bar | None:
    """The phrase's pulse as bars of one beat; None where none is sure. Onsets are in seconds, in their order."""
    late = [note for note in phrase if phrase[-1].onset - note.onset <= PHRASE_SECONDS]
    strokes = [chord[0].onset for chord in chords_of(late, STROKE_SECONDS)]
    if len(strokes) < FEWEST_STROKES:
        return None
    last = strokes[-1]
    since = np.array(strokes) - last
    weights = RECENCY ** np.arange(len(since))[::-1]  # late strokes count more
    on, halves = (_mean_phase(since, weights / weights.sum(), p) for p in (PERIODS, PERIODS / 2))
    sure = abs(halves) >= FEWEST_GATHERED
    if not sure.any():
        return None
    best = int(np.argmax(sure * (abs(halves) + 0.5 * abs(on)) * PREFERENCE))
    period = float(PERIODS[best])
    return Bar(last + float(np.angle(on[best])) / math.tau * period, period, 1, groove, swing)


def steadiness(onsets: Sequence[float]) -> float:
    """How closely strokes at these seconds gather on the beats and half-beats of the pulse that fits best: 1 where all lie on them."""
    since = np.array(onsets) - onsets[-1]
    return float(np.abs(_mean_phase(since, np.full(len(since), 1.0 / len(since)), PERIODS / 2)).max())


def beat_alignment(notes: Sequence[Note], beat: Bar) -> float:
    """How closely notes keep to a pulse: 1 where each lies on a beat or half-beat, about 0 where they are independent of it."""
    turns = 2.0 * math.tau / beat.length * beat.beats
    return sum(math.cos(turns * (note.onset - beat.start)) for note in notes) / max(len(notes), 1)


def _mean_phase(since: NDArray[np.float64], weights: NDArray[np.float64], periods: NDArray[np.float64]) -> Any:
    """The mean vector of the strokes' phases in each period, (P,) complex numbers; the length says how closely they gather.

    It is a sum and not a matrix product: for products, numpy's library keeps threads that wait awake, a quarter of a core for nothing.
    """
    return (np.exp(2j * np.pi * since[None] / periods[:, None]) * weights).sum(axis=1)
