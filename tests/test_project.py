"""The project's own files: one version, the supported Pythons, package data, and markers of tests."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import agent
from agent.cli import make_virtual_environment
from agent.cli.main import main

from .__main__ import NO_TESTS, TWO_AT_A_TIME, checks_for
from .__main__ import main as run_checks

ROOT = Path(__file__).resolve().parent.parent
BARE_PYTHON = Path(sys.base_prefix) / ("python.exe" if sys.platform == "win32" else "bin/python3")
#: Functions and classes of `tests.system.rigs` that start a real part.
STARTERS = {"jack_server", "synth", "midi_clock", "Recorder", "tool", "ardour", "chromium", "room", "alone", "watched"}
PROGRAMS = {"system.rigs.privacy", "measure.faults"}  # modules of tests that start real parts in a process of their own


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))


def test_the_version_has_one_place(project: dict[str, Any]) -> None:
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "agent.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", agent.__version__)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == agent.__version__


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"tradefours {agent.__version__}\n"


def test_a_python_with_nothing_installed_says_the_version(tmp_path: Path) -> None:
    """In a copy without an environment: it says the version and makes nothing."""
    modules = (
        "__init__",
        "__main__",
        "isolated_launcher",
        "standard_streams",
        "cli/__init__",
        "cli/make_virtual_environment",
    )
    for name in (*(f"agent/{module}.py" for module in modules), "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    before = set(tmp_path.rglob("*"))
    done = subprocess.run(
        [str(BARE_PYTHON), "-B", "-m", "agent", "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"tradefours {agent.__version__}\n"
    assert set(tmp_path.rglob("*")) == before


def test_the_supported_pythons_agree(project: dict[str, Any]) -> None:
    (_, lowest), (_, highest) = min(make_virtual_environment.VERSIONS), max(make_virtual_environment.VERSIONS)
    assert project["project"]["requires-python"] == f">=3.{lowest},<3.{highest + 1}"
    assert project["tool"]["mypy"]["python_version"] == f"3.{lowest}"
    assert project["tool"]["ruff"]["target-version"] == f"py3{lowest}"
    assert f"3.{lowest} to 3.{highest}" == make_virtual_environment.VERSIONS_TEXT
    assert f"You need Python {make_virtual_environment.VERSIONS_TEXT} and" in (ROOT / "README.md").read_text(
        encoding="utf8"
    )


def test_type_checkers_of_others_see_our_types(project: dict[str, Any]) -> None:
    for package in ("agent", "models"):
        assert (ROOT / package / "py.typed").is_file()
        assert "py.typed" in project["tool"]["setuptools"]["package-data"][package]


def starts_real_parts(tree: ast.Module) -> bool:
    """Whether a test module imports what starts a real part, or names a program that does."""
    for node in ast.walk(tree):
        from_rigs = isinstance(node, ast.ImportFrom) and "rigs" in (node.module or "").split(".")
        if from_rigs and any(alias.name in STARTERS for alias in node.names):
            return True
        if isinstance(node, ast.Constant) and node.value in {f"tests.{name}" for name in PROGRAMS}:
            return True
    return False


def marks(tree: ast.Module) -> bool:
    """Whether a test module uses the marker `real`."""
    return any(ast.unparse(node) == "pytest.mark.real" for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def test_modules_that_start_real_parts_are_marked() -> None:
    trees = {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf8"))
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    real = {name for name, tree in trees.items() if starts_real_parts(tree)}
    assert len(real) >= 5
    assert {name for name in real if not marks(trees[name])} == set()
    planted = ast.parse("from ...system.rigs.jack import Program, jack_server")
    assert starts_real_parts(planted)
    assert not marks(planted)
    assert marks(ast.parse("pytestmark = pytest.mark.real"))


def test_a_marker_selects_in_both_parts() -> None:
    two, one = checks_for(["-m", "not real"], ROOT)
    assert two == ["pytest", "-q", TWO_AT_A_TIME, "-m", "not real", "tests/models"]
    assert one == ["pytest", "-q", "-m", "not real", f"--ignore={ROOT / 'tests/models'}"]
    assert checks_for(["tests/agent", "-x"], ROOT) == [["pytest", "-q", "tests/agent", "-x"]]
    assert [check[0] for check in checks_for([], ROOT)] == ["ruff", "ruff", "mypy", "pytest", "pytest"]


@pytest.mark.parametrize(
    ("codes", "result"),
    [((0, 0), 0), ((NO_TESTS, 0), 0), ((0, NO_TESTS), 0), ((NO_TESTS, NO_TESTS), 1), ((1, 0), 1), ((0, 2), 1)],
)
def test_checks_fail_where_a_part_fails_or_no_test_was_selected(
    codes: tuple[int, int], result: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(codes)
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: left.pop(0))
    assert run_checks(["-m", "not real"]) == result
    assert left == []


def test_all_checks_must_find_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "call", lambda command, **_: NO_TESTS if TWO_AT_A_TIME in command else 0)
    assert run_checks([]) == 1
