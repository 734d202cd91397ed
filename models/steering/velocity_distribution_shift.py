"""Dynamics: the network's distribution of the next velocity, moved up or down as a whole, accents included.

To tilt the odds, as for other qualities (`models.steering.player_knobs`), would not do. Where the network expects a loud
note and now and then a very soft one, a tilt picks the latter, and a soft answer jumps between extremes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..encoding import codec
from ..music.features import LOUDNESS, MEAN, SPREAD
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style
from .player_knobs import KNOB_SPREADS, KNOB_STYLE_LOSS
from .sampling import relative_probabilities, relative_probabilities_of_rows

STYLE_SHARE = (
    0.35  # of what a note is off is what a style moves it by, however firmly it pulls else; a knob does by its own turn
)
FARTHEST_SPREADS = 3.0  # spreads from the usual, at most
OWN_NOTES = 8  # of its own last notes tell how loud it is
EXPECTED_NOTES = 2  # so many more count as loud as it expects the next one to be; at its beginning there are no others
STEP_VELOCITY = 4  # MIDI velocities that are one value of the codec
FARTHEST_VALUES = 12.0  # values by which a note is moved, at most
EDGE_NATS = 2.0  # nats by which a value is less likely than the one before it, where nothing was expected of either

_LAST = codec.SIZES[codec.VELOCITY] - 1.0
_VALUES = np.arange(_LAST + 1.0)


@dataclass(frozen=True, slots=True)
class Level:
    """How loud an answer is to be, in MIDI velocity, and by which share of what it is off each note is moved, 0 to 1."""

    target: float
    share: float

    @classmethod
    def of(cls, own: float, knob: float, has_style: bool) -> Level:
        """By a style that is so loud of its `own`, in spreads from the usual, where there is one; and by the knob, -1 to 1."""
        spreads = own - KNOB_STYLE_LOSS * abs(knob) * own + KNOB_SPREADS * knob
        target = MEAN[LOUDNESS] + SPREAD[LOUDNESS] * min(max(spreads, -FARTHEST_SPREADS), FARTHEST_SPREADS)
        return cls(float(target), min(max(STYLE_SHARE * has_style, abs(knob)), 1.0))


class Dynamics:
    """Moves the velocities towards the level that is asked for, by `strength` times its share."""

    name = "dynamics"
    setting = TERMS[name]
    fields = frozenset({codec.VELOCITY})

    def prepare(self, call: Call, style: Style) -> tuple[Level, int | None]:
        """The level, and how many of the notes that are remembered came before the answer; None in a duet, where none begins."""
        own = float(style.point[LOUDNESS])
        level = Level.of(own, style.sampling.knobs.get("loudness", 0.0), style.has_style)
        return level, None if call.together else call.answer_start

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the velocity."""
        level, answer_start = step.prepared
        share = strength * level.share
        if not share:
            return logits
        velocities = _last_velocities(step, answer_start)
        p = relative_probabilities(logits)
        expected = STEP_VELOCITY * float(_VALUES.dot(p) / p.sum())
        loud = (sum(velocities) + EXPECTED_NOTES * expected) / (len(velocities) + EXPECTED_NOTES)
        return shift_logits(logits, share * (level.target - loud) / STEP_VELOCITY)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of the velocity: see `models.steering.base.RowSteering`."""
        level, answer_start = steps[0].prepared
        share = strength * level.share
        if not share:
            return logits
        velocities = [_last_velocities(step, answer_start) for step in steps]
        p = relative_probabilities_of_rows(logits)
        expected = STEP_VELOCITY * (p @ _VALUES) / p.sum(1)
        sums = np.array([sum(each) for each in velocities])
        counts = np.array([len(each) for each in velocities])
        loud = (sums + EXPECTED_NOTES * expected) / (counts + EXPECTED_NOTES)
        return shift_rows(logits, share * (level.target - loud) / STEP_VELOCITY)


def _last_velocities(step: Step, answer_start: int | None) -> list[int]:
    """The velocities of the answer's last notes; `answer_start` as `Dynamics.prepare` returns it."""
    if answer_start is None:
        return [n.velocity for n in step.own[-OWN_NOTES:]]
    return [n.velocity for n in step.notes[max(answer_start, len(step.notes) - OWN_NOTES) :]]


def shift_logits(logits: Row, values: float) -> Row:
    """A row of logits, moved by so many values, which need not be whole."""
    at = _VALUES - min(max(values, -FARTHEST_VALUES), FARTHEST_VALUES)
    beyond = np.maximum(-at if values > 0.0 else at - _LAST, 0.0)
    return np.interp(at, _VALUES, logits) - EDGE_NATS * beyond


def shift_rows(logits: Row, values: Row) -> Row:
    """`shift_logits` of (R, n) logits by (R,) values."""
    moved = np.clip(values, -FARTHEST_VALUES, FARTHEST_VALUES)[:, None]
    at = _VALUES - moved
    beyond = np.maximum(np.where(moved > 0.0, -at, at - _LAST), 0.0)
    inside = np.clip(at, 0.0, _LAST)
    below = np.minimum(inside.astype(np.int64), int(_LAST) - 1)
    low = np.take_along_axis(logits, below, 1)
    high = np.take_along_axis(logits, below + 1, 1)
    shifted: Row = low + (inside - below) * (high - low) - EDGE_NATS * beyond
    return shifted
