"""Nobody's files are executed: a current folder full of traps, for each kind of process that the program starts."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import isolated_launcher
from agent.bench import bench
from agent.bench.web_page_opener import READER
from agent.cli import answer_file, main, make_virtual_environment
from agent.demo_call import written_call
from agent.midi.jack.input import JackInput
from agent.midi.jack.watcher import JACK_WATCH
from agent.midi.note_off_watchdog import Watchdog
from agent.playing.worker_client import WorkerClient, worker_command
from agent.replay.model_replay import ask_again
from agent.takes import background_finishing
from agent.takes.recorder import PICTURE
from models.evaluation.answers import Excerpt
from models.evaluation.listening_examples import listen
from models.music.midifile import write_notes

from ..agent.web.test_page_connections import make_take
from .rigs.jack import ROOT, jack_server, wait_for

OURS = ("agent", "models", "presets", "tests")
NAMES = (
    *("queue", "json", "runpy", "asyncio", "argparse", "importlib", "subprocess", "threading", "random", "typing"),
    *("numpy", "onnxruntime", "safetensors", "torch", "matplotlib", "mido", "rtmidi", "aiohttp", "evil"),
)
OUTSIDE = Path(sys.base_prefix) / (
    "python.exe" if sys.platform == "win32" else "bin/python3"
)  # it has none of our needs
KINDS = ("packages", "files")


@pytest.fixture(params=KINDS)
def trap(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, in which every file leaves a mark if it is run: `models.py`, or `models/`; at the end there must be none."""
    folder, marks = tmp_path / "trap", tmp_path / "marks"
    for place in (folder, marks):
        place.mkdir()
    for name in (*OURS, *NAMES):
        path = folder / (f"{name}.py" if request.param == "files" or name in NAMES else f"{name}/__init__.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(marks / name)!r}, 'w').close()\nraise SystemExit('a trap: {name}')\n")
    if request.param == "packages":
        for module in (
            "models/worker.py",
            "agent/midi/note_off_watchdog.py",
            "agent/midi/jack/input.py",
            "agent/takes/background_finishing.py",
            "agent/__main__.py",
        ):
            (folder / module).parent.mkdir(exist_ok=True)
            (folder / module).write_text(f"open({str(marks / 'module')!r}, 'w').close()\n")
    (folder / "matplotlibrc").write_text("text.usetex: True\nbackend: module://evil\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    yield folder
    assert sorted(path.name for path in marks.iterdir()) == []


def run(*command: str, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_the_traps_work(trap: Path) -> None:
    marks = trap.parent / "marks"
    for name in ("models.worker", "agent.midi.note_off_watchdog", "json"):
        subprocess.run([sys.executable, "-m", name], capture_output=True, timeout=60)
        assert [path.unlink() for path in marks.iterdir()], name


@pytest.mark.parametrize("engine", ["live", "plain"])
def test_the_worker(trap: Path, engine: str) -> None:
    async def ask() -> dict[str, Any]:
        client = WorkerClient(worker_command(engine=engine))
        try:
            await client.start()
            return await client.wait_ready(60)
        finally:
            await client.close()

    assert asyncio.run(ask())["engine"] == {"live": "onnxruntime", "plain": "numpy"}[engine]


def test_the_worker_that_is_asked_without_a_clock(trap: Path) -> None:
    command = [*worker_command()[:3], "--echo"]
    assert "ready" in next(answer_file.ask(command, [{"do": "encode", "id": 1, "notes": []}]))


def test_the_worker_of_an_old_take(trap: Path) -> None:
    ready = {"got": {"ready": {"engine": "echo", "fingerprint": "none"}}}
    assert ask_again([ready], ["-m", "models.worker", "--echo"]) == ""
    assert "not asked" in ask_again([ready], ["-m", "evil"])


def test_a_take_keeps_the_plain_command() -> None:
    assert worker_command("open", "live")[1:] == ["-m", "models.worker", "--weights", "open", "--engine", "live"]


def test_the_watchdog(trap: Path) -> None:
    watchdog = Watchdog("nobody")
    watchdog.set_targets(["nowhere"])
    watchdog.record(b"\x90\x3c\x40")
    watchdog.record(b"\x80\x3c\x00")
    watchdog.close()
    assert watchdog._process.wait(30) == 0
    run(
        *isolated_launcher.command("agent.midi.note_off_watchdog"), stdin=subprocess.DEVNULL
    )  # in this very folder, too


@pytest.mark.real
def test_the_reader_of_jack(trap: Path, tmp_path: Path) -> None:
    with jack_server(tmp_path / "jackd.log"):
        port = JackInput(None)
        assert port.name.startswith("tradefours")
        port.close()
        JACK_WATCH.close()
    assert port._process.returncode == 0


def test_the_darkroom(trap: Path, tmp_path: Path) -> None:
    take = make_take(tmp_path, "2024-01-01_10-00-00")
    background_finishing.finish_in_background([take])
    wait_for(lambda: background_finishing._processes[-1].poll() is not None, 120, "the end of the background process")
    assert background_finishing._processes.pop().returncode == 0
    assert (take / PICTURE).is_file()
    (take / PICTURE).unlink()
    run(*isolated_launcher.command("agent.takes.background_finishing", str(take)))  # in this very folder, too
    assert (take / PICTURE).is_file()


@pytest.mark.parametrize("name", main.MODELS)
def test_training_evaluation_and_export(trap: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main.main([name, "--help"]) == 0
    assert f"usage: tradefours {name}" in capfd.readouterr().out
    assert main.main([name, "--no-such-option"]) == 2


def test_answers_to_listen_to(trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.evaluation.listening_examples.STYLES", ("ragtime",))
    notes = written_call().notes
    cut = Excerpt(call=notes, next=[], source="call", dynamics=True)
    assert listen(tmp_path / "heard", [cut], "open", 0) == 1
    assert list((tmp_path / "heard").glob("*.png"))


def test_the_whole_program(trap: Path, tmp_path: Path) -> None:
    """Its musician and its picture, while `matplotlibrc` names a program to run."""
    call, both, picture = (tmp_path / name for name in ("call.mid", "both.mid", "both.png"))
    write_notes(call, {"call": written_call().notes})
    run(*isolated_launcher.command("agent", "answer", str(call), "-o", str(both), "--picture", str(picture)))
    assert both.is_file()
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_the_program_when_it_hands_over_to_its_environment(trap: Path) -> None:
    done = run(*isolated_launcher.command("agent", "presets", python=str(OUTSIDE)), env={"HOME": str(trap.parent)})
    assert "ragtime" in done.stdout
    assert "Making an environment" not in done.stdout


def test_what_the_bootstrap_asks_of_an_interpreter(trap: Path) -> None:
    assert make_virtual_environment._is_suitable(Path(sys.executable))


def test_the_cold_start_of_the_bench(trap: Path) -> None:
    found = asyncio.run(bench._measure_cold_start("open", "live"))
    assert 0 < found["thru"] < found["ready"]


def test_the_reader_of_the_page(trap: Path) -> None:
    done = run(sys.executable, "-P", "-c", READER, "http://127.0.0.1:9/", code=1)
    assert "ClientConnectorError" in done.stderr  # all that it needs is there, but for a page


WHERE = """
import json
import agent, models, presets
print(json.dumps([agent.__file__, models.__file__, presets.__file__]))
"""


@pytest.mark.parametrize(
    "python", [sys.executable, str(OUTSIDE)], ids=["one that has another copy", "one that has none"]
)
@pytest.mark.parametrize("place", ["clone", "lib/site-packages"])
def test_it_finds_the_packages_beside_it(trap: Path, tmp_path: Path, python: str, place: str) -> None:
    """In a clone and in an installation, whatever else this interpreter has installed."""
    folder = tmp_path / place
    for name in ("agent", "models", "presets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("weights", "static", "__pycache__"))
    (folder / "models" / "where.py").write_text(WHERE)
    done = run(python, "-P", str(folder / "agent" / "isolated_launcher.py"), "models.where")
    assert {os.path.dirname(os.path.dirname(path)) for path in json.loads(done.stdout)} == {str(folder)}


def test_every_child_is_isolated() -> None:
    """Each command that begins with our own interpreter leaves the current folder out, or is handed to `isolated_launcher.isolate`."""
    plain = set()
    for path in sorted([*ROOT.glob("agent/**/*.py"), *ROOT.glob("models/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            words = [ast.unparse(word) for word in node.elts] if isinstance(node, ast.List) else []
            if words and "executable" in words[0] and words[1:2] not in (["'-P'"], ["'-I'"]):
                plain.add((path.stem, words[1]))
    assert plain == {("worker_client", "'-m'"), ("model_replay", "*self.musician"), ("isolated_launcher", "DASH_M")}
    started = {
        "worker_subprocess": "*isolated_launcher.isolate(self.command)",
        "model_replay": "isolated_launcher.isolate([sys.executable, *self.musician])",
        "ask_worker_offline": "isolated_launcher.isolate(list(command))",
    }
    for name, words in started.items():
        (path,) = ROOT.glob(f"agent/**/{name}.py")
        assert words in path.read_text(encoding="utf8")
