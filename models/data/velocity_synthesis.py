"""Synthetic velocities for music that has none: how loudly the notes of a score might be struck.

A lead sheet and many a piano roll have no velocities; a player's hands have. A network that has seen such music only without does not
recognise it when it is played ("Written music that is played" in EXPERIMENTS). What a performance has, roughly: a level, a melody that
stands out, swells, chords that differ, and notes of a chord that differ, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..music.simultaneous_notes import stroke_numbers

# Velocities are MIDI numbers, 1 to 127.
EVEN_SHARE = 0.15  # share of players that strike all notes alike: some keyboards and files do not tell
LEVEL = (35.0, 95.0)  # from which a player's mean velocity is drawn
MAX_MELODY, MAX_SWELL = 16.0, 8.0  # by how much the melody stands out, and how far a swell goes either way
MAX_CHORD_SPREAD, MAX_NOTE_SPREAD = 6.0, 4.0  # standard deviations among chords, and among the notes of one
SWELL_SECONDS = (3.0, 12.0)  # from one swell to the next


def synthesize_velocities(
    rng: np.random.Generator, onset: NDArray[np.float64], pitch: NDArray[np.int64], melody: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(N,) velocities for N notes in the order of their onsets, in seconds.

    `melody`: (N,), which notes belong to it; where none or all do, the highest of each chord.
    """
    level = rng.uniform(*LEVEL)
    if rng.random() < EVEN_SHARE:
        return np.full(len(onset), round(level), dtype=np.int64)
    chord = stroke_numbers(onset)
    if melody.all() or not melody.any():
        top = np.full(chord[-1] + 1, -1)
        np.maximum.at(top, chord, pitch)
        melody = pitch == top[chord]
    swell = rng.uniform(0.0, MAX_SWELL) * np.sin(2.0 * np.pi * (onset / rng.uniform(*SWELL_SECONDS) + rng.random()))
    by_chord = rng.normal(0.0, rng.uniform(0.0, MAX_CHORD_SPREAD), chord[-1] + 1)[chord]
    by_note = rng.normal(0.0, rng.uniform(0.0, MAX_NOTE_SPREAD), len(onset))
    velocity = level + rng.uniform(0.0, MAX_MELODY) * melody + swell + by_chord + by_note
    return np.clip(velocity.round(), 2, 126).astype(np.int64)
