"""Rhythm: waits that the call had are raised, so an answer has its call's note values.

A musician that goes on from its own last notes drifts: after a few unusual waits it is in another rhythm. People do not:
their next phrases have nearly the call's waits. Waits that the call had often are raised more than those it had once.
Whether a note joins the chord before it is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ..encoding import codec
from ..music.note_records import CALL, Note, answer_start
from ..music.simultaneous_notes import CHORD_SECONDS
from ..music.style_settings_table import TERMS
from .base import PHRASE_NOTES, Call, Row, Step, Style
from .sampling import raise_keeping_mass, raise_rows_keeping_mass

LEAST_WAITS = 4  # waits of a call that tell its rhythm
WIDTH_SECONDS, WIDTH_SHARE = (
    0.012,
    0.06,
)  # seconds, or a share of the wait: what is so far from it counts as six tenths the same
HABIT_SHARE = 0.5  # of the call's rhythm is left where the style has a rhythm of its own, a habit of waiting
RARE_SHARE = 0.05  # of the waits: what is as rare as this is raised by a quarter

_FIRST_SEPARATE = int(np.searchsorted(codec.TIMES, CHORD_SECONDS, side="right"))  # the first wait that is no chord
_WAITS = codec.TIMES[_FIRST_SEPARATE:]


class Rhythm:
    """Raises the waits of the last call by up to `strength` nats."""

    name = "rhythm"
    setting = TERMS[name]
    fields = frozenset({codec.TIME})

    def prepare(self, call: Call, style: Style) -> Callable[[float], tuple[Row, Row]] | None:
        """By a strength, what each wait is raised by, in nats and as odds; None in a duet, and where the call has no rhythm."""
        if call.together or (rhythm := wait_weights(call.history)) is None:
            return None
        share = HABIT_SHARE if "wait" in style.sampling.habits else 1.0

        def changes(strength: float) -> tuple[Row, Row]:
            change = strength * share * rhythm
            return change, np.exp(change)

        return lru_cache(maxsize=1)(changes)

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the wait; whether a note joins the chord before it is left as it is."""
        if step.prepared is None or not strength:
            return logits
        return raise_keeping_mass(logits, _FIRST_SEPARATE, *step.prepared(strength))

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of the wait: see `models.steering.base.RowSteering`."""
        prepared = steps[0].prepared
        if prepared is None or not strength:
            return logits
        return raise_rows_keeping_mass(logits, _FIRST_SEPARATE, *prepared(strength))


def wait_weights(notes: Sequence[Note]) -> Row | None:
    """How firmly each wait (n,) that is no chord's is the last call's, 0 to 1; None where that has no rhythm."""
    start = answer_start(notes)
    onsets = [note.onset for note in notes[max(start - PHRASE_NOTES, 0) : start] if note.role == CALL]
    waits = np.diff(onsets)
    waits = waits[(waits > CHORD_SECONDS) & (waits < codec.TIMES[-1])]
    if len(waits) < LEAST_WAITS:
        return None
    widths = np.maximum(WIDTH_SECONDS, WIDTH_SHARE * waits)
    share = np.exp(-0.5 * ((_WAITS[:, None] - waits) / widths) ** 2).mean(1)
    return np.log1p(share / RARE_SHARE) / np.log1p(1.0 / RARE_SHARE)
