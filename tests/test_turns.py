"""Turns: patient with slow players, quick with quick ones, and not for ever patient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import turns
from agent.turns import Hands
from models.note import Note


def phrase(gap: float, count: int = 8) -> list[Note]:
    return [Note(10.0 + i * gap, 0.1, 60 + i, 70) for i in range(count)]


def hands_off(notes: list[Note], keys: int = 0, pedal: bool = False) -> Hands:
    return Hands(keys, pedal, notes[-1].onset, notes[-1].onset + 0.1)


def test_a_phrase_of_one_note_is_not_answered() -> None:
    assert turns.over_at(phrase(0.2, 1), hands_off(phrase(0.2, 1))) is None
    assert turns.over_at([], Hands(0, False, -1e9, -1e9)) is None


@pytest.mark.parametrize(("gap", "silence"), [(0.1, 0.35), (0.3, 0.6), (0.5, 1.0), (2.0, 1.2)])
def test_patience_grows_with_the_gaps(gap: float, silence: float) -> None:
    notes = phrase(gap)
    over = turns.over_at(notes, hands_off(notes))
    assert over == pytest.approx(notes[-1].onset + silence)


def test_chords_do_not_count_as_gaps() -> None:
    chords = [Note(n.onset + d, 0.1, n.pitch + int(100 * d), 70) for n in phrase(0.5) for d in (0.0, 0.01, 0.02)]
    assert turns.patience(chords) == pytest.approx(turns.patience(phrase(0.5)), abs=0.05)


def test_keys_and_pedal_say_not_yet_but_not_for_ever() -> None:
    notes = phrase(0.25)
    plain = turns.over_at(notes, hands_off(notes))
    pedal = turns.over_at(notes, hands_off(notes, pedal=True))
    held = turns.over_at(notes, hands_off(notes, keys=2))
    assert plain is not None
    assert pedal is not None
    assert held is not None
    assert plain < pedal < held == notes[-1].onset + turns.HELD_CHORD


def test_hands_that_have_just_left_may_come_back() -> None:
    notes = phrase(0.1)
    late = Hands(0, False, notes[-1].onset, notes[-1].onset + 2.0)
    assert turns.over_at(notes, late) == pytest.approx(notes[-1].onset + 2.0 + turns.AFTER_RELEASE)


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40), st.booleans(), st.integers(0, 3))
def test_every_phrase_ends_in_bounded_time_after_its_last_note(gaps: list[float], pedal: bool, keys: int) -> None:
    onset, notes = 0.0, []
    for gap in [0.0, *gaps]:
        onset += gap
        notes.append(Note(onset, 0.1, 60, 70))
    over = turns.over_at(notes, Hands(keys, pedal, onset, onset))
    assert over is not None
    assert 0.19 <= over - onset <= turns.HELD_CHORD + 0.01


@given(st.floats(0.0, 60.0))
def test_an_answer_is_about_as_long_as_the_call(length: float) -> None:
    shape = turns.shape([Note(0.0, 0.1, 60, 70), Note(length, 0.1, 62, 70)], start=100.0)
    assert shape.start == 100.0 < shape.close < shape.stop
    assert 1.59 <= shape.close - 100.0 <= 6.41
    assert shape.stop - 100.0 <= 11.21
