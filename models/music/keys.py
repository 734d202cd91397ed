"""Keys: the diatonic collection that holds most of some notes, how sure that is, and its home triad.

Pure: pitches are MIDI numbers, keys are told by their major tonic (0 = C), as a minor key shares its relative major's notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .note_records import HIGHEST, LOWEST

SCALE = (0, 2, 4, 5, 7, 9, 11)
"""The major scale, in semitones from its tonic."""
MAJOR = np.array([float(step in SCALE) for step in range(12)])
KEYS = np.stack([np.roll(MAJOR, tonic) for tonic in range(12)])
"""The twelve diatonic collections, (12, 12): 1 where a pitch class belongs to the key."""
#: Round the circle of fifths: the next key's tonic, its tone that the key before it has not, and the one that it has not.
_FIFTHS = [(7 * i % 12, (7 * i + 11) % 12, (7 * i + 10) % 12) for i in range(1, 12)]

CHROMATIC = 0.7  # share of notes in their best key at which they are in none
THIRD_FIFTH = 0.6  # of the root's share: how much the other two notes of the home triad are home
_CLASSES = np.arange(LOWEST, HIGHEST + 1) % 12

Row = NDArray[np.floating]


def classes_of(pitches: Iterable[int]) -> list[int]:
    """How many notes there are of each pitch class, C first."""
    classes = [0] * 12
    for pitch in pitches:
        classes[pitch % 12] += 1
    return classes


def within_keys(classes: Sequence[int]) -> list[int]:
    """How many of so many notes of each pitch class are in each diatonic collection, by its major tonic."""
    held = [0] * 12
    held[0] = notes = sum(classes[0:5:2]) + sum(classes[5:12:2])
    for tonic, comes, goes in _FIFTHS:
        held[tonic] = notes = notes + classes[comes] - classes[goes]
    return held


def key_of(pitches: Iterable[int]) -> int:
    """The key that holds most of the notes; of equals, the lowest tonic."""
    held = within_keys(classes_of(pitches))
    return held.index(max(held))


def key_share(pitches: Iterable[int]) -> tuple[int, float]:
    """The key that holds most of the notes, and the share that it holds, 0 to 1; of no notes, 0."""
    classes = classes_of(pitches)
    held = within_keys(classes)
    most = max(held)
    return held.index(most), most / max(sum(classes), 1)


def certainty(share: float) -> float:
    """How sure it is that music is in a key at all that holds this share of its notes, 0 to 1."""
    return min(max((share - CHROMATIC) / (1.0 - CHROMATIC), 0.0), 1.0)


def outside(tonic: int) -> NDArray[np.bool_]:
    """Which pitches of the piano, (88,), are not in a key."""
    found: NDArray[np.bool_] = KEYS[tonic][_CLASSES] == 0
    return found


def outside_set(classes: int) -> NDArray[np.bool_]:
    """Which pitches of the piano, (88,), are not in a set of pitch classes (bit 0 is C)."""
    found: NDArray[np.bool_] = ((classes >> _CLASSES) & 1) == 0
    return found


def home(pitches: Iterable[int], asked: int = 0) -> NDArray[np.float32]:
    """How much each pitch of the piano, (88,), is home to notes of these pitches, 0 to 1; 0 throughout where they are in no key.

    Home is the tonic triad, its root most. `asked`: a set of pitch classes (bit 0 is C) that stands for the key, where one is asked for.
    """
    heard = classes_of(pitches)
    scale = [asked >> c & 1 for c in range(12)] if asked else heard
    if not any(scale):
        return np.zeros(len(_CLASSES), np.float32)
    held = within_keys(scale)
    most = max(held)
    tonic = held.index(most)
    at_home = np.zeros(12)
    at_home[_triad(heard, tonic)] = 1.0, THIRD_FIFTH, THIRD_FIFTH
    row: NDArray[np.float32] = (certainty(most / sum(scale)) * at_home[_CLASSES]).astype(np.float32)
    return row


def _triad(heard: Sequence[int], tonic: int) -> list[int]:
    """Pitch classes of the home triad, root first: of a key and its relative minor, the one of which more was heard."""
    major, minor = ([(tonic + step) % 12 for step in triad] for triad in ((0, 4, 7), (9, 0, 4)))
    return major if sum(heard[c] for c in major) >= sum(heard[c] for c in minor) else minor
