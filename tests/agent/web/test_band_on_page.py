"""The band on a page that makes the sound: it is told every note once, what is cut too, and nothing where another makes the sound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.band.band import PARTS
from agent.band.chart_play import ChartPlay
from agent.charts.chart_library import load_chart
from agent.turns.mode_settings import TRADE, BeatSettings, ModeSettings
from agent.web.note_view import BandView
from models.music.note_records import ANSWER, Note

from .test_page_connections import Evening, evening

BLUES = {
    "over": ChartPlay(load_chart("blues-in-f")),
    "beat": BeatSettings(tempo=120.0),
    "mode_settings": ModeSettings(TRADE, 4),
}


def note(onset: float, end: float, pitch: int = 40) -> Note:
    return Note(onset, end - onset, pitch, 80, ANSWER)


def band_news(e: Evening) -> list[dict[str, Any]]:
    return [n for n in e.news if n["t"] == "band"]


def heard(news: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a page knows after these news."""
    found: dict[str, dict[str, Any]] = {}
    for n in news:
        for ident in n["gone"]:
            del found[ident]
        found |= {row["id"]: row for row in n["more"]}
    return found


def test_a_note_is_told_once_and_taken_back_when_it_is_cut() -> None:
    view = BandView()
    first, second = (1, note(1.0, 2.0)), (2, note(2.0, 3.0, 43))
    news = view.plan(0.5, {"bass": ([first, second], [])})
    assert news is not None
    assert [row["at"] for row in news["more"]] == [1.0, 2.0]
    assert [row["id"] for row in view.snapshot()] == ["bass1", "bass2"]
    assert view.plan(1.1, {"bass": ([second], [1])}) is None  # it sounds
    assert view.plan(1.2, {"bass": ([], [])}) == {"t": "band", "more": [], "gone": ["bass1", "bass2"]}
    assert view.plan(1.3, {"bass": ([], [])}) is None


def test_what_has_ended_by_itself_is_not_told() -> None:
    view = BandView()
    view.plan(0.5, {"drums": ([(1, note(1.0, 1.1))], [])})
    assert view.plan(1.2, {"drums": ([], [])}) is None
    assert view.snapshot() == []


def test_a_new_tempo_moves_a_note_under_its_name() -> None:
    view = BandView()
    view.plan(0.5, {"bass": ([(1, note(1.0, 2.0))], [])})
    news = view.plan(0.6, {"bass": ([(1, note(1.2, 2.4))], [])})
    assert news is not None
    assert ([row["id"] for row in news["more"]], news["gone"]) == (["bass1"], [])


@given(st.lists(st.sets(st.integers(0, 9)), max_size=12))
def test_whoever_listens_knows_what_is_planned(looks: list[set[int]]) -> None:
    view, news = BandView(), []
    for numbers in looks:
        told = view.plan(0.0, {"bass": ([(n, note(n + 1.0, n + 2.0)) for n in sorted(numbers)], [])})
        news += [] if told is None else [told]
        assert set(heard(news)) == {f"bass{n}" for n in numbers} == {row["id"] for row in view.snapshot()}


def test_the_page_that_makes_the_sound_is_told_what_the_band_plays(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.outputs.sound = None
        await asyncio.sleep(8.3)

    made = evening(script, tmp_path, **BLUES)
    rows = {row["id"]: row for n in band_news(made) for row in n["more"]}
    assert {row["part"] for row in rows.values()} == set(PARTS)
    for part, channel in (("bass", 10), ("comping", 11), ("drums", 9)):
        sent = [(round(t, 2), m[1]) for t, m in made.midi.sent if m[0] == 0x90 | channel and m[1] not in (76, 77)]
        told = {(round(row["at"], 2), row["pitch"]) for row in rows.values() if row["part"] == part}
        assert sent, part
        assert [s for s in sent if s not in told] == [], part
    shown = [n for n in made.news if n["t"] in ("on", "planned")]
    assert shown == []  # it is no note of the agent's


def test_panic_and_free_time_end_it_on_the_page(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        e.outputs.sound = None
        await asyncio.sleep(5.05)
        assert len(e.hub.welcome()["band"]) > 2
        for action in ("panic", "free"):
            e.request(do="act", action=action)
            when = e.loop.now()
            before = len(band_news(e))
            await asyncio.sleep(0.05)
            cut = band_news(e)[before]["gone"]
            rows = {row["id"]: row for n in band_news(e)[:before] for row in n["more"]}
            assert any(rows[ident]["part"] == "bass" and rows[ident]["at"] < when for ident in cut)
            await asyncio.sleep(2.0)
        assert e.hub.welcome()["band"] == []

    evening(script, tmp_path, **BLUES)


def test_a_page_that_makes_no_sound_is_told_nothing_until_it_does(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        sound = e.outputs.sound
        await asyncio.sleep(5.0)
        assert band_news(e) == []
        e.outputs.sound = None
        await asyncio.sleep(1.0)
        assert band_news(e)
        e.outputs.sound = sound
        await asyncio.sleep(0.1)
        now = e.loop.now()
        assert all(row["end"] <= now for row in heard(band_news(e)).values())
        assert e.hub.welcome()["band"] == []

    evening(script, tmp_path, **BLUES)
