"""Who plays what: fast strokes are the player's, one key on two ports is one key, and drums are no call; in whole jams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from agent.control.bindings import Trigger
from agent.midi.feedback_loop import LOOP, LOOP_MEMORY, MOST_REPEATS
from agent.midi.keyboard_zones import KeyboardZones
from agent.midi.ports import PAGE
from agent.session.doubled_keys import DOUBLE_SECONDS
from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings

from ...support.fakes import FakeInput
from .test_session import AGENT_CHANNEL, Jam, jam

TUNE = (60, 62, 64, 67, 65, 64)


def strokes(j: Jam, pitch: int, channel: int = 0) -> int:
    """How many times the player's key reached the synth."""
    return sum(m[:2] == bytes((0x90 | channel, pitch)) and m[2] > 0 for _, m in j.output.sent)


def second_port(j: Jam, name: str = "two") -> FakeInput:
    port = FakeInput(j.loop, name)
    j.session.listen(port)
    return port


def loop_back(j: Jam, latency: float, port: FakeInput | None = None, only: Callable[[bytes], bool] = bool) -> None:
    """All that is sent comes back on a port after so many seconds."""
    send = j.output.send

    def send_and_return(message: bytes) -> None:
        send(message)
        if only(message):
            asyncio.get_running_loop().call_later(latency, lambda: (port or j.keys).play(*message))

    j.output.send = send_and_return  # type: ignore[method-assign]


async def roll(
    j: Jam, count: int, gap: float, length: float, pitch: int = 60, channel: int = 0, off_later: float = 0.0
) -> None:
    """One key, as hard each time; `off_later`: seconds after the next stroke in which the one before ends."""
    for _ in range(count):
        j.keys.play(0x90 | channel, pitch, 100)
        await asyncio.sleep(length)
        j.keys.play(0x80 | channel, pitch, 0)
        await asyncio.sleep(gap - length)


@pytest.mark.parametrize(
    ("gap", "length"),
    [(0.031, 0.015), (0.05, 0.025), (0.058, 0.029), (0.07, 0.035), (0.01, 0.004), (0.031, 0.001), (0.055, 0.0545)],
)
@pytest.mark.parametrize(("count", "channel"), [(16, 0), (MOST_REPEATS, 9), (2, AGENT_CHANNEL), (16, 5)])
def test_every_stroke_of_a_fast_roll_reaches_the_synth(gap: float, length: float, count: int, channel: int) -> None:
    async def script(j: Jam) -> None:
        await roll(j, count, gap, length, channel=channel)
        await asyncio.sleep(1.0)

    made, _ = jam(script)
    assert strokes(made, 60, channel) == count
    assert not [line for line in made.said if "come back" in line]


def test_a_long_roll_loses_one_stroke_at_most() -> None:
    async def script(j: Jam) -> None:
        await roll(j, 300, 0.031, 0.015)
        await roll(j, 300, 0.025, 0.012)

    made, _ = jam(script)
    assert strokes(made, 60) >= 600 - 1


def test_an_arpeggio_of_one_velocity_over_held_keys_is_heard() -> None:
    async def script(j: Jam) -> None:
        for i in range(120):
            j.keys.play(0x90, 60 + i % 2, 100)
            await asyncio.sleep(0.01)
            j.keys.play(0x80, 60 + i % 2, 0)
            await asyncio.sleep(0.01)

    made, _ = jam(script)
    assert strokes(made, 60) + strokes(made, 61) >= 120 - 2  # one of each


def test_fast_strokes_are_heard_after_the_agent_has_played_and_while_it_plays() -> None:
    async def script(j: Jam) -> None:
        await j.play(*TUNE)
        await j.until_answered(2)
        await roll(j, 12, 0.04, 0.02, 48)
        await asyncio.sleep(8.0)
        await roll(j, 12, 0.04, 0.02, 50)

    made, _ = jam(script)
    assert strokes(made, 48) == strokes(made, 50) == 12


