"""Trading over a form: whose bars, which chorus, what comes next, and the end."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.charts.chart import Chart, ChartError
from agent.charts.chart_library import load_chart
from agent.charts.form import form_of
from agent.charts.form_trading import CHORUS, HALF, LENGTHS, SECTIONS, FormTrading, read_length, turn_bars
from agent.charts.formats.text_form import read_text
from agent.errors import UserError
from agent.turns.trading import TradingForm, Turn
from models.music.harmony.chord_symbols import write_chord

from ...support.made_charts import charts

TEN_AND_SIX = read_text("[A]\n" + "| C " * 10 + "|\n[B]\n" + "| F " * 6 + "|")
CODA = read_text("| C | D {to coda} | E | F | {coda} G | A |")


@pytest.mark.parametrize(
    ("name", "length", "bars"),
    [
        ("blues-in-f", 4, [4, 4, 4]),
        ("blues-in-f", 2, [2] * 6),
        ("blues-in-f", 8, [12]),
        ("blues-in-f", HALF, [6, 6]),
        ("blues-in-f", CHORUS, [12]),
        ("rhythm-changes", 8, [8] * 4),
        ("rhythm-changes", 16, [16, 16]),
        ("rhythm-changes", 5, [8] * 4),
        ("rhythm-changes", HALF, [16, 16]),
        ("rhythm-changes", SECTIONS, [8] * 4),
        ("two-five-one", 8, [8] * 6),
        ("doo-wop", 4, [4] * 6),
        ("doo-wop", HALF, [12, 12]),  # no section ends near the middle
        ("modal-vamp", 4, [4] * 8),
    ],
)
def test_turns_of_a_chorus(name: str, length: int | str, bars: list[int]) -> None:
    assert turn_bars(form_of(load_chart(name)), length) == bars


@pytest.mark.parametrize(("length", "bars"), [(4, [10, 6]), (2, [2] * 8), (3, [10, 3, 3]), (16, [16]), (HALF, [10, 6])])
def test_turns_over_sections_of_odd_lengths(length: int | str, bars: list[int]) -> None:
    assert turn_bars(form_of(TEN_AND_SIX), length) == bars


def test_fours_over_a_blues_change_places_in_each_chorus() -> None:
    trading = FormTrading(load_chart("blues-in-f"), 4)
    turns = [trading.turn_at(16.0 * number) for number in range(7)]
    assert [turn.is_agents for turn in turns] == [False, True, False, True, False, True, False]
    assert [(turn.start, turn.end) for turn in turns] == [(16.0 * n, 16.0 * n + 16) for n in range(7)]


def test_the_agent_first() -> None:
    trading = FormTrading(load_chart("blues-in-f"), 4, is_agent_first=True)
    assert [trading.turn_at(16.0 * number).is_agents for number in range(4)] == [True, False, True, False]
    assert trading.next_agents_turn(-4.0) == Turn(True, 0.0, 16.0)
    assert trading.next_players_turn(0.0) == 16.0


@pytest.mark.parametrize("bars", [1, 2, 4])
@given(beat=st.floats(-16, 900), joining=st.booleans())
def test_over_an_even_form_it_is_as_without_a_chart(bars: int, beat: float, joining: bool) -> None:
    trading = FormTrading(load_chart("rhythm-changes"), bars)
    plain = TradingForm(bars, 4)
    turn = trading.turn_at(beat)
    assert turn == plain.turn_at(beat)
    assert trading.next_agents_turn(beat, joining) == plain.next_agents_turn(beat, joining)
    assert trading.next_players_turn(beat) == plain.next_players_turn(beat)
    assert trading.may_overlap(turn, beat) == plain.may_overlap(turn, beat)


def test_a_place() -> None:
    trading = FormTrading(load_chart("blues-in-f"), 4)
    place = trading.place_at(48 + 37.5)
    assert (place.chorus, place.bar.index, place.turn.is_agents, place.bars_left) == (1, 9, True, 3)
    assert (write_chord(place.chord), place.next_change.start, write_chord(place.next_change.chord)) == (
        "C7",
        88.0,
        "F7",
    )
    assert (place.is_count_in, place.is_last_chorus, place.is_over) == (False, False, False)
    before = trading.place_at(-2.0)
    assert before.is_count_in
    assert (before.bar.index, before.turn.start, before.bars_left) == (0, 0.0, 4)
    assert trading.place_at(47.0).next_change.start == 48.0


def test_the_last_chorus_and_its_end() -> None:
    trading = FormTrading(load_chart("blues-in-f"), 4).with_last(60.0)
    assert trading.last_chorus == 1
    assert trading.end == 96.0
    assert trading.place_at(60.0).is_last_chorus
    assert not trading.place_at(95.9).is_over
    assert trading.place_at(96.0).is_over
    assert (trading.place_at(95.0).next_change.start, write_chord(trading.place_at(95.0).next_change.chord)) == (
        96.0,
        "F7",
    )
    assert trading.next_agents_turn(81.5).start == math.inf
    assert trading.next_players_turn(90.0) == math.inf
    assert trading.without_last().end == math.inf
    assert FormTrading(load_chart("blues-in-f")).with_last(47.0).last_chorus == 1  # too late for this one


def test_the_last_chorus_ends_in_the_coda() -> None:
    trading = FormTrading(CODA, 2)
    assert [bar.index for bar in trading.form.bars] == [0, 1, 2, 3]
    last = trading.with_last(17.0)
    assert last.end == 32.0
    assert [last.place_at(beat).bar.index for beat in (16.0, 20.0, 24.0, 28.0)] == [0, 1, 4, 5]
    assert write_chord(last.place_at(23.0).next_change.chord) == "G"


@settings(deadline=None)
@given(
    charts(),
    st.integers(1, 9) | st.sampled_from(LENGTHS),
    st.booleans(),
    st.none() | st.integers(0, 3),
    st.floats(-8, 300),
)
def test_turns_follow_one_another(
    chart: Chart, length: int | str, is_agent_first: bool, last: int | None, beat: float
) -> None:
    try:
        trading = FormTrading(chart, length, is_agent_first, last)
        turn = trading.turn_at(beat)
    except ChartError:
        return
    place = trading.place_at(beat)
    assert place.turn == turn
    if 0 <= beat < trading.end - 1e-5:
        assert turn.start - 1e-5 <= beat < turn.end + 1e-5
        assert place.bars_left >= 1
        assert place.next_change.start > beat - 1e-5
    if turn.end < trading.end - 1e-5:
        after = trading.turn_at(turn.end)
        assert after.start == pytest.approx(turn.end)
        assert after.is_agents != turn.is_agents
    agents = trading.next_agents_turn(beat)
    assert agents.is_agents
    assert agents.start == math.inf or agents.start > beat - 1.0


@pytest.mark.parametrize("length", [0, 65, "thirds"])
def test_a_length_that_cannot_be(length: int | str) -> None:
    with pytest.raises(UserError):
        turn_bars(form_of(CODA), length)
    with pytest.raises(ChartError):
        read_length(str(length))


def test_lengths_are_read() -> None:
    assert [read_length(text) for text in ("4", "half", "chorus", "sections")] == [4, HALF, CHORUS, SECTIONS]


@given(charts(), st.none() | st.integers(0, 3), st.floats(0, 200), st.floats(0.1, 40))
def test_timed_chords_are_those_that_sound(chart: Chart, last: int | None, start: float, length: float) -> None:
    try:
        trading = FormTrading(chart, 4, False, last)
    except ChartError:
        return
    end = min(start + length, trading.end)
    if start >= end:
        return
    found = trading.timed_chords(start, end)
    assert [timed.start for timed in found] == sorted(timed.start for timed in found)
    assert found[0].start == pytest.approx(start)
    for beat in (start, (start + end) / 2, end - 1e-3):
        form = trading.form_at(beat)
        within = beat - (trading.chorus_at(beat) * trading.form.beats if form is trading.last_form else 0.0)
        sounding = [timed.chord for timed in found if timed.start <= beat + 1e-5]
        near = abs(trading.form_at(beat).next_change(within).start - within) < 1e-4
        assert near or not sounding or sounding[-1] == form.chord_at(within)
