"""Passages: notes of one piece on their way to a training example, and what can be done with them.

Players are given to notes, phrases are cut, a motif is repeated, and one passage is transposed into the key of another. Where something is
drawn at random, the generator is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.note_records import HIGHEST, LOWEST
from .corpus import NoteArrays

FEWEST_TO_REPEAT = 24  # notes: a shorter passage has no motif to repeat
#: Semitones by which a repeated motif is transposed: mostly not at all, or by what sequences usually are.
REPEAT_SHIFTS = [0, 0, 0, 0, 12, -12, 2, -2, 3, 5, -5, 7, -7]


@dataclass(frozen=True, slots=True)
class Passage(NoteArrays):
    """Notes of one piece. A velocity of -1 is unknown."""

    synthetic_velocity: NDArray[np.bool_]  # whether its velocity is synthesised, and so is nothing to learn

    def pick(self, index: slice | NDArray[np.int64]) -> Passage:
        """Some of its notes, in the order of `index`."""
        return Passage(*(getattr(self, name)[index] for name in NAMES))

    def then(self, other: Passage, gap: float) -> Passage:
        """This passage and `other` after it, whose first onset is `gap` seconds after the last of this one."""
        later = replace(other, onset=other.onset - other.onset[0] + self.onset[-1] + gap)
        return Passage(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in NAMES))


NAMES = tuple(array.name for array in fields(Passage))


def style_steps(p: Passage) -> codec.Steps:
    """(N, 7) steps of a passage as the style encoder reads it: no roles, no bar, no feel."""
    rows = np.tile(codec.SILENCE, (len(p), 1))
    rows[1:, codec.TIME] = codec.time_bins(np.diff(p.onset))
    rows[:, codec.PITCH] = p.pitch - LOWEST
    rows[:, codec.VELOCITY] = np.where(p.velocity < 0, codec.UNKNOWN, p.velocity // 4)
    rows[:, codec.DURATION] = codec.duration_bins(p.duration)
    return rows


def draw_roles(rng: np.random.Generator, p: Passage) -> codec.Steps:
    """(N,) who plays each note: one player alone, two hands or parts at once, or two players in turn.

    Turns change at ends of phrases (half of the passages), at bars, or anywhere.
    """
    kind = rng.random()
    flip = int(rng.integers(2))
    if kind < 0.1:
        return np.full(len(p), flip)
    if kind < 0.22:
        if 0.1 < np.mean(p.part == 1) < 0.9:
            return (p.part == 1).astype(np.int64) ^ flip
        return (p.pitch >= int(np.median(p.pitch)) + int(rng.integers(-3, 4))).astype(np.int64) ^ flip
    if kind < 0.72:
        cuts = phrase_starts(p.onset, float(rng.uniform(1.5, 3.0)), float(rng.uniform(5.0, 9.0)))
    elif kind < 0.87 and np.isfinite(p.place).mean() > 0.9:
        bars = 1 + np.flatnonzero(np.diff(p.place) < -0.2)
        cuts = bars[int(rng.integers(4)) :: int(rng.choice([1, 2, 4]))]
    else:
        cuts = np.flatnonzero(rng.random(len(p)) < 1.0 / rng.uniform(12, 50))
    changes = np.zeros(len(p), dtype=np.int64)
    changes[np.asarray(cuts, dtype=np.int64)] = 1
    return (np.cumsum(changes) + flip) % 2


def phrase_starts(onset: NDArray[np.float64], shortest: float, longest: float) -> codec.Steps:
    """Indices of the notes that begin a phrase: after the longest wait in each `shortest` to `longest` seconds."""
    wait = np.diff(onset)
    starts: list[int] = []
    at = 0
    while True:
        a, b = np.searchsorted(onset, [onset[at] + shortest, onset[at] + longest])
        if b >= len(onset) or a >= b:
            return np.array(starts, dtype=np.int64)
        at = int(max(a, at + 1) + np.argmax(wait[max(a, at + 1) - 1 : b]))
        starts.append(at)


def repeat_motif(rng: np.random.Generator, p: Passage) -> Passage:
    """The passage with 6 to 48 of its notes played again at once: exactly, in another key, or a little freely."""
    if len(p) < FEWEST_TO_REPEAT:
        return p
    count = int(rng.integers(6, min(49, len(p) // 2)))
    at = int(rng.integers(1, len(p) - count))
    again = p.pick(slice(at, at + count))
    shift = int(rng.choice(REPEAT_SHIFTS))
    if again.pitch.min() + shift >= LOWEST and again.pitch.max() + shift <= HIGHEST:
        again = replace(again, pitch=again.pitch + shift)
    if rng.random() < 0.5:
        onset = np.sort(again.onset + rng.normal(0.0, 0.012, count))
        velocity = np.where(again.velocity < 0, -1, np.clip(again.velocity + rng.integers(-8, 9, count), 2, 126))
        again = replace(again, onset=onset, velocity=velocity)
    gap = float(np.clip(p.onset[at] - p.onset[at - 1], 0.08, 1.0))
    out = p.pick(slice(0, at + count)).then(again, gap).then(p.pick(slice(at + count, None)), gap)
    return replace(out, place=np.full(len(out), np.nan))


def shift_into_key(pitch: NDArray[np.int64], target: NDArray[np.int64]) -> int:
    """The transposition, -6 to 5 semitones, that brings `pitch` closest to the pitch classes of `target`."""
    want = np.bincount(target % 12, minlength=12)
    have = np.bincount(pitch % 12, minlength=12)
    fit = [float(want @ np.roll(have, shift)) for shift in range(-6, 6)]
    return int(np.argmax(fit)) - 6
