"""The user's own defaults: read as the command line reads them, and told by line where they are wrong."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from agent.cli import main
from agent.cli.arguments import parser
from agent.errors import UserError
from agent.user_config import config_command, config_file


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings folder of the test's own."""
    path = tmp_path / "settings" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setattr(config_file, "settings_folder", lambda: path.parent)
    return path


def play_parser() -> argparse.ArgumentParser:
    command = parser().parse_args(["config"]).play
    assert isinstance(command, argparse.ArgumentParser)
    return command


def read(file: Path, text: str, *arguments: str) -> argparse.Namespace:
    file.write_text(text, encoding="utf8")
    return parser(arguments).parse_args(arguments)


def test_without_a_file_nothing_changes() -> None:
    assert vars(parser([]).parse_args([])) | {"play": 0} == vars(parser().parse_args([])) | {"play": 0}


def test_options_hold_and_the_command_line_wins(file: Path) -> None:
    text = 'preset = "ragtime"\nmode = "trade"\nbars = 8\nthru = false\nclick = true\nout-latency = 12.5\n'
    args = read(file, text)
    assert (args.preset, args.mode, args.bars, args.thru, args.click, args.out_latency) == (
        "ragtime",
        "trade",
        8,
        False,
        True,
        12.5,
    )
    args = read(file, text, "play", "--bars", "2", "--thru")
    assert (args.preset, args.bars, args.thru) == ("ragtime", 2, True)


def test_what_can_be_given_again_is_a_list(file: Path) -> None:
    text = 'control = ["cc20=duet", "note36=panic"]\nknob = "density=0.5"\n'
    assert read(file, text).control == ["cc20=duet", "note36=panic"]
    assert read(file, text).knob == parser().parse_args(["play", "--knob", "density=0.5"]).knob
    assert read(file, text, "play", "--control", "pc5=call").control == ["cc20=duet", "note36=panic", "pc5=call"]


def test_of_options_that_exclude_each_other_the_command_line_has_the_last_word(file: Path) -> None:
    assert read(file, "tempo = 90").tempo == 90
    args = read(file, "tempo = 90", "play", "--clock")
    assert args.clock
    assert args.tempo is None


def test_other_commands_do_not_read_it(file: Path) -> None:
    file.write_text("nonsense = [", encoding="utf8")
    assert parser(["doctor"]).parse_args(["doctor"]).command == "doctor"


def test_every_option_of_play_may_stand_there_and_its_template_is_read(file: Path) -> None:
    play = play_parser()
    options = config_file.options_of(play)
    assert {"in", "out", "preset", "lan", "page", "thru", "count-in", "set", "without", "soundfont"} <= set(options)
    text = config_file.template(play)
    assert all(f"\n# {key} = " in text for key in options)
    assert config_file.read_defaults(file, play) == {}
    file.write_text(text, encoding="utf8")
    assert config_file.read_defaults(file, play) == {}
    example = text.replace('# mode = "', 'mode = "').replace("# bars = ", "bars = ").replace("# thru = ", "thru = ")
    assert set(vars(read(file, example))) >= {"mode", "bars", "thru"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\npreseet = 'x'", "line 2: there is no option 'preseet'; did you mean preset"),
        ("a\n", "line 1: this is not TOML"),
        ("mode = 'call'\nbars = ", "line 2: this is not TOML"),
        ("mode = 'cal'", "line 1: mode: invalid choice"),
        ("bars = 99", "line 1: bars:"),
        ("bars = [1, 2]", "line 1: bars has one value, not a list"),
        ("# x\n\ntempo = 'fast'", "line 3: tempo:"),
        ("thru = 1", "line 1: thru is true or false, not 1"),
        ("preset = true", "line 1: preset wants text or a number"),
        ("preset = 2026-01-01", "line 1: preset wants text or a number"),
        ("[preset]\nx = 1", "line 1: preset wants text or a number"),
        ("help = true", "line 1: there is no option 'help'"),
        ("control = [true]", "line 1: control wants text or a number"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(
    file: Path, text: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text, encoding="utf8")
    assert main.run([]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_file_that_cannot_be_read_is_said(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not in UTF-8"):
        parser([])
    file.write_bytes(b"\xef\xbb\xbfbars = 2")  # as some editors begin a file
    assert parser([]).parse_args([]).bars == 2
    file.write_bytes(b"#" * (config_file.MAX_BYTES + 1))
    with pytest.raises(UserError, match="larger than"):
        parser([])
    file.unlink()
    file.mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        parser([])


def test_the_command_shows_and_says_where(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["config", "--path"]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert main.run(["config"]) == 0
    assert "no options of your own" in capsys.readouterr().out
    file.write_text("bars = 2\nin = 'Keystation'", encoding="utf8")
    assert main.run(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(file), "options": {"bars": 2, "in": "Keystation"}}
    assert main.run(["config"]) == 0
    assert "  bars = 2\n" in capsys.readouterr().out


def test_edit_makes_the_file_and_checks_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "my-editor -w")
    monkeypatch.setattr(config_command.subprocess, "call", opened.append)
    assert main.run(["config", "--edit"]) == 0
    assert opened == [["my-editor", "-w", str(file)]]
    assert "# preset = " in file.read_text(encoding="utf8")
    file.write_text("bars = 0", encoding="utf8")
    assert main.run(["config", "--edit"]) == 2
    assert file.read_text(encoding="utf8") == "bars = 0"
    monkeypatch.delenv("VISUAL")
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(config_command.shutil, "which", lambda name: None)
    assert main.run(["config", "--edit"]) == 2
