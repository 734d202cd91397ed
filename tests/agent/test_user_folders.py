"""Users without a home folder, or with one that is another's, and hints that can be pasted."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agent import errors, user_folders
from agent.errors import UserError
from agent.user_folders import NOWHERE, check_home, home, own_folder

from ..system.rigs.jack import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="homes and shells are those of Unix")


def nobody(number: int) -> None:
    raise KeyError(number)


@pytest.mark.parametrize("named", [None, "", "relative", "./x"])
def test_without_a_good_home_the_system_is_asked(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    monkeypatch.delenv("HOME", raising=False)
    if named is not None:
        monkeypatch.setenv("HOME", named)
    assert home() == Path(pwd.getpwuid(os.getuid()).pw_dir)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert home() == NOWHERE
    assert not own_folder("takes").exists()
    with pytest.raises(UserError, match="set HOME to a folder of yours, or name a folder with --take DIR"):
        check_home(own_folder("takes") / "2024", "name a folder with --take DIR")
    with pytest.raises(OSError, match="Not a directory"):
        own_folder("takes").mkdir(parents=True)


def test_a_home_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "not yet"))
    assert own_folder("presets") == tmp_path / "not yet" / "tradefours" / "presets"
    check_home(own_folder("takes"), "")
    monkeypatch.setattr(user_folders.sys, "platform", "darwin")
    assert user_folders.settings_folder().is_relative_to(tmp_path)


@pytest.mark.parametrize("kind", ["a file", "a dead link", "a device"])
def test_a_home_that_is_no_folder_is_said_in_one_sentence(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "home"
    if kind == "a file":
        place.write_text("", encoding="utf8")
    elif kind == "a dead link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place = Path(os.devnull)
    quiet = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1", "HOME": str(place), "DISPLAY": ""}
    command = [sys.executable, "-m", "agent", "play", "--page-port", "0", "--sound", "off"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, **quiet},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith(f"tradefours: the take cannot be kept in {place}")
    assert "name another folder with --take" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("started", "program"),
    [
        ("/some where/agent/__main__.py", "python3 -m agent"),
        ("/x/pytest/__main__.py", "tradefours"),
        ("", "tradefours"),
        ("-c", "tradefours"),
        ("{there}", "'{there}'"),
        ("{path}", "tradefours"),
    ],
)
def test_a_hint_is_the_command_that_the_user_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: str, program: str
) -> None:
    there, path = tmp_path / "my env" / "tradefours", tmp_path / "bin" / "tradefours"
    for script in (there, path):
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n", encoding="utf8")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    monkeypatch.setattr(sys, "argv", [started.format(there=there, path=path)])
    assert errors.hint("doctor") == f"{program.format(there=there)} doctor"


@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", 'say "so"', "$HOME", "a;b", "Für", "*", "`x`", "(a)", ""]
)
def test_what_is_pasted_arrives_as_it_was(name: str) -> None:
    assert shlex.split(errors.hint("play", "--preset", name))[-3:] == ["play", "--preset", name]
