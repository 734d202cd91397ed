"""Beat: where there is one, what comes next is likelier to come on it.

Knows nothing of where the beat comes from: a clock, or the pulse of what was called (`models.music.pulse`). A musician
that has learned from
people in all tempi waits about as long as they would, and so loses another one's beat within a bar. Here the odds of the waits that end on
a beat, on the second eighth or on a sixteenth are raised, so that it chooses among the rhythms that are in time. Whether a note joins the
chord before it is no matter of the beat, and is left as it is.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.features import CHORD
from ..music.note import Bar
from .sampling import raised

NEAR = 0.025  # seconds: what is so far from its place counts as six tenths on it
EIGHTH, SIXTEENTH = 0.8, 0.5  # of what is told of a beat

Row = NDArray[np.floating]

_APART = int(np.searchsorted(codec.TIMES, CHORD))  # the first wait that is no chord
_WAITS = codec.TIMES[_APART:]
_FIRM = np.array([[1.0], [SIXTEENTH], [EIGHTH], [SIXTEENTH], [1.0]])


@lru_cache(maxsize=8)
def _places(swing: float) -> Row:
    """Where in a beat the firm places are, (5, 1)."""
    return np.array([[0.0], [swing / 2], [swing], [(1.0 + swing) / 2], [1.0]])


def leaned(logits: Row, last: float, bar: Bar, power: float) -> Row:
    """The logits (n,) of the wait after an onset at `last`, those that end in time raised by up to `power` nats."""
    if not power:
        return logits
    beat = bar.length / bar.beats
    within = ((last - bar.start + _WAITS) / beat) % 1.0
    off = (within - _places(bar.swing)) * (beat / NEAR)
    lean = power * (_FIRM * np.exp(-0.5 * off * off)).max(0)
    return raised(logits, _APART, lean)
