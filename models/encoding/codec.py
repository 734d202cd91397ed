"""The codec: a note becomes one step, seven small integers; a step becomes a note again.

Knows nothing of networks: it is arithmetic on numpy arrays, and the only place where times are rounded.

A step is a row of `FIELDS`:

    role      who plays it: CALL or ANSWER
    time      since the onset before: 10 ms bins below half a second, 30 log-spaced ones to 10 s; START for a first note
    pitch     A0 to C8
    velocity  32 bins of four; UNKNOWN where a source has none
    duration  36 log-spaced bins from 25 ms to 3 s, pedal included; HELD_STEP while the note still sounds
    place     in the bar, 48 bins from 1; 0 in free time
    feel      0 unknown, 1 on a grid, 2 played by a human

Each note's time is rounded by itself, from the true onset before it, so that taking notes back and hearing them again
gives the same steps.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..music.note import HELD, HIGHEST, LOWEST, Note

Steps = NDArray[np.int64]

FIELDS = ("role", "time", "pitch", "velocity", "duration", "place", "feel")
ROLE, TIME, PITCH, VELOCITY, DURATION, PLACE, FEEL = range(7)

#: The value of each bin, in seconds.
TIMES = np.concatenate([np.arange(50) * 0.01, 0.5 * 20.0 ** (np.arange(30) / 29)])
DURATIONS = 0.025 * 120.0 ** (np.arange(36) / 35)
PLACES = 48
TURN = 0.8
"""Seconds: a longer rest before the other player comes in says who was waited for, not how the music goes, and counts as this long."""

#: How many values each field can take when it is predicted; inputs have one more, for "not known".
SIZES = (2, len(TIMES), HIGHEST - LOWEST + 1, 32, len(DURATIONS))
START = NO_TIME = SIZES[TIME]
NO_PITCH = SIZES[PITCH]
UNKNOWN = SIZES[VELOCITY]
HELD_STEP = SIZES[DURATION]
FREE, GRID, HUMAN = 0, 1, 2
CHOSEN = FIELDS[: len(SIZES)]
"""The fields that are predicted, in the order in which they are chosen."""
SPAN = 24  # semitones: between two pitches, wider intervals count as this wide

#: The step before every first note: it says that nothing has been played yet.
SILENCE: Steps = np.array([0, START, NO_PITCH, UNKNOWN, HELD_STEP, 0, 0], dtype=np.int64)

_TIME_EDGES = (TIMES[1:] + TIMES[:-1]) / 2
_DURATION_EDGES = np.sqrt(DURATIONS[1:] * DURATIONS[:-1])  # log-spaced bins are rounded on the log scale
_TIME_LIST, _DURATION_LIST = _TIME_EDGES.tolist(), _DURATION_EDGES.tolist()


def fingerprint() -> str:
    """A short name for this exact coding. Weights made with another one do not fit."""
    text = repr((FIELDS, SIZES, PLACES, TIMES.round(6).tolist(), DURATIONS.round(6).tolist(), LOWEST))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def time_step(seconds: NDArray[np.float64]) -> Steps:
    """Bins of times since the last onset, in seconds; longer than 10 s counts as 10 s."""
    return np.searchsorted(_TIME_EDGES, np.maximum(seconds, 0.0), side="right")


def wait_step(seconds: float) -> int:
    """`time_step` of one time, for which arrays are slow."""
    return bisect(_TIME_LIST, max(seconds, 0.0))


def duration_step(seconds: NDArray[np.float64]) -> Steps:
    """Bins of durations in seconds; an infinite one is held."""
    return np.where(np.isinf(seconds), HELD_STEP, np.searchsorted(_DURATION_EDGES, seconds, side="right"))


def place_step(place: NDArray[np.float64]) -> Steps:
    """Bins of places in the bar; NaN is free time."""
    known = ~np.isnan(place)
    return np.where(
        known,
        1 + np.minimum(np.floor(np.where(known, place, 0.0) % 1.0 * PLACES + 1e-9).astype(np.int64), PLACES - 1),
        FREE,
    )


def steps_of(notes: Sequence[Note], before: Note | None = None, feel: int = HUMAN) -> Steps:
    """Steps, one row a note, for notes that follow `before` (None: nothing has been played yet)."""
    rows = []
    for note in notes:
        rows.append(_step(note, before, feel))
        before = note
    return np.array(rows, dtype=np.int64).reshape(-1, len(FIELDS))


def _step(note: Note, before: Note | None, feel: int) -> tuple[int, ...]:
    """One note's step: what the three functions above say of many, said of one, for which arrays are slow."""
    time = START
    if before is not None:
        since = note.onset - before.onset
        time = wait_step(min(since, TURN) if note.role != before.role else since)
    return (
        note.role,
        time,
        min(max(note.pitch, LOWEST), HIGHEST) - LOWEST,
        note.velocity // 4,
        HELD_STEP if note.duration == HELD else bisect(_DURATION_LIST, note.duration),
        FREE if note.place is None else 1 + min(math.floor(note.place % 1.0 * PLACES + 1e-9), PLACES - 1),
        feel,
    )


def note_of(step: Sequence[int], onset: float) -> Note:
    """The note of a step, with its onset in seconds. The middle of each bin stands for it."""
    role, _, pitch, velocity, duration, place, _ = step
    return Note(
        onset=onset,
        duration=HELD if duration == HELD_STEP else float(DURATIONS[duration]),
        pitch=pitch + LOWEST,
        velocity=64 if velocity == UNKNOWN else 4 * velocity + 2,
        role=role,
        place=None if place == FREE else (place - 1) / PLACES,
    )
