"""Rules for when a phrase is over are judged by false cut-ins and delay, on phrases that end at their longest silence."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from agent.turns import patience
from models import evaluate, silences
from models.midifile import write_notes
from models.note import Note


def phrase(*gaps: float) -> silences.Gaps:
    return np.array(gaps)


def test_the_rule_that_plays_is_the_one_that_is_judged() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        gaps = rng.uniform(0.05, 1.5, rng.integers(1, 12))
        notes = [Note(float(t), 0.1, 60, 64) for t in np.concatenate([[0.0], np.cumsum(gaps)])]
        assert silences.paced(2.0)(gaps) == pytest.approx(patience(notes))


def test_false_cut_ins_and_delay() -> None:
    asked = [phrase(0.2, 0.2, 0.7, 0.2, 0.9), phrase(0.2, 0.2, 0.2, 0.2, 0.9)]
    assert silences.judged(silences.fixed(0.5), asked) == {"false": 0.5, "delay": 0.5}
    assert silences.judged(silences.fixed(0.8), asked) == {"false": 0.0, "delay": 0.8}


def test_phrases_end_at_their_longest_silence_and_patience_costs_delay(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    onsets = np.cumsum(rng.gamma(1.5, 0.15, 600))
    write_notes(tmp_path / "piece.mid", {"piano": [Note(float(t), 0.1, 60 + i % 12, 64) for i, t in enumerate(onsets)]})
    pieces = evaluate.corpus.read(tmp_path)
    asked = silences.phrases(pieces, 60, 0)
    assert len(asked) == 60
    assert all(gaps[-1] == gaps.max() and gaps[:-1].min() > silences.CHORD for gaps in asked)
    found = silences.turns(pieces, 60, 0)
    curve = list(found["fixed"].values())
    assert all(a["false"] >= b["false"] and a["delay"] < b["delay"] for a, b in itertools.pairwise(curve))
    assert curve[0]["false"] > 0.9
    assert "what plays" in silences.table(found)


def test_the_command_tells_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    onsets = np.cumsum(rng.gamma(1.5, 0.15, 600))
    (tmp_path / "c").mkdir()
    write_notes(
        tmp_path / "c" / "piece.mid", {"piano": [Note(float(t), 0.1, 60 + i % 12, 64) for i, t in enumerate(onsets)]}
    )
    asked = ["--corpus", str(tmp_path / "c"), "--turns", "--tests", "40", "--plots", str(tmp_path / "p"), "--json"]
    assert evaluate.main(asked) == 0
    assert json.loads(capsys.readouterr().out)["turns"]["phrases"] == 40
    assert (tmp_path / "p" / "turns.png").stat().st_size > 1000
