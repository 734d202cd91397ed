"""The bootstrap: what it must not need, when it does nothing, and what it says where it cannot help."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli import make_virtual_environment
from agent.cli.make_virtual_environment import CannotInstall

from ...system.rigs.jack import ROOT


@pytest.mark.parametrize(
    "name",
    [
        "agent/cli/make_virtual_environment.py",
        "agent/__main__.py",
        "agent/__init__.py",
        "agent/cli/__init__.py",
        "agent/isolated_launcher.py",
        "tests/__main__.py",
    ],
)
def test_it_needs_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(alias.name.split(".")[0] in sys.stdlib_module_names for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert (
                node.module in ("agent.cli", *sys.stdlib_module_names)
                or node.module.split(".")[0] in sys.stdlib_module_names
            )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(make_virtual_environment, "HOME", tmp_path / ".venv")
    monkeypatch.setattr(make_virtual_environment, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text("one")
    return tmp_path / ".venv"


def stamp(home: Path, extra: str) -> None:
    python = make_virtual_environment.python_of(home)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    (home / "stamp").write_text(make_virtual_environment.stamp_for(extra))


def test_a_stamp_says_what_is_ready(home: Path) -> None:
    assert not make_virtual_environment.is_ready(home, "")
    stamp(home, "")
    assert make_virtual_environment.is_ready(home, "")
    assert not make_virtual_environment.is_ready(home, "test")
    stamp(home, "test")
    assert make_virtual_environment.is_ready(home, "")
    assert make_virtual_environment.is_ready(home, "test")
    assert make_virtual_environment.is_ready(home, "train")
    stamp(home, "train")
    assert make_virtual_environment.is_ready(home, "")
    assert not make_virtual_environment.is_ready(home, "test")
    (home.parent / "pyproject.toml").write_text("two")  # new needs
    assert not make_virtual_environment.is_ready(home, "")


def test_only_training_wants_torch() -> None:
    assert (
        make_virtual_environment.extra_for(["train", "--help"])
        == make_virtual_environment.extra_for(["evaluate"])
        == "train"
    )
    assert (
        make_virtual_environment.extra_for([])
        == make_virtual_environment.extra_for(["play"])
        == make_virtual_environment.extra_for(["export"])
        == ""
    )


def test_what_is_ready_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp(home, "")
    monkeypatch.setattr(make_virtual_environment, "_run_with_progress", lambda *_: pytest.fail("installed again"))
    make_virtual_environment.ensure("")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")])
def test_a_copy_that_cannot_be_written_is_said_in_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
) -> None:
    def denied(*_: object, **__: object) -> None:
        error.filename = str(home.parent / ".venv.lock")
        raise error

    monkeypatch.setattr(Path, "open", denied)
    assert make_virtual_environment.run("agent", ["presets"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"tradefours: {home.parent / '.venv.lock'} cannot be written ({error.strerror}); copy the project"
    )
    assert said.count("\n") == 1


def test_an_installation_that_fails_says_why_and_is_not_called_ready(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    complaint = "print('ERROR: no route to host'); raise SystemExit(1)"
    home.mkdir()
    with pytest.raises(CannotInstall, match=r"no route to host.*check the connection"):
        make_virtual_environment._run_with_progress([sys.executable, "-c", complaint], "Installing")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Installing …\n")  # stdout belongs to the command that follows
    assert not make_virtual_environment.is_ready(home, "")

    def fail(extra: str) -> None:
        raise CannotInstall("no network; plug it in.")

    monkeypatch.setattr(make_virtual_environment, "ensure", fail)
    assert make_virtual_environment.run("agent", []) == 2
    assert capsys.readouterr().err == "tradefours: no network; plug it in.\n"


def test_another_python_is_looked_for_and_else_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_virtual_environment.suitable_python() == sys.executable
    monkeypatch.setattr(sys, "version_info", (3, 15, 0))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(CannotInstall, match=r"one of 3\.11 to 3\.14 is needed"):
        make_virtual_environment.suitable_python()
    monkeypatch.setattr("shutil.which", lambda name: sys.executable)
    assert make_virtual_environment.suitable_python() == sys.executable


def test_only_the_clones_own_environment_has_the_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not make_virtual_environment.is_installed_here()  # whatever else this interpreter has
    stamp(home, "")
    assert not make_virtual_environment.is_installed_here()
    monkeypatch.setattr(sys, "prefix", str(home))
    assert make_virtual_environment.is_installed_here()
    (home / "stamp").unlink()
    assert not make_virtual_environment.is_installed_here()
    (home.parent / "pyproject.toml").unlink()  # not a clone: somebody's environment, with all that is needed
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert make_virtual_environment.is_installed_here()


def test_any_python_hands_over_to_the_environment_at_once(tmp_path: Path) -> None:
    """From outside the environment: with the interpreter that made it, which has none of our needs."""
    outside = Path(sys.base_prefix) / ("python.exe" if sys.platform == "win32" else "bin/python3")
    assert Path(sys.prefix) != Path(sys.base_prefix), "these tests run in an environment"
    done = subprocess.run(
        [str(outside), "-m", "agent", "presets"], capture_output=True, text=True, cwd=ROOT, timeout=60, env={}
    )
    assert done.returncode == 0, done.stderr
    assert "Making an environment" not in done.stderr
    assert "ragtime" in done.stdout
