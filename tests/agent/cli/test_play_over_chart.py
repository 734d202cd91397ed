"""The options of `play` that are about a chart, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.cli.arguments import parser
from agent.cli.play_settings import PlaySettings, about_chart, play_settings
from agent.errors import UserError


def settings_of(*options: str) -> PlaySettings:
    return play_settings(parser().parse_args(["play", *options]))


def test_a_chart_brings_mode_tempo_metre_and_swing() -> None:
    found = settings_of("--chart", "blues-in-f")
    assert (found.mode.mode, found.mode.bars, found.beat.tempo, found.beat.beats) == ("trade", 4, 132.0, 4)
    assert found.mode.swing == pytest.approx(0.66, abs=0.01)
    assert found.over is not None
    assert found.over.band is not None
    assert found.row()["over"]["first"] == "player"
    waltz = settings_of("--chart", "jazz-waltz")
    assert waltz.beat.beats == 3
    assert "over" not in settings_of().row()


def test_what_is_given_counts_more() -> None:
    found = settings_of("--chart", "bossa", "--tempo", "99", "--mode", "duet", "--swing", "60", "--no-band")
    assert (found.mode.mode, found.mode.swing, found.beat.tempo) == ("duet", 0.6, 99.0)
    assert found.over is not None
    assert found.over.band is None
    clock = settings_of("--chart", "bossa", "--clock")
    assert clock.beat.tempo is None
    assert clock.beat.follow


def test_turns_key_choruses_and_parts() -> None:
    options = (
        "--chart rhythm-changes --turns half --first agent --choruses 3 --chart-key C --mute drums --soft-band --seed 9"
    )
    over = settings_of(*options.split()).over
    assert over is not None
    assert (over.turns, over.is_agent_first, over.choruses, over.seed) == ("half", True, 3, 9)
    assert over.chart.key.name == "C"
    assert over.band is not None
    assert (over.band.drums.is_on, over.band.bass.is_on, over.band.is_soft_under_player) == (False, True, True)
    assert about_chart(over, 4) == "Over Rhythm changes in C, 32 bars: turns of 16 bars, it plays first."


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--chart", "no such chart"], "There is no chart"),
        (["--chart", "bossa", "--chart-key", "H"], "no key"),
        (["--chart", "odd.txt"], "changes its metre"),
        (["--chart", "bossa", "--bars", "32"], None),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    options: list[str], says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.txt").write_text("| C | {3/4} D |", encoding="utf8")
    if says is None:
        over = settings_of(*options).over
        assert over is not None
        assert len(over.trading(32).form.bars) == 16
        return
    with pytest.raises(UserError, match=says):
        settings_of(*options)
