"""Rhythm: an answer speaks in its call's note values.

Knows nothing of networks, beats or bars. A musician that goes on from its own last notes drifts: a few waits that were drawn otherwise,
and it is in another rhythm, which people are not (their next phrases have nearly the call's waits). So the odds of waits that the call had
are raised, those that it had often more than those that it had once. Whether a note joins the chord before it is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ..encoding import codec
from ..music.chords import CHORD_SECONDS
from ..music.note import CALL, Note, answer_begins
from ..music.settings import TERMS
from .base import PHRASE_NOTES, Call, Row, Step, Style
from .sampling import raised

LEAST = 4  # waits of a call that tell its rhythm
NEAR, SHARE = 0.012, 0.06  # seconds, or a share of the wait: what is so far from it counts as six tenths the same
OWN = 0.5  # of the call's rhythm is left where the style has a rhythm of its own, a habit of waiting
SELDOM = 0.05  # of the waits: what is as rare as this is raised by a quarter

_APART = int(np.searchsorted(codec.TIMES, CHORD_SECONDS, side="right"))  # the first wait that is no chord
_WAITS = codec.TIMES[_APART:]


class Rhythm:
    """Raises the waits of the last call by up to `strength` nats."""

    name = "rhythm"
    setting = TERMS[name]
    fields = frozenset({codec.TIME})

    def prepare(self, call: Call, style: Style) -> Callable[[float], tuple[Row, Row]] | None:
        """By a strength, what each wait is raised by, in nats and as odds; None in a duet, and where the call has no rhythm."""
        if call.together or (rhythm := called(call.history)) is None:
            return None
        share = OWN if "wait" in style.sampling.habits else 1.0

        def leans(strength: float) -> tuple[Row, Row]:
            lean = strength * share * rhythm
            return lean, np.exp(lean)

        return lru_cache(maxsize=1)(leans)

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the wait; whether a note joins the chord before it is left as it is."""
        if step.prepared is None or not strength:
            return logits
        return raised(logits, _APART, *step.prepared(strength))


def called(notes: Sequence[Note]) -> Row | None:
    """How firmly each wait (n,) that is no chord's is the last call's, 0 to 1; None where that has no rhythm."""
    answer_start = answer_begins(notes)
    onsets = [note.onset for note in notes[max(answer_start - PHRASE_NOTES, 0) : answer_start] if note.role == CALL]
    waits = np.diff(onsets)
    waits = waits[(waits > CHORD_SECONDS) & (waits < codec.TIMES[-1])]
    if len(waits) < LEAST:
        return None
    near = np.maximum(NEAR, SHARE * waits)
    share = np.exp(-0.5 * ((_WAITS[:, None] - waits) / near) ** 2).mean(1)
    return np.log1p(share / SELDOM) / np.log1p(1.0 / SELDOM)
