"""What rubs against what sounds is less likely; what has ended, or lies elsewhere, does not count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoding import codec
from models.music.note_records import HIGHEST, LOWEST, Note
from models.steering import dissonance
from models.steering.dissonance import Dissonance

from ...support.steering import steered

KEYS = HIGHEST - LOWEST + 1


def test_semitones_and_sevenths_and_ninths_rub() -> None:
    low = steered(Dissonance(), np.zeros(KEYS), codec.PITCH, 0.5, [Note(0.0, 2.0, 60, 64)], 1.0)
    assert {int(p) + LOWEST for p in np.flatnonzero(low)} == {47, 49, 59, 61, 71, 73}
    assert set(low.tolist()) == {0.0, -0.5}


def test_what_is_over_when_the_note_sounds_does_not_count() -> None:
    notes = [Note(0.0, 0.5, 60, 64), Note(0.5, 0.52, 64, 64)]
    assert dissonance.dissonant_pitches(notes, 1.0) == []
    assert 63 - LOWEST in dissonance.dissonant_pitches(notes, 0.9)


@given(st.lists(st.integers(LOWEST, HIGHEST), max_size=12), st.floats(0.0, 4.0))
def test_nothing_is_forbidden(pitches: list[int], power: float) -> None:
    logits = np.linspace(-3.0, 3.0, KEYS)
    out = steered(Dissonance(), logits, codec.PITCH, power, [Note(0.0, 9.0, p, 64) for p in pitches], 1.0)
    assert out.min() >= logits.min() - power
    assert (out <= logits).all()
    assert np.array_equal(logits, np.linspace(-3.0, 3.0, KEYS))  # left as they were
