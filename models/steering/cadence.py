"""Cadence: an answer comes to rest on the home triad of the key that its call is in.

A phrase may end anywhere, but more often than elsewhere it ends at home, and an answer that does so sounds finished. So, once an answer may
close, the odds of the notes of that triad are raised a little, its root's most (`models.music.keys.home`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..encoding import codec
from ..music import keys
from ..music.note_records import ANSWER
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style, scaled


class Cadence:
    """Raises the pitches of the home triad by up to `strength` nats, where an answer may close."""

    name = "cadence"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> Callable[[float], Row]:
        """By a strength, what each pitch (88,) is raised by, in nats."""
        return scaled(keys.home(call.pitches, int(style.sampling.key)))

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        if step.onset < step.span.close or not step.recent or step.recent[-1].role != ANSWER:
            return logits
        return logits + step.prepared(strength)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        closing = [
            i for i, s in enumerate(steps) if s.onset >= s.span.close and s.recent and s.recent[-1].role == ANSWER
        ]
        if closing:
            logits[closing] += steps[0].prepared(strength)
        return logits
