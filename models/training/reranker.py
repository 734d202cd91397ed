"""Training the reranker: it learns to tell what a person played from what the musician played; and how well that can be told.

Each question is: which of these did a person play? The answer is the softmax of the reranker's scores (noise-contrastive estimation by
ranking, Ma & Collins 2018), so scores are in nats. `models.release.make_reranker` asks the questions.
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
from ..music.note_records import Note

DECAY = 0.03  # weight decay: of the squared weights, in nats
FOLDS = 5  # of a cross-validation
GRID_SOURCE = "openewld"  # lead sheets: their exact lengths and waits alone would give a musician away
#: The features that say nothing where velocities are unknown.
VELOCITY_FEATURES = ("loudness", "loudness changes", "accents", "from note to note")

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """Features (1 + answers, n) of what a person played, in the first row, and of answers; and which of them to ignore here, (n,)."""

    features: Row
    ignored: Flags


def feature_mask(*kinds: str) -> Flags:
    """(n,) True for the features of these kinds, by themselves or beside the call; of no kinds: for all that depend on a call."""
    names = reranker.figure_names()
    if kinds:
        return np.array([name.removesuffix(", beside the call") in kinds for name in names])
    return np.array(["call" in name or name == "motif" for name in names])


def make_questions(
    before: Sequence[Note], person: Sequence[Note], call: Sequence[Note], answers: list[list[Note]], ignored: Flags
) -> list[Question]:
    """One question, which of these a person played; [] where one of them is too short to tell.

    `before`: the notes before the person's; `call`: the notes before the answers.
    """
    if any(len(notes) == 0 or len(reranker.scored_part(notes)) < LEAST_NOTES for notes in (person, *answers)):
        return []
    called = CallProfile.of(call)
    rows = [
        reranker.measure_figures(CallProfile.of(before), person),
        *(reranker.measure_figures(called, notes) for notes in answers),
    ]
    return [Question(np.stack(rows), np.broadcast_to(ignored, rows[0].shape))]


def fit_reranker(questions: Sequence[Question], decay: float = DECAY) -> Reranker:
    """The reranker that answers these questions best."""
    answers = np.concatenate([q.features[1:] for q in questions])
    scale = Reranker(answers.mean(0), answers.std(0) + 1e-6, np.zeros(2 * answers.shape[1]))
    rows = torch.from_numpy(np.stack([_rows(q, scale) for q in questions]))
    worth = torch.zeros(rows.shape[-1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([worth], max_iter=300, line_search_fn="strong_wolfe")
    person = torch.zeros(len(rows), dtype=torch.long)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(rows @ worth, person) + decay * worth.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Reranker(scale.mean, scale.spread, worth.detach().numpy())


def _rows(question: Question, scale: Reranker) -> Row:
    """(1 + answers, 2n) standardised features and their squares. The person's ignored ones are the answers' mean."""
    rows = reranker.add_squares((question.features - scale.mean) / scale.spread)
    ignored = np.concatenate([question.ignored, question.ignored])
    rows[0, ignored] = rows[1:, ignored].mean(0)
    return rows


def accuracy(model: Reranker, questions: Sequence[Question]) -> tuple[float, float]:
    """How often the person is chosen among all the answers, and beside one of them; shares."""
    scores = np.stack([_rows(q, model) @ model.weights for q in questions])
    return float(np.mean(scores.argmax(1) == 0)), float(np.mean(scores[:, :1] > scores[:, 1:]))


def split_folds(questions: Sequence[Question], seed: int = 0) -> list[list[Question]]:
    """The questions in `FOLDS` parts, at random: they come in turn from one source after another."""
    numbers = np.random.default_rng(seed).permutation(len(questions)) % FOLDS
    return [[q for q, number in zip(questions, numbers, strict=True) if number == fold] for fold in range(FOLDS)]


def cross_validated_accuracy(questions: Sequence[Question]) -> float:
    """How often a person is chosen beside one answer by a reranker that was fitted to the other folds: 0.5 is chance."""
    folds = split_folds(questions)
    shares = [accuracy(fit_reranker([q for f in folds if f is not fold for q in f]), fold)[1] for fold in folds]
    return float(np.average(shares, weights=[len(fold) for fold in folds]))
