"""Beat: where there is one, waits that end on a beat, on the second eighth or on a sixteenth are raised.

The beat comes from a clock, or from the pulse of the call (`models.music.pulse`). A network that has learned from people
in all tempi waits about as long as they would, and so loses another player's beat within a bar. Whether a note joins the
chord before it is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..encoding import codec
from ..music.note_records import Bar
from ..music.simultaneous_notes import CHORD_SECONDS
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style
from .sampling import raise_keeping_mass, raise_rows_keeping_mass

WIDTH_SECONDS = 0.025  # seconds: what is so far from its place counts as six tenths on it
EIGHTH_WEIGHT, SIXTEENTH_WEIGHT = 0.8, 0.5  # of what is told of a beat

_FIRST_SEPARATE = int(np.searchsorted(codec.TIMES, CHORD_SECONDS))  # the first wait that is no chord
_WAITS = codec.TIMES[_FIRST_SEPARATE:]
_PLACE_WEIGHTS = np.array([[1.0], [SIXTEENTH_WEIGHT], [EIGHTH_WEIGHT], [SIXTEENTH_WEIGHT], [1.0]])


@lru_cache(maxsize=8)
def _places(swing: float) -> Row:
    """Where in a beat the firm places are, (5, 1)."""
    return np.array([[0.0], [swing / 2], [swing], [(1.0 + swing) / 2], [1.0]])


class Beat:
    """Raises the waits that end on a beat, or on a part of it, by up to `strength` nats, where there is a beat."""

    name = "beat"
    setting = TERMS[name]
    fields = frozenset({codec.TIME})

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: the beat is the span's."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the wait; whether a note joins the chord before it is left as it is."""
        bar = step.span.bar
        if bar is None or not strength:
            return logits
        change = strength * _firmness(bar, step.onset - bar.start + _WAITS)
        return raise_keeping_mass(logits, _FIRST_SEPARATE, change, np.exp(change))

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of the wait: see `models.steering.base.RowSteering`."""
        bar = steps[0].span.bar
        if bar is None or not strength:
            return logits
        onsets = np.array([step.onset for step in steps])[:, None]
        change = strength * _firmness(bar, onsets - bar.start + _WAITS)
        return raise_rows_keeping_mass(logits, _FIRST_SEPARATE, change, np.exp(change))


def _firmness(bar: Bar, since_bar: Row) -> Row:
    """How firmly each moment (…, n), in seconds since a bar line, is on the beat, 0 to 1."""
    beat = bar.length / bar.beats
    within = (since_bar / beat) % 1.0
    distance = (within[..., None, :] - _places(bar.swing)) * (beat / WIDTH_SECONDS)
    firmness: Row = (_PLACE_WEIGHTS * np.exp(-0.5 * distance * distance)).max(-2)
    return firmness
