"""The chart as a row for the pages: its bars as they are played, whose turn each is, and made no more often than it changes."""

from __future__ import annotations

import asyncio
import json

import pytest

from agent.band.chart_play import ChartPlay
from agent.charts.chart_library import load_chart
from agent.charts.formats.text_form import read_text
from agent.session.snapshot import ChartView, chart_row
from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings

from .test_session import Jam, jam

BLUES = load_chart("blues-in-f")


@pytest.mark.parametrize("name", ["blues-in-f", "rhythm-changes", "jazz-waltz", "doo-wop"])
@pytest.mark.parametrize("turns", [None, "half", "chorus", "sections"])
@pytest.mark.parametrize("is_agent_first", [False, True])
def test_the_turn_of_each_bar_is_that_of_the_trading(name: str, turns: str | None, is_agent_first: bool) -> None:
    over = ChartPlay(load_chart(name), turns, is_agent_first, choruses=3)
    trading = over.trading(4)
    row = json.loads(json.dumps(chart_row(over, 4)))
    bars = row["bars"]
    assert row["last"] is None
    assert len(bars) == len(trading.form.bars)
    assert sum(bar["begins"] for bar in bars) == len(trading.form.sections)
    turn_count = bars[-1]["turn"] + 1
    for chorus in range(3):
        for bar, form_bar in zip(bars, trading.form.bars, strict=True):
            is_agents = ((chorus * turn_count + bar["turn"]) % 2 == 1) != row["agent_first"]
            assert is_agents == trading.turn_at(chorus * trading.form.beats + form_bar.start).is_agents


def test_chords_are_written_in_the_key_and_placed_by_beat() -> None:
    bars = chart_row(ChartPlay(read_text("title: T\nkey: Eb\n\n[A]\n| Eb6 Cm7 | Ab7 |\n")), 4)["bars"]
    assert bars[0] == {"section": "A", "begins": True, "chords": [[0.0, "Eb6"], [2.0, "Cm7"]], "turn": 0}
    assert bars[1]["section"] == ""


def test_it_is_made_again_only_where_it_is_another() -> None:
    view = ChartView()

    async def script(j: Jam) -> None:
        first = view.row(j.session)
        assert first is not None
        assert first["choruses"] is None
        await asyncio.sleep(1.0)
        assert view.row(j.session) is first
        j.session.act("last-chorus", j.loop.now())
        last = view.row(j.session)
        assert last is not None
        assert last["choruses"] == 1
        assert first["bars"] == last["bars"]

    jam(script, over=ChartPlay(BLUES), beat=BeatSettings(tempo=120.0), mode_settings=ModeSettings(TRADE, 4))


def test_without_a_chart_there_is_none() -> None:
    async def script(j: Jam) -> None:
        assert ChartView().row(j.session) is None

    jam(script)
