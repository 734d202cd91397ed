"""How soon rules tell that a phrase is over, and how often they are wrong. No network is asked.

A rule is given the times between the chords of a phrase so far, and says how long a silence it waits for. A *false cut-in* is a phrase in
which some silence before its end is longer than that. The *delay* is how long the rule waits at the end.

A phrase ends at the longest silence in two to eight seconds of a piece, as in training. So no rule can be right about all of them. A phrase
begins anywhere; a *call* begins where the phrase before it has ended.

    python -m models.evaluation.phrase_end_rules --corpus DIR          fit the rule that plays anew (--split valid)
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
from ..music.phrase_end import POWER, WAIT, closing_silence, phrase_end_silence
from ..music.simultaneous_notes import STROKE_SECONDS, stroke_numbers

Floats = NDArray[np.float64]
Gaps = Floats  # (n,) seconds between the chords of a phrase; the last is the silence that ends it
Rule = Callable[[Gaps], float]  # from the gaps so far to the seconds of silence that end the phrase

FEWEST_GAPS = 4  # gaps of a phrase, before the silence that ends it
END_SECONDS = (2.0, 8.0)  # seconds of a phrase in which its end is looked for, as in training examples
LOOKAHEAD_NOTES = 400  # notes in which a phrase must end
TARGET_DELAY = 0.55  # seconds, the median silence for which WAIT is fitted
#: Other rules, for comparison.
FIXED = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5)  # seconds
TIMES = (1.2, 1.5, 2.0, 2.5, 3.0, 4.0)  # slow gaps
WAITS = (1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0)  # seconds: values of WAIT
POWERS = (0.4, 0.5, 0.6, POWER, 0.7, 0.8, 0.9, 1.0)  # values of POWER


class PhraseSample(NamedTuple):
    """A phrase in its piece: `start` is the number of its first note, `gaps` are those between its chords, the last of which ends it."""

    piece: Piece
    start: int
    gaps: Gaps


def draw_phrases(pieces: Sequence[Piece], count: int, seed: int, calls: bool = False) -> list[PhraseSample]:
    """Up to `count` phrases from pieces that humans played; `calls` begin where the phrase before has ended."""
    rng = np.random.default_rng(seed)
    played = [p for p in pieces if p.human and len(p) > 100]
    found: list[PhraseSample] = []
    for _ in range(20 * count if played else 0):
        piece = played[int(rng.integers(len(played)))]
        start = int(rng.integers(len(piece) - 50))
        if calls:
            _, start = _phrase_gaps(piece, start)
        gaps, _ = _phrase_gaps(piece, start)
        if len(gaps) > FEWEST_GAPS and gaps[-1] >= gaps[:-1].max():
            found.append(PhraseSample(piece, start, gaps))
        if len(found) == count:
            break
    return found


def draw_gaps(pieces: Sequence[Piece], count: int, seed: int, calls: bool = False) -> list[Gaps]:
    """The gaps of `draw_phrases`."""
    return [phrase.gaps for phrase in draw_phrases(pieces, count, seed, calls)]


def _phrase_gaps(piece: Piece, start: int) -> tuple[Gaps, int]:
    """The gaps of the phrase that begins with note `start`, none where none ends; and the number of the next one's first note."""
    onset = piece.onset[start : start + LOOKAHEAD_NOTES] - piece.onset[start : start + 1]
    chords = np.flatnonzero(np.diff(stroke_numbers(onset, STROKE_SECONDS), prepend=-1))
    gaps = np.diff(onset[chords])
    end = np.cumsum(gaps)
    late = np.flatnonzero((end >= END_SECONDS[0]) & (end <= END_SECONDS[1]))
    if not len(late):
        return gaps[:0], len(piece)
    last = int(late[gaps[late].argmax()])
    return gaps[: last + 1], start + int(chords[last + 1])


def fixed_rule(silence: float) -> Rule:
    """Always the same silence, in seconds."""
    return lambda gaps: silence