@pytest.mark.parametrize("latency", [0.003, 0.02, 0.045])
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("length", [0.004, 0.03, 0.06, 0.2])
@pytest.mark.parametrize("channel", [0, AGENT_CHANNEL])
def test_nothing_goes_round_in_a_loop(latency: float, other: bool, length: float, channel: int) -> None:
    """Notes shorter than the loop on the very port that it leads to are told apart after some rounds at the latest."""

    async def script(j: Jam) -> None:
        loop_back(j, latency, second_port(j) if other else None)
        for pitch in TUNE:
            j.keys.play(0x90 | channel, pitch, 80)
            await asyncio.sleep(length)
            j.keys.play(0x80 | channel, pitch, 0)
            await asyncio.sleep(0.25)
        await asyncio.sleep(8.0)
        sent = len(j.output.sent)
        await asyncio.sleep(2.0)
        assert len(j.output.sent) == sent  # all has come to rest

    made, report = jam(script, judged=False)
    once = other or length > latency
    for pitch in set(TUNE):
        own = sum(p == pitch for _, p in made.agent_ons()) if channel == AGENT_CHANNEL else 0
        assert strokes(made, pitch, channel) - own - TUNE.count(pitch) <= (0 if once else MOST_REPEATS)
    assert report.stats["answers"] == 1
    assert len(made.agent_ons()) >= len(TUNE)
    assert sum("come back" in line for line in made.said) == 1


def test_what_a_port_in_a_loop_has_shown_is_forgotten() -> None:
    async def script(j: Jam) -> None:
        loop_back(j, 0.02)
        await j.play(*TUNE)
        await asyncio.sleep(8.0)
        del j.output.send  # type: ignore[method-assign]
        await asyncio.sleep(LOOP_MEMORY)
        await roll(j, 16, 0.031, 0.015, 50)

    made, _ = jam(script)
    assert strokes(made, 50) == 16


@pytest.mark.parametrize("apart", [0.0, 0.001, 0.003, 0.012, DOUBLE_SECONDS - 0.001])
@pytest.mark.parametrize("velocities", [(80, 80), (80, 83)])
@pytest.mark.parametrize("first_up", [0, 1])
@pytest.mark.parametrize("names", [("one", "two"), ("one", PAGE), (PAGE, "one")])
def test_one_key_on_two_ports_is_one_key(
    apart: float, velocities: tuple[int, int], first_up: int, names: tuple[str, str]
) -> None:
    async def script(j: Jam) -> None:
        ports = [second_port(j, name) for name in names]
        for port, velocity in zip(ports, velocities, strict=True):
            port.play(0x90, 60, velocity)
            await asyncio.sleep(apart)
        assert j.session.partner.keys_down == 1
        await asyncio.sleep(0.3)
        for number in (first_up, 1 - first_up):
            ports[number].play(0x80, 60, 0)
            await asyncio.sleep(apart)
        await asyncio.sleep(5.0)
        assert j.session.partner.keys_down == 0

    made, report = jam(script)
    assert [m for _, m in made.notes_sent()] == [bytes((0x90, 60, velocities[0])), bytes((0x80, 60, 0))]
    assert report.stats["phrases"] == 0  # one key is no phrase
    assert not [line for line in made.said if "come back" in line]


def test_a_phrase_on_two_ports_is_played_and_answered_once() -> None:
    async def script(j: Jam) -> None:
        other = second_port(j)
        for i, pitch in enumerate(TUNE):
            for port in (j.keys, other) if i % 2 else (other, j.keys):
                port.play(0x90, pitch, 80)
                await asyncio.sleep(0.002)
            await asyncio.sleep(0.2)
            for port in (j.keys, other):
                port.play(0x80, pitch, 0)
                await asyncio.sleep(0.002)
        other.play(0xC0, 5)
        j.keys.play(0xC0, 5)
        await asyncio.sleep(8.0)

    made, report = jam(script)
    assert [strokes(made, pitch) for pitch in sorted(set(TUNE))] == [1, 1, 2, 1, 1]
    assert [len(call) for call in report.calls] == [len(TUNE)]
    assert sum(m == b"\xc0\x05" for _, m in made.output.sent) == 1
    assert len(made.agent_ons()) == len(TUNE)


def test_a_second_port_that_is_pulled_out_ends_no_key_of_the_first() -> None:
    async def script(j: Jam) -> None:
        other = second_port(j)
        j.keys.play(0x90, 60, 80)
        other.play(0x90, 60, 80)
        await asyncio.sleep(0.2)
        other.play(0x80, 60, 0)  # as a port that goes ends what is held on it
        assert j.session.partner.keys_down == 1
        await asyncio.sleep(0.2)
        j.keys.play(0x80, 60, 0)
        await asyncio.sleep(0.05)
        other.play(0x90, 60, 70)  # the other port alone, later
        await asyncio.sleep(0.1)
        other.play(0x80, 60, 0)
        await asyncio.sleep(0.01)
        assert j.session.partner.keys_down == 0

    made, _ = jam(script)
    assert strokes(made, 60) == 2


