"""Pitch classes: an answer keeps to the key of its call, and to the pitch classes of its call, in any octave.

A key has seven pitch classes, and a phrase of eight bars seldom uses them all alike. What people play next stays nearer to
those just heard than a musician does who draws note by note. So each is raised by how often the call had it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music import keys
from ..music.note_records import HIGHEST, LOWEST
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style, scaled
from .sampling import Sampling

RARE_SHARE = 0.04  # of the call's notes: a tone that is as rare as this is raised by a quarter of what one that is all of them would be

_TONES = np.arange(LOWEST, HIGHEST + 1) % 12


class Key:
    """Lowers the pitches outside the key that is asked for, else the call's own, by up to `strength` nats."""

    name = "key"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> Callable[[float], Row] | None:
        """By a strength, what each pitch (88,) is lowered by, in nats; None where nothing tells the key."""
        found = outside_key(call, style.sampling)
        if found is None:
            return None
        outside, certainty = found
        return lru_cache(maxsize=1)(lambda strength: np.float32(strength * certainty) * outside)

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        return logits if step.prepared is None else logits - step.prepared(strength)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        return self(logits, steps[0], strength)  # what is prepared is the same for all rows


class PitchClasses:
    """Raises the pitch classes of the call by up to `strength` nats."""

    name = "tones"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> Callable[[float], Row]:
        """By a strength, what each pitch (88,) is raised by, in nats."""
        return scaled(pitch_class_weights(call.pitches))

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        return logits + step.prepared(strength)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        return self(logits, steps[0], strength)  # what is prepared is the same for all rows


def pitch_class_weights(pitches: Sequence[int]) -> Row:
    """How firmly each pitch (88,) is one of the call's tones, 0 to 1, by the call's pitches; 0 for all where there are none."""
    if not pitches:
        return np.zeros(len(_TONES))
    share = np.bincount(np.array(pitches) % 12, minlength=12) / len(pitches)
    return (np.log1p(share / RARE_SHARE) / np.log1p(share.max() / RARE_SHARE))[_TONES]


def outside_key(call: Call, sampling: Sampling) -> tuple[NDArray[np.bool_], float] | None:
    """Which pitches, (88,), are outside the key, and how sure it is that there is one, 0 to 1; None where nothing tells it."""
    if pitch_classes := int(sampling.key):
        return keys.outside_set(pitch_classes), 1.0
    if not call.pitches:
        return None
    tonic, share = keys.key_share(call.pitches)
    return keys.outside(tonic), keys.certainty(share)
