"""The laws of the house, kept by reading imports: who may know whom, in every folder and sub-folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TENSORS = {"torch", "onnxruntime", "safetensors"}
NOW = {"agent", "asyncio", "rtmidi", "sounddevice"}
CLOCKS = {"asyncio", "threading", "time"}
MUSIC = {"models.music"}  # what the performer may know of the musician
MOST_LINES, MOST_OF_A_FUNCTION = 300, 60  # lines of a module, and of a function
MOST_MODULES, MOST_IMPORTS = 16, 20  # of a folder, and of our own modules by one module
#: Folders and single modules from the ground up. Each may import those before it, and itself.
ORDER = {
    "agent": (
        *(
            "errors",
            "clock",
            "isolated_launcher",
            "thread_priority",
            "silence_stderr",
            "standard_streams",
            "user_folders",
            "rate_limit",
            "midi",
            "timing",
            "audio",
            "turns",
            "charts",
            "band",
            "styles",
            "control",
            "user_config",
        ),
        *("playing", "takes", "demo_call", "session", "replay", "web", "osc", "bench", "cli", "__main__"),
    ),
    "models": (
        *("music", "encoding", "network", "runtime", "steering", "decoding", "data", "training"),
        *("evaluation", "release", "worker"),
    ),
}
#: Modules that decide: time is an argument, and nothing is waited for.
PURE = {
    "agent.audio.fm_patches",
    "agent.audio.fm_voices",
    "agent.audio.piano_model",
    "agent.audio.piano_voices",
    "agent.audio.room",
    "agent.audio.synth",
    "agent.audio.voices",
    "agent.band",
    "agent.charts",
    "agent.control.bindings",
    "agent.midi.feedback_loop",
    "agent.osc.addresses",
    "agent.osc.datagrams",
    "agent.osc.osc_input",
    "agent.rate_limit",
    "agent.midi.keyboard_zones",
    "agent.midi.velocity_prefix",
    "agent.midi.keys_down_ledger",
    "agent.midi.messages",
    "agent.midi.port_names",
    "agent.playing.load_shedding",
    "agent.playing.note_schedule",
    "agent.timing.timing_stats",
    "agent.session.config",
    "agent.session.midi_clock_port_choice",
    "agent.session.doubled_keys",
    "agent.session.input_routing",
    "agent.styles.presets",
    "agent.takes.library",
    "agent.takes.take_midi",
    "agent.timing.beat_log",
    "agent.timing.midi_clock",
    "agent.timing.transport",
    "agent.turns",
    "agent.web.access",
    "agent.web.note_view",
    "agent.web.page_requests",
    "agent.planted",
}


def modules(root: Path) -> dict[str, Path]:
    """Every module of ours below `root`, in every sub-folder, by its dotted name."""
    found = {}
    for package in ("agent", "models"):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path, path: Path, eager: bool = False) -> set[str]:
    """Every name that a file imports, relative ones under their package's name; `eager`: only what is imported when it is."""
    package = list(path.relative_to(root).parent.parts)
    tree = ast.parse(path.read_text(encoding="utf8"))
    found = set()
    for node in tree.body if eager else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def violations(root: Path) -> list[str]:
    """Which module breaks which law."""
    found = []
    for name, path in modules(root).items():
        names = imports(root, path)
        tops = {n.split(".")[0] for n in names}
        if name.split(".")[0] == "models":
            found += [f"{name} imports {top}" for top in sorted(tops & NOW)]
            continue
        found += [f"{name} imports {top}" for top in sorted(tops & TENSORS)]
        rooms = {n for n in names if n.startswith("models.")}
        found += [
            f"{name} imports {n}" for n in sorted(rooms) if not any(n == m or n.startswith(f"{m}.") for m in MUSIC)
        ]
        if any(name == pure or name.startswith(f"{pure}.") for pure in PURE):
            found += [f"{name} imports {top}" for top in sorted(tops & CLOCKS)]
    return found


def arrows(root: Path) -> dict[str, set[str]]:
    """Which modules of ours each module imports, wherever in it; packages alone do not count."""
    known = {name: path for name, path in modules(root).items() if path.name != "__init__.py"}
    return {name: {n for n in imports(root, path) if n in known and n != name} for name, path in known.items()}


def upward(root: Path) -> list[str]:
    """Imports that run from a lower folder to a higher one."""
    found = []
    for name, wanted in arrows(root).items():
        for other in wanted:
            (package, *here), (foreign, *there) = name.split("."), other.split(".")
            if package != foreign or not here or not there or here[0] == there[0]:
                continue
            order = ORDER[package]
            if order.index(here[0]) < order.index(there[0]):
                found.append(f"{name} imports {other}")
    return sorted(found)


