"""Style accuracy: how often a plain classifier, fitted to real music, recognises the preset that an answer was asked for in."""

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
from ..data.preset_sources import RULES
from ..decoding.engine import Engine
from ..music import answer_metrics, features
from ..music.note_records import Note
from ..music.simultaneous_notes import CHORD_SECONDS, stroke_numbers
from .answers import ANSWER_SECONDS, FEWEST_NOTES, NO_CHANGES, Excerpt, Floats, answer_call, read_preset
from .likelihood import notes_of

STEPS = [
    -24,
    -12,
    -7,
    -4,
    -2.5,
    -1.5,
    -0.5,
    0.5,
    1.5,
    2.5,
    4.5,
    7.5,
    12.5,
    24,
]  # semitones, edges of a histogram's bins
WAITS = [-5, -4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 2]  # octaves of seconds
LENGTHS = [-6, -4, -3, -2.5, -2, -1.5, -1, -0.5, 0, 1, 2]  # octaves of seconds
PITCHES = [21, 36, 48, 55, 60, 65, 72, 79, 88, 109]  # MIDI numbers
CHORD_SIZES = [1, 2, 3, 4, 5, 12]  # notes
DECAY = 2e-3  # weight decay of the classifier


def style_features(notes: Sequence[Note]) -> Floats:
    """(m,) what a listener would note: features, and histograms of steps, waits, lengths, pitches and sizes of chords."""
    onset = np.array([n.onset for n in notes])
    pitch = np.array([n.pitch for n in notes])
    wait = np.diff(onset)
    between = wait[wait > CHORD_SECONDS]

    def share(values: Floats, edges: Sequence[float]) -> Floats:
        return np.histogram(np.clip(values, edges[0], edges[-1] - 1e-9), edges)[0] / max(len(values), 1)

    sizes = np.bincount(stroke_numbers(onset)).astype(float)
    steps = np.diff(pitch)[wait > CHORD_SECONDS] if len(between) else np.zeros(1)
    waits = np.log2(between) if len(between) else np.zeros(1)
    lengths = np.log2([max(min(n.duration, 3.0), 0.02) for n in notes])
    return np.concatenate(
        [
            features.standardize(answer_metrics.note_features(notes)),
            share(steps, STEPS),
            share(waits, WAITS),
            share(lengths, LENGTHS),
            share(pitch, PITCHES),
            share(sizes, CHORD_SIZES),
        ]
    )


def draw_segments(pieces: Sequence[Piece], per_style: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Features, (n, m), of segments of `ANSWER_SECONDS` of real music of each preset's kind, and (n,) the number of the kind."""
    rng = np.random.default_rng(seed)
    x = []
    y = []
    for label, rule in enumerate(RULES.values()):
        matching = [p for p in pieces if rule.matches(p)]
        for _ in range(per_style if matching else 0):
            piece = matching[int(rng.integers(len(matching)))]
            start = float(rng.uniform(0.0, max(piece.onset[-1] - ANSWER_SECONDS, 0.1)))
            a, b = np.searchsorted(piece.onset, [start, start + ANSWER_SECONDS])
            notes = notes_of(piece)[a:b]
            if len(notes) >= FEWEST_NOTES:
                x.append(style_features(notes))
                y.append(label)
    return np.array(x), np.array(y, dtype=np.int64)


@dataclass(frozen=True)
class Classifier:
    """Multinomial logistic regression on standardised features: `mean` and `spread` (m,), `weight` (m, classes), `bias` (classes,)."""

    mean: Floats
    spread: Floats
    weight: Floats
    bias: Floats

    @classmethod
    def fit(cls, x: Floats, y: NDArray[np.int64], classes: int) -> Classifier:
        """By (n, m) features and their (n,) classes, with a little weight decay."""
        mean = x.mean(0)
        spread = x.std(0) + 1e-3
        inputs = torch.from_numpy((x - mean) / spread)
        labels = torch.from_numpy(y)
        w = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
        b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(inputs @ w + b, labels) + DECAY * w.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cls(mean, spread, w.detach().numpy(), b.detach().numpy())

    def predict(self, x: Floats) -> NDArray[np.int64]:
        """(n,) the likeliest class of each row of (n, m) features."""
        return ((x - self.mean) / self.spread @ self.weight + self.bias).argmax(1)


@dataclass(frozen=True)
class StyleJudge:
    """A classifier of styles, which styles it was fitted to, and how often it is right about real music, 0 to 1."""

    classifier: Classifier
    names: Sequence[str]
    ceiling: float

    @classmethod
    def fit(
        cls,
        pieces: Sequence[Piece],
        held_out: Sequence[Piece],
        seed: int,
        per_style: int = 150,
        held_out_per_style: int = 40,
    ) -> StyleJudge | None:
        """By segments of real music of each preset's kind; None for a corpus without such pieces, or without titles."""
        x, y = draw_segments(pieces, per_style, seed)
        kinds = np.unique(y)
        if len(kinds) < 2:
            return None
        classifier = Classifier.fit(x, y, len(RULES))
        x, y = draw_segments(held_out, held_out_per_style, seed + 1)
        right = classifier.predict(x) == y if len(y) else np.zeros(0)
        ceiling = float(np.mean([right[y == label].mean() for label in np.unique(y)])) if len(y) else 0.0
        return cls(classifier, [list(RULES)[label] for label in kinds], ceiling)

    def recognizes(self, notes: Sequence[Note], name: str) -> bool:
        """Whether notes are recognised as that preset's; too few notes never are."""
        return len(notes) >= FEWEST_NOTES and self.predict([notes])[0] == list(RULES).index(name)

    def predict(self, answers: Sequence[Sequence[Note]]) -> NDArray[np.int64]:
        """(n,) the number of the likeliest style of each answer."""
        return self.classifier.predict(np.stack([style_features(notes) for notes in answers]))


def recognize_styles(
    engine: Engine,
    pieces: Sequence[Piece],
    held_out: Sequence[Piece],
    excerpts: Sequence[Excerpt],
    presets: Path,
    seed: int = 0,
    changes: Mapping[str, float] = NO_CHANGES,
) -> dict[str, Any]:
    """How often the preset is recognised in an answer, by a classifier fitted to real music; and in real music (the ceiling).

    Each preset answers the same calls, whatever their own style is. `changes`: settings that are not the presets'.
    """
    judge = StyleJudge.fit(pieces, held_out, seed)
    if judge is None:
        return {}
    shares = {}
    for name in judge.names:
        z, sampling, vamp = read_preset(presets / f"{name}.toml")
        settings = {**sampling, **changes}
        answers = [answer_call(engine, e.call, z, settings, seed + i, vamp) for i, e in enumerate(excerpts)]
        long = [notes for notes in answers if len(notes) >= FEWEST_NOTES]
        shares[name] = float(np.mean(judge.predict(long) == list(RULES).index(name))) if long else 0.0
    return {
        "accuracy": float(np.mean(list(shares.values()))),
        "ceiling": judge.ceiling,
        "by_preset": shares,
        "chance": 1 / len(judge.names),
    }
