"""The charts that come with the program, the user's own, and the command `charts`."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest

from agent.charts import chart_library
from agent.charts.chart import ChartError
from agent.charts.form import form_of
from agent.charts.formats.text_form import read_text
from agent.cli.main import main
from agent.errors import UserError

from ...support.chart_lines import played
from ...support.lead_sheets import harmony, note, plain_link, sheet, shuffled_link, shuffled_song

ROOT = Path(__file__).resolve().parents[3]
BARS = {
    "ballad": 16,
    "blues-in-b-flat": 12,
    "blues-in-f": 12,
    "bossa": 16,
    "doo-wop": 24,
    "four-chord-pop": 16,
    "jazz-waltz": 16,
    "minor-blues": 12,
    "modal-vamp": 32,
    "rhythm-changes": 32,
    "rock-blues": 12,
    "two-five-one": 48,
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chart_library, "OWN", tmp_path / "own")
    return tmp_path / "own"


def test_a_dozen_charts_come_with_the_program_and_are_packaged() -> None:
    found, problems = chart_library.survey()
    assert problems == []
    assert {name: len(form_of(chart).bars) for name, chart in found.items()} == BARS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
    packaged = {
        path
        for pattern in project["tool"]["setuptools"]["package-data"]["presets"]
        for path in (ROOT / "presets").glob(pattern)
    }
    assert {path.stem for path in packaged} >= set(BARS)


def test_some_of_them_bar_by_bar() -> None:
    assert played(chart_library.load_chart("blues-in-f")) == (
        "F7 | Bb7 | F7 | Cm7 2:F7 | Bb7 | Bdim7 | F7 | Am7b5 2:D7b9 | Gm7 | C7 | F7 2:D7b9 | Gm7 2:C7"
    )
    vamp = form_of(chart_library.load_chart("modal-vamp"))
    assert len({change.chord for change in vamp.changes}) == 2


@pytest.mark.parametrize(
    "name", ["blues-in-f", "Blues in F", "BLUES_IN_F", "blues in f", "Two, five, one round the keys"]
)
def test_a_chart_is_found_by_name_or_title(name: str) -> None:
    assert chart_library.load_chart(name).title.startswith(("Blues in F", "Two"))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("blus-in-f", "did you mean blues-in-f"),
        ("nothing like it at all 123", "There is no chart"),
        ("no/such.txt", "is not there"),
        ("x\0.txt", "cannot be read"),
        ("irealb://x", "no chart"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(source: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        chart_library.load_chart(source)


def test_an_own_chart_hides_one_of_the_program_and_a_broken_one_is_passed_over(own: Path) -> None:
    own.mkdir()
    (own / "blues-in-f.txt").write_text("title: Mine\n| F6 |", encoding="utf8")
    (own / "broken.txt").write_text("| H |", encoding="utf8")
    found, problems = chart_library.survey()
    assert found["blues-in-f"].title == "Mine"
    assert len(problems) == 1
    assert "broken.txt" in problems[0]
    assert "'H'" in problems[0]


def test_nothing_of_the_users_is_overwritten(own: Path) -> None:
    one = read_text("title: Tune\n| C |")
    other = read_text("title: Tune\n| D |")
    paths = [chart_library.keep(chart) for chart in (one, other, one, other)]
    assert [path.name for path in paths] == ["tune.txt", "tune-2.txt", "tune.txt", "tune-2.txt"]
    assert chart_library.load_chart("tune-2") == other


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A Tune!", "a-tune"),
        ("Für Elise", "für-elise"),
        ("../../etc", "etc"),
        ("CON", "chart-con"),
        ("***", "chart"),
        ("x" * 99, "x" * 60),
    ],
)
def test_names_of_files_are_plain(title: str, name: str) -> None:
    assert chart_library.file_name(title) == name


def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["charts"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(BARS)
    assert main(["charts", "list", "--json"]) == 0
    assert {row["name"]: row["bars"] for row in json.loads(capsys.readouterr().out)} == BARS
    assert main(["charts", "show", "blues-in-f", "--key", "Bb"]) == 0
    shown = read_text(capsys.readouterr().out)
    assert shown == chart_library.load_chart("blues-in-f").transpose(5)
    assert main(["charts", "show", "rhythm-changes", "--form"]) == 0
    assert capsys.readouterr().out.splitlines()[4] == "| Bb6 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 |"
    assert main(["charts", "show", "jazz-waltz", "--json", "--transpose", "2"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["key"], row["beats"], row["form"][1]) == (
        "A",
        48,
        {"start": 3, "beats": 3, "section": "A", "written": 1, "chords": [[0.0, "F#m7"]]},
    )


def test_add_and_convert(
    tmp_path: Path, own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "My tune.musicxml").write_bytes(sheet(harmony("C", "dominant") + note(4)))
    assert main(["charts", "add", str(tmp_path / "My tune.musicxml"), plain_link("D-7   Z", title="Linked")]) == 0
    assert {path.name for path in own.iterdir()} == {"my-tune.txt", "linked.txt"}
    link = shuffled_link(shuffled_song("C7   Z", "Good"), shuffled_song("$", "Bad"), playlist="List")
    monkeypatch.setattr("sys.stdin", io.StringIO(link))
    capsys.readouterr()
    assert main(["charts", "add", "-", "--json"]) == 0
    said = capsys.readouterr()
    assert [row["name"] for row in json.loads(said.out)] == ["good"]
    assert "Passed over: 'Bad'" in said.err
    assert main(["charts", "convert", "my tune", "-o", str(tmp_path / "x.musicxml"), "--transpose", "-2"]) == 0
    assert played(chart_library.load_chart(str(tmp_path / "x.musicxml"))) == "Bb7"


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "no such"],
        ["show", "blues-in-f", "--key", "H"],
        ["show", "blues-in-f", "--transpose", "99"],
        ["convert", "blues-in-f", "-o", "x.pdf"],
        ["convert", "blues-in-f", "-o", "/dev/null/x.txt"],
        ["add", "no/such.mxl"],
        ["add", "irealb://x"],
    ],
)
def test_bad_requests_get_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["charts", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tradefours: ")
    assert len(said.err.splitlines()) == 1


def test_a_playlist_is_no_single_chart() -> None:
    link = shuffled_link(shuffled_song("C7   Z", "One"), shuffled_song("D7   Z", "Two"))
    with pytest.raises(ChartError, match="There are 2 charts"):
        chart_library.load_chart(link)
