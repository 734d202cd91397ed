"""Another answer to the same phrase, in a session in virtual time."""

from __future__ import annotations

import asyncio

from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings

from ..session.test_session import Jam, jam


def test_the_last_phrase_is_answered_again_at_once() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(6)
        assert len(j.session.partner.answers) == 1
        j.session.actions.act("another", j.loop.now())
        await asyncio.sleep(6)

    made, report = jam(script)
    assert report.stats["answers"] == 2
    calls = made.session.partner.calls
    assert [n.pitch for n in calls[0]] == [n.pitch for n in calls[1]] == [60, 62, 64, 65, 67]


def test_an_answer_that_is_on_makes_room_for_another() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67, gap=0.4)
        while not j.session.partner.is_playing:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        j.session.actions.act("another", j.loop.now())
        await asyncio.sleep(8)

    _, report = jam(script)
    assert report.stats["answers"] == 2


def test_a_phrase_that_has_begun_is_answered_and_not_the_one_before() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(6)
        await j.play(72, 74, 76)
        j.session.actions.act("another", j.loop.now())
        await asyncio.sleep(6)

    made, _ = jam(script)
    assert [n.pitch for n in made.session.partner.calls[-1]] == [72, 74, 76]


def test_where_there_is_none_it_is_said() -> None:
    async def before_any(j: Jam) -> None:
        j.session.actions.act("another", j.loop.now())
        await asyncio.sleep(1)

    made, _ = jam(before_any)
    assert any("no answer yet" in line for line in made.said)
    made, _ = jam(before_any, mode_settings=ModeSettings(TRADE, 2), beat=BeatSettings(tempo=120.0))
    assert any("mode call only" in line for line in made.said)
