"""The band on the beat of a session, in virtual time: on its beats, whatever the tempo does, and silent when the beat stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.band.band import Band, BandSettings, PartSettings
from agent.band.band_notes import BASS, COMPING, DRUMS
from agent.band.chart_play import ChartPlay
from agent.charts.chart import ChartError
from agent.charts.chart_library import load_chart
from agent.charts.formats.text_form import read_text
from agent.playing.over_chart.band_player import channels_beside
from agent.replay.verify_take import replay
from agent.session.session import Session
from agent.takes.recorder import JSONL, rows
from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings

from ....measure.record_golden import jam as recorded_jam
from ...session.test_session import AGENT_CHANNEL, Jam, jam

BLUES = load_chart("blues-in-f")
BEAT = BeatSettings(tempo=120.0)
FOURS = ModeSettings(TRADE, 4)


def struck(j: Jam, channel: int) -> list[tuple[float, int]]:
    """The beats and the pitches of a channel's notes."""
    transport = j.session.transport
    return [(transport.beat_at(t), m[1]) for t, m in j.output.sent if m[0] == 0x90 | channel and m[2] > 0]


def planned(part: str, end: float, seed: int = 0) -> list[tuple[float, int]]:
    return [(note.beat, note.pitch) for note in Band(BLUES, seed).notes(part, 0.0, end)]


def same(found: list[tuple[float, int]], wanted: list[tuple[float, int]]) -> bool:
    return sorted((round(b, 2), p) for b, p in found) == sorted((round(b, 2), p) for b, p in wanted)


def over(**more: Any) -> dict[str, Any]:
    play = ChartPlay(BLUES, **more)
    return {"over": play, "beat": BEAT, "mode_settings": FOURS}


def test_each_part_plays_what_the_band_makes_on_its_beat() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(0.3 + 2.0 + 26.2)

    made, _ = jam(script, **over())
    end = made.session.transport.beat_at(made.loop.now())
    for part, channel in ((BASS, 10), (COMPING, 11), (DRUMS, 9)):
        found = [(b, p) for b, p in struck(made, channel) if b >= -0.01 and p not in (76, 77)]
        wanted = [(b, p) for b, p in planned(part, end) if b < end - 0.01]
        assert same(found, wanted), part
    programs = {m[0] & 0x0F: m[1] for _, m in made.output.sent if m[0] & 0xF0 == 0xC0}
    assert programs == {10: 32, 11: 4}


@pytest.mark.parametrize("first", ["player", "agent"])
def test_turns_begin_and_end_on_their_bars(first: str) -> None:
    async def script(j: Jam) -> None:
        for _ in range(40):
            await j.play(60, 62, 64, 65, gap=0.4)
            await asyncio.sleep(0.1)

    made, _ = jam(script, **over(is_agent_first=first == "agent"), worker={"note_takes": 0.001})
    trading = made.session.config.over.trading(4)  # type: ignore[union-attr]
    beats = [made.session.transport.beat_at(t) for t, _ in made.agent_ons()]
    assert len(beats) > 10
    turns = {trading.turn_at(beat + 0.01) for beat in beats}
    assert all(turn.is_agents for turn in turns)
    assert len(turns) >= 3
    for turn in turns:
        assert min(beat for beat in beats if turn.start - 0.01 <= beat < turn.end) >= turn.start - 0.01
    assert (min(turn.start for turn in turns) == 0.0) == (first == "agent")


def test_a_new_tempo_moves_what_has_not_begun_and_loses_nothing() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(4.0)
        for tempo in (150, 90, 133, 60, 200):
            j.session.act(f"knob:tempo={tempo}", j.loop.now())
            await asyncio.sleep(1.63)

    made, _ = jam(script, **over())
    end = made.session.transport.beat_at(made.loop.now())
    pitches = [p for b, p in struck(made, 10)]
    wanted = [p for b, p in planned(BASS, end)]
    assert pitches == wanted[: len(pitches)]
    assert len(pitches) >= len(wanted) - 1


def test_a_beat_that_begins_anew_starts_the_form_again() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(6.0)
        j.session.act("free", j.loop.now())
        count = len(j.notes_sent())
        await asyncio.sleep(2.0)
        assert len(j.notes_sent()) == count
        j.session.act("trade", j.loop.now())
        await asyncio.sleep(4.6)

    made, _ = jam(script, **over())
    again = [p for b, p in planned(BASS, 4.5)]
    assert [p for b, p in struck(made, 10)][-len(again) :] == again


def test_panic_is_silence_and_the_band_goes_on() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(5.0)
        j.session.act("panic", j.loop.now())
        sounding = {(m[0] & 0x0F, m[1]) for t, m in j.output.sent if m[0] & 0xF0 == 0x90}
        assert sounding
        await asyncio.sleep(3.0)
        assert max(t for t, m in j.output.sent if m[0] == 0x9A) > j.loop.now() - 1.0

    jam(script, **over())


def test_after_the_last_chorus_comes_the_last_chord_and_the_end() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(60.0)

    made, _ = jam(script, **over(choruses=2))
    bass = struck(made, 10)
    last_beat, last_pitch = bass[-1]
    assert last_beat == pytest.approx(96.0, abs=0.02)
    assert last_pitch % 12 == 5
    assert made.loop.now() >= 50.0
    assert made.session._is_stopping


def test_a_letter_makes_this_chorus_the_last_and_takes_it_back() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(10.0)
        for _ in range(3):
            j.session.act("last-chorus", j.loop.now())
        await asyncio.sleep(20.0)

    made, _ = jam(script, **over())
    assert [line for line in made.said if "horus" in line or "On and" in line] == [
        "Chorus 1 is the last one.",
        "On and on.",
        "Chorus 1 is the last one.",
    ]
    assert struck(made, 10)[-1][0] == pytest.approx(48.0, abs=0.02)
    assert made.session._is_stopping


