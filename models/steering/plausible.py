"""Plausible: style and knobs choose among what the network expects, and never beyond.

Drawn too far, a long tail is taken by its end: a wrong note, or one that is cut short in the middle of a chord.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..encoding import codec
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style
from .sampling import likeliest

#: How likely a value must be to the network, beside the likeliest, for the terms before this one to draw to it.
#: Waits are left alone: any may be in time.
LIKELY = {codec.PITCH: 0.02, codec.DURATION: 0.003}
_BEHIND = {field: math.log(share) for field, share in LIKELY.items()}  # nats
OUT = 8.0  # nats by which what is less likely stays behind the favourite, however far it is drawn to


class Plausible:
    """Puts back what the network holds to be unlikely; at `strength` 2 the bound is the root of `LIKELY`, so nearer to the likeliest."""

    name = "plausible"
    setting = TERMS[name]
    fields = frozenset(LIKELY)

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: what the network expects is in the step."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of pitch or duration."""
        if strength <= 0.0:
            return logits
        expected = step.expected
        top = likeliest(expected)
        odd = expected < top + _BEHIND[step.field] / strength
        return np.where(odd, likeliest(logits[~odd]) - OUT + expected - top, logits)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of pitch or duration: see `models.steering.base.RowSteering`."""
        if strength <= 0.0:
            return logits
        expected = np.stack([step.expected for step in steps])
        top = expected.max(1, keepdims=True)
        odd = expected < top + _BEHIND[steps[0].field] / strength
        likely = np.where(odd, -np.inf, logits).max(1, keepdims=True)
        return np.where(odd, likely - OUT + expected - top, logits)
