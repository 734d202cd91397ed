"""Silences: how soon one may know that a phrase is over, and how often one is wrong.

Knows nothing of networks. A rule is given the times between the chords of a phrase so far, and says how long a silence it waits for. A
*false cut-in* is a phrase in which some silence before its end is longer than that; the *delay* is how long it waits at the end.

A phrase ends at the longest silence in two to eight seconds of a piece, as in the lessons; so no rule can be right about all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .corpus import Piece

Gaps = NDArray[
    np.float64
]  # (n,) seconds between the chords of a phrase, the silence that ends it among them as the last
Rule = Callable[[Gaps], float]

CHORD = 0.04  # seconds: onsets closer than this are one chord
LEAST, SPAN = 4, (2.0, 8.0)  # chords of a phrase; seconds in which its end is looked for
FIXED = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5)  # seconds
ODDS = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
#: Fitted on the gaps of 3,000 phrases of the valid split: the log odds that a silence of s seconds is the end are
#: SILENCE log s + BIAS + WEIGHTS · log (slower gap, longest, mean, length of the phrase, last gap).
SILENCE, BIAS, WEIGHTS = 5.377, -4.296, np.array([0.110, -2.906, -0.768, 2.656, -0.161])
TIMES = (1.2, 1.5, 2.0, 2.5, 3.0, 4.0)  # the phrase's slower gaps


def phrases(pieces: Sequence[Piece], count: int, seed: int) -> list[Gaps]:
    """The gaps of so many phrases, from pieces that humans played."""
    rng = np.random.default_rng(seed)
    played = [p for p in pieces if p.human and len(p) > 100]
    found: list[Gaps] = []
    for _ in range(20 * count if played else 0):
        piece = played[int(rng.integers(len(played)))]
        start = int(rng.integers(len(piece) - 50))
        onset = piece.onset[start : start + 400] - piece.onset[start]
        gaps = np.diff(onset[np.concatenate([[True], np.diff(onset) > CHORD])])
        end = np.cumsum(gaps)
        late = np.flatnonzero((end >= SPAN[0]) & (end <= SPAN[1]))
        if not len(late):
            continue
        last = int(late[gaps[late].argmax()])
        if last >= LEAST and gaps[last] >= gaps[:last].max():
            found.append(gaps[: last + 1])
        if len(found) == count:
            break
    return found


def fixed(silence: float) -> Rule:
    """Always the same silence."""
    return lambda gaps: silence


def paced(times: float, shortest: float = 0.35, longest: float = 1.2) -> Rule:
    """So many times the phrase's slower gaps, within bounds: with 2 it is the rule that plays (`agent.turns`)."""

    def rule(gaps: Gaps) -> float:
        slow = float(np.sort(gaps)[3 * len(gaps) // 4]) if len(gaps) else longest / 2
        return min(max(times * slow, shortest), longest)

    return rule


def learnt(odds: float, shortest: float = 0.15, longest: float = 2.0) -> Rule:
    """As long a silence as makes an ending likelier than not by so much (log odds), by a logistic model of plain features."""

    def rule(gaps: Gaps) -> float:
        if len(gaps) < 2:
            return longest / 2
        slow = np.sort(gaps)[3 * len(gaps) // 4]
        known = np.log([slow, gaps.max(), gaps.mean(), gaps.sum(), gaps[-1]])
        silence = float(np.exp((odds - BIAS - float(known @ WEIGHTS)) / SILENCE))
        return min(max(silence, shortest), longest)

    return rule


def judged(rule: Rule, asked: Sequence[Gaps]) -> dict[str, float]:
    """The share of phrases in which it cuts in falsely, and the median delay at the ends of all, in seconds."""
    false = [any(gaps[i] > rule(gaps[:i]) for i in range(1, len(gaps) - 1)) for gaps in asked]
    return {
        "false": round(float(np.mean(false)), 4),
        "delay": round(float(np.median([rule(g[:-1]) for g in asked])), 4),
    }


def turns(pieces: Sequence[Piece], count: int, seed: int) -> dict[str, Any]:
    """Every rule, and how the one that plays compares with fixed silences at the same median delay."""
    asked = phrases(pieces, count, seed)
    if not asked:
        return {"phrases": 0}
    curve = {f"{s:.2f} s": judged(fixed(s), asked) for s in FIXED}
    pace = {f"{t:.1f} times": judged(paced(t), asked) for t in TIMES}
    odds = {f"odds {o:+.1f}": judged(learnt(o), asked) for o in ODDS}
    for row in odds.values():
        row["fixed_at_its_delay"] = judged(fixed(row["delay"]), asked)["false"]
    ours = judged(paced(2.0), asked)
    same = judged(fixed(ours["delay"]), asked)["false"]
    return {
        "phrases": len(asked),
        "fixed": curve,
        "paced": pace,
        "learnt": odds,
        "plays": ours,
        "fixed_at_its_delay": same,
    }


def table(found: dict[str, Any]) -> str:
    """The same for people."""
    if not found["phrases"]:
        return "no phrases: these pieces are too short, or none was played by a human"
    lines = [f"{found['phrases']} phrases".ljust(24) + "false cut-ins".rjust(14) + "delay, s".rjust(10)]
    for name in ("fixed", "paced", "learnt"):
        for rule, row in found[name].items():
            lines.append(f"{name}, {rule}".ljust(24) + f"{row['false']:14.3f}{row['delay']:10.2f}")
            if "fixed_at_its_delay" in row:
                lines[-1] += f"  (a fixed silence of that: {row['fixed_at_its_delay']:.3f})"
    ours = found["plays"]
    lines.append(
        f"what plays: {ours['false']:.3f} at a median of {ours['delay']:.2f} s; a fixed silence of that: {found['fixed_at_its_delay']:.3f}"
    )
    return "\n".join(lines)
