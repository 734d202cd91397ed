"""Dynamics: how loud the next note is; what the musician expects of it is moved up or down as a whole, accents and all.

Knows nothing of networks or of calls. To tilt the odds, as other qualities are (`models.steering.quality_knobs`), would not do: of a
musician that expects a loud note, or now and then one that is hardly touched, it takes the latter, and a soft answer jumps between
whispers and shouts. Who plays more softly plays the same, softer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..encoding import codec
from ..music.features import LOUDNESS, MEAN, SPREAD
from ..music.settings import TERMS
from .base import Call, Row, Step, Style
from .quality_knobs import ASKED, LEFT
from .sampling import chances

KEPT = (
    0.35  # of what a note is off is what a style moves it by, however firmly it pulls else; a knob does by its own turn
)
LOUDEST = 3.0  # spreads from the usual, at most
LISTENED = 8  # of its own last notes tell how loud it is
EXPECTED = 2  # so many more count as loud as it expects the next one to be; at its beginning there are no others
STEP = 4  # MIDI velocities that are one value of the codec
FARTHEST = 12.0  # values by which a note is moved, at most
BEYOND = 2.0  # nats by which a value is less likely than the one before it, where nothing was expected of either

_LAST = codec.SIZES[codec.VELOCITY] - 1.0
_VALUES = np.arange(_LAST + 1.0)


@dataclass(frozen=True, slots=True)
class Level:
    """How loud an answer is to be, in MIDI velocity, and by which share of what it is off each note is moved, 0 to 1."""

    wanted: float
    share: float

    @classmethod
    def asked(cls, own: float, knob: float, has_style: bool) -> Level:
        """By a style that is so loud of its `own`, in spreads from the usual, where there is one; and by the knob, -1 to 1."""
        spreads = own - LEFT * abs(knob) * own + ASKED * knob
        wanted = MEAN[LOUDNESS] + SPREAD[LOUDNESS] * min(max(spreads, -LOUDEST), LOUDEST)
        return cls(float(wanted), min(max(KEPT * has_style, abs(knob)), 1.0))


class Dynamics:
    """Moves the velocities towards the level that is asked for, by `strength` times its share."""

    name = "dynamics"
    setting = TERMS[name]
    fields = frozenset({codec.VELOCITY})

    def prepare(self, call: Call, style: Style) -> tuple[Level, int | None]:
        """The level, and how many of the notes that are remembered came before the answer; None in a duet, where none begins."""
        own = float(style.point[LOUDNESS])
        level = Level.asked(own, style.sampling.knobs.get("loudness", 0.0), style.has_style)
        return level, None if call.together else call.answer_start

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the velocity."""
        level, answer_start = step.prepared
        share = strength * level.share
        if not share:
            return logits
        answer = (
            step.own[-LISTENED:]
            if answer_start is None
            else step.notes[max(answer_start, len(step.notes) - LISTENED) :]
        )
        p = chances(logits)
        expected = STEP * float(_VALUES.dot(p) / p.sum())
        loud = (sum([n.velocity for n in answer]) + EXPECTED * expected) / (len(answer) + EXPECTED)
        return moved(logits, share * (level.wanted - loud) / STEP)


def moved(logits: Row, by: float) -> Row:
    """A row of logits, moved by so many values, which need not be whole."""
    at = _VALUES - min(max(by, -FARTHEST), FARTHEST)
    beyond = np.maximum(-at if by > 0.0 else at - _LAST, 0.0)
    return np.interp(at, _VALUES, logits) - BEYOND * beyond
