"""The laws of the house, kept by reading imports: who may know whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PURE = (
    *("listener", "turns", "schedule", "presets", "meters", "conversation", "pace"),
    *("view", "wishes", "voices", "timbres", "takes", "doorkeeper"),
    *("transport", "follower", "trades", "duets", "manner", "controls", "zone", "echoes"),
)
CLOCKS = {"asyncio", "threading", "time"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, relative ones under their package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"{path.parent.name}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", sorted((ROOT / "agent").glob("*.py")), ids=lambda p: p.stem)
def test_the_performer_knows_no_tensors(path: Path) -> None:
    assert tops(path).isdisjoint({"torch", "onnxruntime", "safetensors"})
    rooms = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("models.")}
    assert rooms <= {"models.note", "models.midifile", "models.pulse"}
    if path.stem in PURE:
        assert tops(path).isdisjoint(CLOCKS)


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.py")), ids=lambda p: p.stem)
def test_the_musician_knows_no_now(path: Path) -> None:
    assert tops(path).isdisjoint({"agent", "asyncio", "rtmidi", "sounddevice"})


PLAYING = (
    *(
        "worker",
        "engines",
        "engine",
        "habits",
        "live",
        "plain",
        "network",
        "ring",
        "tape",
        "tune",
        "vamps",
        "onnx",
        "runtime",
        "quantise",
        "shelf",
        "config",
        "measure",
        "memory",
    ),
    *("sampling", "knobs", "recall", "codec", "note", "midifile", "attributes", "corpus", "agreement", "export"),
    *(
        "drafts",
        "ear",
        "likeness",
        "rules",
        "precision",
        "leanings",
        "lefthand",
        "pulse",
        "beat",
        "motif",
        "cadence",
        "stand",
        "dynamics",
        "rhythm",
        "tones",
        "loops",
        "clash",
    ),
)


@pytest.mark.parametrize("name", PLAYING)
def test_playing_needs_no_torch(name: str) -> None:
    tree = ast.parse((ROOT / "models" / f"{name}.py").read_text(encoding="utf8"))
    eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in eager:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        assert not any(n.split(".")[0] == "torch" for n in names)
        if isinstance(node, ast.ImportFrom) and node.level:
            ours = [node.module] if node.module else [a.name for a in node.names]
            assert set(ours) <= set(PLAYING), f"{name} imports {ours}, which may want torch"


@pytest.mark.parametrize("path", sorted([*ROOT.glob("agent/*.py"), *ROOT.glob("models/*.py")]), ids=lambda p: p.stem)
def test_every_room_says_what_it_is(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf8"))) or ""
    assert said.splitlines()[0].endswith((".", "?"))
    assert "nows nothing" in said
