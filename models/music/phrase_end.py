"""The rule that ends a phrase: how long a silence must last, by the times between the strokes before it.

It looks at the phrase's longest gap, beside its whole length. A long and even phrase is soon over. A young one, or one with a long rest in
it, is given time. So no player is interrupted at their own pace, and a quick phrase gets a quick answer.

Pure. Times are in seconds. `python -m models.evaluation.phrase_end_rules` fits the rule and compares it with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Seconds. Fitted on 6,000 calls of the valid split, so that the median silence is 0.55 s ("The rule that ends a phrase" in EXPERIMENTS).
WAIT = 2.7
POWER = 2 / 3  # of longest gap / length, in the same experiment
GAP_BOUNDS = (1.5, 10.0)  # mean gaps of the phrase: never a shorter or longer silence; chosen
SHORTEST_SILENCE = 0.35  # seconds, chosen
LONGEST_SILENCE = 1.5  # seconds, chosen
REST = 2.5  # seconds: a note from before such a rest belongs to no phrase of now; chosen, longer than any silence that is waited for


def phrase_end_silence(longest: Any, length: Any, count: Any, wait: float = WAIT, power: float = POWER) -> Any:
    """The seconds of silence that end a phrase; numbers or arrays.

    `longest` is its longest gap and `length` the sum of its `count` gaps, in seconds. The result is `wait` · (longest / length) ** `power`,
    within `GAP_BOUNDS` and then within the shortest and the longest silence.
    """
    least, most = (times * length / count for times in GAP_BOUNDS)
    silence = np.minimum(np.maximum(wait * (longest / length) ** power, least), most)
    return np.minimum(np.maximum(silence, SHORTEST_SILENCE), LONGEST_SILENCE)


def closing_silence(gaps: Sequence[float], wait: float = WAIT, power: float = POWER) -> float:
    """The seconds of silence that end a phrase with these gaps between its strokes, in seconds; what was before a rest does not count."""
    first = max((i + 1 for i, gap in enumerate(gaps) if gap > REST), default=0)
    gaps = gaps[first:]
    if not len(gaps):
        return LONGEST_SILENCE
    return float(phrase_end_silence(max(gaps), sum(gaps), len(gaps), wait, power))
