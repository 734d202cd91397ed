"""Endings: what tells that a phrase is over, of all that is known while it is played.

Knows nothing of networks. Two questions, asked of real phrases. Do keys and pedals tell? Of silences that have lasted a while, so many
sound on where the phrase is over, and so many where it is not. And does it help to know more than the rule that plays (`silences`) does?
Logistic models of more and more features are fitted on one split and judged on another, at the same median delay.

    python -m models.evaluation.phrase_end_features --corpus DIR           fitted on the valid split of a pack, judged on its test split
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..data import corpus
from ..music.chords import STROKE_SECONDS, stroke_numbers
from .phrase_end_accuracy import DELAY, Floats, Heard, heard

GAPS = ("longest", "length")  # logarithms of seconds
MORE_GAPS = ("mean", "slower", "median", "last", "lately", "spread", "count")
NOTES = ("chord", "loud", "high", "low", "step", "leap", "at home", "bass at home")
FEATURES = (*GAPS, *MORE_GAPS, *NOTES)
GROUPS = {
    "gaps without length": ("longest", "mean", "slower", "median", "last", "lately", "spread"),
    "longest gap, length": GAPS,
    "more of the gaps": (*GAPS, *MORE_GAPS),
    "pitch and loudness, too": FEATURES,
}
AFTER = (0.3, 0.5, 0.7)  # seconds of silence


class Silences(NamedTuple):
    """Every silence of some phrases but the first of each."""

    known: Floats  # (n, len(FEATURES)) what is known when it begins
    gap: Floats  # (n,) seconds that it lasted
    rings: Floats  # (n,) seconds for which what was struck before it sounds on, pedal included
    end: np.ndarray[Any, np.dtype[np.bool_]]  # (n,) whether it ended its phrase
    phrase: np.ndarray[Any, np.dtype[np.int64]]  # (n,) which phrase it is in


def silences(phrases: Sequence[Heard]) -> Silences:
    """All that is known at each silence of these phrases."""
    rows = [row for number, phrase in enumerate(phrases) for row in _of(phrase, number)]
    known, gap, rings, end, number = zip(*rows, strict=True)
    return Silences(np.array(known), np.array(gap), np.array(rings), np.array(end), np.array(number))


def _of(phrase: Heard, number: int) -> list[tuple[list[float], float, float, bool, int]]:
    piece, gaps = phrase.piece, phrase.gaps
    part = slice(phrase.start, phrase.start + 400)
    stroke = stroke_numbers(piece.onset[part], STROKE_SECONDS)
    mine = stroke < len(gaps)
    stroke, pitch, loud = stroke[mine], piece.pitch[part][mine], piece.velocity[part][mine].astype(float)
    ends = (piece.onset + piece.duration)[part][mine] - piece.onset[phrase.start]
    at = np.concatenate([[0.0], np.cumsum(gaps)])
    first = np.flatnonzero(np.diff(stroke, prepend=-1))
    top, bass = np.maximum.reduceat(pitch, first), np.minimum.reduceat(pitch, first)
    force, size = np.maximum.reduceat(loud, first), np.bincount(stroke)
    rows = []
    for i in range(1, len(gaps)):
        past, so_far = gaps[:i], stroke <= i
        order, home = np.sort(past), np.bincount(pitch[so_far] % 12, minlength=12) / so_far.sum()
        fading = 0.7 ** np.arange(i)[::-1]
        of_gaps = [order[-1], past.sum(), past.mean(), order[3 * i // 4], order[i // 2], past[-1]]
        rhythm = [float((fading * np.log(past)).sum() / fading.sum()), float(np.log(past).std()), float(np.log(i))]
        step = float(top[i] - top[i - 1]) / 12
        dynamics = (force[i] - force[: i + 1].mean()) / max(loud[so_far].std(), 4.0) if piece.dynamics else 0.0
        places = [(top[i] - top[: i + 1].mean()) / 12, (bass[i] - bass[: i + 1].mean()) / 12, step, abs(step)]
        notes = [float(np.log(size[i])), dynamics, *places, home[top[i] % 12], home[bass[i] % 12]]
        known = [*np.log(of_gaps).tolist(), *rhythm, *notes]
        rows.append((known, float(gaps[i]), float(ends[so_far].max() - at[i]), i == len(gaps) - 1, number))
    return rows


def sounding(asked: Silences) -> dict[str, dict[str, float]]:
    """Of the silences that have lasted for so long, the share in which notes sound on: where the phrase is over, and where it is not."""
    found = {}
    for after in AFTER:
        lasts, rings = asked.gap > after, asked.rings > after
        shares = {"over": rings[lasts & asked.end].mean(), "not": rings[lasts & ~asked.end].mean()}
        found[f"{after:g} s"] = {k: round(float(v), 3) for k, v in shares.items()}
    return found


def logistic(rows: Floats, true: Floats, steps: int = 30, ridge: float = 1e-3) -> Floats:
    """The (k,) weights by which `rows` (n, k) tell the log odds of `true` (n,), by Newton's steps."""
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30.0, 30.0)))
        curvature = (rows * (chance * (1.0 - chance))[:, None]).T @ rows + ridge * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, rows.T @ (true - chance))
    return weights


