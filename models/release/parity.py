"""Parity: does a faster runtime expect what the reference expects?

Both read the same music, with a past and a style, and at each note give logits of all five fields of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..decoding.engine import Engine
from ..encoding import codec, longest_match_features
from ..encoding.codec import Steps
from ..music.note_records import Note, Span
from ..runtime.backend import Backend, Floats

FEWEST_SAME = 0.99  # share of the likeliest values that are the same
MOST_WORSE = 0.005  # share of the reference's bits a note that the other may need more
TEMPERATURE = 0.7  # by which generated music is about as predictable as real music
Passage = tuple[Steps, Floats]  # (N, 7) steps, the first of them silence, and a (latent,) style


@dataclass(frozen=True)
class Agreement:
    """How far two backends agree."""

    same: float  # the share of fields whose likeliest value is the same
    reference_bits: float  # a note
    bits: float  # a note, of the other
    notes: int
    error: float  # the root mean square difference of their logits

    @property
    def worse(self) -> float:
        """How many more bits the other needs, as a share of the reference's; negative where it needs fewer."""
        return self.bits / self.reference_bits - 1.0

    @property
    def holds(self) -> bool:
        """Whether the other may play in the reference's place."""
        return self.same >= FEWEST_SAME and self.worse < MOST_WORSE

    def __str__(self) -> str:
        return (
            f"{100 * self.same:.2f} % of the likeliest values are the same, and {self.bits:.3f} bits a note against "
            f"{self.reference_bits:.3f} ({100 * self.worse:+.2f} %), over {self.notes} notes"
        )


class ParityCheck:
    """The logits of a reference on some passages, with which others are compared."""

    def __init__(self, reference: Backend, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self._reference_logits = [_logits_by_field(reference, *passage) for passage in passages]

    def compare(self, other: Backend, at_once: int = 1) -> Agreement:
        """Let the other read the passages: note by note, as it plays, or `at_once` so many, which is quicker."""
        fields = len(codec.SIZES)
        same = 0
        notes = 0
        squares = 0.0
        bits = np.zeros(2)
        for (rows, z), expected in zip(self.passages, self._reference_logits, strict=True):
            logits = _logits_by_field(other, rows, z, at_once)
            for field in range(fields):
                same += int((expected[field].argmax(1) == logits[field].argmax(1)).sum())
                squares += float(np.square(logits[field] - expected[field]).mean(1).sum())
                bits += [_bits(x[field], rows[1:, field]) for x in (expected, logits)]
            notes += len(rows) - 1
        return Agreement(
            same / (notes * fields),
            float(bits[0] / notes),
            float(bits[1] / notes),
            notes,
            (squares / notes / fields) ** 0.5,
        )


def compare(reference: Backend, other: Backend, passages: Sequence[Passage]) -> Agreement:
    """Let both read the same passages, note by note."""
    return ParityCheck(reference, passages).compare(other)


def generate_passages(engine: Engine, count: int = 200, passages: int = 8) -> list[Passage]:
    """Music of `count` notes each that an engine plays by itself, in several styles: for where there is no corpus."""
    found = []
    for seed in range(passages):
        z = np.random.default_rng(seed).normal(size=engine.config.latent, scale=0.5 if seed else 0.0)
        engine.hear(0, [])
        engine.seed(seed)
        engine.style(z.tolist(), {"temperature": TEMPERATURE})
        notes: list[Note] = []
        for note in engine.play(Span(0.5, 1e6, 1e6, 1e6)):
            notes.append(note)
            if len(notes) == count:
                break
        found.append((np.concatenate([codec.SILENCE[None], codec.encode(notes)]), z.astype(np.float32)))
    return found


def _logits_by_field(backend: Backend, rows: Steps, z: Floats, at_once: int = 1) -> list[Floats]:
    """For each field the logits (N - 1, size) of the next step's value, at each of the (N, 7) steps but the last."""
    backend.ring.clear()
    steps = longest_match_features.add_recall(rows, backend.config.window)
    before = np.concatenate([np.tile(codec.SILENCE, (2, 1)), rows])
    logits: list[list[Floats]] = [[] for _ in codec.SIZES]
    for start in range(0, len(rows) - 1, at_once):
        upto = min(start + at_once, len(rows) - 1)
        for i, hidden in enumerate(backend.feed(steps[start:upto], before[start : start + 2], z), start):
            state = hidden
            last_pitches = before[i + 1 : i + 3, codec.PITCH][::-1]
            for field in range(len(codec.SIZES)):
                logits[field].append(backend.logits(state, field, last_pitches))
                if field + 1 < len(codec.SIZES):
                    state = backend.condition(state, field, int(rows[i + 1, field]))
    return [np.stack(rows_of_field) for rows_of_field in logits]


def _bits(logits: Floats, values: Steps) -> float:
    """The total bits of (N,) values that came, given (N, size) logits. Unknown values cost nothing."""
    known = values < logits.shape[1]
    shifted = logits[known].astype(np.float64) - logits[known].max(1, keepdims=True)
    cost = np.log2(np.exp(shifted).sum(1)) - shifted[np.arange(len(shifted)), values[known]] / np.log(2.0)
    return float(cost.sum())
