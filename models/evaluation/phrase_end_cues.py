"""What tells that a phrase is over, of all that is known while it is played. No network is asked.

Two questions are asked of real phrases. Do keys and pedals tell? Of silences that have lasted a while, some sound on where the phrase is
over, and some where it is not. And does it help to know more than the rule that plays (`models.evaluation.phrase_end_rules`)? Logistic
models of more and more features are fitted on one split and evaluated on another, at the same median delay.

    python -m models.evaluation.phrase_end_cues --corpus DIR           fitted on the valid split of a pack, evaluated on its test split
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
from ..music.simultaneous_notes import STROKE_SECONDS, stroke_numbers
from .phrase_end_rules import LOOKAHEAD_NOTES, TARGET_DELAY, Floats, PhraseSample, draw_phrases

GAPS = ("longest", "length")  # logarithms of seconds, as are the next ones
MORE_GAPS = ("mean", "slower", "median", "last", "lately", "spread", "count")
NOTES = ("chord", "loud", "high", "low", "step", "leap", "at home", "bass at home")
FEATURES = (*GAPS, *MORE_GAPS, *NOTES)
GROUPS = {
    "gaps without length": ("longest", "mean", "slower", "median", "last", "lately", "spread"),
    "longest gap, length": GAPS,
    "more of the gaps": (*GAPS, *MORE_GAPS),
    "pitch and loudness, too": FEATURES,
}
AFTER_SECONDS = (0.3, 0.5, 0.7)  # of silence, after which notes may sound on
BOUNDS = (0.2, 2.0)  # seconds: a model waits no shorter and no longer
FADING = 0.7  # the weight of a gap, as a share of the weight of the gap after it


class SilenceTable(NamedTuple):
    """Every silence of some phrases but the first of each."""

    known: Floats  # (n, len(FEATURES)) what is known when it begins
    gap: Floats  # (n,) seconds that it lasted
    rings: Floats  # (n,) seconds for which the notes before it sound on, pedal included
    end: np.ndarray[Any, np.dtype[np.bool_]]  # (n,) whether it ended its phrase
    phrase: np.ndarray[Any, np.dtype[np.int64]]  # (n,) which phrase it is in


def silence_table(phrases: Sequence[PhraseSample]) -> SilenceTable:
    """All that is known at each silence of these phrases."""
    rows = [row for number, phrase in enumerate(phrases) for row in _phrase_rows(phrase, number)]
    known, gap, rings, end, number = zip(*rows, strict=True)
    return SilenceTable(np.array(known), np.array(gap), np.array(rings), np.array(end), np.array(number))


def _phrase_rows(phrase: PhraseSample, number: int) -> list[tuple[list[float], float, float, bool, int]]:
    """A row of the table for each silence of a phrase but the first."""
    piece = phrase.piece
    gaps = phrase.gaps
    part = slice(phrase.start, phrase.start + LOOKAHEAD_NOTES)
    chord = stroke_numbers(piece.onset[part], STROKE_SECONDS)  # the number of each note's chord
    inside = chord < len(gaps)
    chord = chord[inside]
    pitch = piece.pitch[part][inside]
    velocity = piece.velocity[part][inside].astype(float)
    ends = (piece.onset + piece.duration)[part][inside] - piece.onset[phrase.start]
    at = np.concatenate([[0.0], np.cumsum(gaps)])  # when each chord begins
    first = np.flatnonzero(np.diff(chord, prepend=-1))
    top = np.maximum.reduceat(pitch, first)
    bass = np.minimum.reduceat(pitch, first)
    force = np.maximum.reduceat(velocity, first)
    size = np.bincount(chord)
    rows = []
    for i in range(1, len(gaps)):
        so_far = chord <= i
        home = np.bincount(pitch[so_far] % 12, minlength=12) / so_far.sum()
        loud = (force[i] - force[: i + 1].mean()) / max(velocity[so_far].std(), 4.0) if piece.dynamics else 0.0
        step = float(top[i] - top[i - 1]) / 12
        heights = [(top[i] - top[: i + 1].mean()) / 12, (bass[i] - bass[: i + 1].mean()) / 12, step, abs(step)]
        notes = [float(np.log(size[i])), loud, *heights, home[top[i] % 12], home[bass[i] % 12]]
        known = [*_gap_features(gaps[:i]), *notes]
        rows.append((known, float(gaps[i]), float(ends[so_far].max() - at[i]), i == len(gaps) - 1, number))
    return rows


def _gap_features(gaps: Floats) -> list[float]:
    """The features `GAPS` and `MORE_GAPS` of the gaps so far, (n,) seconds."""
    count = len(gaps)
    ordered = np.sort(gaps)
    weights = FADING ** np.arange(count)[::-1]
    lengths = [ordered[-1], gaps.sum(), gaps.mean(), ordered[3 * count // 4], ordered[count // 2], gaps[-1]]
    lately = float((weights * np.log(gaps)).sum() / weights.sum())
    return [*np.log(lengths).tolist(), lately, float(np.log(gaps).std()), float(np.log(count))]


def sounding_shares(silences: SilenceTable) -> dict[str, dict[str, float]]:
    """Of the silences that have lasted for so long, the share in which notes sound on: where the phrase is over, and where it is not."""
    shares = {}
    for after in AFTER_SECONDS:
        lasts = silences.gap > after
        rings = silences.rings > after
        over = rings[lasts & silences.end].mean()
        going_on = rings[lasts & ~silences.end].mean()
        shares[f"{after:g} s"] = {"over": round(float(over), 3), "not": round(float(going_on), 3)}
    return shares


def fit_logistic(rows: Floats, true: Floats, steps: int = 30, ridge: float = 1e-3) -> Floats:
    """The (k,) weights by which `rows` (n, k) tell the log odds of `true` (n,), by Newton's method."""
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30.0, 30.0)))
        curvature = (rows * (chance * (1.0 - chance))[:, None]).T @ rows + ridge * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, rows.T @ (true - chance))
    return weights


