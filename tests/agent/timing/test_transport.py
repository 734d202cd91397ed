"""The transport: beats and seconds are inverse to each other, and bars and turns are where they should be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.timing.transport import Transport
from agent.turns.trading import TradingForm
from models.music.note_records import Bar

changes = st.lists(
    st.tuples(
        st.sampled_from(["tempo", "correct"]), st.floats(0.05, 4.0), st.floats(20.0, 400.0), st.floats(-0.4, 0.4)
    ),
    max_size=12,
)


def transport_after(moves: list[tuple[str, float, float, float]]) -> tuple[Transport, float]:
    transport = Transport()
    transport.locate(10.0, -4.0)
    now = 10.0
    for kind, wait, tempo, off in moves:
        now += wait
        if kind == "tempo":
            transport.set_tempo(now, tempo)
        else:
            transport.correct(now, transport.beat_at(now) + off, tempo)
    return transport, now


@given(changes, st.floats(0.0, 30.0))
def test_time_and_beat_are_each_others_inverse(moves: list[tuple[str, float, float, float]], ahead: float) -> None:
    transport, now = transport_after(moves)
    for time in (10.0, (10.0 + now) / 2, now, now + ahead):
        assert transport.time_at(transport.beat_at(time)) == pytest.approx(time, abs=1e-6)


@given(changes)
def test_beats_never_run_backwards(moves: list[tuple[str, float, float, float]]) -> None:
    transport = Transport()
    transport.locate(0.0, 0.0)
    now, last = 0.0, -1.0
    for kind, wait, tempo, off in moves:
        for step in range(8):  # what is believed at each moment, as time goes on
            beat = transport.beat_at(now + wait * step / 8)
            assert beat >= last - 1e-9
            last = beat
        now += wait
        if kind == "tempo":
            transport.set_tempo(now, tempo)
        else:
            transport.correct(now, transport.beat_at(now) + off, tempo)


def test_a_correction_is_spread_over_a_quarter_beat() -> None:
    transport = Transport(tempo=120)
    transport.locate(0.0, 0.0)
    transport.correct(1.0, 2.02, 120.0)
    assert transport.beat_at(1.0) == pytest.approx(2.0)
    assert transport.beat_at(1.2) == pytest.approx(2.42, abs=1e-3)
    transport.correct(2.0, 9.0, 120.0)  # half a beat or more is no jitter but another place
    assert transport.beat_at(2.0) == 9.0


def test_a_transport_that_stands_has_no_beats_to_come() -> None:
    transport = Transport()
    assert transport.bar(5.0) is None
    assert transport.place(5.0) is None
    assert transport.time_at(3.0) == math.inf
    transport.locate(1.0, 0.0)
    transport.stop(3.0)
    assert transport.beat_at(99.0) == pytest.approx(4.0)
    assert transport.time_at(5.0) == math.inf
    with pytest.raises(ValueError, match="a tempo is"):
        transport.set_tempo(4.0, 5.0)


def test_bars_lie_around_the_moment() -> None:
    transport = Transport(beats=3, tempo=60)
    transport.locate(10.0, 0.0)
    bar = transport.bar(17.5)
    assert bar is not None
    assert (bar.start, bar.length, bar.beats) == (16.0, 3.0, 3)
    assert transport.place(17.5) == pytest.approx(0.5)
    assert bar.place(17.5) == pytest.approx(0.5)


def test_the_groove_pulls_to_the_sixteenths_and_swings() -> None:
    bar = Bar(0.0, 2.0, 4, groove=1.0)  # a beat is half a second
    assert bar.quantize(0.13) == pytest.approx(0.125)
    assert bar.quantize(0.49) == pytest.approx(0.5)
    assert Bar(0.0, 2.0, 4, groove=0.5).quantize(0.145) == pytest.approx(0.135)
    assert Bar(0.0, 2.0, 4).quantize(0.145) == 0.145
    swung = Bar(0.0, 2.0, 4, groove=1.0, swing=2 / 3)
    assert swung.quantize(0.30) == pytest.approx(1 / 3)
    assert bar.next_beat(0.01) == pytest.approx(0.5)
    assert bar.next_beat(0.5) == pytest.approx(0.5)


@given(st.floats(0.0, 8.0), st.floats(0.0, 0.3), st.floats(0.5, 0.75))
def test_a_late_note_is_moved_to_the_next_place_and_not_rushed(meant: float, late: float, swing: float) -> None:
    bar = Bar(0.0, 2.0, 4, groove=1.0, swing=swing)
    earliest = meant + late  # it cannot sound before
    sounds = bar.quantize(earliest, earliest=earliest)
    assert sounds >= earliest - 1e-5
    assert sounds - earliest < 0.5 * 0.375 + 1e-5  # no place is skipped: the longest sixteenth of a swung beat
    assert bar.quantize(sounds) == pytest.approx(sounds, abs=1e-5)  # and it is a place
    half = Bar(0.0, 2.0, 4, groove=0.5, swing=swing).quantize(earliest, earliest=earliest)
    assert earliest - 1e-5 <= half <= sounds + 1e-5


@given(st.integers(1, 16), st.integers(2, 7), st.floats(-8.0, 500.0))
def test_turns_alternate_and_the_player_has_the_first(bars: int, beats: int, beat: float) -> None:
    trades = TradingForm(bars, beats)
    turn = trades.turn_at(beat)
    assert turn.end - turn.start == bars * beats
    assert beat < turn.end + 1e-6
    assert trades.turn_at(turn.end).is_agents is not turn.is_agents
    if beat < trades.length:
        assert not turn.is_agents
    coming = trades.next_agents_turn(beat)
    assert coming.is_agents
    assert coming.start > beat - 1.0
    assert trades.turn_at(coming.start) == coming
