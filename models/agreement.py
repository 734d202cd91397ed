"""Agreement: does a quicker network say what the reference says?

Knows nothing of how either makes its numbers. Both read the same music note by note, with a memory and a style, and are asked at each note
for all five fields of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import codec, recall
from .codec import Steps
from .engine import Engine
from .network import Floats, Network
from .note import Note, Span

SAME, WORSE = 0.99, 0.005  # of the likeliest values at least, and of bits a note at most
Passage = tuple[Steps, Floats]  # (N, 7) steps, the first of them silence, and a style


@dataclass(frozen=True)
class Agreement:
    """How far two networks agree."""

    same: float  # the share of fields whose likeliest value is the same
    reference_bits: float  # a note
    bits: float  # a note, of the other
    notes: int

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


def compare(reference: Network, other: Network, passages: Sequence[Passage]) -> Agreement:
    """Let both read the same passages."""
    same, bits, notes = 0, np.zeros(2), 0
    for rows, z in passages:
        said = [_read(network, rows, z) for network in (reference, other)]
        best = [np.array([[row.argmax() for row in note] for note in one]) for one in said]
        same += int((best[0] == best[1]).sum())
        for i, one in enumerate(said):
            bits[i] += sum(_bits(note, rows[n + 1]) for n, note in enumerate(one))
        notes += len(rows) - 1
    return Agreement(same / (notes * len(codec.SIZES)), float(bits[0] / notes), float(bits[1] / notes), notes)


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
        found.append((np.concatenate([codec.SILENCE[None], codec.steps_of(notes)]), z.astype(np.float32)))
    return found


def _read(network: Network, rows: Steps, z: Floats) -> list[list[Floats]]:
    """For each step but the last, the logits of all fields of the next one."""
    network.ring.clear()
    steps = recall.recalled(rows, network.config.window)
    before = np.concatenate([np.tile(codec.SILENCE, (2, 1)), rows])
    answers = []
    for i in range(len(rows) - 1):
        state = network.feed(steps[i : i + 1], before[i : i + 2], z)[0]
        near, note = before[i + 1 : i + 3, codec.PITCH][::-1], []
        for field in range(len(codec.SIZES)):
            note.append(network.logits(state, field, near))
            if field + 1 < len(codec.SIZES):
                state = network.tell(state, field, int(rows[i + 1, field]))
        answers.append(note)
    return answers


def _bits(note: Sequence[Floats], came: Steps) -> float:
    """What the note that came cost. Values that are not known cost nothing."""
    total = 0.0
    for row, value in zip(note, came, strict=False):
        if value < len(row):
            off = row.astype(np.float64) - row.max()
            total += np.log2(np.exp(off).sum()) - off[value] / np.log(2.0)
    return float(total)
