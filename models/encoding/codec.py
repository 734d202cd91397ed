"""The codec: a note becomes one step of seven small integers, and a step becomes a note again.

It is arithmetic on numpy arrays, and the only place where times are rounded. A step is a row of `FIELDS`:

    role      who plays it: CALL or ANSWER
    time      since the onset before: 10 ms bins below half a second, 30 log-spaced ones to 10 s; START for a first note
    pitch     A0 to C8
    velocity  32 bins of four; UNKNOWN where a source has none
    duration  36 log-spaced bins from 25 ms to 3 s, pedal included; HELD_STEP while the note still sounds
    place     in the bar, 48 bins from 1; 0 in free time
    feel      0 unknown, 1 on a grid, 2 played by a human

Each note's time is rounded by itself, from the exact onset before it. So taking notes back and hearing them again gives the same steps.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..music.note_records import HELD, HIGHEST, LOWEST, Note

Steps = NDArray[np.int64]

FIELDS = ("role", "time", "pitch", "velocity", "duration", "place", "feel")
ROLE, TIME, PITCH, VELOCITY, DURATION, PLACE, FEEL = range(7)

#: The value of each bin, in seconds.
TIMES = np.concatenate([np.arange(50) * 0.01, 0.5 * 20.0 ** (np.arange(30) / 29)])
DURATIONS = 0.025 * 120.0 ** (np.arange(36) / 35)
PLACES = 48  # bins of a bar: a multiple of 16 and 12, so sixteenths and triplets both have bins
MAX_TURN_GAP = 0.8
"""Seconds: a longer rest before the other player comes in counts as this long. It tells who was waited for, not how the music goes."""

#: How many values each predicted field can take; inputs have one more, for "not known".
SIZES = (2, len(TIMES), HIGHEST - LOWEST + 1, 32, len(DURATIONS))
START = SIZES[TIME]
NO_PITCH = SIZES[PITCH]
UNKNOWN = SIZES[VELOCITY]
HELD_STEP = SIZES[DURATION]
FREE, GRID, HUMAN = 0, 1, 2  # values of the field FEEL
PREDICTED = FIELDS[: len(SIZES)]
"""The fields that the network predicts, in the order in which they are chosen."""
MAX_INTERVAL = 24  # semitones between two pitches; a wider interval counts as this wide

#: The step before every first note: nothing has been played yet.
SILENCE: Steps = np.array([0, START, NO_PITCH, UNKNOWN, HELD_STEP, 0, 0], dtype=np.int64)

_TIME_EDGES = (TIMES[1:] + TIMES[:-1]) / 2
_DURATION_EDGES = np.sqrt(DURATIONS[1:] * DURATIONS[:-1])  # log-spaced bins are rounded on the log scale
_TIME_EDGE_LIST = _TIME_EDGES.tolist()
_DURATION_EDGE_LIST = _DURATION_EDGES.tolist()


def fingerprint() -> str:
    """A short name for this exact coding, 12 hexadecimal digits. Weights trained with another coding do not fit."""
    text = repr((FIELDS, SIZES, PLACES, TIMES.round(6).tolist(), DURATIONS.round(6).tolist(), LOWEST))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def time_bins(seconds: NDArray[np.float64]) -> Steps:
    """(N,) seconds since the onset before -> (N,) bins; longer than 10 s counts as 10 s."""
    return np.searchsorted(_TIME_EDGES, np.maximum(seconds, 0.0), side="right")


def time_bin(seconds: float) -> int:
    """`time_bins` of one time; arrays are slow for a single number."""
    return bisect(_TIME_EDGE_LIST, max(seconds, 0.0))


def duration_bins(seconds: NDArray[np.float64]) -> Steps:
    """(N,) durations in seconds -> (N,) bins; an infinite duration is a held note."""
    return np.where(np.isinf(seconds), HELD_STEP, np.searchsorted(_DURATION_EDGES, seconds, side="right"))


def place_bins(place: NDArray[np.float64]) -> Steps:
    """(N,) places in the bar, 0 to 1 -> (N,) bins; NaN is free time."""
    known = ~np.isnan(place)
    bins = np.floor(np.where(known, place, 0.0) % 1.0 * PLACES + 1e-9).astype(np.int64)
    return np.where(known, 1 + np.minimum(bins, PLACES - 1), FREE)


def encode(notes: Sequence[Note], before: Note | None = None, feel: int = HUMAN) -> Steps:
    """(N, 7) steps, one row a note, for notes that follow `before` (None: nothing has been played yet)."""
    rows = []
    for note in notes:
        rows.append(encode_note(note, before, feel))
        before = note
    return np.array(rows, dtype=np.int64).reshape(-1, len(FIELDS))


def encode_note(note: Note, before: Note | None, feel: int = HUMAN) -> tuple[int, ...]:
    """One note's step, seven numbers, by the same rules as the functions on arrays above; arrays are slow for a single note."""
    time = START
    if before is not None:
        since = note.onset - before.onset
        time = time_bin(min(since, MAX_TURN_GAP) if note.role != before.role else since)
    return (
        note.role,
        time,
        min(max(note.pitch, LOWEST), HIGHEST) - LOWEST,
        note.velocity // 4,
        HELD_STEP if note.duration == HELD else bisect(_DURATION_EDGE_LIST, note.duration),
        FREE if note.place is None else 1 + min(math.floor(note.place % 1.0 * PLACES + 1e-9), PLACES - 1),
        feel,
    )


def decode(step: Sequence[int], onset: float) -> Note:
    """The note of a step that begins at `onset`, in seconds. Each bin stands for its middle value."""
    role, _, pitch, velocity, duration, place, _ = step
    return Note(
        onset=onset,
        duration=HELD if duration == HELD_STEP else float(DURATIONS[duration]),
        pitch=pitch + LOWEST,
        velocity=64 if velocity == UNKNOWN else 4 * velocity + 2,
        role=role,
        place=None if place == FREE else (place - 1) / PLACES,
    )
