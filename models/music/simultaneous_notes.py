"""Chords as they are struck: which notes begin together, and within how many seconds that is.

Pure: onsets in seconds, notes in the order of their onsets. Three lengths are in use, each fitted with what uses it; none may change
without changing what is played or measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .note_records import Note

CHORD_SECONDS = 0.035
"""Onsets closer than this are one chord: in the figures that a style is made of, in training examples, and for all steering."""
SAME_STROKE_SECONDS = 0.03
"""A key that was struck so shortly before is not struck again by the same player. Shorter: one hand's chord in fast play, not a roll."""
STROKE_SECONDS = 0.04
"""Onsets closer than this are one stroke where time is told from strokes: the pulse, and the fitted rule of turns. Longer: hands are
uneven."""


def chords_of(notes: Sequence[Note], within: float = CHORD_SECONDS) -> list[list[Note]]:
    """The notes by what is struck at once: each chord ends `within` seconds after its first onset."""
    found: list[list[Note]] = []
    for note in notes:
        if found and note.onset - found[-1][0].onset <= within:
            found[-1].append(note)
        else:
            found.append([note])
    return found


def stroke_numbers(onsets: NDArray[np.float64], within: float = CHORD_SECONDS) -> NDArray[np.int64]:
    """The number of the stroke, from 0, that each of (n,) onsets belongs to; here each joins the one just before it, as in a roll."""
    numbers: NDArray[np.int64] = np.cumsum(np.diff(onsets, prepend=-np.inf) > within) - 1
    return numbers


def last_chord_size(notes: Sequence[Note], within: float = CHORD_SECONDS) -> int:
    """How many notes the last chord has so far, 1 at least; here each note joins the one just before it, as in a roll."""
    count = 1
    while count < len(notes) and notes[-count].onset - notes[-count - 1].onset <= within:
        count += 1
    return count
