"""Rhythm: an answer speaks in its call's note values.

Knows nothing of networks, beats or bars. A musician that goes on from its own last notes drifts: a few waits that were drawn otherwise,
and it is in another rhythm, which people are not (their next phrases have nearly the call's waits). So the odds of waits that the call had
are raised, those that it had often more than those that it had once. Whether a note joins the chord before it is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.features import CHORD
from ..music.note import CALL, Note, answer_start
from .sampling import raised

LEAST, MOST = 4, 64  # waits of a call that tell its rhythm, and notes of it that are looked at
NEAR, SHARE = 0.012, 0.06  # seconds, or a share of the wait: what is so far from it counts as six tenths the same
SELDOM = 0.05  # of the waits: what is as rare as this is raised by a quarter

Row = NDArray[np.floating]

_APART = int(np.searchsorted(codec.TIMES, CHORD, side="right"))  # the first wait that is no chord
_WAITS = codec.TIMES[_APART:]


def called(notes: Sequence[Note]) -> Row | None:
    """How firmly each wait (n,) that is no chord's is the last call's, 0 to 1; None where that has no rhythm."""
    begun = answer_start(notes)
    onsets = [note.onset for note in notes[max(begun - MOST, 0) : begun] if note.role == CALL]
    waits = np.diff(onsets)
    waits = waits[(waits > CHORD) & (waits < codec.TIMES[-1])]
    if len(waits) < LEAST:
        return None
    near = np.maximum(NEAR, SHARE * waits)
    share = np.exp(-0.5 * ((_WAITS[:, None] - waits) / near) ** 2).mean(1)
    return np.log1p(share / SELDOM) / np.log1p(1.0 / SELDOM)


def leaned(logits: Row, rhythm: Row | None, power: float) -> Row:
    """The logits (n,) of the wait, those of the rhythm raised by up to `power` nats."""
    if rhythm is None or not power:
        return logits
    return raised(logits, _APART, power * rhythm)
