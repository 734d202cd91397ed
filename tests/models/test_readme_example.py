"""The example of the musician as a library, in models/README.md, runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.music.midifile import read_notes

README = Path(__file__).resolve().parents[2] / "models" / "README.md"


def test_the_example_hears_a_phrase_and_writes_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf8"), re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(compile(example, str(README), "exec"), scope)
    answer = scope["answer"]
    assert isinstance(answer, list)
    assert len(answer) >= 4
    assert len(read_notes(tmp_path / "jam.mid")) == len(answer) + 8
