"""The laws of the house, kept by reading imports: who may know whom, in every folder and sub-folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TENSORS = {"torch", "onnxruntime", "safetensors"}
NOW = {"agent", "asyncio", "rtmidi", "sounddevice"}
CLOCKS = {"asyncio", "threading", "time"}
MUSIC = {
    "models.music.note",
    "models.music.midifile",
    "models.music.pulse",
}  # what the performer may know of the musician
PURE = {
    "agent.control.bindings",
    "agent.turns.history",
    "agent.web.access",
    "agent.turns.duet",
    "agent.midi.feedback",
    "agent.timing.midi_clock",
    "agent.turns.note_tracker",
    "agent.turns.modes",
    "agent.playing.timing_stats",
    "agent.playing.load_shedding",
    "agent.styles.presets",
    "agent.playing.schedule",
    "agent.takes.library",
    "agent.audio.fm_patches",
    "agent.turns.trading",
    "agent.timing.transport",
    "agent.turns.turn_taking",
    "agent.web.note_view",
    "agent.audio.fm_synth",
    "agent.web.requests",
    "agent.midi.keyboard_zones",
    "agent.deep.planted",
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
        if name in PURE:
            found += [f"{name} imports {top}" for top in sorted(tops & CLOCKS)]
    return found


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
        ("agent/deep/planted.py", "import time", "agent.deep.planted imports time"),
    ],
)
def test_a_violation_in_a_sub_folder_is_caught(tmp_path: Path, path: str, line: str, said: str) -> None:
    (planted := tmp_path / path).parent.mkdir(parents=True)
    planted.write_text(line, encoding="utf8")
    assert any(said in found for found in violations(tmp_path)), violations(tmp_path)


@pytest.mark.parametrize("name", ["models.worker", "models.release.parity", "models.release.export", "agent.cli.main"])
def test_playing_needs_no_torch(name: str) -> None:
    assert wants_torch(ROOT, name) == []
    assert wants_torch(ROOT, "models.training.train")  # so the check can fail


def test_every_module_says_what_it_is() -> None:
    for name, path in modules(ROOT).items():
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf8"))) or ""
        empty = path.name == "__init__.py" and not path.read_text(encoding="utf8").strip()
        assert empty or said.splitlines()[:1], name
        assert empty or said.splitlines()[0].endswith((".", "?")), name
