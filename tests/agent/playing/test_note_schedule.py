"""Every note that starts, ends: the ledger under any playing."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.playing.note_schedule import TOO_LATE, Schedule, SentMessage
from models.music.note_records import ANSWER, Note

from ...support.fakes import assert_no_hung_notes


def note(onset: float, duration: float = 0.5, pitch: int = 60) -> Note:
    return Note(onset, duration, pitch, 80, ANSWER)


def on(pitch: int) -> bytes:
    return bytes((0x90, pitch, 80))


def off(pitch: int) -> bytes:
    return bytes((0x80, pitch, 0))


def test_a_note_begins_and_ends_on_time() -> None:
    s = Schedule()
    s.add(1, note(1.0))
    assert s.due(0.99) == []
    assert s.due(1.0) == [SentMessage(1.0, on(60), 1, True)]
    assert s.next_time() == 1.5
    assert s.due(1.6) == [SentMessage(1.5, off(60), 1, False)]
    assert s.empty


def test_a_pitch_is_closed_before_it_is_struck_again_and_the_old_end_does_not_count() -> None:
    s = Schedule()
    s.add(1, note(1.0, 1.0))
    s.add(2, note(1.5, 1.0))
    assert [m.message for m in [*s.due(1.0), *s.due(1.5)]] == [on(60), off(60), on(60)]
    assert s.due(2.2) == []
    assert [(m.planned, m.message) for m in s.due(2.5)] == [(2.5, off(60))]


def test_a_late_note_is_dropped_with_its_end_and_counted() -> None:
    s = Schedule()
    s.add(1, note(1.0))
    assert s.due(1.0 + TOO_LATE + 0.01) == []
    assert (s.misses, s.empty, s.begun_numbers) == (1, True, set())


def test_a_curfew_ends_what_sounds_and_lets_nothing_begin_and_may_be_moved() -> None:
    s = Schedule()
    s.curfew = 1.9
    s.add(1, note(1.0, 2.0, 60))
    s.add(2, note(1.2, 0.5, 62))
    s.add(3, note(1.65, 0.5, 64))
    s.due(1.0)
    assert s.next_time() == 1.2
    s.curfew = 1.6  # the bar line has come nearer
    s.due(1.2)
    assert s.next_time() == 1.6
    assert s.due(1.7) == [SentMessage(1.6, off(60), 1, False), SentMessage(1.6, off(62), 2, False)]
    assert s.due(9.0) == []
    assert (s.empty, s.misses, s.begun_numbers) == (True, 0, {1, 2})


def test_an_end_is_never_too_late() -> None:
    s = Schedule()
    s.add(1, note(1.0))
    s.due(1.0)
    assert [m.message for m in s.due(99.0)] == [off(60)]


def test_a_key_that_the_player_holds_is_the_players() -> None:
    s = Schedule()
    s.add(1, note(1.0))
    s.due(1.0)
    assert [m.message for m in s.claim_pitch(60, 1.2)] == [off(60)]
    s.add(2, note(1.3))
    assert s.due(2.0) == []
    s.free_pitch(60)
    s.add(3, note(2.1))
    assert [m.message for m in s.due(2.1)] == [on(60)]


def test_silence_lifts_the_pedal_and_quiets_everything() -> None:
    s = Schedule(channel=3)
    s.add(1, note(1.0))
    s.add(2, note(9.0, pitch=64))
    s.due(1.0)
    assert [m.message for m in s.silence(1.1)] == [bytes((0x83, 60, 0)), bytes((0xB3, 64, 0)), bytes((0xB3, 123, 0))]
    assert s.empty


@pytest.mark.parametrize("velocity", [0, 1, 127])
def test_an_on_is_never_an_off_in_disguise(velocity: int) -> None:
    s = Schedule()
    s.add(1, Note(1.0, 0.1, 60, velocity, ANSWER))
    assert s.due(1.0)[0].message[2] >= 1


class AnyPlaying(RuleBasedStateMachine):
    """Random notes, late wake-ups, cut-ins and a player on the same keys, judged by what left the port."""

    @initialize()
    def begin(self) -> None:
        self.schedule, self.now, self.number = Schedule(), 100.0, 0
        self.sent: list[tuple[float, bytes]] = []
        self.thru: set[int] = set()

    def send(self, messages: list[SentMessage]) -> None:
        assert all(m.planned <= self.now + 1e-9 for m in messages)
        self.sent += [(self.now, m.message) for m in messages]

    @rule(ahead=st.floats(-0.3, 1.0), duration=st.floats(0.0, 2.0), pitch=st.integers(60, 64))
    def plan(self, ahead: float, duration: float, pitch: int) -> None:
        self.number += 1
        self.schedule.add(self.number, note(self.now + ahead, duration, pitch))

    @rule(wait=st.floats(0.0, 0.4))
    def time_passes(self, wait: float) -> None:
        self.now += wait
        self.send(self.schedule.due(self.now))
        assert self.now < self.schedule.curfew or not self.schedule.sounding

    @rule(ahead=st.floats(0.0, 0.5) | st.just(math.inf))
    def a_bar_line_moves(self, ahead: float) -> None:
        self.schedule.curfew = self.now + ahead

    @rule()
    def cut_in(self) -> None:
        self.send(self.schedule.cut(self.now))
        assert self.schedule.empty

    @rule(pitch=st.integers(60, 64))
    def player_strikes_or_lets_go(self, pitch: int) -> None:
        if pitch in self.thru:
            self.thru.remove(pitch)
            self.sent.append((self.now, off(pitch)))
            self.schedule.free_pitch(pitch)
        else:
            self.send(self.schedule.claim_pitch(pitch, self.now))
            self.thru.add(pitch)
            self.sent.append((self.now, on(pitch)))

    @invariant()
    def what_is_planned_is_kept(self) -> None:
        if hasattr(self, "schedule"):
            assert self.schedule.sounding.keys().isdisjoint(self.thru)

    def teardown(self) -> None:
        if hasattr(self, "schedule"):
            self.send(self.schedule.silence(self.now))
            self.sent += [(self.now, off(p)) for p in self.thru]
            assert_no_hung_notes([s for s in self.sent if s[1][0] & 0xF0 != 0xB0])


TestAnyPlaying = AnyPlaying.TestCase
TestAnyPlaying.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
