"""Thru: what the player lets go of comes up at the synth, by whatever message, and nothing of the agent's ends with it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.midi.port_errors import PortLost
from agent.playing.playback_thread import Player
from agent.playing.thru import Thru
from models.music.note_records import ANSWER, Note

from ...support.fakes import FakeOutput
from ...support.synth import NOTES_OFF, PEDALS, Synth

AGENTS, OTHERS = 0, 2  # channels
PLAYED = 72  # a pitch of the agent's


class Rig:
    """Thru and a player on one output, whose clock stands still; `sounds`: the agent sounds a note."""

    def __init__(self, *, sounds: bool = False) -> None:
        self.output = FakeOutput()
        self.player = Player(self.output, self, AGENTS, lambda sent, when: None)
        self.thru = Thru(self.output, self.player)
        if sounds:
            self.player.schedule.add(1, Note(1.0, 5.0, PLAYED, 80, ANSWER))
            for sent in self.player.schedule.due(1.0):
                self.output.send(sent.message)
        self.mark = len(self.output.sent)

    def now(self) -> float:
        return 1.0

    def play(self, *messages: tuple[int, ...], port: str = "keys") -> None:
        for message in messages:
            self.thru.pass_on(bytes(message), port)

    @property
    def sent(self) -> list[tuple[int, ...]]:
        return [tuple(m) for _, m in self.output.sent[self.mark :]]

    @property
    def synth(self) -> Synth:
        return Synth(m for _, m in self.output.sent)


@pytest.mark.parametrize("mode", NOTES_OFF)
@pytest.mark.parametrize("channel", [AGENTS, OTHERS])
@pytest.mark.parametrize("sounds", [False, True])
def test_all_notes_off_lifts_the_players_keys_and_none_of_the_agents(mode: int, channel: int, sounds: bool) -> None:
    rig = Rig(sounds=sounds)
    rig.play((0x90 | channel, 60, 80), (0x90 | channel, 64, 80), (0x95, 60, 80), (0xB0 | channel, mode, 0))
    assert rig.synth.keys == {(5, 60), *({(AGENTS, PLAYED)} if sounds else ())}
    assert not rig.synth.cut  # all was ended by its own off before
    assert not rig.player.schedule.claimed_pitches
    assert ((0xB0 | channel, mode, 0) in rig.sent) == (channel == OTHERS or not sounds)


@pytest.mark.parametrize("mode", NOTES_OFF)
def test_a_key_that_came_up_so_may_be_struck_again(mode: int) -> None:
    rig = Rig()
    rig.play((0x90, 60, 80), (0xB0, mode, 0))
    mark = len(rig.sent)
    rig.play((0x90, 60, 70), (0x80, 60, 0))
    assert rig.sent[mark:] == [(0x90, 60, 70), (0x80, 60, 0)]


def test_all_notes_off_leaves_the_pedals() -> None:
    rig = Rig(sounds=True)
    rig.play((0xB0, 64, 127), (0x90, 60, 80), (0xB0, 123, 0))
    assert rig.sent == [(0xB0, 64, 127), (0x90, 60, 80), (0x80, 60, 0)]


def test_all_sound_off_beside_the_agent_ends_what_rings_under_the_pedals() -> None:
    rig = Rig(sounds=True)
    rig.play((0xB0, 64, 100), (0xB0, 66, 127), (0xB2, 64, 90), (0x90, 60, 80), (0x80, 60, 0), (0xB0, 120, 0))
    assert rig.sent[5:] == [(0xB0, 64, 0), (0xB0, 64, 100), (0xB0, 66, 0)]
    assert rig.synth.keys == {(AGENTS, PLAYED)}
    rig.thru.close()
    assert not rig.synth.pedals


@pytest.mark.parametrize("pedal", PEDALS)
def test_a_reset_lifts_every_pedal_and_no_key(pedal: int) -> None:
    rig = Rig(sounds=True)
    rig.play((0x90, 60, 80), (0xB0, pedal, 127), (0xB0, 121, 0))
    assert rig.sent[2:] == [(0xB0, pedal, 0), (0xB0, 121, 0)]
    assert rig.synth.keys == {(AGENTS, 60), (AGENTS, PLAYED)}
    rig.play((0x80, 60, 0))
    assert rig.sent[-1] == (0x80, 60, 0)


@pytest.mark.parametrize("pedal", PEDALS)
@pytest.mark.parametrize("value", [1, 63, 64, 127])
@pytest.mark.parametrize("end", ["close", "silence"])
def test_a_pedal_that_is_not_at_rest_is_lifted_at_the_end(pedal: int, value: int, end: str) -> None:
    rig = Rig()
    rig.play((0xB0 | OTHERS, pedal, value))
    getattr(rig.thru, end)()
    assert (0xB0 | OTHERS, pedal, 0) in rig.sent
    rig.synth.assert_silent()


def test_panic_lifts_all_on_every_channel_that_was_used() -> None:
    rig = Rig()
    rig.play((0x90, 60, 80), (0x92, 60, 80), (0xB5, 64, 127))
    rig.play((0x80, 72, 0), (0x82, 72, 0))  # the octave button was pressed meanwhile
    assert rig.synth.keys == {(0, 60), (2, 60)}
    mark = len(rig.sent)
    rig.thru.silence()
    rig.synth.assert_silent()
    assert not rig.synth.cut
    assert set(rig.sent[mark:]) == {
        *((0x80, 60, 0), (0x82, 60, 0)),
        *((0xB0 | channel, number, 0) for channel in (0, 2, 5) for number in (*PEDALS, 123)),
    }
    assert not rig.player.schedule.claimed_pitches


def test_an_off_after_panic_ends_no_note_of_the_agents() -> None:
    rig = Rig(sounds=True)
    rig.play((0x90, PLAYED, 80))  # the player takes it
    rig.thru.silence()
    rig.player.schedule.add(2, Note(1.0, 5.0, PLAYED, 80, ANSWER))
    for sent in rig.player.schedule.due(1.0):
        rig.output.send(sent.message)
    rig.play((0x80, PLAYED, 0))
    assert rig.synth.keys == {(AGENTS, PLAYED)}


def test_a_pedal_that_has_become_a_control_is_passed_on_until_it_is_at_rest() -> None:
    rig = Rig()
    rig.play((0xB0, 66, 127))
    assert not rig.thru.holds(bytes((0xB0, 66, 100)))
    for value in (60, 20, 0):
        assert rig.thru.holds(bytes((0xB0, 66, value)))
        rig.play((0xB0, 66, value))
    assert not rig.thru.holds(bytes((0xB0, 66, 0)))


def test_an_output_that_is_gone_bars_no_pitch() -> None:
    rig = Rig()
    rig.play((0x90, 60, 80))
    rig.output.lost = True
    with pytest.raises(PortLost):
        rig.play((0xB0, 123, 0))
    assert not rig.player.schedule.claimed_pitches


keys = st.tuples(st.sampled_from([0x80, 0x90]), st.integers(60, 63), st.sampled_from([0, 80]))
moves = st.tuples(st.just(0xB0), st.sampled_from([*PEDALS, *NOTES_OFF, 121, 1]), st.sampled_from([0, 50, 64, 127]))
events = st.tuples(st.one_of(keys, moves), st.sampled_from([AGENTS, OTHERS]), st.sampled_from(["one", "two"]))


@given(st.lists(events, max_size=50), st.booleans(), st.sampled_from(["close", "silence"]))
def test_whatever_is_played_nothing_of_the_agents_is_cut_and_all_is_silent_at_the_end(
    stream: list[tuple[Any, int, str]], sounds: bool, end: str
) -> None:
    rig = Rig(sounds=sounds)
    for (kind, number, value), channel, port in stream:
        rig.play((kind | channel, number, value), port=port)
    getattr(rig.thru, end)()
    synth = rig.synth
    assert synth.keys == ({(AGENTS, PLAYED)} if sounds else set())
    assert not synth.cut
    assert not synth.pedals
    assert not rig.player.schedule.claimed_pitches


PREFIX = 88  # the controller: high-resolution velocity


@pytest.mark.parametrize("channel", [AGENTS, OTHERS])
def test_a_velocity_prefix_stays_directly_before_its_note(channel: int) -> None:
    on, prefix, again = (0x90 | channel, 60, 80), (0xB0 | channel, PREFIX, 64), (0x90 | channel, 60, 81)
    rig = Rig()
    rig.play(on, prefix, again)
    assert rig.sent == [on, (0x80 | channel, 60, 0), prefix, again]


def test_the_agents_own_end_is_sent_before_the_prefix_of_the_key_that_takes_its_pitch() -> None:
    rig = Rig(sounds=True)
    rig.play((0xB0, PREFIX, 3), (0x90, PLAYED, 99))
    assert rig.sent == [(0x80, PLAYED, 0), (0xB0, PREFIX, 3), (0x90, PLAYED, 99)]


@pytest.mark.parametrize(
    "between",
    [
        ((0x91, 61, 80),),  # another channel
        ((0xB1, PREFIX, 9), (0x91, 61, 80)),
        ((0xF8,),),
    ],
)
def test_a_prefix_waits_for_the_note_of_its_own_channel(between: tuple[tuple[int, ...], ...]) -> None:
    rig = Rig()
    rig.play((0xB0, PREFIX, 64), *between, (0x90, 60, 81))
    assert rig.sent == [*between, (0xB0, PREFIX, 64), (0x90, 60, 81)]


@pytest.mark.parametrize(
    "message", [(0xB0, 1, 5), (0xE0, 0, 64), (0xD0, 7), (0x80, 61, 0), (0xB0, 64, 127), (0xA0, 60, 1)]
)
def test_a_prefix_without_a_note_is_sent_before_what_comes_next(message: tuple[int, ...]) -> None:
    rig = Rig()
    rig.play((0xB0, PREFIX, 64), message)
    assert rig.sent == [(0xB0, PREFIX, 64), message]


def test_the_prefixes_of_two_keyboards_are_kept_apart() -> None:
    rig = Rig()
    rig.play((0xB0, PREFIX, 1), port="one")
    rig.play((0xB0, PREFIX, 2), port="two")
    rig.play((0x90, 60, 80), port="one")
    rig.play((0x90, 60, 81), port="two")
    assert rig.sent == [(0xB0, PREFIX, 1), (0x90, 60, 80), (0x80, 60, 0), (0xB0, PREFIX, 2), (0x90, 60, 81)]


def test_a_chord_with_prefixes_is_passed_on_as_it_is() -> None:
    rig = Rig()
    chord = [m for i in range(10) for m in ((0xB0, PREFIX, i), (0x90, 60 + i, 80))]
    offs = [m for i in range(10) for m in ((0xB0, PREFIX, i), (0x80, 60 + i, 64))]
    rig.play(*chord, *offs)
    assert rig.sent == [*chord, *offs]


def test_a_knob_with_that_number_is_passed_on() -> None:
    rig = Rig()
    turned = [(0xB0, PREFIX, value) for value in range(5)]
    rig.play(*turned)
    assert rig.sent == turned
    rig.play((0x90, 60, 80), (0xB0, PREFIX, 9))
    assert rig.sent == [*turned, (0x90, 60, 80), (0xB0, PREFIX, 9)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["one", "two"]), st.sampled_from([AGENTS, OTHERS]), st.integers(0, 2), st.booleans()),
        max_size=40,
    )
)
def test_no_prefix_is_parted_from_its_note_whatever_two_keyboards_play(
    notes: list[tuple[str, int, int, bool]],
) -> None:
    rig = Rig()
    for number, (port, channel, pitch, is_on) in enumerate(notes):
        velocity = number + 1 if is_on else 0
        rig.play((0xB0 | channel, PREFIX, number), (0x90 | channel, 60 + pitch, velocity), port=port)
    for before, message in pairwise([(), *rig.sent]):
        if message[0] & 0xF0 == 0x90 and message[2]:
            assert before == (0xB0 | message[0] & 0x0F, PREFIX, message[2] - 1)
    assert sum(m[0] & 0xF0 == 0x90 and m[2] > 0 for m in rig.sent) == sum(is_on for *_, is_on in notes)
