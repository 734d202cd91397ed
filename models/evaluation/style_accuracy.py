"""Style accuracy: how often a plain classifier, taught on real music, recognises the preset that an answer was asked for in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..data.corpus import Piece
from ..data.style_rules import RULES
from ..decoding.engine import Engine
from ..music import answer_metrics, features
from ..music.chords import CHORD_SECONDS, stroke_numbers
from ..music.note import Note
from .answers import FEWEST, NOTHING, SECONDS, Cut, Floats, answered, preset
from .likelihood import notes_of


def style_features(notes: Sequence[Note]) -> Floats:
    """What a listener without a name for it would note: attributes, and histograms of intervals, waits, lengths, registers, chords."""
    onset = np.array([n.onset for n in notes])
    pitch = np.array([n.pitch for n in notes])
    wait = np.diff(onset)
    between = wait[wait > CHORD_SECONDS]

    def share(values: Floats, edges: Sequence[float]) -> Floats:
        return np.histogram(np.clip(values, edges[0], edges[-1] - 1e-9), edges)[0] / max(len(values), 1)

    sizes = np.bincount(stroke_numbers(onset)).astype(float)
    steps = np.diff(pitch)[wait > CHORD_SECONDS] if len(between) else np.zeros(1)
    return np.concatenate(
        [
            features.standard(answer_metrics.figures(notes)),
            share(steps, [-24, -12, -7, -4, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.5, 7.5, 12.5, 24]),
            share(
                np.log2(between) if len(between) else np.zeros(1), [-5, -4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 2]
            ),
            share(
                np.log2([max(min(n.duration, 3.0), 0.02) for n in notes]),
                [-6, -4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 1, 2],
            ),
            share(pitch, [21, 36, 48, 55, 60, 65, 72, 79, 88, 109]),
            share(sizes, [1, 2, 3, 4, 5, 12]),
        ]
    )


def segments(pieces: Sequence[Piece], per_style: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Features of stretches of `SECONDS` of real music of each preset's kind, and the number of the kind."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for label, rule in enumerate(RULES.values()):
        picked = [p for p in pieces if rule.picks(p)]
        for _ in range(per_style if picked else 0):
            piece = picked[int(rng.integers(len(picked)))]
            start = float(rng.uniform(0.0, max(piece.onset[-1] - SECONDS, 0.1)))
            a, b = np.searchsorted(piece.onset, [start, start + SECONDS])
            notes = notes_of(piece)[a:b]
            if len(notes) >= FEWEST:
                x.append(style_features(notes))
                y.append(label)
    return np.array(x), np.array(y, dtype=np.int64)


@dataclass(frozen=True)
class Classifier:
    """Multinomial logistic regression on standardised features."""

    mean: Floats
    spread: Floats
    weight: Floats
    bias: Floats

    @classmethod
    def taught(cls, x: Floats, y: NDArray[np.int64], classes: int) -> Classifier:
        """Fit, with a little weight decay."""
        mean, spread = x.mean(0), x.std(0) + 1e-3
        inputs, labels = torch.from_numpy((x - mean) / spread), torch.from_numpy(y)
        w = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
        b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(inputs @ w + b, labels) + 2e-3 * w.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cls(mean, spread, w.detach().numpy(), b.detach().numpy())

    def guess(self, x: Floats) -> NDArray[np.int64]:
        """The likeliest class of each row."""
        return ((x - self.mean) / self.spread @ self.weight + self.bias).argmax(1)


@dataclass(frozen=True)
class Judge:
    """A classifier of styles, which of them it was taught, and how often it is right about real music, 0 to 1."""

    classifier: Classifier
    names: Sequence[str]
    ceiling: float

    @classmethod
    def taught(
        cls, lessons: Sequence[Piece], held_out: Sequence[Piece], seed: int, per_style: int = 150, judged: int = 40
    ) -> Judge | None:
        """By stretches of real music of each preset's kind; None for a corpus without such pieces, or without titles."""
        x, y = segments(lessons, per_style, seed)
        kinds = np.unique(y)
        if len(kinds) < 2:
            return None
        classifier = Classifier.taught(x, y, len(RULES))
        x, y = segments(held_out, judged, seed + 1)
        real = classifier.guess(x) == y if len(y) else np.zeros(0)
        ceiling = float(np.mean([real[y == label].mean() for label in np.unique(y)])) if len(y) else 0.0
        return cls(classifier, [list(RULES)[label] for label in kinds], ceiling)

    def right(self, notes: Sequence[Note], name: str) -> bool:
        """Whether notes are recognised as that preset's; of too few nobody is."""
        return len(notes) >= FEWEST and self.guess([notes])[0] == list(RULES).index(name)

    def guess(self, found: Sequence[Sequence[Note]]) -> NDArray[np.int64]:
        """The number of the likeliest style of each."""
        return self.classifier.guess(np.stack([style_features(notes) for notes in found]))


def style_obeyed(
    engine: Engine,
    taught: Sequence[Piece],
    held_out: Sequence[Piece],
    calls: Sequence[Cut],
    presets: Path,
    seed: int = 0,
    changes: Mapping[str, float] = NOTHING,
) -> dict[str, Any]:
    """How often the preset is recognised in an answer, by a classifier taught on real music; and in real music (the ceiling).

    Each preset answers the same calls, whatever their own style is.
    """
    judge = Judge.taught(taught, held_out, seed)
    if judge is None:
        return {}
    each = {}
    for name in judge.names:
        z, sampling, vamp = preset(presets / f"{name}.toml")
        found = [answered(engine, cut.call, z, {**sampling, **changes}, seed + i, vamp) for i, cut in enumerate(calls)]
        long = [notes for notes in found if len(notes) >= FEWEST]
        each[name] = float(np.mean(judge.guess(long) == list(RULES).index(name))) if long else 0.0
    return {
        "accuracy": float(np.mean(list(each.values()))),
        "ceiling": judge.ceiling,
        "by_preset": each,
        "chance": 1 / len(judge.names),
    }
