"""Little music: the figures that can be had are told, the others are named, and nothing ends in a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import corpus
from models.evaluation import answers, evaluate, evaluation_report
from models.music.midifile import write_notes
from models.music.note_records import Note
from models.runtime import checkpoint

from ...support.musicians import small_musician

Sizes = list[int]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    checkpoint.save(path, small_musician(), {})
    return path


def walk(count: int, seed: int, *, velocity: int | None = None, wait: float | None = None) -> list[Note]:
    rng = np.random.default_rng(seed)
    onset = 0.0
    notes = []
    for k in range(count):
        onset += (0.9 if k % 12 == 0 else float(rng.choice([0.15, 0.3]))) if wait is None else wait
        loud = int(rng.integers(40, 90)) if velocity is None else velocity
        pitch = 40 + k if wait == 0.0 else 60 + int(rng.integers(-9, 10))
        notes.append(Note(onset, 0.2, pitch, loud))
    return notes


def folder_of(folder: Path, pieces: list[list[Note]]) -> Path:
    for i, notes in enumerate(pieces):
        write_notes(folder / f"{i}.mid", {"piano": notes})
    return folder


def refuse(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def figures(capsys: pytest.CaptureFixture[str], *told: str) -> dict[str, Any]:
    assert evaluate.main([*told, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    table = evaluation_report.table(found, evaluate.SHARES)
    for name in found.get("missing", {}):
        assert f"not measured: {name}" in table
    return found


CASES: dict[str, tuple[list[list[Note]], list[str], set[str]]] = {
    "four files, one window": ([walk(n, n) for n in (45, 32, 20, 38)], ["--windows", "1"], {"copy"}),
    "a dozen": ([walk(20 + 3 * n, n) for n in range(12)], ["--windows", "3"], {"copy"}),
    "one file": ([walk(60, 1)], ["--windows", "2"], {"copy", "a foreign style"}),
    "one window of one file": ([walk(60, 1)], ["--windows", "1"], {"copy", "a foreign style"}),
    "all shorter than a window": ([walk(n, n) for n in (21, 25, 30)], ["--windows", "2"], {"copy"}),
    "one that is long enough": ([walk(20, 1), walk(5, 2)], ["--windows", "2"], {"copy", "a foreign style"}),
    "no dynamics": ([walk(n, n, velocity=64) for n in (30, 50)], ["--windows", "2"], {"copy"}),
    "all at once": ([walk(30, n, wait=0.0) for n in range(3)], ["--windows", "2"], {"copy"}),
    "very slow": ([walk(30, n, wait=60.0) for n in range(3)], ["--windows", "2"], {"copy"}),
    "one long piece": ([walk(400, 1)], ["--windows", "2"], {"a foreign style"}),
    "no tests asked for": ([walk(n, n) for n in (300, 320)], ["--windows", "1", "--tests", "0"], set()),
}


@pytest.mark.parametrize("name", CASES)
def test_figures_that_can_be_had_are_had(
    name: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces, more, missing = CASES[name]
    corpus_options = ["--corpus", str(folder_of(tmp_path, pieces)), "--weights", str(weights)]
    found = figures(capsys, *corpus_options, "--tests", "3", *more, "--baselines")
    told = found.get("missing", {})
    assert missing <= set(told)
    assert {n for n in told if n not in missing} <= {"true continuations (any)", "true continuations (same)"}
    assert found["bits_per_note"]["total"] > 0
    assert found["baselines"]["markov"]["mean"]["total"] > 0
    assert ("bits_foreign_z" in found["style"]) == ("a foreign style" not in missing)
    assert bool(found["copy"]) == ("copy" not in missing)


@pytest.mark.parametrize(("sizes", "answered"), [((30, 40, 50, 60), True), ((20, 21), False), ((400,), True)])
def test_answers_to_little_music(
    sizes: Sizes,
    answered: bool,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "answer_call", lambda engine, call, *more: [n.shift(9.0) for n in call])
    folder = folder_of(tmp_path, [walk(n, n) for n in sizes])
    told = ["--corpus", str(folder), "--weights", str(weights), "--windows", "1", "--tests", "2", "--calls", "1"]
    found = figures(capsys, *told, "--answers", "--plots", str(tmp_path / "plots"))
    assert ("answers" in found["missing"]) != answered
    assert bool(found["fit"]) == answered
    assert ("styles recognised" in found["missing"]) == answered
    assert ("knob density" in found["missing"]) == answered  # these answers are the same, whatever the knob


def test_too_little_is_one_sentence(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, [walk(n, n) for n in (3, 12, 19)])
    assert evaluate.main(["--corpus", str(folder), "--weights", str(weights)]) == 2
    assert capsys.readouterr().err == "tradefours evaluate: none of the 3 pieces has 20 notes; add longer ones.\n"


def test_files_that_are_passed_over_are_told(tmp_path: Path) -> None:
    folder_of(tmp_path, [walk(20, 1), walk(20, 2)])
    (tmp_path / "1.mid").rename(tmp_path / "song.kar")
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.mid").write_bytes(b"not midi")
    (tmp_path / "empty.MID").write_bytes(b"")
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "cover.png").write_bytes(b"\x89PNG")
    said: list[str] = []
    pieces = corpus.read(tmp_path, tell=said.append)
    assert [piece.name for piece in pieces] == ["0.mid", "song.kar"]
    assert said == [
        "5 of 7 files are passed over: is not a readable MIDI file (4: a.mid, b.mid, c.mid, …); is empty (1: empty.MID)."
    ]


def test_a_folder_without_readable_music_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"not midi")
    with pytest.raises(corpus.CorpusError, match=r"none of the 1 files in .* can be read: is not a readable MIDI file"):
        corpus.read(tmp_path)
    (tmp_path / "a.mid").rename(tmp_path / "a.txt")
    with pytest.raises(corpus.CorpusError, match=r"put \.mid files there"):
        corpus.read(tmp_path)


@pytest.mark.parametrize(
    "manifest",
    ["{}", "[]", "not json", '{"sources": {"a": {"file": "a.npz"}}, "onset_tick_s": 1, "duration_tick_s": 1}'],
)
def test_a_pack_that_is_not_whole_is_one_sentence(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(corpus.CorpusError) as caught:
        corpus.read(tmp_path)
    assert "\n" not in str(caught.value)
