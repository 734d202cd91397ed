"""Rules for when a phrase is over are judged by false cut-ins and delay, on phrases that end at their longest silence."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from models.evaluation import evaluate, phrase_end_rules
from models.music.midifile import write_notes
from models.music.note_records import Note
from models.music.simultaneous_notes import STROKE_SECONDS


def phrase(*gaps: float) -> phrase_end_rules.Gaps:
    return np.array(gaps)


def piece_of(tmp_path: Path) -> Path:
    """A folder with a piece that breathes: phrases of ten to thirty quick notes, uneven ones, and a longer silence after each."""
    rng, at, notes = np.random.default_rng(1), 0.0, []
    for _ in range(60):
        for i in range(int(rng.integers(10, 30))):
            notes.append(Note(at, 0.1, 60 + i % 12, 64))
            at += float(rng.gamma(4.0, 0.05)) + 0.05
        at += float(rng.uniform(0.5, 1.5))
    folder = tmp_path / "c"
    folder.mkdir()
    write_notes(folder / "piece.mid", {"piano": notes})
    return folder


def test_false_cut_ins_and_delay() -> None:
    asked = [phrase(0.2, 0.2, 0.7, 0.2, 0.9), phrase(0.2, 0.2, 0.2, 0.2, 0.9)]
    assert phrase_end_rules.evaluate_rule(phrase_end_rules.fixed_rule(0.5), asked) == {"false": 0.5, "delay": 0.5}
    assert phrase_end_rules.evaluate_rule(phrase_end_rules.fixed_rule(0.8), asked) == {"false": 0.0, "delay": 0.8}


def test_phrases_end_at_their_longest_silence_and_patience_costs_delay(tmp_path: Path) -> None:
    pieces = evaluate.corpus.read(piece_of(tmp_path))
    for calls in (False, True):
        asked = phrase_end_rules.draw_gaps(pieces, 60, 0, calls)
        assert len(asked) == 60
        assert all(gaps[-1] == gaps.max() and gaps[:-1].min() > STROKE_SECONDS for gaps in asked)
    found = phrase_end_rules.evaluate_rules(pieces, 60, 0)
    for kind in ("fixed", "paced", "breathing"):
        rows = list(found[kind].values())
        assert all(a["false"] >= b["false"] and a["delay"] <= b["delay"] for a, b in itertools.pairwise(rows))
    assert found["fixed"]["0.15 s"]["false"] > 0.9
    assert found["plays"]["ratio"] == found["ratio"] < 1.0
    assert "what plays" in phrase_end_rules.table(found)


def test_calls_begin_where_a_phrase_has_ended(tmp_path: Path) -> None:
    pieces = evaluate.corpus.read(piece_of(tmp_path))
    onsets = {round(float(t), 2) for t in pieces[0].onset[1:][np.diff(pieces[0].onset) > 0.5]}
    gaps, start = phrase_end_rules._phrase_gaps(pieces[0], 0)
    assert round(float(pieces[0].onset[start]), 2) in onsets
    assert gaps.sum() == pytest.approx(pieces[0].onset[start] - pieces[0].onset[0])


def test_a_fit_waits_as_long_as_it_is_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = piece_of(tmp_path)
    asked = phrase_end_rules.draw_gaps(evaluate.corpus.read(folder), 60, 0, calls=True)
    for delay in (0.5, 0.7):
        found = phrase_end_rules.fit_wait(asked, 0.5, delay)
        row = phrase_end_rules.evaluate_rule(phrase_end_rules.longest_gap_rule(found["wait"], 0.5), asked)
        assert row["delay"] == pytest.approx(delay, abs=0.01)
        assert row["false"] == pytest.approx(found["false"], abs=1e-4)
    assert phrase_end_rules.main(["--corpus", str(folder), "--phrases", "60"]) == 0
    assert "this one plays" in capsys.readouterr().out
    assert phrase_end_rules.main(["--corpus", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_the_command_tells_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(piece_of(tmp_path))
    asked = ["--corpus", folder, "--turns", "--tests", "40", "--plots", str(tmp_path / "p"), "--json"]
    assert evaluate.main(asked) == 0
    found = json.loads(capsys.readouterr().out)["turns"]
    assert found["phrases"] == found["calls"]["phrases"] == 40
    assert (tmp_path / "p" / "turns.png").stat().st_size > 1000
