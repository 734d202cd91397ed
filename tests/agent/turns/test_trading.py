"""Bars each, in virtual time: on the beat, inside its own bars, and a good sport about the bar lines."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from agent.turns.mode_settings import DUET, TRADE, BeatSettings, ModeSettings
from agent.turns.trading import TradingForm
from models.decoding.engine import Engine

from ...support.musicians import small_network
from ..session.test_session import AGENT_CHANNEL, Jam, jam

TOLERANCE = 0.002


class Trading:
    """A player who knows where the bars are."""

    def __init__(self, j: Jam, bars: int) -> None:
        self.j, self.transport = j, j.session.transport
        self.length = bars * self.transport.beats

    async def until(self, beat: float) -> None:
        while self.transport.beat_at(self.j.loop.now()) < beat - 1e-6:
            await asyncio.sleep(max(min(self.transport.time_at(beat) - self.j.loop.now(), 0.2), 1e-4))

    async def play_turn(self, number: int, beats: int | None = None) -> None:
        start = 2 * number * self.length
        for i in range(beats or self.length - 1):
            await self.until(start + i)
            await self.j.play(60 + i % 8, gap=0.1, length=0.08)


def turns_of(j: Jam, length: int) -> dict[int, list[tuple[float, float]]]:
    """The agent's notes by turn: onset and end, in beats."""
    beat_at = j.session.transport.beat_at
    found: dict[int, list[tuple[float, float]]] = {}
    down: dict[int, float] = {}
    for when, message in j.output.sent:
        if message[0] == 0x90 | AGENT_CHANNEL:
            down[message[1]] = when
        elif message[0] == 0x80 | AGENT_CHANNEL:
            begun = beat_at(down.pop(message[1]))
            found.setdefault(int((begun + 0.01) // length), []).append((begun, beat_at(when)))
    return found


@pytest.mark.parametrize("tempo", [60.0, 120.0, 200.0])
@pytest.mark.parametrize("bars", [2, 4, 8])
def test_every_answer_lies_in_its_own_bars_and_begins_on_the_beat(tempo: float, bars: int) -> None:
    rounds = 32
    seen: dict[str, Any] = {}

    async def script(j: Jam) -> None:
        player = Trading(j, bars)
        for number in range(rounds):
            await player.play_turn(number)
        await player.until(2 * rounds * player.length - 0.5)
        seen["turns"] = turns_of(j, player.length)
        seen["beat"] = 60.0 / tempo

    mode_settings = ModeSettings(TRADE, bars)
    jam(script, mode_settings=mode_settings, beat=BeatSettings(tempo=tempo))
    turns = seen["turns"]
    assert sorted(turns) == list(range(1, 2 * rounds, 2))
    for number, notes in turns.items():
        start, end = number * bars * 4, (number + 1) * bars * 4
        first = notes[0][0]
        assert abs(first - round(first)) * seen["beat"] < TOLERANCE
        assert first < start + 1.0
        assert all(start - 0.01 < onset < stop < end + 0.001 for onset, stop in notes)


def test_bars_are_thought_of_while_the_player_rests_before_them() -> None:
    """The player's last beat is a rest: a draft is there when the bar line comes, and is what is played."""

    async def script(j: Jam) -> None:
        player = Trading(j, 1)
        for number in range(4):
            await player.play_turn(number)
        await player.until(8 * player.length - 0.5)
        assert all(span.on_beat and span.earliest < span.until for span, _ in j.worker.drafts)

    musician = {"musician": lambda: Engine(small_network())}
    _, report = jam(script, mode_settings=ModeSettings(TRADE, 1), beat=BeatSettings(tempo=120.0), worker=musician)
    assert report.stats["answers"] >= 3
    assert report.stats["musician"]["drafted"] == report.stats["answers"]


def test_the_count_in_is_clicked_and_the_clock_is_sent() -> None:
    seen: dict[str, Any] = {}

    async def script(j: Jam) -> None:
        await Trading(j, 1).until(2.5)
        seen["zero"] = j.session.transport.time_at(0.0)

    made, _ = jam(script, mode_settings=ModeSettings(TRADE, 1), beat=BeatSettings(tempo=120.0, send_clock=True))
    clicks = [t for t, m in made.output.sent if m[0] == 0x99 and m[2] > 0]
    assert [round((t - seen["zero"]) * 2, 3) for t in clicks] == [-4, -3, -2, -1]
    ticks = [t for t, m in made.output.sent if m == b"\xf8"]
    start = next(t for t, m in made.output.sent if m == b"\xfa")
    assert start == pytest.approx(seen["zero"], abs=1e-3)
    assert len(ticks) >= 55
    assert [round((t - seen["zero"]) * 48) for t in ticks] == list(range(len(ticks)))
    assert [m for _, m in made.output.sent].count(b"\xfc") == 1


def test_a_phrase_that_runs_over_the_bar_line_is_woven_in() -> None:
    async def script(j: Jam) -> None:
        player = Trading(j, 2)
        await player.play_turn(0)
        for beat in (7.75, 8.25, 8.6):  # past the line at 8
            await player.until(beat)
            await j.play(79, gap=0.05, length=0.04)
        await player.until(15.5)

    made, report = jam(script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=100.0))
    notes = turns_of(made, 8)[1]
    assert notes[-1][0] > 9.0  # it played on
    assert report.stats["cut_in_ms"] == {}


def test_a_player_who_cuts_in_late_gets_the_floor_until_the_next_turn() -> None:
    async def script(j: Jam) -> None:
        player = Trading(j, 2)
        await player.play_turn(0)
        await player.until(13.3)
        await j.play(79, gap=0.05, length=0.04)
        j.cut = j.loop.now()  # type: ignore[attr-defined]
        await player.until(15.9)
        assert not [t for t, _ in j.agent_ons() if t > j.cut]  # type: ignore[attr-defined]
        await player.play_turn(1)
        await player.until(31)

    made, report = jam(script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=100.0))
    assert report.stats["cut_in_ms"]["max"] < 5
    assert set(turns_of(made, 8)) == {1, 3}


