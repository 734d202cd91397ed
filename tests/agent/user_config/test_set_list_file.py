"""Set lists: songs are read as the options of `play`, and what is wrong is passed over and told by its line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli import main
from agent.cli.arguments import parser
from agent.cli.play_settings import OWN_TEMPO, play_settings
from agent.control.set_list import MOST_SONGS, Song
from agent.errors import UserError
from agent.user_config import config_file, set_list_file
from agent.user_config.set_list_file import TEMPLATE, find_set_list, read_set_lists

FRIDAY = """[[friday]]
title = "Blues in F"
preset = "bebop-line"
mode = "trade"
tempo = 132.5
bars = 8

[[friday]]
preset = "nocturne"

[["Late night"]]
mode = "duet"
tempo = 90
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings folder of the test's own."""
    path = tmp_path / "set-lists.toml"
    for module in (config_file, set_list_file):
        monkeypatch.setattr(module, "settings_folder", lambda: path.parent)
    return path


def play(*arguments: str) -> argparse.Namespace:
    return parser(["play", *arguments]).parse_args(["play", *arguments])


def test_lists_are_read_song_by_song(file: Path) -> None:
    file.write_text(FRIDAY, encoding="utf8")
    lists, problems = read_set_lists(file, play())
    assert problems == []
    assert lists == {
        "friday": [Song("bebop-line", "trade", 132.5, 8, "Blues in F"), Song("nocturne")],
        "Late night": [Song("pop-ballad", "duet", 90.0)],
    }


def test_what_a_song_does_not_say_is_as_on_the_command_line(file: Path) -> None:
    file.write_text('[[friday]]\ntitle = "One"\n[[friday]]\nmode = "trade"\n', encoding="utf8")
    songs, _ = find_set_list("friday", play("--preset", "ragtime", "--tempo", "90", "--bars", "2", "--mode", "duet"))
    assert songs == (Song("ragtime", "duet", 90.0, 2, "One"), Song("ragtime", "trade", 90.0, 2))
    songs, _ = find_set_list("friday", play())
    assert songs[1].tempo == OWN_TEMPO  # a trade needs a beat
    file.write_text(FRIDAY, encoding="utf8")
    songs, _ = find_set_list("friday", play("--clock"))
    assert [song.tempo for song in songs] == [None, None]  # the beat is another's


def test_a_session_begins_as_the_first_song(file: Path) -> None:
    file.write_text(FRIDAY, encoding="utf8")
    args = play("--set-list", "friday")
    chosen = play_settings(args)
    assert (args.preset, chosen.mode.mode, chosen.mode.bars, chosen.beat.tempo) == (
        "bebop-line",
        "trade",
        8,
        132.5,
    )
    assert [song.name for song in chosen.set_list] == ["Blues in F", "nocturne"]
    assert [Song.of(row) for row in chosen.row()["set_list"]] == list(chosen.set_list)
    assert "set_list" not in play_settings(play()).row()


