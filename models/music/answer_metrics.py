"""Likeness: plain figures of what was played after a call: beside the call, and beside what really came next.

Knows nothing of networks, corpora or who played it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import features, keys
from .chords import CHORD_SECONDS, chords_of
from .melody import on_top
from .note import LOWEST, Note

GRAM = 4  # notes of a pattern
RINGS = 0.15  # seconds: a finger that goes over to the next key takes no longer
WAITS = 0.03125 * 2.0 ** (np.arange(15) / 2)  # seconds, from one half octave to the next, to 4

Floats = NDArray[np.float64]


def figures(notes: Sequence[Note]) -> Floats:
    """The seven attributes, (7,), of at least four notes."""
    onset, pitch, velocity = ([getattr(n, k) for n in notes] for k in ("onset", "pitch", "velocity"))
    return features.measure(onset, [min(n.duration, 3.0) for n in notes], pitch, velocity)


def patterns(notes: Sequence[Note]) -> list[tuple[int, ...]]:
    """The patterns of `GRAM` pitches in a row."""
    pitch = [n.pitch for n in notes]
    return [tuple(pitch[i : i + GRAM]) for i in range(len(pitch) - GRAM + 1)]


def repetition(notes: Sequence[Note]) -> float:
    """The share of patterns that were there before in the same phrase."""
    found = patterns(notes)
    return 1.0 - len(set(found)) / len(found) if found else 0.0


def copied(call: Sequence[Note], notes: Sequence[Note]) -> float:
    """The share of patterns that are the call's."""
    there, found = set(patterns(call)), patterns(notes)
    return float(np.mean([p in there for p in found])) if found else 0.0


def in_key(call: Sequence[Note], notes: Sequence[Note]) -> float:
    """The share of notes in the call's best-fitting key."""
    tonic = keys.key_of(n.pitch for n in call)
    return float(np.mean([keys.KEYS[tonic][n.pitch % 12] for n in notes]))


def at_home(call: Sequence[Note], notes: Sequence[Note]) -> float | None:
    """Whether what lies on top of the last chord is of the home triad of the call's key, 1 or 0; None where it is in no key."""
    home = keys.home([n.pitch for n in call])
    top = max(n.pitch for n in notes if notes[-1].onset - n.onset <= CHORD_SECONDS)
    return float(home[top - LOWEST] > 0.0) if home.any() else None


def ragged(notes: Sequence[Note]) -> float | None:
    """How unlike in length the notes of a chord are: the mean spread, in octaves of seconds; None where there is no chord."""
    chords = [chord for chord in chords_of(notes) if len(chord) > 1]
    spreads = [np.std([np.log2(min(max(n.duration, 0.03), 3.0)) for n in chord]) for chord in chords]
    return float(np.mean(spreads)) if spreads else None


def clashing(notes: Sequence[Note]) -> float:
    """The share of strikes after which two notes sound that are a semitone apart, or an octave and a semitone, or less one."""
    clashes = []
    for chord in chords_of(notes):
        at = chord[0].onset + CHORD_SECONDS
        sounding = {n.pitch for n in notes if n.onset <= at < n.end}
        clashes.append(any(low + leap in sounding for low in sounding for leap in (1, 11, 13)))
    return float(np.mean(clashes))


def ringing(notes: Sequence[Note]) -> float | None:
    """The share of the tune's notes that still sound `RINGS` after its next one has begun; None where there is hardly a tune."""
    tune = on_top(notes)
    if len(tune) < GRAM:
        return None
    return float(np.mean([note.end > after.onset + RINGS for note, after in itertools.pairwise(tune)]))


def unlike(call: Sequence[Note], notes: Sequence[Note]) -> float | None:
    """How far apart two rhythms are: 0 where the waits between strikes are shared out alike among half octaves, 2 where they share none.

    None where one of them has too few.
    """
    shares = []
    for each in (call, notes):
        onsets = np.array([chord[0].onset for chord in chords_of(each)])
        if len(onsets) <= GRAM:
            return None
        waits = np.log2(np.clip(np.diff(onsets), WAITS[0], WAITS[-1] - 1e-9))
        shares.append(np.histogram(waits, np.log2(WAITS))[0] / len(waits))
    return float(np.abs(shares[0] - shares[1]).sum())