def test_a_clock_leads_and_is_lost_and_comes_back() -> None:
    async def script(j: Jam) -> None:
        tick = 60.0 / 120 / 24

        async def ticks(beats: float) -> None:
            for _ in range(round(beats * 24)):
                j.keys.play(0xF8)
                await asyncio.sleep(tick)

        await ticks(1)
        assert j.agent_ons() == []
        j.keys.play(0xFA)
        for pitch in (60, 62, 64, 65):
            j.keys.play(0x90, pitch, 80)
            await ticks(0.5)
            j.keys.play(0x80, pitch, 0)
            await ticks(0.5)
        await ticks(3.5)
        answered = [t for t, _ in j.agent_ons()]
        assert len(answered) == 4
        assert abs(answered[0] - j.session.transport.time_at(4.0)) < 0.01
        await asyncio.sleep(3.0)  # the cable is out, in the player's turn
        j.keys.play(0x90, 67, 80)
        await asyncio.sleep(0.2)
        j.keys.play(0x80, 67, 0)
        await ticks(12)
        j.keys.play(0xFC)
        await asyncio.sleep(0.5)

    made, _ = jam(script, mode_settings=ModeSettings(TRADE, 1), beat=BeatSettings(follow=True))
    assert made.said[1:] == [
        "The clock runs.",
        "The clock is gone; in free time until it is back.",
        "The clock is back.",
        "The clock has stopped.",
    ]
    assert not any(m[0] >= 0xF1 for _, m in made.output.sent)  # thru is for music


def test_in_call_mode_a_beat_makes_answers_begin_on_it() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65)
        await asyncio.sleep(5)

    made, report = jam(script, beat=BeatSettings(tempo=90.0, count_in=0))
    beat = made.session.transport.beat_at(made.agent_ons()[0][0])
    assert report.stats["answers"] >= 1
    assert abs(beat - round(beat)) < 0.01


