"""Ear training: an ear learns to tell what a person played from what the musician did, and how well that can be told.

Knows nothing of calls and answers but their figures, nor of who asks (`models.release.reranker_data`).

Each lesson is one question: which of these did a person play? The answer is the softmax of what the ear thinks of each (noise-contrastive
estimation by ranking, Ma & Collins 2018), so what it thinks is in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..decoding import reranker
from ..decoding.reranker import LEAST_NOTES, CallProfile, Reranker, Row
from ..music.note import Note

DECAY = 0.03  # of what figures are worth, squared
FOLDS = 5  # in which questions are put to an ear that has not heard them
GRIDDED = "openewld"  # lead sheets, whose lengths and waits are exact: a musician would be told from them by that alone
#: What says nothing where nobody knows how loud music is.
TOUCH = ("loudness", "loudness changes", "accents", "from note to note")

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """Figures (1 + answers, n) of what a person played, in the first row, and of answers; and which of them say nothing here, (n,)."""

    figures: Row
    silent: Flags


def told(*named: str) -> Flags:
    """(n,) which figures are of these kinds, by themselves or beside the call; of none: all that have to do with a call."""
    names = reranker.figure_names()
    if named:
        return np.array([name.removesuffix(", beside the call") in named for name in names])
    return np.array(["call" in name or name == "motif" for name in names])


def asked(
    before: Sequence[Note], person: Sequence[Note], call: Sequence[Note], played: list[list[Note]], silent: Flags
) -> list[Question]:
    """Which of these did a person play? No question where one of them is too short to tell.

    `before`: what the person's followed; `call`: what the others did.
    """
    if any(len(notes) == 0 or len(reranker.scored_part(notes)) < LEAST_NOTES for notes in (person, *played)):
        return []
    called = CallProfile.of(call)
    rows = [
        reranker.measure_figures(CallProfile.of(before), person),
        *(reranker.measure_figures(called, notes) for notes in played),
    ]
    return [Question(np.stack(rows), np.broadcast_to(silent, rows[0].shape))]


def taught(questions: Sequence[Question], decay: float = DECAY) -> Reranker:
    """The ear that answers them best."""
    own = np.concatenate([q.figures[1:] for q in questions])
    pupil = Reranker(own.mean(0), own.std(0) + 1e-6, np.zeros(2 * own.shape[1]))
    rows = torch.from_numpy(np.stack([_rows(q, pupil) for q in questions]))
    worth = torch.zeros(rows.shape[-1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([worth], max_iter=300, line_search_fn="strong_wolfe")
    person = torch.zeros(len(rows), dtype=torch.long)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(rows @ worth, person) + decay * worth.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Reranker(pupil.mean, pupil.spread, worth.detach().numpy())


def _rows(question: Question, pupil: Reranker) -> Row:
    """Both powers of all figures; the person's are the answers' own mean where they say nothing."""
    rows = reranker.add_squares((question.figures - pupil.mean) / pupil.spread)
    silent = np.concatenate([question.silent, question.silent])
    rows[0, silent] = rows[1:, silent].mean(0)
    return rows


def judged(pupil: Reranker, questions: Sequence[Question]) -> tuple[float, float]:
    """How often the person is told from all the answers, and from one of them."""
    said = np.stack([_rows(q, pupil) @ pupil.weights for q in questions])
    return float(np.mean(said.argmax(1) == 0)), float(np.mean(said[:, :1] > said[:, 1:]))


def shared(questions: Sequence[Question], seed: int = 0) -> list[list[Question]]:
    """The questions in `FOLDS` parts, by lot: they come in turn from one source after another."""
    lot = np.random.default_rng(seed).permutation(len(questions)) % FOLDS
    return [[q for q, part in zip(questions, lot, strict=True) if part == fold] for fold in range(FOLDS)]


def apart(questions: Sequence[Question]) -> float:
    """How often a person is told from one answer by an ear that was taught by the other questions: 0.5 where nothing tells them apart."""
    parts = shared(questions)
    found = [judged(taught([q for p in parts if p is not part for q in p]), part)[1] for part in parts]
    return float(np.average(found, weights=[len(part) for part in parts]))
