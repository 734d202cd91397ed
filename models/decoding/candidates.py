"""Candidates: whole answers, or what there is of them, and which one is chosen.

The best is the one that the reranker scores highest (`models.decoding.reranker`). Where most are too short to be scored,
two rules choose: the candidate keeps to the call's key, and is about as dense as the call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..music.keys import KEYS, key_share
from ..music.note_records import CALL, Note

KEY_WEIGHT = 4.0  # nats a note: for a share of notes outside the call's key
DENSITY_WEIGHT = 1.0  # nats a note: for each octave between the densities of call and answer
FIT_NOTES = 48  # last notes of the call that the two rules look at


@dataclass(frozen=True)
class Candidate:
    """An answer. `end`: why it stopped, "more" or "end". `score`: the reranker's, in nats, None where it cannot tell.

    `fit`: how well it suits the call's key and density, in nats a note, 0 at best.
    """

    notes: tuple[Note, ...]
    end: str
    score: float | None
    fit: float


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest score; where most have none, the one that fits best."""
    scored = [candidate for candidate in candidates if candidate.score is not None]
    if 2 * len(scored) > len(candidates):
        return max(scored, key=lambda candidate: candidate.score or 0.0)
    return max(candidates, key=lambda candidate: candidate.fit)


def key_and_density_fit(notes: Sequence[Note], answer: Sequence[Note]) -> float:
    """How well an answer suits the key and density of the call among `notes`, in nats a note; 0 is the best."""
    call = [n for n in notes if n.role == CALL][-FIT_NOTES:]
    if len(call) < 4:
        return 0.0
    tonic, share = key_share(n.pitch for n in call)
    inside = float(np.mean([KEYS[tonic][n.pitch % 12] for n in answer]))
    key_cost = KEY_WEIGHT * max(share - inside, 0.0)
    if len(answer) < 3:
        return -key_cost
    densities = [len(part) / max(part[-1].onset - part[0].onset, 0.25) for part in (call, answer)]  # notes a second
    return -key_cost - DENSITY_WEIGHT * abs(math.log2(densities[1] / densities[0]))
