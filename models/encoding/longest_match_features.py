"""Recall: at each step, what came next the last time that the music went like this.

It is plain counting in the window, as a Continuator does (Pachet 2003). The longest stretch of intervals that was heard before is looked
up, in any key. The note that followed it is given to the network beside the step itself. So taking up a motif needs no learned search,
only the decision to do it.

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
from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from . import codec
from .codec import Steps

FIELDS = ("interval", "time", "velocity", "duration", "length", "rhythm", "shift")
DEPTH = 8  # intervals: a longer agreement counts as this long
MAX_INTERVAL, MAX_SHIFT = 24, 12  # semitones: what is farther counts as this far
SLACK_SECONDS, SLACK_SHARE = 0.02, 0.12  # two waits agree within so many seconds plus this share of the earlier one

SIZES = (
    2 * MAX_INTERVAL + 2,
    codec.SIZES[codec.TIME] + 1,
    codec.SIZES[codec.VELOCITY] + 1,
    codec.SIZES[codec.DURATION] + 1,
    DEPTH + 1,
    DEPTH + 1,
    2 * MAX_SHIFT + 2,
)
NO_MATCH: Steps = np.array([*(n - 1 for n in SIZES[:4]), 0, 0, SIZES[6] - 1], dtype=np.int64)
_NO_MATCH_LIST: list[int] = NO_MATCH.tolist()
_NO_INTERVAL_BYTE = bytes([128])  # no two pitches of a piano are this far apart, modulo 256
_SECONDS = [*codec.TIMES.tolist(), float(codec.TIMES[-1])]  # by time bin; after silence, the longest
STEP_WIDTH = len(codec.FIELDS) + len(FIELDS)
"""How many numbers a step with its recall has."""


def fingerprint() -> str:
    """A short name for this exact coding of steps and recall. Weights trained with another coding do not fit."""
    text = repr((codec.fingerprint(), FIELDS, DEPTH, MAX_INTERVAL, MAX_SHIFT, SLACK_SECONDS, SLACK_SHARE))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def lookback(window: int) -> int:
    """How many steps before a step its recall depends on, where matches are searched in `window` steps."""
    return window + DEPTH + 1


def add_recall(rows: Steps, window: int, first: int = 0) -> Steps:
    """(N, 7) steps -> (N - first, 14): the steps from `first` on, each with its recall of the `window` steps before it."""
    count = len(rows)
    out = np.empty((count - first, STEP_WIDTH), dtype=np.int64)
    out[:, : len(codec.FIELDS)] = rows[first:]
    out[:, len(codec.FIELDS) :] = NO_MATCH
    age = np.arange(first, count)[:, None] - np.arange(count)[None, :]
    length, rhythm = match_lengths(rows, first, (age > 0) & (age < window))
    pitch = rows[:, codec.PITCH]
    shift = pitch[first:, None] - pitch[None, :]
    # The longest match wins, rhythm and key included; of equals, the latest.
    score = np.where(length > 0, (2 * (length + rhythm) + (shift == 0)) * count - age, -count)
    best = score.argmax(1)
    at = np.flatnonzero(score.max(1) > -count)
    best = best[at]
    following = rows[best + 1]
    interval = np.clip(following[:, codec.PITCH] - pitch[best], -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
    recall = (
        interval,
        following[:, codec.TIME],
        following[:, codec.VELOCITY],
        following[:, codec.DURATION],
        length[at, best],
        rhythm[at, best],
        np.clip(shift[at, best], -MAX_SHIFT, MAX_SHIFT) + MAX_SHIFT,
    )
    out[at, len(codec.FIELDS) :] = np.stack(recall, 1)
    return out


def add_recall_to_last(rows: Steps, window: int) -> Steps:
    """(N, 7) steps -> (14,): the last step with its recall, equal to the last row of `add_recall`, but quicker for one step."""
    return np.array([*rows[-1].tolist(), *StepHistory(rows, window).recall()], dtype=np.int64)


class StepHistory:
    """The last steps of a sequence that grows, for the recall of its last step.

    Silence may stand only before the first note. Pitches, times and intervals are bytes here: bytes are searched and looked up quickly.
    """

    def __init__(self, rows: Steps, window: int) -> None:
        """After (N, 7) steps, the last `window` of which are searched."""
        self._window = window
        self.added = 0  # steps that were added since
        recent = rows[-(window + DEPTH) :].astype(np.uint8)
        heights = recent[:, codec.PITCH]
        self._pitch = bytearray(heights.tobytes())
        self._time = bytearray(recent[:, codec.TIME].tobytes())
        self._velocity = bytearray(recent[:, codec.VELOCITY].tobytes())
        self._duration = bytearray(recent[:, codec.DURATION].tobytes())
        self._first = self._pitch.rfind(codec.NO_PITCH) + 1  # the first note
        self._interval = bytearray(_NO_INTERVAL_BYTE * min(self._first + 1, len(recent)))  # to each step, modulo 256
        self._interval += (heights[1:] - heights[:-1]).tobytes()[self._first :]

    def copy(self) -> StepHistory:
        """The same steps, to which others may be added."""
        other = copy(self)
        for name in ("_pitch", "_time", "_velocity", "_duration", "_interval"):
            setattr(other, name, bytearray(getattr(self, name)))
        return other

    def add(self, step: Sequence[int]) -> None:
        """Add a note's step, seven numbers. Steps that are out of reach stay: they are few."""
        self.added += 1
        pitch = step[codec.PITCH]
        self._interval.append(
            (pitch - self._pitch[-1]) & 0xFF if len(self._pitch) > self._first else _NO_INTERVAL_BYTE[0]
        )
        self._pitch.append(pitch)
        self._time.append(step[codec.TIME])
        self._velocity.append(step[codec.VELOCITY])
        self._duration.append(step[codec.DURATION])

    def recall(self) -> list[int]:
        """The seven numbers of the last step's recall, `FIELDS`."""
        pitch = self._pitch
        time = self._time
        interval = self._interval
        at = now = len(pitch) - 1
        if now <= self._first:
            return _NO_MATCH_LIST
        best_score = best = length = rhythm = 0
        wanted = interval[now]
        while (at := interval.rfind(wanted, max(now - self._window, 0) + 1, at)) > 0:
            same = steady = 0
            while same < DEPTH and interval[at - same] == interval[now - same]:
                if steady == same:  # in time so far
                    waited = _SECONDS[time[at - same]]
                    steady += abs(_SECONDS[time[now - same]] - waited) <= SLACK_SECONDS + SLACK_SHARE * waited
                same += 1
            score = 2 * (same + steady) + (pitch[at] == pitch[now])
            if score > best_score:  # of equals, the latest
                best_score = score
                best = at
                length = same
                rhythm = steady
        if not best_score:
            return _NO_MATCH_LIST
        up = min(max(pitch[best + 1] - pitch[best], -MAX_INTERVAL), MAX_INTERVAL) + MAX_INTERVAL
        shift = min(max(pitch[now] - pitch[best], -MAX_SHIFT), MAX_SHIFT) + MAX_SHIFT
        return [up, time[best + 1], self._velocity[best + 1], self._duration[best + 1], length, rhythm, shift]