def paced_rule(times: float, shortest: float = 0.35, longest: float = 1.2) -> Rule:
    """So many times the phrase's slower gaps (their upper quartile), within bounds in seconds."""

    def rule(gaps: Gaps) -> float:
        slow = float(np.sort(gaps)[3 * len(gaps) // 4]) if len(gaps) else longest / 2
        return min(max(times * slow, shortest), longest)

    return rule


def longest_gap_rule(wait: float = WAIT, power: float = POWER) -> Rule:
    """By the phrase's longest gap, beside its length: the rule that plays, by default."""
    return lambda gaps: closing_silence(gaps.tolist(), wait, power)


def evaluate_rule(rule: Rule, phrases: Sequence[Gaps]) -> dict[str, float]:
    """The share of phrases with a false cut-in, and the median delay at the ends of all, in seconds."""
    cut_into = [any(gaps[i] > rule(gaps[:i]) for i in range(1, len(gaps) - 1)) for gaps in phrases]
    return {
        "false": round(float(np.mean(cut_into)), 4),
        "delay": round(float(np.median([rule(gaps[:-1]) for gaps in phrases])), 4),
    }


def compare_with_fixed(rule: Rule, phrases: Sequence[Gaps]) -> dict[str, float]:
    """`evaluate_rule`, the false cut-ins of a fixed silence with the same median delay, and the ratio of the two."""
    row = evaluate_rule(rule, phrases)
    fixed = evaluate_rule(fixed_rule(row["delay"]), phrases)["false"]
    return {**row, "fixed_at_its_delay": fixed, "ratio": round(row["false"] / fixed, 3) if fixed else 1.0}


def evaluate_rules(pieces: Sequence[Piece], count: int, seed: int) -> dict[str, Any]:
    """Every rule on `count` phrases, and how the one that plays compares with fixed silences of the same median delay."""
    phrases = draw_gaps(pieces, count, seed)
    calls = draw_gaps(pieces, count, seed, calls=True)
    if not phrases or not calls:
        return {"phrases": 0}
    ours = compare_with_fixed(longest_gap_rule(), phrases)
    return {
        "phrases": len(phrases),
        "fixed": {f"{s:.2f} s": evaluate_rule(fixed_rule(s), phrases) for s in FIXED},
        "paced": {f"{t:.1f} times": compare_with_fixed(paced_rule(t), phrases) for t in TIMES},
        "breathing": {f"{w:.2f} s": compare_with_fixed(longest_gap_rule(w), phrases) for w in WAITS},
        "plays": ours,
        "fixed_at_its_delay": ours["fixed_at_its_delay"],
        "ratio": ours["ratio"],
        "calls": {"phrases": len(calls), **compare_with_fixed(longest_gap_rule(), calls)},
    }


def fit_wait(phrases: Sequence[Gaps], power: float = POWER, delay: float = TARGET_DELAY) -> dict[str, float]:
    """The `wait` of `phrase_end_silence` by which the median delay is `delay` seconds; its share of false cut-ins, their ratio to
    those of a fixed silence, and its mean delay.
    """
    rows = [(g[:i].max(), g[:i].sum(), i, g[i], k) for k, g in enumerate(phrases) for i in range(1, len(g))]
    longest, length, count, gap, phrase = np.array(rows).T
    is_end = np.diff(phrase, append=-1.0) != 0

    def false_share(silences: Any) -> float:
        return len(np.unique(phrase[~is_end & (gap > silences)])) / len(phrases)

    low = 0.1
    high = 50.0
    while high - low > 0.002:  # seconds
        wait = (low + high) / 2
        silences = phrase_end_silence(longest, length, count, wait, power)
        if np.median(silences[is_end]) < delay:
            low = wait
        else:
            high = wait
    fixed = false_share(np.median(silences[is_end]))
    return {
        "power": power,
        "wait": wait,
        "false": false_share(silences),
        "mean": float(silences[is_end].mean()),
        "ratio": false_share(silences) / fixed if fixed else 1.0,
    }


def table(result: dict[str, Any]) -> str:
    """What `evaluate_rules` returns, for people."""
    if not result["phrases"]:
        return "no phrases: these pieces are too short, or none was played by a human"
    lines = [f"{result['phrases']} phrases".ljust(24) + "false cut-ins".rjust(14) + "delay, s".rjust(10)]
    for name in ("fixed", "paced", "breathing"):
        for rule, row in result[name].items():
            lines.append(f"{name}, {rule}".ljust(24) + f"{row['false']:14.3f}{row['delay']:10.2f}")
            if "fixed_at_its_delay" in row:
                lines[-1] += "  (a fixed silence of that: {fixed_at_its_delay:.3f}; {ratio:.2f})".format(**row)
    text = "{false:.3f} at a median of {delay:.2f} s; a fixed silence of that: {fixed_at_its_delay:.3f}; {ratio:.2f} times as many"
    lines.append("what plays: " + text.format(**result["plays"]))
    lines.append(f"of {result['calls']['phrases']} that begin where one ended: " + text.format(**result["calls"]))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Fit the rule that plays anew, with other powers beside its own."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.phrase_end_rules", description="Fit how long a silence ends a phrase."
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    parser.add_argument("--phrases", type=int, default=6000, help="how many (default 6000)")
    parser.add_argument(
        "--delay", type=float, default=TARGET_DELAY, help=f"seconds, the median (default {TARGET_DELAY})"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    try:
        calls = draw_gaps(corpus.read(args.corpus, args.split), args.phrases, args.seed, calls=True)
    except corpus.CorpusError as error:
        print(f"models.evaluation.phrase_end_rules: {error}", file=sys.stderr)
        return 2
    if not calls:
        print(
            "models.evaluation.phrase_end_rules: no phrases; these pieces are too short, or none was played by a human.",
            file=sys.stderr,
        )
        return 2
    print(f"{len(calls)} calls, a median delay of {args.delay} s")
    row = "power {power:.2f}: wait {wait:.2f} s, {false:.3f} false cut-ins ({ratio:.2f} of a fixed silence's), mean delay {mean:.2f} s"
    for power in POWERS:
        print(row.format(**fit_wait(calls, power, args.delay)) + (" (this one plays)" if power == POWER else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
