"""Agreement: does a quicker network say what the reference says?

Knows nothing of how either makes its numbers. Both read the same music, with a memory and a style, and are asked at each note for all five
fields of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..decoding.engine import Engine
from ..encoding import codec, longest_match
from ..encoding.codec import Steps
from ..music.note import Note, Span
from ..runtime.backend import Backend, Floats

SAME, WORSE = 0.99, 0.005  # of the likeliest values at least, and of bits a note at most
Passage = tuple[Steps, Floats]  # (N, 7) steps, the first of them silence, and a style


@dataclass(frozen=True)
class Agreement:
    """How far two networks agree."""

    same: float  # the share of fields whose likeliest value is the same
    reference_bits: float  # a note
    bits: float  # a note, of the other
    notes: int
    off: float  # by which their logits differ, root mean square

    @property
    def worse(self) -> float:
        """By which share of its bits the other is worse; negative where it is better."""
        return self.bits / self.reference_bits - 1.0

    @property
    def holds(self) -> bool:
        """Whether the other may play in the reference's place."""
        return self.same >= SAME and self.worse < WORSE

    def __str__(self) -> str:
        return (
            f"{100 * self.same:.2f} % of the likeliest values are the same, and {self.bits:.3f} bits a note against "
            f"{self.reference_bits:.3f} ({100 * self.worse:+.2f} %), over {self.notes} notes"
        )


class Listeners:
    """A reference that has read some passages, for others to be compared with."""

    def __init__(self, reference: Backend, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self._said = [_read(reference, *passage) for passage in passages]

    def compare(self, other: Backend, at_once: int = 1) -> Agreement:
        """Let the other read them, too: note by note, as it plays, or `at_once` so many, which is quicker."""
        same, off, bits, notes, fields = 0, 0.0, np.zeros(2), 0, len(codec.SIZES)
        for (rows, z), true in zip(self.passages, self._said, strict=True):
            said = _read(other, rows, z, at_once)
            for field in range(fields):
                same += int((true[field].argmax(1) == said[field].argmax(1)).sum())
                off += float(np.square(said[field] - true[field]).mean(1).sum())
                bits += [_bits(one[field], rows[1:, field]) for one in (true, said)]
            notes += len(rows) - 1
        return Agreement(
            same / (notes * fields),
            float(bits[0] / notes),
            float(bits[1] / notes),
            notes,
            (off / notes / fields) ** 0.5,
        )


def compare(reference: Backend, other: Backend, passages: Sequence[Passage]) -> Agreement:
    """Let both read the same passages, note by note."""
    return Listeners(reference, passages).compare(other)


def played(engine: Engine, count: int = 200, passages: int = 8) -> list[Passage]:
    """Music that an engine makes up, in several styles and about as predictable as real music: where there is no corpus."""
    found = []
    for seed in range(passages):
        z = np.random.default_rng(seed).normal(size=engine.config.latent, scale=0.5 if seed else 0.0)
        engine.hear(0, [])
        engine.seed(seed)
        engine.style(z.tolist(), {"temperature": 0.7})
        notes: list[Note] = []
        for note in engine.play(Span(0.5, 1e6, 1e6, 1e6)):
            notes.append(note)
            if len(notes) == count:
                break
        found.append((np.concatenate([codec.SILENCE[None], codec.encode(notes)]), z.astype(np.float32)))
    return found


def _read(network: Backend, rows: Steps, z: Floats, at_once: int = 1) -> list[Floats]:
    """Of each field the logits (N - 1, size) of the next step's value, at each step but the last."""
    network.ring.clear()
    steps = longest_match.add_recall(rows, network.config.window)
    before = np.concatenate([np.tile(codec.SILENCE, (2, 1)), rows])
    answers: list[list[Floats]] = [[] for _ in codec.SIZES]
    for start in range(0, len(rows) - 1, at_once):
        upto = min(start + at_once, len(rows) - 1)
        for i, hidden in enumerate(network.feed(steps[start:upto], before[start : start + 2], z), start):
            state, near = hidden, before[i + 1 : i + 3, codec.PITCH][::-1]
            for field in range(len(codec.SIZES)):
                answers[field].append(network.logits(state, field, near))
                if field + 1 < len(codec.SIZES):
                    state = network.condition(state, field, int(rows[i + 1, field]))
    return [np.stack(said) for said in answers]


def _bits(logits: Floats, came: Steps) -> float:
    """What (N,) values that came cost, given (N, size) logits. Values that are not known cost nothing."""
    known = came < logits.shape[1]
    off = logits[known].astype(np.float64) - logits[known].max(1, keepdims=True)
    cost = np.log2(np.exp(off).sum(1)) - off[np.arange(len(off)), came[known]] / np.log(2.0)
    return float(cost.sum())
