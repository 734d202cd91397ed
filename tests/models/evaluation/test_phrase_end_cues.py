"""What tells that a phrase is over: the features are what they say, the fit finds what is there, and the command tells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.data import corpus
from models.evaluation import phrase_end_cues, phrase_end_rules
from models.music.midifile import write_notes
from models.music.note_records import Note


def folder_of(tmp_path: Path) -> Path:
    """A piece of phrases of some thirty notes, each of which ends on a long, loud and low one that sounds on."""
    rng, at, notes = np.random.default_rng(2), 0.0, []
    for _ in range(80):
        for i in range(int(rng.integers(28, 34))):
            notes.append(Note(at, 0.05, 60 + i % 12, int(rng.integers(50, 70))))
            at += float(rng.gamma(3.0, 0.07)) + 0.06
        notes.append(Note(at, 0.9, 40, 110))
        at += float(rng.uniform(0.9, 1.2))
    write_notes(tmp_path / "piece.mid", {"piano": notes})
    return tmp_path


def test_the_features_are_what_they_say(tmp_path: Path) -> None:
    phrases = phrase_end_rules.draw_phrases(corpus.read(folder_of(tmp_path)), 20, 0)
    asked = phrase_end_cues.silence_table(phrases)
    assert asked.known.shape == (sum(len(p.gaps) - 1 for p in phrases), len(phrase_end_cues.FEATURES))
    assert np.isfinite(asked.known).all()
    assert asked.end.sum() == len(phrases)
    last = int(np.flatnonzero(asked.end)[0])
    first, known = phrases[0], dict(zip(phrase_end_cues.FEATURES, asked.known[last], strict=True))
    assert asked.gap[last] == first.gaps[-1]
    assert np.exp(known["longest"]) == pytest.approx(first.gaps[:-1].max())
    assert np.exp(known["length"]) == pytest.approx(first.gaps[:-1].sum())
    assert known["loud"] > 1.0  # it ends on its loudest note
    assert known["low"] < -1.0  # more than an octave below the others
    assert asked.rings[last] == pytest.approx(0.9, abs=0.01)


def test_what_tells_is_found(tmp_path: Path) -> None:
    asked = phrase_end_cues.silence_table(phrase_end_rules.draw_phrases(corpus.read(folder_of(tmp_path)), 200, 0))
    with_notes, with_gaps = (
        phrase_end_cues.evaluate_features(asked, asked, names, 0.5)["false"]
        for names in (phrase_end_cues.FEATURES, phrase_end_cues.GAPS)
    )
    assert with_notes < 0.9 * with_gaps  # here the end is heard, too
    shares = phrase_end_cues.sounding_shares(asked)["0.5 s"]
    assert shares["over"] > 0.7 > 0.1 > shares["not"]


def test_a_logistic_fit_finds_the_odds_by_which_things_were_drawn() -> None:
    rng = np.random.default_rng(3)
    rows = np.column_stack([np.ones(20_000), rng.normal(size=(20_000, 2))])
    true = rng.random(20_000) < 1.0 / (1.0 + np.exp(-(rows @ np.array([-1.0, 2.0, -0.5]))))
    assert phrase_end_cues.fit_logistic(rows, true.astype(float)) == pytest.approx(np.array([-1.0, 2.0, -0.5]), abs=0.1)


def test_the_command_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(folder_of(tmp_path))
    assert phrase_end_cues.main(["--corpus", folder, "--phrases", "40"]) == 0
    assert capsys.readouterr().out.count("\n") == len(phrase_end_cues.AFTER_SECONDS) + len(phrase_end_cues.GROUPS)
    assert phrase_end_cues.main(["--corpus", folder, "--phrases", "40", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["models"]) == set(phrase_end_cues.GROUPS)
    assert phrase_end_cues.main(["--corpus", folder + "/none"]) == 2
    assert "is not a folder" in capsys.readouterr().err
