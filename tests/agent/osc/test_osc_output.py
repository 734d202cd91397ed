"""OSC that leaves: turn, beat, notes and settings, each once, at a bounded rate, and every note that was told ends."""

from __future__ import annotations

import asyncio
import math
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from agent.control.parameters import PARAMETERS
from agent.osc.addresses import AGENT, BEAT, MODE, NOTE_ADDRESS, PLAYER, PRESET_ADDRESS, ROOT, TURN
from agent.osc.datagrams import Message, read_datagram
from agent.osc.osc_output import A_SECOND, AT_ONCE, OscNews
from agent.turns.mode_settings import BeatSettings, ModeSettings

from ..session.test_session import Jam, jam

KEYS = st.tuples(st.sampled_from([0x90, 0x80, 0x91, 0xB0, 0x99]), st.integers(0, 127), st.integers(0, 127))


class Listener:
    """What was sent, as messages."""

    def __init__(self) -> None:
        self.now = 100.0
        self.heard: list[Message] = []
        self.news = OscNews(lambda datagram: self.heard.extend(read_datagram(datagram)), lambda: self.now)

    def notes(self) -> list[Message]:
        return [m for m in self.heard if m[0].startswith(NOTE_ADDRESS)]


def test_notes_of_both_begin_and_end() -> None:
    listener = Listener()
    for who, message in (
        (PLAYER, b"\x90\x3c\x50"),
        (PLAYER, b"\x99\x24\x50"),  # drums
        (PLAYER, b"\xb0\x40\x7f"),
        (AGENT, b"\x90\x3e\x40"),
        (PLAYER, b"\x80\x3c\x00"),
        (PLAYER, b"\x80\x3c\x00"),
        (AGENT, b"\x90\x3e\x00"),
        (PLAYER, b"\xc0\x05"),
    ):
        listener.news.note(who, message)
    player, agent = NOTE_ADDRESS + PLAYER, NOTE_ADDRESS + AGENT
    assert listener.heard == [(player, [60, 80]), (agent, [62, 64]), (player, [60, 0]), (agent, [62, 0])]


def test_panic_ends_the_keys_of_the_player() -> None:
    listener = Listener()
    listener.news.note(PLAYER, b"\x90\x3c\x50")
    listener.news.note(AGENT, b"\x90\x3e\x50")
    listener.news.release_all()
    assert listener.heard[2:] == [(NOTE_ADDRESS + PLAYER, [60, 0])]


def test_the_turn_is_told_when_it_changes() -> None:
    listener = Listener()
    for state in ("listening", "listening", "answering", "listening"):
        listener.news.turn(state)
    assert listener.heard == [(TURN, ["listening"]), (TURN, ["answering"]), (TURN, ["listening"])]


@given(st.lists(st.tuples(KEYS, st.floats(0, 0.01)), max_size=2500))
def test_at_most_so_many_are_sent_and_all_that_begin_end(keys: list[tuple[tuple[int, int, int], float]]) -> None:
    listener = Listener()
    for message, wait in keys:
        listener.now += wait
        listener.news.note(PLAYER, bytes(message))
    assert sum(m[1][1] != 0 for m in listener.notes()) <= AT_ONCE + A_SECOND * (listener.now - 100.0) + 1
    listener.news.release_all()
    last = {pitch: velocity for _, (pitch, velocity) in listener.notes()}
    assert set(last.values()) <= {0}


def test_a_flood_of_notes_is_bounded() -> None:
    listener = Listener()
    for number in range(5000):
        listener.news.note(PLAYER, bytes((0x90, number % 128, 80)))
    assert len(listener.heard) == AT_ONCE
    assert listener.news.left_out == 5000 - AT_ONCE


def test_each_beat_is_told_as_it_begins() -> None:
    listener = Listener()
    when: list[float] = []

    async def script(j: Jam) -> None:
        assert listener.news.beat(j.session) < math.inf
        for _ in range(40):
            before = len(listener.heard)
            wait = listener.news.beat(j.session)
            if len(listener.heard) > before:
                when.append(j.session.transport.beat_at(j.loop.now()))
            await asyncio.sleep(min(wait, 0.1))
        j.session.act("free", j.loop.now())
        assert listener.news.beat(j.session) == math.inf

    jam(script, beat=BeatSettings(tempo=120.0, beats=3, count_in=1), mode_settings=ModeSettings("call"))
    beats = [m[1] for m in listener.heard if m[0] == BEAT]
    assert [b[0] for b in beats] == ([1, 2, 3] * len(beats))[: len(beats)]
    assert [b[1] for b in beats[:7]] == [0, 0, 0, 1, 1, 1, 2]  # the count-in is bar 0
    assert all(b[2] == 120.0 for b in beats)
    assert all(abs(beat - round(beat)) < 0.002 for beat in when)


def test_settings_are_told_when_they_have_come_to_rest() -> None:
    listener = Listener()

    async def script(j: Jam) -> None:
        look = partial(listener.news.settings, j.session)
        look()
        assert listener.heard == []
        look()
        told = dict(listener.heard)
        assert set(told) == {MODE, PRESET_ADDRESS} | {
            f"{ROOT}{kind}/{name}" for kind in ("knob", "fader") for name in PARAMETERS
        }
        assert told[MODE] == ["call"]
        assert told[f"{ROOT}fader/density"] == [0.5]
        listener.heard.clear()
        for value in (0.1, 0.2, 0.3, 0.5):  # a finger moves it
            j.session.act(f"knob:density={value:.3f}", j.loop.now())
            look()
        assert listener.heard == []
        look()
        look()
        assert listener.heard == [(f"{ROOT}knob/density", [0.5]), (f"{ROOT}fader/density", [0.75])]

    jam(script)
