"""An ablation asks every variant the same, goes on where it was, and says how far each lies from people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.evaluation import ablate
from models.music.midifile import write_notes
from models.music.note_records import Note
from models.music.style_settings_table import CHOOSERS, TERMS


def walks(made: Path) -> Path:
    """A few pieces with phrases: walks in a key, with rests."""
    rng = np.random.default_rng(1)
    made.mkdir()
    for i in range(3):
        at, notes = 0.0, []
        for k, d in enumerate((rng.integers(-2, 3, 300).cumsum() % 14).tolist()):
            at += 0.9 if k % 20 == 0 else float(rng.choice([0.15, 0.3]))
            pitch = 55 + i + 12 * (d // 7) + (0, 2, 4, 5, 7, 9, 11)[d % 7]
            notes.append(Note(at, 0.2, pitch, int(rng.integers(40, 90))))
        write_notes(made / f"{i}.mid", {"piano": notes})
    return made


def test_every_term_is_off_once_and_alone_once() -> None:
    found = dict(ablate.variants())
    assert found[ablate.EVERYTHING] == ()
    assert set(found[ablate.NOTHING_LEFT]) == set(TERMS)
    for name in (*TERMS, *CHOOSERS):
        assert found[f"{name} off"] == (name,)
    for name in TERMS:
        assert set(found[f"{name} alone"]) == set(TERMS) - {name}
    assert len(found) == 2 * len(TERMS) + len(CHOOSERS) + 2


def test_what_lies_farther_from_people_is_worse() -> None:
    def told(mean: float) -> ablate.Figures:
        return {"key": {"mean": mean, "error": 0.1}}

    rows, columns, worse = ablate.worse(
        {"people": told(0.9), ablate.EVERYTHING: told(0.8), "a off": told(0.5), "b off": told(0.9), "c off": {}}
    )
    assert (rows, columns) == (["a off", "b off", "c off"], ["key"])
    assert worse[:2, 0] == pytest.approx([3.0, -1.0])
    assert np.isnan(worse[2, 0])


def test_an_ablation_is_told_as_json_drawn_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[ablate.Question] = []
    chosen = [ablate.variants()[0], ("all terms off", tuple(TERMS)), ("reranker off", ("reranker",))]
    monkeypatch.setattr(ablate, "variants", lambda: chosen)
    plain = ablate.answered

    def counted(engine: Any, question: ablate.Question) -> ablate.Answered:
        asked.append(question)
        return plain(engine, question)

    monkeypatch.setattr(ablate, "answered", counted)
    log, picture = tmp_path / "log.jsonl", tmp_path / "a.png"
    line = [
        "--corpus",
        str(walks(tmp_path / "c")),
        "--log",
        str(log),
        "--picture",
        str(picture),
        "--json",
        "--drafts",
        "2",
    ]
    assert ablate.main([*line, "--calls", "3"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert len(asked) == 9
    assert first["calls"] == 3
    assert list(first["variants"]) == ["people", *(name for name, _ in chosen)]
    assert first["variants"]["everything"]["key"] != first["variants"]["all terms off"]["key"]
    assert 0.0 <= first["variants"]["people"]["key"]["mean"] <= 1.0
    assert picture.stat().st_size > 5000
    kept = log.read_text(encoding="utf8").splitlines()
    log.write_text("\n".join(kept[:6]) + "\n", encoding="utf8")  # as if it had been stopped
    assert ablate.main([*line, "--calls", "3"]) == 0
    assert len(asked) == 12
    assert json.loads(capsys.readouterr().out) == first
    assert ablate.main([*line, "--calls", "3", "--seed", "5"]) == 2
    assert "is of another ablation" in capsys.readouterr().err


def test_too_little_music_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c").mkdir()
    write_notes(tmp_path / "c" / "a.mid", {"piano": [Note(0.3 * i, 0.2, 60, 64) for i in range(12)]})
    assert ablate.main(["--corpus", str(tmp_path / "c")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "0 calls were answered" in said
