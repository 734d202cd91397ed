"""Metrics of answers: plain figures of the notes after a call, by themselves and beside the call.

Shares are 0 to 1. A musician could check each of them by ear; no network is asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import features, keys
from .melody import skyline
from .note_records import LOWEST, Note
from .simultaneous_notes import CHORD_SECONDS, chords_of

NGRAM = 4  # notes of a pattern
OVERLAP_SECONDS = 0.15  # a finger that goes over to the next key takes no longer
WAIT_EDGES = 0.03125 * 2.0 ** (np.arange(15) / 2)  # seconds: edges of bands half an octave wide, up to 4 s
LONGEST_SECONDS = 3.0  # that a note counts for
SHORTEST_SECONDS = 0.03  # that a note counts for, where lengths are compared

Floats = NDArray[np.float64]


def note_features(notes: Sequence[Note]) -> Floats:
    """The features of `models.music.features`, (7,), of at least four notes."""
    onset, pitch, velocity = ([getattr(n, k) for n in notes] for k in ("onset", "pitch", "velocity"))
    return features.measure(onset, [min(n.duration, LONGEST_SECONDS) for n in notes], pitch, velocity)


def pitch_ngrams(notes: Sequence[Note]) -> list[tuple[int, ...]]:
    """Every `NGRAM` pitches in a row, in their order."""
    pitch = [n.pitch for n in notes]
    return [tuple(pitch[i : i + NGRAM]) for i in range(len(pitch) - NGRAM + 1)]


def repeated_share(notes: Sequence[Note]) -> float:
    """The share of n-grams of pitches that came before in the same phrase."""
    found = pitch_ngrams(notes)
    return 1.0 - len(set(found)) / len(found) if found else 0.0


def copied_share(call: Sequence[Note], notes: Sequence[Note]) -> float:
    """The share of n-grams of pitches that are the call's."""
    in_call = set(pitch_ngrams(call))
    found = pitch_ngrams(notes)
    return float(np.mean([p in in_call for p in found])) if found else 0.0


def in_key_share(call: Sequence[Note], notes: Sequence[Note]) -> float:
    """The share of notes in the call's best-fitting key."""
    tonic = keys.key_of(n.pitch for n in call)
    return float(np.mean([keys.KEYS[tonic][n.pitch % 12] for n in notes]))


def ends_at_home(call: Sequence[Note], notes: Sequence[Note]) -> float | None:
    """Whether the top note of the last chord belongs to the home triad of the call's key, 1 or 0; None where the call is in no key."""
    home = keys.home([n.pitch for n in call])
    top = max(n.pitch for n in notes if notes[-1].onset - n.onset <= CHORD_SECONDS)
    return float(home[top - LOWEST] > 0.0) if home.any() else None


def length_spread(notes: Sequence[Note]) -> float | None:
    """How much the lengths of the notes of a chord differ: the mean standard deviation, in octaves; None where there is no chord."""
    chords = [chord for chord in chords_of(notes) if len(chord) > 1]
    spreads = [
        np.std([np.log2(min(max(n.duration, SHORTEST_SECONDS), LONGEST_SECONDS)) for n in chord]) for chord in chords
    ]
    return float(np.mean(spreads)) if spreads else None


def dissonance_share(notes: Sequence[Note]) -> float:
    """The share of chords after which two notes sound that are 1, 11 or 13 semitones apart."""
    clashes = []
    for chord in chords_of(notes):
        at = chord[0].onset + CHORD_SECONDS
        sounding = {n.pitch for n in notes if n.onset <= at < n.end}
        clashes.append(any(low + leap in sounding for low in sounding for leap in (1, 11, 13)))
    return float(np.mean(clashes))


def overlap_share(notes: Sequence[Note]) -> float | None:
    """The share of melody notes that still sound `OVERLAP_SECONDS` after the next has begun; None with too few notes."""
    melody = skyline(notes)
    if len(melody) < NGRAM:
        return None
    return float(np.mean([note.end > after.onset + OVERLAP_SECONDS for note, after in itertools.pairwise(melody)]))


def rhythm_distance(call: Sequence[Note], notes: Sequence[Note]) -> float | None:
    """The distance of two rhythms: 0 where waits between chords fall alike into bands of half an octave, 2 where they share no band.

    It is the L1 distance of two histograms. None where one of them has too few chords.
    """
    shares = []
    for each in (call, notes):
        onsets = np.array([chord[0].onset for chord in chords_of(each)])
        if len(onsets) <= NGRAM:
            return None
        waits = np.log2(np.clip(np.diff(onsets), WAIT_EDGES[0], WAIT_EDGES[-1] - 1e-9))
        shares.append(np.histogram(waits, np.log2(WAIT_EDGES))[0] / len(waits))
    return float(np.abs(shares[0] - shares[1]).sum())