def test_two_players_on_two_ports_are_both_heard() -> None:
    async def script(j: Jam) -> None:
        other = second_port(j)
        for pitch in TUNE:
            j.keys.play(0x90, pitch, 80)
            await asyncio.sleep(0.03)
            other.play(0x90, pitch, 70)
            await asyncio.sleep(0.2)
            j.keys.play(0x80, pitch, 0)
            other.play(0x80, pitch, 0)
        await asyncio.sleep(8.0)

    made, _ = jam(script)
    assert sum(strokes(made, pitch) for pitch in set(TUNE)) == 2 * len(TUNE)


@pytest.mark.parametrize("apart", [0.0, 0.002, 0.3])
def test_the_clock_of_one_machine_on_two_ports_is_one_clock(apart: float) -> None:
    async def script(j: Jam) -> None:
        other = second_port(j)

        async def tick(port: FakeInput, seconds: float) -> None:
            port.play(0xFA)
            for _ in range(int(seconds * 48)):
                port.play(0xF8)
                await asyncio.sleep(0.5 / 24)

        first = asyncio.ensure_future(tick(j.keys, 6.0))
        await asyncio.sleep(apart)
        second = asyncio.ensure_future(tick(other, 12.0))
        await first
        assert j.session.transport.tempo == pytest.approx(120.0, abs=1.0)
        await asyncio.sleep(4.0)  # one port is pulled: the other is followed
        assert j.session.transport.running
        assert j.session.transport.tempo == pytest.approx(120.0, abs=1.0)
        await second

    jam(script, beat=BeatSettings(follow=True))


def test_a_clock_that_is_started_goes_before_one_that_nobody_asked_for() -> None:
    async def script(j: Jam) -> None:
        keyboard, groovebox = j.keys, second_port(j)

        async def tick(port: FakeInput, seconds: float, tempo: float) -> None:
            for _ in range(int(seconds * 24 * tempo / 60)):
                port.play(0xF8)
                await asyncio.sleep(60.0 / tempo / 24)

        idle = asyncio.ensure_future(tick(keyboard, 12.0, 120.0))
        await asyncio.sleep(4.0)
        groovebox.play(0xFA)
        await tick(groovebox, 6.0, 90.0)
        assert j.session.transport.tempo == pytest.approx(90.0, abs=1.0)
        await idle

    jam(script, beat=BeatSettings(follow=True))


# -- drums -----------------------------------------------------------------------------------------------------------


async def drums(j: Jam, seconds: float, gap: float = 0.25) -> None:
    for i in range(int(seconds / gap)):
        hit = (36, 42, 38, 42)[i % 4]
        j.keys.play(0x99, hit, 100)
        await asyncio.sleep(0.05)
        j.keys.play(0x89, hit, 0)
        await asyncio.sleep(gap - 0.05)


def test_drums_alone_are_no_call_and_that_is_said_once() -> None:
    async def script(j: Jam) -> None:
        await drums(j, 2.0)
        await asyncio.sleep(5.0)
        await drums(j, 2.0)
        await asyncio.sleep(5.0)

    made, report = jam(script)
    assert not made.agent_ons()
    assert report.stats["phrases"] == 0
    assert strokes(made, 42, 9) == 8  # they are passed on
    assert sum("--listen-channel 10" in line for line in made.said) == 1


def test_drums_that_are_asked_for_are_answered() -> None:
    async def script(j: Jam) -> None:
        await drums(j, 2.0)
        await asyncio.sleep(5.0)

    made, report = jam(script, zones=KeyboardZones(channel=9))
    assert made.agent_ons()
    assert report.stats["phrases"] == 1
    assert not [line for line in made.said if "listen-channel" in line]


