"""Keys that are up are up: whatever says so, the tracker, thru, the schedule, the take and the page agree on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.control.bindings import Bindings
from agent.takes.recorder import MIDI, Take
from models.music.midifile import read_notes

from ...support.synth import NOTES_OFF, PEDALS, Synth
from .test_session import AGENT_CHANNEL, Jam, jam

CHORD = (72, 74, 76, 77, 79)  # the echo answers a phrase from 60 on with these


def judged(made: Jam) -> Synth:
    return Synth(message for _, message in made.output.sent)


@pytest.mark.parametrize("mode", NOTES_OFF)
@pytest.mark.parametrize("channel", [0, AGENT_CHANNEL])
def test_the_agent_plays_the_pitches_of_keys_that_came_up_by_all_notes_off(mode: int, channel: int) -> None:
    async def script(j: Jam) -> None:
        for pitch in CHORD:
            j.keys.play(0x90 | channel, pitch, 70)
        await asyncio.sleep(0.5)
        j.keys.play(0xB0 | channel, mode, 0)
        await asyncio.sleep(0.1)
        assert not j.session.partner.keys_down
        assert not j.session.player.schedule.claimed_pitches
        j.session.act("hush", j.loop.now())
        await asyncio.sleep(6.0)
        j.output.sent.clear()
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(8.0)

    made, _ = jam(script, judged=False)
    assert set(CHORD) <= {pitch for _, pitch in made.agent_ons()}
    synth = judged(made)
    synth.assert_silent()
    assert not synth.cut


@pytest.mark.parametrize("mode", NOTES_OFF)
def test_all_notes_off_on_the_agents_channel_ends_nothing_of_its_answer(mode: int) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        for _ in range(60):
            await asyncio.sleep(0.1)
            j.keys.play(0xB0 | AGENT_CHANNEL, mode, 0)

    made, report = jam(script, judged=False)
    synth = judged(made)
    synth.assert_silent()
    assert not synth.cut
    assert [p for _, p in made.agent_ons()] == list(CHORD)
    assert len(report.answers[0]) == len(CHORD)


def test_panic_lifts_keys_whose_offs_came_at_other_pitches(tmp_path: Path) -> None:
    async def script(j: Jam) -> None:
        for channel in (0, 2, AGENT_CHANNEL):
            for pitch in CHORD:
                j.keys.play(0x90 | channel, pitch, 70)
            j.keys.play(0xB0 | channel, 66, 127)
        await asyncio.sleep(0.5)
        for channel in (0, 2, AGENT_CHANNEL):
            for pitch in CHORD:
                j.keys.play(0x80 | channel, pitch + 12, 0)
        await asyncio.sleep(1.0)
        assert j.session.partner.keys_down == len(CHORD)  # on three channels, as layers are
        j.keys.play(0xB0, 20, 127)
        j.keys.play(0xB0, 20, 0)
        await asyncio.sleep(0.1)
        assert not j.session.partner.keys_down
        assert not j.session.player.schedule.claimed_pitches
        judged(j).assert_silent()
        for channel in (0, 2, AGENT_CHANNEL):
            said = {m for _, m in j.output.sent}
            assert {bytes((0xB0 | channel, number, 0)) for number in (*PEDALS, 123)} <= said
        j.output.sent.clear()
        await asyncio.sleep(3.0)
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(8.0)

    made, _ = jam(
        script, judged=False, controls=Bindings.parse(["cc20=panic"]), take=Take(tmp_path / "take", preset="plain")
    )
    assert set(CHORD) <= {pitch for _, pitch in made.agent_ons()}
    held = [n for n in read_notes(tmp_path / "take" / MIDI) if n.onset < 0.1]
    assert {round(n.duration, 2) for n in held} == {1.5}


def test_keys_end_in_the_take_where_they_came_up(tmp_path: Path) -> None:
    async def script(j: Jam) -> None:
        j.keys.play(0x90, 60, 80)
        j.keys.play(0x90, 64, 80)
        await asyncio.sleep(1.0)
        j.keys.play(0xB0, 123, 0)
        await asyncio.sleep(5.0)

    jam(script, judged=False, take=Take(tmp_path / "take", preset="plain"))
    notes = read_notes(tmp_path / "take" / MIDI)
    assert [(n.pitch, round(n.duration, 2)) for n in notes if n.pitch in (60, 64)] == [(60, 1.0), (64, 1.0)]


@pytest.mark.parametrize("pedal", PEDALS)
@pytest.mark.parametrize("value", [30, 127])
def test_pedals_are_up_at_the_end(pedal: int, value: int) -> None:
    async def script(j: Jam) -> None:
        for pitch in (60, 64, 67):
            j.keys.play(0x90, pitch, 80)
        j.keys.play(0xB0, pedal, value)
        for pitch in (60, 64, 67):
            j.keys.play(0x80, pitch, 0)
        await asyncio.sleep(0.5)

    made, _ = jam(script, judged=False)
    judged(made).assert_silent()
    assert made.output.sent[-1][1][0] & 0xF0 == 0xB0


@pytest.mark.parametrize("pedal", [64, 69])
@pytest.mark.parametrize("end", ["key", "hush"])
def test_what_the_agent_played_under_the_players_pedal_ends_with_its_answer(pedal: int, end: str) -> None:
    async def script(j: Jam) -> None:
        j.keys.play(0xB0 | AGENT_CHANNEL, pedal, 100)
        await j.play(60, 62, 64, 65, 67)
        await j.until_answered(2)
        await asyncio.sleep(0.4)
        if end == "key":
            j.keys.play(0x90 | AGENT_CHANNEL, 50, 80)
        else:
            j.session.act("hush", j.loop.now())
        await asyncio.sleep(0.05)
        synth = judged(j)
        assert not synth.ringing
        assert synth.keys == ({(AGENT_CHANNEL, 50)} if end == "key" else set())
        assert synth.pedals == {(AGENT_CHANNEL, pedal): 100}  # the foot is down still
        j.keys.play(0x80 | AGENT_CHANNEL, 50, 0)
        await asyncio.sleep(0.1)
        assert judged(j).ringing == ({(AGENT_CHANNEL, 50)} if end == "key" else set())

    made, _ = jam(script, judged=False)
    judged(made).assert_silent()


def test_a_pedal_that_wavers_does_not_keep_the_answer_waiting() -> None:
    def first(values: list[int]) -> float:
        waited = []

        async def script(j: Jam) -> None:
            j.keys.play(0xB0, 64, values[0])
            await j.play(60, 62, 64, 65, 67)
            last = j.loop.now()
            for i in range(400):
                j.keys.play(0xB0, 64, values[i % len(values)])
                await asyncio.sleep(0.025)
            assert j.agent_ons(), "no answer came"
            waited.append(j.agent_ons()[0][0] - last)

        jam(script, judged=False)
        return waited[0]

    still = first([70])
    assert first([64, 63, 64, 65]) == pytest.approx(still, abs=0.01)
    assert first([50, 80]) == pytest.approx(still, abs=0.01)
