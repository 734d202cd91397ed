"""Lessons: what the musician is shown. One lesson is a window of notes as it would meet them live, and what came next.

Knows nothing of networks or optimisers. Lesson `k` of step `s` depends on the seed, `s` and `k` alone, so any number of
processes draw the same course, and a course that was cut off goes on where it stopped.

What is done to a piece on its way here: transposed, its tempo and loudness varied, loudness made up where there is none, grids made human
(and told apart from humans), given to a caller and an answerer at phrase ends, bars or anywhere, or to two hands; motifs repeated, also in
other keys; notes that sounded at one of some moments left open; and most windows change style on their way, in one key, and mostly where
the player changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec, longest_match
from ..music import features
from ..music.note import CALL
from .corpus import Piece
from .velocity_synthesis import touched

DENSEST = 20.0  # notes a second; a passage above is a roll's trick or an error, and nobody could play it
SPLICED = 0.6  # share of lessons that change style on their way
TRADED = 0.75  # share of these in which another style is another player, too
FIGURED = ("onset", "duration", "pitch", "velocity")  # what a passage's attributes are measured of
TOUCHED = 0.75  # share of passages without velocities that are heard as if somebody had played them
UNTOLD = 0.5  # share of these whose style was read from the bare notes all the same, as presets' are
NOWS = 16  # fewer than so many moments besides the last one at which a window was heard, in half of the lessons
PASSAGES = 4  # how many passages, each with a style of its own, fit in one window


@dataclass(slots=True)
class Passage:
    """Notes of one piece on their way to a lesson; one entry a note."""

    onset: NDArray[np.float64]
    duration: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    part: NDArray[np.int64]
    place: NDArray[np.float64]
    made_up: NDArray[np.bool_]  # its velocity is: nobody is asked to expect it

    def __len__(self) -> int:
        return len(self.onset)

    def pick(self, index: slice | NDArray[np.int64]) -> Passage:
        """Some of its notes, in the order of `index`."""
        return Passage(*(getattr(self, name)[index] for name in Passage.__slots__))

    def then(self, other: Passage, gap: float) -> Passage:
        """This passage and `other` after it, its first onset `gap` seconds after the last of this one."""
        later = other.pick(slice(None))
        later.onset = later.onset - other.onset[0] + self.onset[-1] + gap
        return Passage(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in Passage.__slots__))


@dataclass(frozen=True, slots=True)
class Example:
    """A window of W steps. A field of `target` that equals its number of values is unknown, and not asked for."""

    steps: codec.Steps  # (W, 14), with their recall
    target: codec.Steps  # (W, 7), the step after each
    made_up: NDArray[np.bool_]  # (W,), whether the velocity of that one is, and so not asked for
    lengths: codec.Steps  # (W,), the steps' durations with nothing held: what a teacher may know
    style: codec.Steps  # (PASSAGES, N, 7): notes of the same passages, in another key
    style_known: NDArray[np.bool_]  # (PASSAGES, N)
    attributes: NDArray[np.float64]  # (PASSAGES, 7), standardised; NaN where unknown
    which: codec.Steps  # (W,): the passage whose style counts for the step after each


class ExampleStream:
    """All lessons over some pieces."""

    def __init__(self, pieces: Sequence[Piece], window: int, style_notes: int, seed: int = 0) -> None:
        self.pieces = [p for p in pieces if len(p) >= 16]
        self.window, self.style_notes, self.seed = window, style_notes, seed
        sources = sorted({p.source for p in self.pieces})
        notes = {s: sum(len(p) for p in self.pieces if p.source == s) for s in sources}
        root = sum(np.sqrt(n) for n in notes.values())
        # A source counts by the square root of its notes: half-way between all sources alike and all notes alike.
        weight = np.array([len(p) / np.sqrt(notes[p.source]) / root for p in self.pieces])
        self._cumulative = np.cumsum(weight)

    def lesson(self, step: int, k: int) -> Example:
        """Lesson `k` of step `step`."""
        rng = np.random.default_rng((self.seed, step, k))
        length = self.window + 1
        passage, style, piece = self._passage(rng, length)
        which = np.zeros(length, dtype=np.int64)
        styles, role = [style], None
        if rng.random() < SPLICED:
            passage, which, styles = self._spliced(rng, passage, style)
            if rng.random() < TRADED and len(styles) > 1:
                # Caller and answerer take turns, and live, the caller is heard under the style of the answer.
                role = (which + int(rng.integers(2))) % 2
                which = np.where((role == CALL) & (which + 1 < len(styles)), which + 1, which)
        elif rng.random() < 0.15:
            passage = repeated(rng, passage)
        passage = passage.pick(slice(length))
        rows, sounding_until = self._rows(rng, passage, piece, role)
        return self._finish(rng, rows, passage, sounding_until, which, styles)

    def _spliced(
        self, rng: np.random.Generator, passage: Passage, style: Passage | None
    ) -> tuple[Passage, codec.Steps, list[Passage | None]]:
        """Two to `PASSAGES` passages in one key, one after another; which one each note is of, and the style of each.

        A passage that has just begun is told from its style alone: what came before is of another one.
        """
        length = self.window + 1
        which, styles = np.zeros(length, dtype=np.int64), [style]
        parts = int(rng.integers(2, PASSAGES + 1))
        cuts = np.sort(rng.choice(np.arange(length // 16, length - length // 16), parts - 1, replace=False))
        for cut in cuts.tolist():
            more, style, _ = self._passage(rng, length - cut, like=passage.pitch[: max(cut, 1)])
            if len(passage) > cut and len(more) > 8:
                passage = passage.pick(slice(cut)).then(more, gap=float(rng.uniform(0.15, 1.0)))
                styles.append(style)
                which[cut:] = len(styles) - 1
        return passage, which, styles

    def _passage(
        self, rng: np.random.Generator, length: int, like: NDArray[np.int64] | None = None
    ) -> tuple[Passage, Passage | None, Piece]:
        """A passage of up to `length` notes, and notes of it in another key for the style, both changed alike."""
        for _ in range(8):
            piece = self.pieces[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.pieces) - 1)]
            start = int(rng.integers(0, max(len(piece) - length // 2, 1)))
            onset = piece.onset[start : start + length]
            if len(onset) > 8 and len(onset) / max(onset[-1] - onset[0], 0.1) <= DENSEST:
                break
        tempo = float(2.0 ** rng.uniform(-0.25, 0.25))
        velocity, made_up = self._velocities(rng, piece, slice(start, start + length), tempo)
        jitter = 0.0 if piece.human or rng.random() < 0.4 else float(rng.uniform(0.005, 0.015))

        def cut(begin: int, end: int, shift: int, bare: bool = False) -> Passage:
            s = slice(begin, end)
            onset = piece.onset[s] / tempo
            order: NDArray[np.int64] | slice = slice(None)
            if jitter:
                onset = onset + rng.normal(0.0, jitter, len(onset))
                order = np.argsort(onset, kind="stable")
            struck = np.full(len(onset), -1) if bare else velocity[begin - start : end - start]
            pitch = piece.pitch[s] + shift
            pitch = pitch + 12 * (pitch < 21) - 12 * (pitch > 108)
            duration = np.minimum(piece.duration[s] / tempo, 3.0)
            unasked = np.full(len(onset), made_up)
            return Passage(onset, duration, pitch, struck, piece.part[s], piece.place[s], unasked).pick(order)

        shift = int(rng.integers(-6, 6)) if like is None else _into_key(rng, piece.pitch[start : start + length], like)
        passage = cut(start, start + length, shift)
        # What is elsewhere in a piece tells how the piece is played; the passage itself, in another key, tells how *this* is
        # played, which is worth following to the letter.
        end = start + len(passage)
        if len(passage) < 24 or rng.random() < 0.1:
            return passage, None, piece
        begin = int(rng.integers(start, max(end - self.style_notes, start) + 1))
        bare = made_up and rng.random() < UNTOLD
        return passage, cut(begin, min(begin + self.style_notes, end), int(rng.integers(-6, 6)), bare), piece

    def _velocities(
        self, rng: np.random.Generator, piece: Piece, part: slice, tempo: float
    ) -> tuple[NDArray[np.int64], bool]:
        """How loud each note of a part of a piece is this time, -1 where nobody knows; and whether that is made up."""
        if piece.dynamics:
            loud, contrast = float(rng.normal(0.0, 8.0)), float(rng.uniform(0.8, 1.2))
            velocity = piece.velocity[part]
            velocity = velocity.mean() + (velocity - velocity.mean()) * contrast + loud
            return np.clip(velocity, 2, 126).astype(np.int64), False
        if rng.random() < TOUCHED:
            return touched(rng, piece.onset[part] / tempo, piece.pitch[part], piece.part[part] == 1), True
        return np.full(len(piece.onset[part]), -1), False

    def _rows(
        self, rng: np.random.Generator, p: Passage, piece: Piece, role: codec.Steps | None
    ) -> tuple[codec.Steps, NDArray[np.float64]]:
        rows = np.empty((len(p), len(codec.FIELDS)), dtype=np.int64)
        # Another style begins with the answer: that is how an answer learns to follow the style rather than the call.
        rows[:, codec.ROLE] = roles(rng, p) if role is None else role[: len(p)]
        rows[:, codec.TIME] = codec.time_bins(np.diff(p.onset, prepend=p.onset[0]))
        rows[0, codec.TIME] = codec.START
        rows[:, codec.PITCH] = p.pitch - 21
        rows[:, codec.VELOCITY] = np.where(p.velocity < 0, codec.UNKNOWN, p.velocity // 4)
        rows[:, codec.DURATION] = codec.duration_bins(p.duration)
        in_time = rng.random() < 0.4
        rows[:, codec.PLACE] = codec.place_bins(p.place) if in_time else codec.FREE
        on_grid = not piece.human and float(np.median(np.abs(np.diff(p.onset, 2)))) < 1e-3
        rows[:, codec.FEEL] = 0 if rng.random() < 0.15 else codec.GRID if on_grid else codec.HUMAN
        return rows, p.onset + p.duration

    def _finish(
        self,
        rng: np.random.Generator,
        rows: codec.Steps,
        passage: Passage,
        ends: NDArray[np.float64],
        which: codec.Steps,
        styles: list[Passage | None],
    ) -> Example:
        steps = np.tile(codec.SILENCE, (self.window, 1))
        target = np.tile(codec.SILENCE, (self.window, 1))
        target[:, codec.ROLE] = codec.SIZES[codec.ROLE]
        made_up = np.zeros(self.window, dtype=bool)
        if rng.random() < 0.5:  # from the very beginning
            count = min(len(rows), self.window)
            steps[1:count] = rows[: count - 1]
            target[:count], made_up[:count] = rows[:count], passage.made_up[:count]
            which = which[:-1]
            heard = slice(1, count), slice(0, count - 1)
        else:
            count = len(rows) - 1
            steps[:count] = rows[:-1]
            target[:count], made_up[:count] = rows[1:], passage.made_up[1 : count + 1]
            which = which[1:]
            heard = slice(0, count), slice(0, count)
        lengths = steps[:, codec.DURATION].copy()
        if rng.random() < 0.5:  # "now" is the last onset, and was some others: what sounded past them was still held
            into, of = heard
            onset, end = passage.onset[of], ends[of]
            open_ = np.zeros(len(onset), dtype=bool)
            for now in (len(onset) - 1, *rng.integers(len(onset), size=rng.integers(NOWS)).tolist()):
                open_[: now + 1] |= end[: now + 1] > onset[now] + 1e-4
            if rng.random() < 0.7:
                open_ &= rows[of, codec.ROLE] == CALL  # the answerer knows how long its own notes will be
            steps[into, codec.DURATION] = np.where(open_, codec.HELD_STEP, steps[into, codec.DURATION])
        style = np.tile(codec.SILENCE, (PASSAGES, self.style_notes, 1))
        known = np.zeros((PASSAGES, self.style_notes), dtype=bool)
        figures = np.full((PASSAGES, len(features.NAMES)), np.nan)
        for i, told in enumerate(styles):
            if told is not None:
                style[i, : len(told)] = style_steps(told)
                known[i, : len(told)] = True
                figures[i] = features.standard(features.measure(*(getattr(told, f).tolist() for f in FIGURED)))
                if told.velocity[0] < 0:
                    figures[i, features.NAMES.index("loudness")] = np.nan
        return Example(
            longest_match.add_recall(steps, self.window), target, made_up, lengths, style, known, figures, which
        )


def style_steps(p: Passage) -> codec.Steps:
    """A passage as the style encoder reads it: no roles, no bar, no feel."""
    rows = np.tile(codec.SILENCE, (len(p), 1))
    rows[1:, codec.TIME] = codec.time_bins(np.diff(p.onset))
    rows[:, codec.PITCH] = p.pitch - 21
    rows[:, codec.VELOCITY] = np.where(p.velocity < 0, codec.UNKNOWN, p.velocity // 4)
    rows[:, codec.DURATION] = codec.duration_bins(p.duration)
    return rows


def roles(rng: np.random.Generator, p: Passage) -> codec.Steps:
    """Who plays each note: two players in turn, two hands or parts at once, or one player alone."""
    kind, flip = rng.random(), int(rng.integers(2))
    if kind < 0.1:
        return np.full(len(p), flip)
    if kind < 0.22:
        if 0.1 < np.mean(p.part == 1) < 0.9:
            return (p.part == 1).astype(np.int64) ^ flip
        return (p.pitch >= int(np.median(p.pitch)) + int(rng.integers(-3, 4))).astype(np.int64) ^ flip
    if kind < 0.72:
        cuts = phrase_ends(p.onset, float(rng.uniform(1.5, 3.0)), float(rng.uniform(5.0, 9.0)))
    elif kind < 0.87 and np.isfinite(p.place).mean() > 0.9:
        bars = 1 + np.flatnonzero(np.diff(p.place) < -0.2)
        cuts = bars[int(rng.integers(4)) :: int(rng.choice([1, 2, 4]))]
    else:
        cuts = np.flatnonzero(rng.random(len(p)) < 1.0 / rng.uniform(12, 50))
    turns = np.zeros(len(p), dtype=np.int64)
    turns[np.asarray(cuts, dtype=np.int64)] = 1
    return (np.cumsum(turns) + flip) % 2


def phrase_ends(onset: NDArray[np.float64], shortest: float, longest: float) -> codec.Steps:
    """Indices of the notes that begin a phrase: after the longest wait in each `shortest` to `longest` seconds."""
    wait = np.diff(onset)
    cuts: list[int] = []
    at = 0
    while True:
        a, b = np.searchsorted(onset, [onset[at] + shortest, onset[at] + longest])
        if b >= len(onset) or a >= b:
            return np.array(cuts, dtype=np.int64)
        at = int(max(a, at + 1) + np.argmax(wait[max(a, at + 1) - 1 : b]))
        cuts.append(at)


def repeated(rng: np.random.Generator, p: Passage) -> Passage:
    """The passage with 6 to 48 of its notes played again at once: exactly, in another key, or a little freely."""
    if len(p) < 24:
        return p
    count = int(rng.integers(6, min(49, len(p) // 2)))
    at = int(rng.integers(1, len(p) - count))
    again = p.pick(slice(at, at + count))
    shift = int(rng.choice([0, 0, 0, 0, 12, -12, 2, -2, 3, 5, -5, 7, -7]))
    if again.pitch.min() + shift >= 21 and again.pitch.max() + shift <= 108:
        again.pitch = again.pitch + shift
    if rng.random() < 0.5:
        again.onset = np.sort(again.onset + rng.normal(0.0, 0.012, count))
        again.velocity = np.where(again.velocity < 0, -1, np.clip(again.velocity + rng.integers(-8, 9, count), 2, 126))
    gap = float(np.clip(p.onset[at] - p.onset[at - 1], 0.08, 1.0))
    out = p.pick(slice(0, at + count)).then(again, gap).then(p.pick(slice(at + count, None)), gap)
    out.place = np.full(len(out), np.nan)
    return out


def _into_key(rng: np.random.Generator, pitch: NDArray[np.int64], like: NDArray[np.int64]) -> int:
    """The transposition, -6 to 5, that brings `pitch` closest to the pitch classes of `like`."""
    want = np.bincount(like % 12, minlength=12)
    have = np.bincount(pitch % 12, minlength=12)
    fit = [float(want @ np.roll(have, s)) for s in range(-6, 6)]
    return int(np.argmax(fit)) - 6


def batch(course: ExampleStream, step: int, indices: Sequence[int]) -> dict[str, NDArray[np.generic]]:
    """Lessons `indices` of a step, stacked: each field of `Example` with a leading axis."""
    lessons = [course.lesson(step, k) for k in indices]
    return {name: np.stack([getattr(lesson, name) for lesson in lessons]) for name in Example.__slots__}