def match_lengths(rows: Steps, first: int, within: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many intervals in a row agree between each step from `first` on and every step that is `within` its reach, and how
    many of those agree in time, too; both (N - first, N), as `within` is.
    """
    count = len(rows)
    pitch = np.where(rows[:, codec.PITCH] == codec.NO_PITCH, np.nan, rows[:, codec.PITCH])
    interval = np.concatenate([np.full(DEPTH + 1, np.nan), np.diff(pitch)])  # NaN agrees with nothing
    wait = np.concatenate([np.zeros(DEPTH), codec.TIMES[np.minimum(rows[:, codec.TIME], len(codec.TIMES) - 1)]])
    here = slice(first, None)  # a row for each step asked about and the DEPTH before it
    equal = interval[here, None] == interval[None, :]
    timed = equal & (np.abs(wait[here, None] - wait[None, :]) <= SLACK_SECONDS + SLACK_SHARE * wait[None, :])
    length = np.zeros(within.shape, dtype=np.int8)
    rhythm = np.zeros(within.shape, dtype=np.int8)
    same = steady = within
    for back in range(DEPTH):
        steps = slice(DEPTH - back, DEPTH - back + count - first)
        others = slice(DEPTH - back, DEPTH - back + count)
        same = same & equal[steps, others]
        if not same.any():
            break
        steady = steady & timed[steps, others]
        length += same
        rhythm += steady
    return length.astype(np.int64), rhythm.astype(np.int64)
