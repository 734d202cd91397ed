"""Turns: patient with the young phrase and the uneven one, quick with the quick one, and not for ever patient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns import turn_taking
from agent.turns.turn_taking import Hands, Patience
from models.music.note_records import Note
from models.music.phrase_end import LONGEST_SILENCE, SHORTEST_SILENCE

LATEST = (
    turn_taking.HELD_FACTOR * LONGEST_SILENCE
)  # seconds after its last note: a chord that is held on ends the phrase, too
some_gaps = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40)


def phrase(gap: float, count: int = 8) -> list[Note]:
    return [Note(10.0 + i * gap, 0.1, 60 + i, 70) for i in range(count)]


def played(gaps: list[float]) -> list[Note]:
    onsets = [0.0]
    for gap in gaps:
        onsets.append(onsets[-1] + gap)
    return [Note(onset, 0.1, 60, 70) for onset in onsets]


def hands_off(notes: list[Note], keys: int = 0, pedal: bool = False) -> Hands:
    return Hands(keys, pedal, notes[-1].onset, notes[-1].onset + 0.1)


def test_a_phrase_of_one_note_is_not_answered() -> None:
    assert turn_taking.phrase_end(phrase(0.2, 1), hands_off(phrase(0.2, 1))) is None
    assert turn_taking.phrase_end([], Hands(0, False, -1e9, -1e9)) is None


@pytest.mark.parametrize(
    ("gap", "count", "least", "most"),
    [
        (0.1, 16, 0.35, 0.5),  # a run: at once
        (0.1, 6, 0.6, 1.0),  # a lick: perhaps more comes
        (0.25, 12, 0.45, 0.6),
        (0.3, 8, 0.6, 0.8),
        (0.25, 4, 1.1, 1.4),  # four notes: hardly begun
        (0.6, 12, 0.9, 0.91),  # slow and steady: not at its own pace
        (2.0, 5, 1.5, 1.5),  # slower still: not for ever
    ],
)
def test_the_phrase_itself_says_how_long_to_wait(gap: float, count: int, least: float, most: float) -> None:
    notes = phrase(gap, count)
    over = turn_taking.phrase_end(notes, hands_off(notes))
    assert over is not None
    assert least - 1e-9 <= over - notes[-1].onset <= most + 1e-9


@given(st.floats(0.06, 0.9), st.integers(2, 30))
def test_an_even_phrase_that_goes_on_is_waited_for_ever_less(gap: float, count: int) -> None:
    assert turn_taking.closing_silence(phrase(gap, count + 1)) <= turn_taking.closing_silence(phrase(gap, count)) + 1e-9


@given(st.lists(st.floats(0.06, 1.0), min_size=2, max_size=40), st.floats(1.0, 2.0))
def test_a_slower_player_is_never_given_less_time(gaps: list[float], slower: float) -> None:
    assert (
        turn_taking.closing_silence(played([slower * g for g in gaps]))
        >= turn_taking.closing_silence(played(gaps)) - 1e-9
    )


@given(st.floats(0.06, 0.9), st.integers(2, 30))
def test_no_steady_player_is_cut_into_at_their_own_pace(gap: float, count: int) -> None:
    assert turn_taking.closing_silence(phrase(gap, count)) >= min(1.49 * gap, LONGEST_SILENCE)


def test_a_breath_in_a_phrase_is_given_room() -> None:
    even, breathing = [0.25] * 12, [0.25] * 6 + [0.7] + [0.25] * 5
    assert turn_taking.closing_silence(played(breathing)) > 1.5 * turn_taking.closing_silence(played(even))


def test_chords_do_not_count_as_gaps() -> None:
    chords = [Note(n.onset + d, 0.1, n.pitch + int(100 * d), 70) for n in phrase(0.5) for d in (0.0, 0.01, 0.02)]
    assert turn_taking.closing_silence(chords) == pytest.approx(turn_taking.closing_silence(phrase(0.5)))


def test_what_lies_before_a_rest_is_no_part_of_the_phrase() -> None:
    late = [Note(-20.0, 0.1, 60, 70), *phrase(0.25)]
    assert turn_taking.closing_silence(late) == pytest.approx(turn_taking.closing_silence(phrase(0.25)))
    assert turn_taking.closing_silence(late[:2]) == LONGEST_SILENCE


def test_keys_and_pedal_say_not_yet_but_not_for_ever() -> None:
    notes = phrase(0.25)
    plain = turn_taking.phrase_end(notes, hands_off(notes))
    pedal = turn_taking.phrase_end(notes, hands_off(notes, pedal=True))
    held = turn_taking.phrase_end(notes, hands_off(notes, keys=2))
    assert plain is not None
    assert pedal is not None
    assert held is not None
    assert plain < pedal < held
    slow = phrase(2.0)
    assert turn_taking.phrase_end(slow, hands_off(slow, keys=1)) == slow[-1].onset + LATEST


def test_hands_that_have_just_left_may_come_back() -> None:
    notes = phrase(0.1)
    late = Hands(0, False, notes[-1].onset, notes[-1].onset + 2.0)
    assert turn_taking.phrase_end(notes, late) == pytest.approx(notes[-1].onset + 2.0 + turn_taking.AFTER_RELEASE)


@given(some_gaps, st.booleans(), st.integers(0, 3), st.floats(1.0, Patience.MOST), st.floats(0.0, 4.0))
def test_every_phrase_ends_in_bounded_time_and_never_at_once(
    gaps: list[float], pedal: bool, keys: int, times: float, released: float
) -> None:
    notes = played(gaps)
    onset = notes[-1].onset
    over = turn_taking.phrase_end(notes, Hands(keys, pedal, onset, onset + released), times)
    assert over is not None
    assert over >= onset + SHORTEST_SILENCE - 1e-9
    assert over >= onset + released + turn_taking.AFTER_RELEASE - 1e-9
    assert over <= onset + max(LATEST, released + turn_taking.AFTER_RELEASE) + 1e-9


@given(some_gaps, st.booleans(), st.floats(1.0, Patience.MOST))
def test_a_key_that_comes_up_never_puts_the_end_off_but_for_a_moment(
    gaps: list[float], pedal: bool, times: float
) -> None:
    notes = played(gaps)
    onset = notes[-1].onset
    held, free = (turn_taking.phrase_end(notes, Hands(keys, pedal, onset, onset), times) for keys in (1, 0))
    assert held is not None
    assert free is not None
    assert free <= held


@given(st.lists(st.booleans(), max_size=60))
def test_what_a_session_teaches_is_bounded_and_forgotten(played_on: list[bool]) -> None:
    patience = Patience()
    for so in played_on:
        before = patience.factor
        patience.learn(so)
        assert 1.0 <= patience.factor <= Patience.MOST
        assert patience.factor >= before if so else patience.factor <= before
    for _ in range(20):
        patience.learn(False)
    assert patience.factor == 1.0


def test_who_was_cut_into_is_waited_for_longer() -> None:
    patience = Patience()
    patience.learn(played_on=True)
    notes = phrase(0.25)
    before, after = (turn_taking.phrase_end(notes, hands_off(notes), times) for times in (1.0, patience.factor))
    assert before is not None
    assert after is not None
    assert 0.05 < after - before < 0.3


@given(st.floats(0.0, 60.0))
def test_an_answer_is_about_as_long_as_the_call(length: float) -> None:
    span = turn_taking.answer_span([Note(0.0, 0.1, 60, 70), Note(length, 0.1, 62, 70)], start=100.0)
    assert span.earliest == 100.0 < span.close < span.stop
    assert 1.59 <= span.close - 100.0 <= 6.41
    assert span.stop - 100.0 <= 11.21
