"""Training examples: a window of notes as the network would meet them live, and the step that followed each.

Example `k` of step `s` depends on the seed, `s` and `k` alone. So any number of processes draw the same stream, and training that was
interrupted goes on where it stopped.

What is done to a piece on its way here: it is transposed, and its tempo and loudness are varied. Velocities are synthesised where there
are none. Grids are made human, and marked as such. Notes are given to a caller and an answerer, or to two hands. Motifs are repeated. Notes
that sounded at some moments are left open. Most windows change style on their way, in one key. EXPERIMENTS tells what each was worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec, longest_match_features
from ..music import features
from ..music.note_records import CALL, HIGHEST, LOWEST
from .corpus import Piece
from .passage_operations import Passage, draw_roles, repeat_motif, shift_into_key, style_steps
from .velocity_synthesis import synthesize_velocities

FEWEST_NOTES = 16  # of a piece
MAX_DENSITY = 20.0  # notes a second; a denser passage is a roll's trick or an error, and nobody could play it
SPLICED = 0.6  # share of examples that change style on their way ("Splicing of passages")
TRADED = 0.75  # share of these in which another style is another player, too
REPEATED = 0.15  # share of the others in which a motif is repeated
MEASURED = ("onset", "duration", "pitch", "velocity")  # what a passage's features are measured from
SYNTHESIZED = 0.75  # share of passages without velocities that get some ("Written music that is played")
BARE_STYLE = 0.5  # share of these whose style is read without them, as presets' are
MOMENTS = 16  # in half of the examples: below this many moments, besides the last, at which sounding notes are held
PASSAGES = 4  # how many passages, each with a style of its own, fit in one window
FEWEST_FOR_STYLE = 24  # notes of a passage that a style can be read from
TEMPO_OCTAVES = 0.25  # a tempo is varied by at most this, either way
JITTER_SECONDS = (0.005, 0.015)  # by which onsets on a grid are moved, one standard deviation


@dataclass(frozen=True, slots=True)
class Example:
    """A window of W steps. A field of `target` that equals its number of values is unknown, and nothing to learn."""

    steps: codec.Steps  # (W, 14), with their recall
    target: codec.Steps  # (W, 7), the step after each
    synthetic_velocity: NDArray[np.bool_]  # (W,), whether the target's velocity is synthesised, and nothing to learn
    full_duration: codec.Steps  # (W,), the steps' durations with nothing held: what a teacher may know
    style: codec.Steps  # (PASSAGES, N, 7): notes of the same passages, in another key
    style_known: NDArray[np.bool_]  # (PASSAGES, N)
    features: NDArray[np.float64]  # (PASSAGES, 7), standardised; NaN where unknown
    passage: codec.Steps  # (W,): the passage whose style counts for the step after each


class ExampleStream:
    """All examples over some pieces. `window` and `style_notes` are in notes."""

    def __init__(self, pieces: Sequence[Piece], window: int, style_notes: int, seed: int = 0) -> None:
        self.pieces = [p for p in pieces if len(p) >= FEWEST_NOTES]
        self.window = window
        self.style_notes = style_notes
        self.seed = seed
        sources = sorted({p.source for p in self.pieces})
        notes = {s: sum(len(p) for p in self.pieces if p.source == s) for s in sources}
        root = sum(np.sqrt(n) for n in notes.values())
        # A source counts by the square root of its notes: half-way between all sources alike and all notes alike.
        weight = np.array([len(p) / np.sqrt(notes[p.source]) / root for p in self.pieces])
        self._cumulative = np.cumsum(weight)

    def example(self, step: int, k: int) -> Example:
        """Example `k` of step `step`."""
        rng = np.random.default_rng((self.seed, step, k))
        length = self.window + 1
        passage, style, piece = self._draw_passage(rng, length)
        which = np.zeros(length, dtype=np.int64)
        styles = [style]
        role = None
        if rng.random() < SPLICED:
            passage, which, styles = self._splice(rng, passage, style)
            if rng.random() < TRADED and len(styles) > 1:
                # Caller and answerer take turns, and live, the caller is heard under the style of the answer.
                role = (which + int(rng.integers(2))) % 2
                which = np.where((role == CALL) & (which + 1 < len(styles)), which + 1, which)
        elif rng.random() < REPEATED:
            passage = repeat_motif(rng, passage)
        passage = passage.pick(slice(length))
        rows = self._encode(rng, passage, piece, role)
        return self._finish(rng, rows, passage, which, styles)

    def _splice(
        self, rng: np.random.Generator, passage: Passage, style: Passage | None
    ) -> tuple[Passage, codec.Steps, list[Passage | None]]:
        """Two to `PASSAGES` passages in one key, one after another; the number of each note's passage, and the style of each.

        Of a passage that has just begun, only its style tells how it goes on: the notes before belong to another.
        """
        length = self.window + 1
        which = np.zeros(length, dtype=np.int64)
        styles = [style]
        parts = int(rng.integers(2, PASSAGES + 1))
        cuts = np.sort(rng.choice(np.arange(length // 16, length - length // 16), parts - 1, replace=False))
        for cut in cuts.tolist():
            more, style, _ = self._draw_passage(rng, length - cut, like=passage.pitch[: max(cut, 1)])
            if len(passage) > cut and len(more) > 8:
                passage = passage.pick(slice(cut)).then(more, gap=float(rng.uniform(0.15, 1.0)))
                styles.append(style)
                which[cut:] = len(styles) - 1
        return passage, which, styles

    def _draw_passage(
        self, rng: np.random.Generator, length: int, like: NDArray[np.int64] | None = None
    ) -> tuple[Passage, Passage | None, Piece]:
        """A passage of up to `length` notes, notes of it in another key for the style, both varied alike, and their piece.

        `like`: pitches of the key that the passage is transposed into.
        """
        for _ in range(8):
            piece = self.pieces[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.pieces) - 1)]
            start = int(rng.integers(0, max(len(piece) - length // 2, 1)))
            onset = piece.onset[start : start + length]
            if len(onset) > 8 and len(onset) / max(onset[-1] - onset[0], 0.1) <= MAX_DENSITY:
                break
        tempo = float(2.0 ** rng.uniform(-TEMPO_OCTAVES, TEMPO_OCTAVES))
        velocity, synthetic = self._draw_velocities(rng, piece, slice(start, start + length), tempo)
        jitter = 0.0 if piece.human or rng.random() < 0.4 else float(rng.uniform(*JITTER_SECONDS))

        def cut(begin: int, end: int, shift: int, bare: bool = False) -> Passage:
            s = slice(begin, end)
            onset = piece.onset[s] / tempo
            order: NDArray[np.int64] | slice = slice(None)
            if jitter:
                onset = onset + rng.normal(0.0, jitter, len(onset))
                order = np.argsort(onset, kind="stable")
            loudness = np.full(len(onset), -1) if bare else velocity[begin - start : end - start]
            pitch = piece.pitch[s] + shift
            pitch = pitch + 12 * (pitch < LOWEST) - 12 * (pitch > HIGHEST)
            duration = np.minimum(piece.duration[s] / tempo, codec.DURATIONS[-1])
            all_synthetic = np.full(len(onset), synthetic)
            return Passage(onset, duration, pitch, loudness, piece.part[s], piece.place[s], all_synthetic).pick(order)

        shift = int(rng.integers(-6, 6)) if like is None else shift_into_key(piece.pitch[start : start + length], like)
        passage = cut(start, start + length, shift)
        # The style is read from the passage itself, in another key: how it is played is worth following to the letter
        # ("Style from the passage itself").
        end = start + len(passage)
        if len(passage) < FEWEST_FOR_STYLE or rng.random() < 0.1:
            return passage, None, piece
        begin = int(rng.integers(start, max(end - self.style_notes, start) + 1))
        bare = synthetic and rng.random() < BARE_STYLE
        style = cut(begin, min(begin + self.style_notes, end), int(rng.integers(-6, 6)), bare)
        return passage, style, piece

    def _draw_velocities(
        self, rng: np.random.Generator, piece: Piece, part: slice, tempo: float
    ) -> tuple[NDArray[np.int64], bool]:
        """The velocity of each note of a part of a piece this time, -1 where it is unknown; and whether it is synthesised."""
        if piece.dynamics:
            offset = float(rng.normal(0.0, 8.0))
            contrast = float(rng.uniform(0.8, 1.2))
            velocity = piece.velocity[part]
            velocity = velocity.mean() + (velocity - velocity.mean()) * contrast + offset
            return np.clip(velocity, 2, 126).astype(np.int64), False
        if rng.random() < SYNTHESIZED:
            melody = piece.part[part] == 1
            return synthesize_velocities(rng, piece.onset[part] / tempo, piece.pitch[part], melody), True
        return np.full(len(piece.onset[part]), -1), False

    def _encode(self, rng: np.random.Generator, p: Passage, piece: Piece, role: codec.Steps | None) -> codec.Steps:
        """(N, 7) steps of a passage. `role`: who plays each note, at least (N,); None: it is drawn."""
        rows = np.empty((len(p), len(codec.FIELDS)), dtype=np.int64)
        # Another style begins with the answer: that is how an answer learns to follow the style rather than the call.
        rows[:, codec.ROLE] = draw_roles(rng, p) if role is None else role[: len(p)]
        rows[:, codec.TIME] = codec.time_bins(np.diff(p.onset, prepend=p.onset[0]))
        rows[0, codec.TIME] = codec.START
        rows[:, codec.PITCH] = p.pitch - LOWEST
        rows[:, codec.VELOCITY] = np.where(p.velocity < 0, codec.UNKNOWN, p.velocity // 4)
        rows[:, codec.DURATION] = codec.duration_bins(p.duration)
        in_time = rng.random() < 0.4
        rows[:, codec.PLACE] = codec.place_bins(p.place) if in_time else codec.FREE
        on_grid = not piece.human and float(np.median(np.abs(np.diff(p.onset, 2)))) < 1e-3
        feel = codec.GRID if on_grid else codec.HUMAN
        rows[:, codec.FEEL] = 0 if rng.random() < 0.15 else feel
        return rows

    def _finish(
        self,
        rng: np.random.Generator,
        rows: codec.Steps,
        passage: Passage,
        which: codec.Steps,
        styles: list[Passage | None],
    ) -> Example:
        """The example of these steps: from silence on, or from the midst of the music."""
        steps = np.tile(codec.SILENCE, (self.window, 1))
        target = np.tile(codec.SILENCE, (self.window, 1))
        target[:, codec.ROLE] = codec.SIZES[codec.ROLE]
        synthetic = np.zeros(self.window, dtype=bool)
        if rng.random() < 0.5:  # from the very beginning
            count = min(len(rows), self.window)
            inside = slice(1, count)  # where in the window the notes lie that are inputs
            source = slice(0, count - 1)  # which notes of the passage these are
            target[:count] = rows[:count]
            synthetic[:count] = passage.synthetic_velocity[:count]
            which = which[:-1]
        else:
            count = len(rows) - 1
            inside = source = slice(0, count)
            target[:count] = rows[1:]
            synthetic[:count] = passage.synthetic_velocity[1 : count + 1]
            which = which[1:]
        steps[inside] = rows[source]
        full_duration = steps[:, codec.DURATION].copy()
        if rng.random() < 0.5:
            held = self._draw_held(rng, passage.pick(source), rows[source, codec.ROLE])
            steps[inside, codec.DURATION] = np.where(held, codec.HELD_STEP, steps[inside, codec.DURATION])
        style, known, measured = self._stack_styles(styles)
        steps = longest_match_features.add_recall(steps, self.window)
        return Example(steps, target, synthetic, full_duration, style, known, measured, which)

    @staticmethod
    def _draw_held(rng: np.random.Generator, p: Passage, role: codec.Steps) -> NDArray[np.bool_]:
        """(N,) which notes are held: those that sounded past the last onset, or past some other moment of the past."""
        end = p.onset + p.duration
        held = np.zeros(len(p), dtype=bool)
        for now in (len(p) - 1, *rng.integers(len(p), size=rng.integers(MOMENTS)).tolist()):
            held[: now + 1] |= end[: now + 1] > p.onset[now] + 1e-4
        if rng.random() < 0.7:
            held &= role == CALL  # the answerer knows how long its own notes will be
        return held

    def _stack_styles(
        self, styles: Sequence[Passage | None]
    ) -> tuple[codec.Steps, NDArray[np.bool_], NDArray[np.float64]]:
        """Steps, (PASSAGES, N, 7), which of them are there, (PASSAGES, N), and the features, (PASSAGES, 7), of these styles."""
        style = np.tile(codec.SILENCE, (PASSAGES, self.style_notes, 1))
        known = np.zeros((PASSAGES, self.style_notes), dtype=bool)
        measured = np.full((PASSAGES, len(features.NAMES)), np.nan)
        for i, p in enumerate(styles):
            if p is None:
                continue
            style[i, : len(p)] = style_steps(p)
            known[i, : len(p)] = True
            measured[i] = features.standardize(features.measure(*(getattr(p, name).tolist() for name in MEASURED)))
            if p.velocity[0] < 0:
                measured[i, features.LOUDNESS] = np.nan
        return style, known, measured


def make_batch(stream: ExampleStream, step: int, indices: Sequence[int]) -> dict[str, NDArray[np.generic]]:
    """Examples `indices` of a step, stacked: each field of `Example` with a leading axis."""
    examples = [stream.example(step, k) for k in indices]
    return {name: np.stack([getattr(example, name) for example in examples]) for name in Example.__slots__}