def test_a_duet_plays_along_while_the_player_plays_and_ends_after() -> None:
    seen: dict[str, Any] = {}

    async def script(j: Jam) -> None:
        for i in range(16):
            await j.play(72 + i % 5, gap=0.5, length=0.15)
        seen["end"] = j.loop.now()
        await asyncio.sleep(12)

    made, report = jam(script, mode_settings=ModeSettings(DUET))
    during = [t for t, _ in made.agent_ons() if t < seen["end"]]
    after = [t for t, _ in made.agent_ons() if t > seen["end"] + 6.0]
    assert len(during) >= 5
    assert not after
    assert report.stats["cut_in_ms"] == {}
    assert any(s.get("highest", 127) < 80 for _, s in made.worker.styles)


def test_a_slow_musician_comes_in_later_but_never_between_the_places() -> None:
    async def script(j: Jam) -> None:
        player = Trading(j, 2)
        await player.play_turn(0)
        await player.until(15.9)

    made, report = jam(
        script, worker={"note_takes": 0.4}, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=120.0)
    )
    onsets = [made.session.transport.beat_at(t) for t, _ in made.agent_ons()]
    assert report.stats["unready"] >= 1
    assert report.stats["misses"] == 0
    assert abs(onsets[0] - round(onsets[0])) < 0.01
    assert onsets[0] > 8.5  # its first note was not there in time: it took the next beat
    assert all(abs(4 * b - round(4 * b)) < 0.04 for b in onsets[1:]), onsets


class Master:
    """A clock that a test holds in its hands. `beat` is where the song truly is."""

    def __init__(self, j: Jam, tempo: float = 120.0) -> None:
        self.j, self.tempo, self.beat = j, tempo, 0.0
        self.times: list[float] = []  # and beats, of every tick
        self.beats: list[float] = []

    async def roll(self, beats: float, ramp: float = 0.0, silent: bool = False) -> None:
        """Tick for so many beats; `ramp` is what the tempo gains a second. `silent`: the cable is out."""
        for _ in range(round(beats * 24)):
            if not silent:
                self.j.keys.play(0xF8)
                self.times.append(self.j.loop.now())
                self.beats.append(self.beat)
            wait = 60.0 / self.tempo / 24
            await asyncio.sleep(wait)
            self.tempo += ramp * wait
            self.beat += 1 / 24

    async def call(self, beats: int) -> None:
        """Roll, and play a key on each beat."""
        for i in range(beats):
            self.j.keys.play(0x90, 60 + i % 8, 80)
            await self.roll(0.5)
            self.j.keys.play(0x80, 60 + i % 8, 0)
            await self.roll(0.5)

    def jump(self, beat: int) -> None:
        self.j.keys.play(0xF2, 4 * beat & 127, 4 * beat >> 7)
        self.beat = float(beat)