def evaluate_features(
    fitted_on: SilenceTable, silences: SilenceTable, names: Sequence[str], delay: float = TARGET_DELAY
) -> dict[str, float]:
    """A model of these features at a median delay in seconds: the share of phrases that it cuts into, and that of a fixed silence."""
    columns = [FEATURES.index(n) for n in names]

    def rows(s: SilenceTable) -> Floats:
        return np.column_stack([np.ones(len(s.gap)), s.known[:, columns]])

    weights = fit_logistic(np.column_stack([np.log(fitted_on.gap), rows(fitted_on)]), fitted_on.end.astype(float))
    waits = np.exp(-(rows(silences) @ weights[1:]) / weights[0])
    low = 0.01
    high = 100.0
    for _ in range(40):
        times = float(np.sqrt(low * high))
        if np.median(np.clip(times * waits[silences.end], *BOUNDS)) > delay:
            high = times
        else:
            low = times

    def false_share(wait: Any) -> float:
        cut_into = np.unique(silences.phrase[~silences.end & (silences.gap > wait)])
        return len(cut_into) / len(np.unique(silences.phrase))

    ours = false_share(np.clip(times * waits, *BOUNDS))
    fixed = false_share(delay)
    return {"false": round(ours, 4), "fixed": round(fixed, 4), "ratio": round(ours / fixed, 3) if fixed else 1.0}


def main(argv: list[str] | None = None) -> int:
    """Ask both questions, and print the answers."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.phrase_end_cues", description="What tells that a phrase is over."
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--phrases", type=int, default=2000, help="how many of each split (default 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args(argv)
    try:
        splits = [draw_phrases(corpus.read(args.corpus, split), args.phrases, args.seed) for split in ("valid", "test")]
    except corpus.CorpusError as error:
        print(f"models.evaluation.phrase_end_cues: {error}", file=sys.stderr)
        return 2
    if not all(splits):
        why = "these pieces are too short, or none was played by a human"
        print(f"models.evaluation.phrase_end_cues: no phrases; {why}.", file=sys.stderr)
        return 2
    fitted_on, silences = map(silence_table, splits)
    rings = sounding_shares(fitted_on)
    models = {name: evaluate_features(fitted_on, silences, names) for name, names in GROUPS.items()}
    if args.json:
        print(json.dumps({"sounding": rings, "delay": TARGET_DELAY, "models": models}, indent=2))
        return 0
    for after, shares in rings.items():
        print(
            "after {} of silence, notes sound on: {over:.2f} where the phrase is over, {not:.2f} where not".format(
                after, **shares
            )
        )
    for name, row in models.items():
        result = f"{row['false']:.3f} false cut-ins at a median of {TARGET_DELAY} s"
        print(f"{name.ljust(24)} {result}; fixed {row['fixed']:.3f}; {row['ratio']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