def test_drums_neither_belong_to_a_phrase_nor_put_off_nor_stop_its_answer() -> None:
    async def script(with_drums: bool, j: Jam) -> None:
        playing = asyncio.ensure_future(drums(j, 9.0, 0.19)) if with_drums else None
        await j.play(*TUNE)
        await asyncio.sleep(7.5)
        j.keys.play(0xB9, 64, 127)  # a pedal there holds nothing of the player's
        if playing is not None:
            await playing
        j.keys.play(0xB9, 64, 0)

    plain, _ = jam(partial(script, False))
    with_drums, report = jam(partial(script, True))
    assert with_drums.agent_ons() == plain.agent_ons()
    assert len(report.calls[0]) == len(TUNE)


def test_a_trade_on_the_clock_of_a_groovebox_is_as_without_its_drums() -> None:
    """The clock, the drums and the melody come through one port."""

    async def script(with_drums: bool, j: Jam) -> None:
        async def tick() -> None:
            j.keys.play(0xFA)
            for _ in range(24 * 40):
                j.keys.play(0xF8)
                await asyncio.sleep(0.5 / 24)

        playing: list[Any] = [asyncio.ensure_future(tick())]
        if with_drums:
            playing.append(asyncio.ensure_future(drums(j, 19.0)))
        for _ in range(2):
            await j.play(*TUNE, gap=0.5)
            await asyncio.sleep(5.0)
        await asyncio.gather(*playing)

    more = {"mode_settings": ModeSettings(TRADE, 2), "beat": BeatSettings(follow=True)}
    plain, _ = jam(partial(script, False), **more)
    with_drums, _ = jam(partial(script, True), **more)
    assert len(plain.agent_ons()) >= 2 * len(TUNE)
    assert with_drums.agent_ons() == plain.agent_ons()


def test_a_keyboard_with_a_channel_for_each_note_plays_on_channel_10_too() -> None:
    """MPE: notes on channels 2 to 16 in turn, each bent before it begins. A bend at rest, as DAWs send, makes drums no keys."""

    async def script(j: Jam) -> None:
        for channel in range(16):
            j.keys.play(0xE0 | channel, 0, 64)  # a DAW starts
        await drums(j, 1.0)
        assert j.session.partner.keys_down == 0
        for channel in (8, 9, 10, 11):
            j.keys.play(0xE0 | channel, 3, 65)
            j.keys.play(0x90 | channel, 60 + channel, 80)
        assert j.session.partner.keys_down == 0
        await asyncio.sleep(0.05)
        assert j.session.partner.keys_down == 4
        for channel in (8, 9, 10, 11):
            j.keys.play(0x80 | channel, 60 + channel, 0)
        await asyncio.sleep(5.0)

    _, report = jam(script)
    assert [len(call) for call in report.calls] == [4]


def test_a_pad_on_channel_10_may_still_be_a_control() -> None:
    async def script(j: Jam) -> None:
        j.session.config.controls.bind(Trigger("note", 36, 9), "next-mode")
        j.keys.play(0x89, 36, 0)
        await drums(j, 1.0)

    made, _ = jam(script)
    assert [line for line in made.said if line.startswith("Mode")] == ["Mode: trade."]
    assert not strokes(made, 36, 9)


assert LOOP > DOUBLE_SECONDS


# -- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [1, 3, AGENT_CHANNEL])
def test_one_key_with_two_layers_sounds_twice_and_is_no_phrase(other: int) -> None:
    async def script(j: Jam) -> None:
        for kind in (0x90, 0x80):
            j.keys.play(kind, 60, 80)
            await asyncio.sleep(0.001)
            j.keys.play(kind | other, 60, 80)
            await asyncio.sleep(0.3)
            assert j.session.partner.keys_down == (kind == 0x90)
        await asyncio.sleep(8.0)

    made, report = jam(script)
    assert strokes(made, 60) == strokes(made, 60, other) == 1
    assert report.stats["phrases"] == 0


def test_a_phrase_with_two_layers_is_answered_as_without() -> None:
    async def script(channels: tuple[int, ...], j: Jam) -> None:
        for pitch in TUNE:
            for channel in channels:
                j.keys.play(0x90 | channel, pitch, 80)
            await asyncio.sleep(0.2)
            for channel in channels:
                j.keys.play(0x80 | channel, pitch, 0)
            await asyncio.sleep(0.05)
        await asyncio.sleep(8.0)

    plain, _ = jam(partial(script, (0,)))
    made, report = jam(partial(script, (0, 3)))
    assert made.agent_ons() == plain.agent_ons()
    assert [len(call) for call in report.calls] == [len(TUNE)]