def circles(root: Path) -> list[list[str]]:
    """Modules that import each other in a loop, types alone included."""
    left = arrows(root)
    while free := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in free}
    for name in sorted(left):  # what is left leads to a loop, or is one
        trail = [name]
        while trail[-1] not in trail[:-1]:
            trail.append(min(left[trail[-1]] & left.keys()))
        return [trail[trail.index(trail[-1]) :]]
    return []


def wants_torch(root: Path, name: str) -> list[str]:
    """The chain of imports by which a module wants torch as soon as it is imported itself; [] where none does."""
    known = modules(root)
    chains = {name: [name]}
    waiting = [name]
    while waiting:
        at = waiting.pop()
        for wanted in imports(root, known[at], eager=True):
            if wanted.split(".")[0] == "torch":
                return [*chains[at], "torch"]
            if wanted in known and wanted not in chains:
                chains[wanted] = [*chains[at], wanted]
                waiting.append(wanted)
    return []


def test_nobody_breaks_a_law() -> None:
    assert len(modules(ROOT)) > 100
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        ("agent/deep/down/planted.py", "import torch", "agent.deep.down.planted imports torch"),
        ("agent/deep/planted.py", "import models.decoding.engine", "agent.deep.planted imports models.decoding.engine"),
        ("agent/deep/down/planted.py", "def f():\n    from safetensors import numpy", "imports safetensors"),
        ("models/deep/planted.py", "from ...agent import clock", "models.deep.planted imports agent"),
        ("models/deep/planted.py", "import asyncio", "models.deep.planted imports asyncio"),
        ("agent/planted/deep.py", "import time", "agent.planted.deep imports time"),
    ],
)
def test_a_violation_in_a_sub_folder_is_caught(tmp_path: Path, path: str, line: str, said: str) -> None:
    (planted := tmp_path / path).parent.mkdir(parents=True)
    planted.write_text(line, encoding="utf8")
    assert any(said in found for found in violations(tmp_path)), violations(tmp_path)


def test_arrows_between_folders_point_one_way(tmp_path: Path) -> None:
    assert upward(ROOT) == []
    folders = {".".join(name.split(".")[:2]) for name in modules(ROOT)} - {"agent", "models"}
    assert folders == {f"{package}.{part}" for package, parts in ORDER.items() for part in parts}
    (planted := tmp_path / "agent/midi/planted.py").parent.mkdir(parents=True)
    (tmp_path / "agent/web").mkdir()
    (tmp_path / "agent/web/page_connections.py").write_text("", encoding="utf8")
    planted.write_text("def f():\n    from ..web import page_connections", encoding="utf8")
    assert upward(tmp_path) == ["agent.midi.planted imports agent.web.page_connections"]


def test_no_modules_import_each_other_in_a_circle(tmp_path: Path) -> None:
    assert circles(ROOT) == []
    (tmp_path / "models/deep").mkdir(parents=True)
    for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        (tmp_path / f"models/deep/{name}.py").write_text(f"from .{other} import x", encoding="utf8")
    assert circles(tmp_path) == [["models.deep.a", "models.deep.b", "models.deep.c", "models.deep.a"]]


def test_modules_and_folders_stay_small() -> None:
    folders: dict[Path, int] = {}
    for name, path in modules(ROOT).items():
        assert len(path.read_text(encoding="utf8").splitlines()) <= MOST_LINES, name
        folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < MOST_OF_A_FUNCTION, f"{name}: {node.name}"
    assert max(folders.values()) <= MOST_MODULES
    assert all(len(wanted) <= MOST_IMPORTS for wanted in arrows(ROOT).values())


@pytest.mark.parametrize(
    "name", ["models.worker", "models.release.parity", "models.release.export_weights", "agent.cli.main"]
)
def test_playing_needs_no_torch(name: str) -> None:
    assert wants_torch(ROOT, name) == []
    assert wants_torch(ROOT, "models.training.train")  # so the check can fail


def test_every_module_says_what_it_is() -> None:
    for name, path in modules(ROOT).items():
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf8"))) or ""
        empty = path.name == "__init__.py" and not path.read_text(encoding="utf8").strip()
        assert empty or said.splitlines()[:1], name
        assert empty or said.splitlines()[0].endswith((".", "?")), name