def judged(fitted_on: Silences, asked: Silences, names: Sequence[str], delay: float = DELAY) -> dict[str, float]:
    """A model of these features at a median delay: the share of phrases that it cuts into, and that of a fixed silence."""
    which = [FEATURES.index(n) for n in names]

    def rows(s: Silences) -> Floats:
        return np.column_stack([np.ones(len(s.gap)), s.known[:, which]])

    weights = logistic(np.column_stack([np.log(fitted_on.gap), rows(fitted_on)]), fitted_on.end.astype(float))
    silence = np.exp(-(rows(asked) @ weights[1:]) / weights[0])
    low, high = 0.01, 100.0
    for _ in range(40):
        times = float(np.sqrt(low * high))
        late = np.median(np.clip(times * silence[asked.end], 0.2, 2.0)) > delay
        low, high = (low, times) if late else (times, high)

    def false(wait: Any) -> float:
        return len(np.unique(asked.phrase[~asked.end & (asked.gap > wait)])) / len(np.unique(asked.phrase))

    ours, same = false(np.clip(times * silence, 0.2, 2.0)), false(delay)
    return {"false": round(ours, 4), "fixed": round(same, 4), "ratio": round(ours / same, 3) if same else 1.0}


def main(argv: list[str] | None = None) -> int:
    """Ask both questions, and print the answers."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.phrase_end_features", description="What tells that a phrase is over."
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--phrases", type=int, default=2000, help="how many of each split (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args(argv)
    try:
        both = [heard(corpus.read(args.corpus, split), args.phrases, args.seed) for split in ("valid", "test")]
    except corpus.CorpusError as error:
        print(f"models.evaluation.phrase_end_features: {error}", file=sys.stderr)
        return 2
    if not all(both):
        why = "these pieces are too short, or none was played by a human"
        print(f"models.evaluation.phrase_end_features: no phrases; {why}.", file=sys.stderr)
        return 2
    lessons, asked = map(silences, both)
    rings, models = sounding(lessons), {name: judged(lessons, asked, names) for name, names in GROUPS.items()}
    if args.json:
        print(json.dumps({"sounding": rings, "delay": DELAY, "models": models}, indent=2))
        return 0
    for after, shares in rings.items():
        print(
            "after {} of silence, notes sound on: {over:.2f} where the phrase is over, {not:.2f} where not".format(
                after, **shares
            )
        )
    for name, row in models.items():
        print(
            f"{name.ljust(24)} {row['false']:.3f} false cut-ins at a median of {DELAY} s; fixed {row['fixed']:.3f}; {row['ratio']:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
