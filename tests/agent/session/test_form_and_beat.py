"""The beat, the form and the metronome, changed while it all goes on; in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.control.bindings import Bindings
from agent.session.snapshot import lines, snapshot
from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings

from .test_session import Jam, jam

CLICK = 0x99


def clicks(j: Jam) -> list[float]:
    return [t for t, m in j.output.sent if m[0] == CLICK and m[2] > 0]


def act(j: Jam, action: str) -> None:
    j.session.act(action, j.loop.now())


def row(j: Jam) -> dict[str, Any]:
    return snapshot(j.session, "listening")


def test_a_metronome_is_switched_on_and_off_and_free_time_comes_back() -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        assert row(j)["bar"] is None
        act(j, "click")
        await asyncio.sleep(4.35)
        assert row(j)["form"]["click"]
        count = len(clicks(j))
        assert count == 9  # from the first beat on, 120 a minute
        transport = j.session.transport
        for number, when in enumerate(clicks(j)):
            assert transport.beat_at(when) == pytest.approx(number, abs=0.01)
        act(j, "click")
        await asyncio.sleep(3.0)
        assert len(clicks(j)) == count
        assert row(j)["bar"] is not None  # the beat goes on, silently
        act(j, "click")
        await asyncio.sleep(1.0)
        assert len(clicks(j)) == count + 2
        act(j, "free")
        await asyncio.sleep(2.0)
        assert row(j)["bar"] is None
        assert not row(j)["form"]["click"]
        assert len(clicks(j)) == count + 2
        act(j, "click")  # and once more
        await asyncio.sleep(1.2)
        assert len(clicks(j)) > count + 2
        assert not j.said

    jam(script)


@pytest.mark.parametrize(("count_in", "first"), [(0, 0), (1, -1), (2, -2)])
def test_just_before_a_count_in_the_beat_of_no_other_bar_is_told(count_in: int, first: int) -> None:
    """The transport begins 0.3 s after it was asked for: until then, the bar that is told is the first one to come."""

    async def script(j: Jam) -> None:
        begins = j.session.transport.begins
        assert j.loop.now() < begins
        told = row(j)
        assert told["bar"]["number"] == first
        assert told["bar"]["start"] == pytest.approx(begins)
        assert "about to begin" in "\n".join(lines(told, j.loop.now(), ["keys"], "synth"))
        await asyncio.sleep(begins - j.loop.now() + 0.01)
        assert row(j)["bar"]["number"] == first
        assert "beat 1 of 4" in "\n".join(lines(row(j), j.loop.now(), ["keys"], "synth"))

    jam(script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=240.0, count_in=count_in))


def test_without_a_beat_nothing_is_traded_and_answers_come_in_free_time() -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        act(j, "free")
        assert j.session.partner.mode_settings.mode == "call"
        await asyncio.sleep(0.2)
        await j.play(60, 62, 64)
        await j.until_answered(3)

    jam(script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=120.0))


@pytest.mark.parametrize("action", ["free", "tap", "knob:tempo=90"])
def test_a_beat_of_another_is_not_ours_to_change(action: str) -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        act(j, action)
        assert len(j.said) == 1
        assert not row(j)["form"]["own"]

    jam(script, beat=BeatSettings(follow=True))


@pytest.mark.parametrize("beats", [2, 3, 5, 7])
def test_another_metre_counts_in_anew(beats: int) -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        await asyncio.sleep(3.0)
        act(j, f"form:beats={beats}")
        assert row(j)["bar"]["beats"] == beats
        assert row(j)["bar"]["number"] < 0  # a count-in
        before = len(clicks(j))
        await asyncio.sleep(0.3 + 0.5 * beats + 0.1)
        assert len(clicks(j)) == before + beats
        assert row(j)["bar"]["number"] == 0
        accents = [m[1] for t, m in j.output.sent if m[0] == CLICK and m[2] > 0][before:]
        assert len({*accents[1:]}) == 1
        assert accents[0] != accents[1]

    jam(script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=120.0))


def test_bars_and_part_are_chosen_and_nonsense_is_refused() -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        act(j, "form:bars=1")
        act(j, "form:part=bass")
        assert (row(j)["form"]["bars"], row(j)["form"]["part"]) == (1, "bass")
        assert not j.said
        nonsense = [
            "bars=0",
            "bars=33",
            "bars=x",
            "beats=0",
            "beats=17",
            "part=drums",
            "bars=",
            "tempo=3",
            "bars=2.5",
            "bars=²",
        ]
        for wrong in nonsense:
            act(j, f"form:{wrong}")
        assert len(j.said) == len(nonsense)
        assert (row(j)["form"]["bars"], row(j)["form"]["beats"], row(j)["form"]["part"]) == (1, 4, "bass")

    jam(script)


def test_a_tap_sets_the_tempo_and_does_not_replace_whose_turn_it_is() -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        shown: list[str] = []
        j.session.partner._show = j.session.partner._loops.show = shown.append
        for _ in range(4):
            act(j, "tap")
            await asyncio.sleep(0.6)
        assert row(j)["parameters"]["tempo"] == pytest.approx(100.0)
        assert not shown
        assert not j.said

    jam(script)


@pytest.mark.parametrize("bars", [1, 2, 4])
def test_a_trade_that_nobody_answers_rests_after_two_rounds(bars: int) -> None:
    length = 4 * bars * 0.5  # seconds of a turn

    async def script(j: Jam) -> None:
        turns = j.session.stats
        await j.play(60, 62, 64)
        await asyncio.sleep(14 * length)
        assert turns.phrases == 2
        await j.play(60, 62, 64)
        await asyncio.sleep(10 * length)
        assert turns.phrases == 4  # it came back at once, and rests again
        for _ in range(4):  # who plays in each turn is answered in each
            await j.play(60, 62, 64)
            await asyncio.sleep(2 * length - 0.75)
        assert turns.phrases >= 7

    jam(script, mode_settings=ModeSettings(TRADE, bars), beat=BeatSettings(tempo=120.0))


def test_a_learnt_pad_switches_the_metronome() -> None:
    async def script(j: Jam) -> None:
        j.said.clear()
        j.keys.play(0xB0, 20, 127)
        await asyncio.sleep(1.2)
        assert clicks(j)
        j.keys.play(0xB0, 20, 0)
        j.keys.play(0xB0, 21, 127)
        await asyncio.sleep(0.1)
        assert row(j)["bar"] is None

    jam(script, controls=Bindings.parse(["cc20=click", "cc21=free"]))
