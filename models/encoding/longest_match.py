"""Recall: at each step, what came next the last time that the music went like this.

Knows nothing of networks. It is plain counting in the window, as a Continuator does (Pachet 2003): the longest stretch of
intervals that has been heard before is looked up, in any key, and the note that followed it is told to the network beside
the step itself. Taking up a motif then needs no learned search, only the decision to do so.

Recall adds `FIELDS` to a step's seven numbers:

    interval  from this step's pitch to the pitch that would come next, within ±24 semitones
    time, velocity, duration   of the note that came next, as `models.encoding.codec` codes them
    length    how many intervals in a row agree, at most `DEPTH`
    rhythm    how many of them in a row agree in time, too
    shift     this step's pitch above the recalled one, within ±12 semitones: 0 is the same key

Where nothing is recalled, each has its last value or, for the lengths, 0.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from . import codec
from .codec import Steps

FIELDS = ("interval", "time", "velocity", "duration", "length", "rhythm", "shift")
DEPTH = 8  # intervals: a longer agreement counts as this long
SPAN, SHIFT = 24, 12  # semitones
SLACK, SHARE = 0.02, 0.12  # two waits agree within so many seconds, and this share of them

SIZES = (
    2 * SPAN + 2,
    codec.SIZES[codec.TIME] + 1,
    codec.SIZES[codec.VELOCITY] + 1,
    codec.SIZES[codec.DURATION] + 1,
    DEPTH + 1,
    DEPTH + 1,
    2 * SHIFT + 2,
)
NOTHING: Steps = np.array([*(n - 1 for n in SIZES[:4]), 0, 0, SIZES[6] - 1], dtype=np.int64)
_NO_LEAP = bytes([128])  # as a byte, what two pitches are apart is never this
_WAITS = [*codec.TIMES.tolist(), float(codec.TIMES[-1])]  # by step; after silence, the longest
WIDE = len(codec.FIELDS) + len(FIELDS)
"""How many numbers a step with its recall has."""


def fingerprint() -> str:
    """A short name for this exact coding of steps and recall. Weights made with another one do not fit."""
    text = repr((codec.fingerprint(), FIELDS, DEPTH, SPAN, SHIFT, SLACK, SHARE))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def history(window: int) -> int:
    """How many steps before a step its recall depends on."""
    return window + DEPTH + 1


def recalled(rows: Steps, window: int, first: int = 0) -> Steps:
    """(N, 7) steps -> (N - first, 14): those from `first` on with what they recall of the `window` steps before them."""
    count = len(rows)
    out = np.empty((count - first, WIDE), dtype=np.int64)
    out[:, : len(codec.FIELDS)], out[:, len(codec.FIELDS) :] = rows[first:], NOTHING
    age = np.arange(first, count)[:, None] - np.arange(count)[None, :]
    length, rhythm = agreement(rows, first, (age > 0) & (age < window))
    pitch = rows[:, codec.PITCH]
    shift = pitch[first:, None] - pitch[None, :]
    # The longest agreement, rhythm and key included; of equals the latest.
    score = np.where(length > 0, (2 * (length + rhythm) + (shift == 0)) * count - age, -count)
    best = score.argmax(1)
    at = np.flatnonzero(score.max(1) > -count)
    best = best[at]
    came = rows[best + 1]
    interval = np.clip(came[:, codec.PITCH] - pitch[best], -SPAN, SPAN) + SPAN
    shifted = np.clip(shift[at, best], -SHIFT, SHIFT) + SHIFT
    lengths = length[at, best], rhythm[at, best]
    told = (interval, *(came[:, f] for f in (codec.TIME, codec.VELOCITY, codec.DURATION)), *lengths, shifted)
    out[at, len(codec.FIELDS) :] = np.stack(told, 1)
    return out


def recalled_last(rows: Steps, window: int) -> Steps:
    """(N, 7) steps -> (14,): the last one with what it recalls, as `recalled` has it; quicker where there is one at a time.

    Silence is only before the first note. Pitches, times and leaps are bytes here, as bytes are searched and looked up quickly.
    """
    out = np.concatenate([rows[-1], NOTHING])
    near = rows[-(window + DEPTH) :]
    heights = near[:, codec.PITCH].astype(np.uint8)
    pitch, time = heights.tobytes(), near[:, codec.TIME].astype(np.uint8).tobytes()
    begun = pitch.rfind(codec.NO_PITCH) + 1  # the first note
    leap = _NO_LEAP * (begun + 1) + (heights[1:] - heights[:-1]).tobytes()[begun:]  # to each step, modulo 256
    at = now = len(near) - 1
    if now <= begun:
        return out
    best = then = length = rhythm = 0
    while (at := leap.rfind(leap[now], max(now - window, 0) + 1, at)) > 0:
        same = steady = 0
        while same < DEPTH and leap[at - same] == leap[now - same]:
            if steady == same:  # in time so far
                waited = _WAITS[time[at - same]]
                steady += abs(_WAITS[time[now - same]] - waited) <= SLACK + SHARE * waited
            same += 1
        score = 2 * (same + steady) + (pitch[at] == pitch[now])
        if score > best:  # of equals, the latest
            best, then, length, rhythm = score, at, same, steady
    if best:
        came = near[then + 1].tolist()
        up = min(max(came[codec.PITCH] - pitch[then], -SPAN), SPAN) + SPAN
        shift = min(max(pitch[now] - pitch[then], -SHIFT), SHIFT) + SHIFT
        told = [up, came[codec.TIME], came[codec.VELOCITY], came[codec.DURATION], length, rhythm, shift]
        out[len(codec.FIELDS) :] = told
    return out


def agreement(rows: Steps, first: int, within: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many intervals in a row agree between each step from `first` on and every step that is `within` its reach, both
    (N - first, N); and how many of them agree in time, too.
    """
    count = len(rows)
    pitch = np.where(rows[:, codec.PITCH] == codec.NO_PITCH, np.nan, rows[:, codec.PITCH])
    interval = np.concatenate([np.full(DEPTH + 1, np.nan), np.diff(pitch)])  # NaN agrees with nothing
    wait = np.concatenate([np.zeros(DEPTH), codec.TIMES[np.minimum(rows[:, codec.TIME], len(codec.TIMES) - 1)]])
    here = slice(first, None)  # a row for each step asked about and the DEPTH before it
    equal = interval[here, None] == interval[None, :]
    timed = equal & (np.abs(wait[here, None] - wait[None, :]) <= SLACK + SHARE * wait[None, :])
    length, rhythm = np.zeros(within.shape, dtype=np.int8), np.zeros(within.shape, dtype=np.int8)
    same = steady = within
    for back in range(DEPTH):
        steps, others = slice(DEPTH - back, DEPTH - back + count - first), slice(DEPTH - back, DEPTH - back + count)
        same = same & equal[steps, others]
        if not same.any():
            break
        steady = steady & timed[steps, others]
        length += same
        rhythm += steady
    return length.astype(np.int64), rhythm.astype(np.int64)
