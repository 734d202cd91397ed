"""A chart's chords: their tones are raised; fully on the beat and after a change; without a chart nothing changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.encoding import codec
from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.chords import TimedChord
from models.music.note_records import ANSWER, LOWEST, Bar, Note
from models.steering.pitch_classes import BETWEEN_BEATS, OUTSIDE_WEIGHT, TENSION_WEIGHT, ChordChanges

from ...support.steering import SPAN, steered

FLAT = np.zeros(codec.SIZES[codec.PITCH])
CHART = replace(SPAN, bar=Bar(0.0, 2.0), chords=(TimedChord(0.0, read_chord("F7")), TimedChord(4.0, read_chord("Bb7"))))
LAST = [Note(3.0, 0.2, 60, 64, ANSWER)]


def raised(onset: float, notes: list[Note] = LAST, strength: float = 2.0) -> np.ndarray:
    """By pitch class, C first: what a pitch is raised by."""
    out = steered(ChordChanges(), FLAT, codec.PITCH, strength, notes, onset, CHART)
    return out[60 - LOWEST : 72 - LOWEST] / strength


def test_tones_of_the_chord_come_first_then_tensions() -> None:
    on_beat = raised(3.5)
    assert on_beat[[5, 9, 0, 3]] == pytest.approx(1.0)  # F, A, C and E flat over F7
    assert on_beat[7] == pytest.approx(TENSION_WEIGHT)
    assert on_beat[4] == pytest.approx(OUTSIDE_WEIGHT)


def test_between_beats_there_is_room_for_other_tones() -> None:
    assert raised(3.25) == pytest.approx(BETWEEN_BEATS * raised(3.5))


def test_the_first_note_after_a_change_and_one_just_before_it_are_of_the_new_chord() -> None:
    """D and A flat are tones of B flat 7 and not of F7."""
    for onset in (3.95, 4.0, 4.2):
        assert raised(onset)[[2, 8]] == pytest.approx(1.0)
    assert raised(4.2, [Note(4.1, 0.2, 60, 64, ANSWER)])[2] == pytest.approx(BETWEEN_BEATS)


def test_without_a_chart_or_a_chord_all_is_as_it_was() -> None:
    for span in (SPAN, replace(SPAN, chords=(TimedChord(0.0, read_chord("N.C.")),))):
        assert not steered(ChordChanges(), FLAT, codec.PITCH, 2.0, LAST, 3.5, span).any()