def test_without_a_chart_there_is_no_last_chorus() -> None:
    async def script(j: Jam) -> None:
        j.session.act("last-chorus", j.loop.now())

    made, _ = jam(script)
    assert "There is no chart here; start with --chart NAME." in made.said


def test_muted_parts_and_a_soft_band() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(20.0)

    quiet = BandSettings(bass=PartSettings(), comping=PartSettings(is_on=False), is_soft_under_player=True)
    made, _ = jam(script, **over(band=quiet))
    assert not struck(made, 11)
    velocities = [(made.session.transport.beat_at(t), m[2]) for t, m in made.output.sent if m[0] == 0x9A and m[2]]
    mine = [v for b, v in velocities if 0 <= b < 16]
    its = [v for b, v in velocities if 16 <= b < 32]
    assert max(mine) < min(v for v in its if v > 70)


def test_without_a_band_nobody_else_plays() -> None:
    async def script(j: Jam) -> None:
        await asyncio.sleep(4.0)

    made, _ = jam(script, **over(band=None))
    assert {m[0] & 0x0F for _, m in made.notes_sent()} <= {9, AGENT_CHANNEL}


def test_the_metre_is_the_charts() -> None:
    async def script(j: Jam) -> None:
        j.session.act("form:beats=3", j.loop.now())
        assert j.session.transport.beats == 4

    made, _ = jam(script, **over())
    assert any("metre of its own" in line for line in made.said)
    with pytest.raises(ChartError, match="changes its metre"):
        ChartPlay(read_text("| C | {3/4} D |"))
    with pytest.raises(ChartError, match="choruses"):
        ChartPlay(BLUES, choruses=0)


def test_the_musician_is_told_the_chords_of_its_bars() -> None:
    """By their seconds, from the chord that sounds when its turn begins to the end of the turn."""

    async def script(j: Jam) -> None:
        for _ in range(30):
            await j.play(60, 62, 64, 65, gap=0.4)
            await asyncio.sleep(0.1)

    made, _ = jam(script, **over(is_agent_first=True), worker={"note_takes": 0.001})
    trading = made.session.config.over.trading(4)  # type: ignore[union-attr]
    transport = made.session.transport
    spans = [span for span, _ in made.worker.drafts if span.chords]
    assert spans
    for span in spans:
        turn = trading.turn_at(transport.beat_at(span.earliest) + 0.1)
        assert turn.is_agents
        for timed in span.chords:
            beat = transport.beat_at(timed.start)
            assert turn.start - 0.01 <= beat < turn.end
            assert trading.form_at(beat).chord_at(beat + 0.01) == timed.chord
    free, _ = jam(script, worker={"note_takes": 0.001})
    assert not any(span.chords for span, _ in free.worker.drafts)


def test_no_part_plays_on_the_agents_channel() -> None:
    for channel in range(16):
        if channel != 9:
            assert channel not in channels_beside(channel).values()
    assert len(set(channels_beside(10).values())) == 3


def test_what_a_take_keeps_is_the_same_without_the_band() -> None:
    play = ChartPlay(BLUES, "half", True, 3)
    assert ChartPlay.of(play.row()) == replace(play, band=None)


def test_a_take_over_a_chart_replays_bit_for_bit(tmp_path: Path) -> None:
    def end_it(session: Session) -> None:
        session.act("last-chorus", session.clock.now())

    play = ChartPlay(BLUES, is_agent_first=True)
    recorded_jam("trade", tmp_path / "take", 30.0, exact=True, after_phrase=end_it, over=play)
    told = list(rows(tmp_path / "take" / JSONL))
    assert told[0]["setting"]["over"]["first"] == "agent"
    assert sum("out" in row for row in told) > 20
    assert {bytes.fromhex(row["out"])[0] & 0x0F for row in told if "out" in row} == {1}
    assert replay(tmp_path / "take")["same"]


def test_with_a_midi_clock_the_band_follows_stops_and_finds_its_place() -> None:
    def position(beats: int) -> tuple[int, ...]:
        return (0xF2, 4 * beats & 0x7F, 4 * beats >> 7)

    async def ticks(j: Jam, beats: float, tempo: float = 120.0) -> None:
        for _ in range(round(24 * beats)):
            j.keys.play(0xF8)
            await asyncio.sleep(60.0 / tempo / 24)

    async def script(j: Jam) -> None:
        j.keys.play(0xFA)
        await ticks(j, 12)
        j.keys.play(0xFC)
        await asyncio.sleep(0.1)
        count = len(j.notes_sent())
        sounding = [m for _, m in j.notes_sent()]
        ons = sum(m[0] & 0xF0 == 0x90 and m[2] > 0 for m in sounding)
        assert ons == len(sounding) - ons  # each has its off
        await asyncio.sleep(2.0)
        assert len(j.notes_sent()) == count
        j.keys.play(*position(24))
        j.keys.play(0xFB)
        await ticks(j, 8, 126.0)
        j.keys.play(0xFC)

    made, _ = jam(script, over=ChartPlay(BLUES), beat=BeatSettings(follow=True), mode_settings=FOURS)
    pitches = [m[1] for _, m in made.output.sent if m[0] == 0x9A and m[2] > 0]
    first = [p for b, p in planned(BASS, 12.0)]
    again = [n.pitch for n in Band(BLUES).notes(BASS, 24.0, 32.0)]
    assert pitches[: len(first)] == first[: len(pitches)]
    assert again in (
        pitches[-len(again) :],
        pitches[-len(again) - 1 : -1],
    )  # the clock stops on a beat: with its note or without