@pytest.mark.parametrize(
    ("broken", "line", "words"),
    [
        ('[[friday]]\npreset = "ragtme"\n', 11, "did you mean ragtime?"),
        ('[[friday]]\ntitle = "x"\nmode = "trad"\n', 12, "invalid choice"),
        ("[[friday]]\ntempo = 9000\n", 11, "give a number from 20 to 400"),
        ("[[friday]]\n\ntemop = 120\n", 12, "a song has no 'temop'; did you mean tempo?"),
        ("[[friday]]\nbars = true\n", 11, "bars wants text or a number"),
        ("[[friday]]\nbars = [1, 2]\n", 11, "bars has one value"),
        ("[[friday]]\ntitle = 7\n", 11, "title is one line of text"),
        ('[[friday]]\ntitle = "a\\nb"\n', 11, "title is one line of text"),
        ("saturday = 7\n", 1, "saturday is no list of songs; begin each with [[saturday]]"),
        ("[saturday]\ntempo = 90\n", 10, "saturday is no list of songs"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_its_line_and_the_rest_plays(
    file: Path, broken: str, line: int, words: str
) -> None:
    good = (
        '[[friday]]\npreset = "nocturne"\ntempo = 70\n\n[[friday]]\n# a comment\npreset = "ragtime"\nmode = "duet"\n\n'
    )
    file.write_text(f"{broken}\n{good}" if line == 1 else good + broken, encoding="utf8")
    songs, problems = find_set_list("friday", play())
    assert [song.preset for song in songs] == ["nocturne", "ragtime"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{file}, line {line}: ")
    assert words in problems[0]
    assert problems[0].endswith(("The song is passed over.", "]]."))


def test_songs_on_one_line_are_read_too(file: Path) -> None:
    file.write_text('\nfriday = [{preset = "ragtime"}, {preset = "ragtme"}]\n', encoding="utf8")
    songs, problems = find_set_list("friday", play())
    assert songs == (Song("ragtime"),)
    assert problems[0].startswith(f"{file}, line 2: ")


def test_a_list_that_is_not_there_is_told_with_the_nearest(file: Path) -> None:
    with pytest.raises(UserError, match="no set lists yet"):
        find_set_list("friday", play())
    file.write_text(FRIDAY, encoding="utf8")
    with pytest.raises(UserError, match="no set list 'fridy'; did you mean friday"):
        find_set_list("fridy", play())
    file.write_text('[[friday]]\npreset = "nobody"\n', encoding="utf8")
    with pytest.raises(UserError, match=r"no song that can be played.*line 2"):
        find_set_list("friday", play())
    file.write_text("[[friday]\n", encoding="utf8")
    with pytest.raises(UserError, match="line 1: this is not TOML"):
        find_set_list("friday", play())
    file.write_text("[[friday]]\n" * (MOST_SONGS + 50), encoding="utf8")
    songs, problems = find_set_list("friday", play())
    assert len(songs) == MOST_SONGS
    assert len(problems) == 1


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["preset", "mode", "tempo", "bars", "title", "chart", "x"]),
        st.integers() | st.floats() | st.booleans() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    )
)
def test_whatever_stands_in_a_song_is_read_or_passed_over(entry: dict[str, object]) -> None:
    text = "[[friday]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in entry.items())
    args = play()
    for name, value in {"preset": None, "mode": "call", "tempo": None, "bars": 4}.items():
        setattr(args, name, value)
    parsed = config_file.parse_toml(text, Path("x.toml"))
    assert set(parsed) == {"friday"}
    song, said = None, ""
    try:
        song = set_list_file._song(parsed["friday"][0], args, Path("x.toml"), text, ("friday", 0))
    except UserError as error:
        said = str(error)
    assert (song is None) == said.startswith("x.toml, line ")
    assert "\n" not in said
    assert song is None or Song.of(song.row()) == song


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08X}" for c in value) + '"'
    return json.dumps(value)


def test_the_command_shows_lists_and_makes_the_file(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main.run(["config", "--set-lists", "--path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert main.run(["config", "--set-lists"]) == 0
    assert "none yet" in capsys.readouterr().out
    monkeypatch.setenv("VISUAL", "true")
    assert main.run(["config", "--set-lists", "--edit"]) == 0
    assert file.read_text(encoding="utf8") == TEMPLATE
    capsys.readouterr()
    file.write_text(TEMPLATE.replace("# [[", "[[").replace("# title", "title").replace("# preset =", "preset ="))
    assert main.run(["config", "--set-lists"]) == 0
    said = capsys.readouterr().out
    assert "1 set lists" in said
    assert "1  Blues in F · bebop-line · call · free time" in said
    assert main.run(["config", "--set-lists", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [song["preset"] for song in rows["set_lists"]["friday"]] == ["bebop-line", "nocturne"]
