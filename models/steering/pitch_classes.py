"""Pitch classes: an answer keeps to the key of its call, to the pitch classes of its call in any octave, and to a chart's chords.

A key has seven pitch classes, and a phrase of eight bars seldom uses them all alike. What people play next stays nearer to
those just heard than a musician does who draws note by note. So each is raised by how often the call had it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music import keys
from ..music.harmony.chords import Chord, TimedChord, chord_at
from ..music.note_records import HIGHEST, LOWEST
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style, scaled
from .sampling import Sampling

#: How firmly an answer keeps to a chart was fitted to soloists over theirs ("Solos over a chart" in EXPERIMENTS).
EARLY_SECONDS = 0.06  # a note that is struck so shortly before a change belongs to the chord that follows
BEAT_SECONDS = 0.06  # so near, a note is on the beat
BETWEEN_BEATS = 0.7  # of the strength is left between beats, where lines pass through other tones
TENSION_WEIGHT, OUTSIDE_WEIGHT = 0.2, -0.4  # of the strength, where a tone of the chord has 1
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


class ChordChanges:
    """Raises the tones of the chord that a chart has at the moment by up to `strength` nats, and lowers what does not fit it."""

    name = "changes"
    setting = TERMS[name]
    fields = frozenset({codec.PITCH})

    def prepare(self, call: Call, style: Style) -> None:
        """Nothing: the chords are the span's."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (88,) of the pitch."""
        chords = step.span.chords
        if not chords or not strength:
            return logits
        return logits + strength * _firmness(chords, step) * _chord_weights(
            chord_at(chords, step.onset + EARLY_SECONDS)
        )

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, 88) logits of the pitch: see `models.steering.base.RowSteering`."""
        if not steps[0].span.chords or not strength:
            return logits
        return np.stack([self(row, step, strength) for row, step in zip(logits, steps, strict=True)])


def _firmness(chords: Sequence[TimedChord], step: Step) -> float:
    """How firmly a note keeps to its chord, 0 to 1: fully on a beat, and where it is the first after a change."""
    onset = step.onset + EARLY_SECONDS
    change = max((timed.start for timed in chords if timed.start <= onset), default=-math.inf)
    if not step.recent or step.recent[-1].onset + EARLY_SECONDS < change:
        return 1.0
    bar = step.span.bar
    if bar is None:
        return BETWEEN_BEATS
    beats = (step.onset - bar.start) / bar.length * bar.beats
    off_beat = abs(beats - round(beats)) * bar.length / bar.beats
    return 1.0 if off_beat <= BEAT_SECONDS else BETWEEN_BEATS


@lru_cache(maxsize=256)
def _chord_weights(chord: Chord) -> Row:
    """What each pitch (88,) is worth over a chord, 1 to -1: its tones, tensions, and what is none of these."""
    classes = np.full(12, OUTSIDE_WEIGHT if chord else 0.0)
    for weight, members in ((TENSION_WEIGHT, chord.tensions), (1.0, chord.tones)):
        classes[list(members)] = weight
    return classes[_TONES]


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
