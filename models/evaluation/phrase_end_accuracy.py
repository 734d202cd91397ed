"""Silences: how soon one may know that a phrase is over, and how often one is wrong.

Knows nothing of networks. A rule is given the times between the chords of a phrase so far, and says how long a silence it waits for. A
*false cut-in* is a phrase in which some silence before its end is longer than that; the *delay* is how long it waits at the end.

A phrase ends at the longest silence in two to eight seconds of a piece, as in the lessons; so no rule can be right about all of them. It
begins anywhere, or, as *calls* do, where the one before has ended.

    python -m models.evaluation.phrase_end_accuracy --corpus DIR          fit the rule that plays anew (--split valid)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data import corpus
from ..data.corpus import Piece
from ..music.chords import STROKE_SECONDS, stroke_numbers

Floats = NDArray[np.float64]
Gaps = Floats  # (n,) seconds between the chords of a phrase, the silence that ends it among them as the last
Rule = Callable[[Gaps], float]

LEAST, SPAN = 4, (2.0, 8.0)  # chords of a phrase; seconds in which its end is looked for
FIXED = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5)  # seconds
TIMES = (1.2, 1.5, 2.0, 2.5, 3.0, 4.0)  # the phrase's slower gaps
#: The rule that plays (`agent.turns.turn_taking`): see `silence`. WAIT is fitted on 6,000 calls of the valid split to
#: wait for DELAY where they end.
WAIT, POWER, GAPS, BOUNDS, REST = 2.7, 2 / 3, (1.5, 10.0), (0.35, 1.5), 2.5
DELAY = 0.55  # seconds, the median
WAITS = (1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0)  # seconds
POWERS = (0.4, 0.5, 0.6, POWER, 0.7, 0.8, 0.9, 1.0)


class Heard(NamedTuple):
    """A phrase in its piece: `start` is its first note's number, `gaps` those between its chords, the last of which ends it."""

    piece: Piece
    start: int
    gaps: Gaps


def heard(pieces: Sequence[Piece], count: int, seed: int, calls: bool = False) -> list[Heard]:
    """So many phrases, from pieces that humans played; `calls` begin where the phrase before has ended."""
    rng = np.random.default_rng(seed)
    played = [p for p in pieces if p.human and len(p) > 100]
    found: list[Heard] = []
    for _ in range(20 * count if played else 0):
        piece = played[int(rng.integers(len(played)))]
        start = int(rng.integers(len(piece) - 50))
        if calls:
            _, start = _phrase(piece, start)
        gaps, _ = _phrase(piece, start)
        if len(gaps) > LEAST and gaps[-1] >= gaps[:-1].max():
            found.append(Heard(piece, start, gaps))
        if len(found) == count:
            break
    return found


def phrases(pieces: Sequence[Piece], count: int, seed: int, calls: bool = False) -> list[Gaps]:
    """The gaps of so many of them."""
    return [h.gaps for h in heard(pieces, count, seed, calls)]


def _phrase(piece: Piece, start: int) -> tuple[Gaps, int]:
    """The gaps of the phrase that begins with a note, none where none ends; and the note with which the next one begins."""
    onset = piece.onset[start : start + 400] - piece.onset[start : start + 1]
    strokes = np.flatnonzero(np.diff(stroke_numbers(onset, STROKE_SECONDS), prepend=-1))
    gaps = np.diff(onset[strokes])
    end = np.cumsum(gaps)
    late = np.flatnonzero((end >= SPAN[0]) & (end <= SPAN[1]))
    if not len(late):
        return gaps[:0], len(piece)
    last = int(late[gaps[late].argmax()])
    return gaps[: last + 1], start + int(strokes[last + 1])


def fixed(silence: float) -> Rule:
    """Always the same silence."""
    return lambda gaps: silence