def test_bars_are_kept_while_the_tempo_runs_away() -> None:
    """60 to 180 in half a minute: each answer in its own bars, its first note on a beat of the true clock."""
    seen: dict[str, Any] = {}

    async def script(j: Jam) -> None:
        master = seen["master"] = Master(j, 60.0)
        j.keys.play(0xFA)
        while master.tempo < 180.0:
            for beat in range(4):
                down = beat < 3
                if down:
                    j.keys.play(0x90, 60 + beat, 80)
                await master.roll(0.5, ramp=4.0)
                if down:
                    j.keys.play(0x80, 60 + beat, 0)
                await master.roll(0.5, ramp=4.0)
            await master.roll(4, ramp=4.0)

    made, _ = jam(script, mode_settings=ModeSettings(TRADE, 1), beat=BeatSettings(follow=True))
    master = seen["master"]
    found: dict[int, list[float]] = {}
    for when, message in made.output.sent:
        if message[0] in (0x90 | AGENT_CHANNEL, 0x80 | AGENT_CHANNEL):
            beat = float(np.interp(when, master.times, master.beats))
            found.setdefault(int((beat + 0.04) // 4), []).append(beat)
    assert all(bar % 2 == 1 for bar in found), found
    assert len(found) >= 7
    firsts = [onsets[0] for onsets in found.values()]
    late = [
        abs(float(np.interp(b, master.beats, master.times) - np.interp(round(b), master.beats, master.times)))
        for b in firsts
    ]
    assert max(late) < 0.02, late


@pytest.mark.parametrize("what", ["stop and continue", "jump", "restart", "lost"])
def test_what_befalls_a_clock_in_mid_answer_leaves_nothing_hanging_and_all_in_place(what: str) -> None:
    seen: dict[str, Any] = {}

    async def script(j: Jam) -> None:
        master = seen["master"] = Master(j)
        j.keys.play(0xFA)
        await master.call(8)
        await master.roll(2.3)  # in the agent's two bars, 8 to 16
        assert j.agent_ons()
        at = j.loop.now()
        if what == "stop and continue":
            j.keys.play(0xFC)
            await asyncio.sleep(3.0)
            seen["quiet"] = (at + 0.02, j.loop.now())
            j.keys.play(0xFB)
        elif what == "jump":
            master.jump(24)  # the first beat of another turn of the agent's
        elif what == "restart":
            j.keys.play(0xFA)
            master.beat = 0.0
        else:
            await master.roll(6.0, silent=True)
            seen["quiet"] = (at + 1.3, j.loop.now())
        seen["again"] = master.beat
        await master.roll(1.0)
        assert abs(j.session.transport.beat_at(j.loop.now()) - master.beat) < 0.1
        if what == "restart":
            await master.roll(6.5)
        else:
            await master.roll(16.0)
        seen["end"] = master.beat

    made, _ = jam(
        script, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(follow=True)
    )  # the judge finds what hangs
    master, again = seen["master"], seen["again"]
    ons = [t for t, _ in made.agent_ons()]
    if "quiet" in seen:
        assert not [t for t in ons if seen["quiet"][0] < t < seen["quiet"][1]]
    since = master.times[[i for i, b in enumerate(master.beats) if b == again][-1]]
    times, beats = zip(
        *[(t, b) for t, b in zip(master.times, master.beats, strict=True) if t >= since - 1e-6], strict=True
    )
    after = [float(np.interp(t, times, beats)) for t in ons if t >= since]
    assert all(int((beat + 0.04) // 8) % 2 == 1 for beat in after), after
    if what in ("stop and continue", "jump"):  # still, or again, in bars of the agent's: it is back within a bar
        assert after[0] < again + 4.5, after
    if what == "restart":
        assert not after  # the player's bars
    if what == "lost":
        assert "in free time" in made.said[2]


def test_without_its_clock_it_answers_in_free_time() -> None:
    async def script(j: Jam) -> None:
        master = Master(j)
        j.keys.play(0xFA)
        await master.call(4)
        await master.roll(6.0)
        await asyncio.sleep(2.0)
        before = len(j.agent_ons())
        await j.play(60, 62, 64, 65, gap=0.3)
        await j.until_answered(before + 4)
        await asyncio.sleep(2.0)
        await master.roll(0.5)
        await master.call(4)

    made, report = jam(script, mode_settings=ModeSettings(TRADE, 1), beat=BeatSettings(follow=True))
    assert made.said[1:] == [
        "The clock runs.",
        "The clock is gone; in free time until it is back.",
        "The clock is back.",
    ]
    assert report.stats["answers"] >= 2


@pytest.mark.parametrize(
    ("beat", "starts"), [(-4.0, 0.0), (-0.1, 0.0), (0.0, 0.0), (0.1, 16.0), (7.9, 16.0), (8.0, 16.0), (15.9, 16.0)]
)
def test_the_players_next_turn(beat: float, starts: float) -> None:
    assert TradingForm(2, 4).next_players_turn(beat) == starts