def paced(times: float, shortest: float = 0.35, longest: float = 1.2) -> Rule:
    """So many times the phrase's slower gaps, within bounds."""

    def rule(gaps: Gaps) -> float:
        slow = float(np.sort(gaps)[3 * len(gaps) // 4]) if len(gaps) else longest / 2
        return min(max(times * slow, shortest), longest)

    return rule


def silence(longest: Any, mean: Any, length: Any, wait: float = WAIT, power: float = POWER) -> Any:
    """How long a silence ends a phrase, in seconds, by its longest gap, its mean gap, and its length; numbers or arrays.

    `wait` · (longest / length) ** `power`: a long and even phrase is soon over. Never less than so many of its gaps, nor more than so many.
    """
    least, most = GAPS
    return np.clip(np.clip(wait * (longest / length) ** power, least * mean, most * mean), *BOUNDS)


def breathing(wait: float = WAIT, power: float = POWER) -> Rule:
    """By the phrase's longest breath, beside its length: the rule that plays, as it stands."""

    def rule(gaps: Gaps) -> float:
        rests = np.flatnonzero(gaps > REST)
        gaps = gaps[rests[-1] + 1 :] if len(rests) else gaps
        return float(silence(gaps.max(), gaps.mean(), gaps.sum(), wait, power)) if len(gaps) else BOUNDS[1]

    return rule


def judged(rule: Rule, asked: Sequence[Gaps]) -> dict[str, float]:
    """The share of phrases in which it cuts in falsely, and the median delay at the ends of all, in seconds."""
    false = [any(gaps[i] > rule(gaps[:i]) for i in range(1, len(gaps) - 1)) for gaps in asked]
    return {
        "false": round(float(np.mean(false)), 4),
        "delay": round(float(np.median([rule(g[:-1]) for g in asked])), 4),
    }


def beside_fixed(rule: Rule, asked: Sequence[Gaps]) -> dict[str, float]:
    """A rule judged, a fixed silence of the same median delay, and the one's false cut-ins as a share of the other's."""
    row = judged(rule, asked)
    same = judged(fixed(row["delay"]), asked)["false"]
    return {**row, "fixed_at_its_delay": same, "ratio": round(row["false"] / same, 3) if same else 1.0}


def turns(pieces: Sequence[Piece], count: int, seed: int) -> dict[str, Any]:
    """Every rule, and how the one that plays compares with fixed silences at the same median delay."""
    asked, calls = phrases(pieces, count, seed), phrases(pieces, count, seed, calls=True)
    if not asked or not calls:
        return {"phrases": 0}
    ours = beside_fixed(breathing(), asked)
    return {
        "phrases": len(asked),
        "fixed": {f"{s:.2f} s": judged(fixed(s), asked) for s in FIXED},
        "paced": {f"{t:.1f} times": beside_fixed(paced(t), asked) for t in TIMES},
        "breathing": {f"{w:.2f} s": beside_fixed(breathing(w), asked) for w in WAITS},
        "plays": ours,
        "fixed_at_its_delay": ours["fixed_at_its_delay"],
        "ratio": ours["ratio"],
        "calls": {"phrases": len(calls), **beside_fixed(breathing(), calls)},
    }


def fit(asked: Sequence[Gaps], power: float = POWER, delay: float = DELAY) -> dict[str, float]:
    """The `wait` of `silence` by which the median delay is so long; its false cut-ins, their ratio to a fixed silence's, its mean delay."""
    rows = [(g[:i].max(), g[:i].mean(), g[:i].sum(), g[i], k) for k, g in enumerate(asked) for i in range(1, len(g))]
    longest, mean, length, gap, phrase = np.array(rows).T
    end = np.diff(phrase, append=-1.0) != 0

    def false(silences: Any) -> float:
        return len(np.unique(phrase[~end & (gap > silences)])) / len(asked)

    low, high = 0.1, 50.0
    while high - low > 0.002:
        wait = (low + high) / 2
        silences = silence(longest, mean, length, wait, power)
        low, high = (wait, high) if np.median(silences[end]) < delay else (low, wait)
    same = false(np.median(silences[end]))
    return {
        "power": power,
        "wait": wait,
        "false": false(silences),
        "mean": float(silences[end].mean()),
        "ratio": false(silences) / same if same else 1.0,
    }


def table(found: dict[str, Any]) -> str:
    """The same for people."""
    if not found["phrases"]:
        return "no phrases: these pieces are too short, or none was played by a human"
    lines = [f"{found['phrases']} phrases".ljust(24) + "false cut-ins".rjust(14) + "delay, s".rjust(10)]
    for name in ("fixed", "paced", "breathing"):
        for rule, row in found[name].items():
            lines.append(f"{name}, {rule}".ljust(24) + f"{row['false']:14.3f}{row['delay']:10.2f}")
            if "fixed_at_its_delay" in row:
                lines[-1] += "  (a fixed silence of that: {fixed_at_its_delay:.3f}; {ratio:.2f})".format(**row)
    told = "{false:.3f} at a median of {delay:.2f} s; a fixed silence of that: {fixed_at_its_delay:.3f}; {ratio:.2f} times as many"
    lines.append("what plays: " + told.format(**found["plays"]))
    lines.append(f"of {found['calls']['phrases']} that begin where one ended: " + told.format(**found["calls"]))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Fit the rule that plays anew, with other powers beside its own."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.phrase_end_accuracy", description="Fit how long a silence ends a phrase."
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    parser.add_argument("--phrases", type=int, default=6000, help="how many (default 6000)")
    parser.add_argument("--delay", type=float, default=DELAY, help=f"seconds, the median (default {DELAY})")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    try:
        asked = phrases(corpus.read(args.corpus, args.split), args.phrases, args.seed, calls=True)
    except corpus.CorpusError as error:
        print(f"models.evaluation.phrase_end_accuracy: {error}", file=sys.stderr)
        return 2
    if not asked:
        print(
            "models.evaluation.phrase_end_accuracy: no phrases; these pieces are too short, or none was played by a human.",
            file=sys.stderr,
        )
        return 2
    print(f"{len(asked)} calls, a median delay of {args.delay} s")
    row = "power {power:.2f}: wait {wait:.2f} s, {false:.3f} false cut-ins ({ratio:.2f} of a fixed silence's), mean delay {mean:.2f} s"
    for power in POWERS:
        print(row.format(**fit(asked, power, args.delay)) + (" (this one plays)" if power == POWER else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
