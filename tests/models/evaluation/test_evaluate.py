"""What is measured is what is meant: patterns, keys, wrong continuations, ranks, and the command that asks for them all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.data import corpus
from models.decoding import backend_choice, reranker
from models.decoding.engine import Engine
from models.encoding import longest_match_features
from models.evaluation import answers, baseline_comparison, likelihood, multiple_choice, style_accuracy
from models.music import answer_metrics
from models.music.midifile import write_notes
from models.music.note_records import Note
from models.network.config import Config
from models.release import make_reranker
from models.runtime import checkpoint
from models.training import lstm_model, train

from ...support.musicians import SMALL, scale, small_musician, small_network
from ...system.rigs.jack import ROOT
from ..data.test_examples import piece

SHAPE = (
    "--width 32 --layers 2 --heads 2 --kv-heads 1 --hidden 48 --window 32 --latent 8 --style-width 16 --style-notes 16"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pieces with phrases: walks in a key, with rests."""
    made = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(1)
    for i in range(5):
        at, notes = 0.0, []
        for k, d in enumerate((rng.integers(-2, 3, 400).cumsum() % 14).tolist()):
            at += 0.9 if k % 20 == 0 else float(rng.choice([0.15, 0.3]))
            pitch = 55 + i + 12 * (d // 7) + (0, 2, 4, 5, 7, 9, 11)[d % 7]
            notes.append(Note(at, 0.2, pitch, int(rng.integers(40, 90))))
        write_notes(made / f"{i}.mid", {"piano": notes})
    return made


def test_patterns_that_come_again_are_counted() -> None:
    line = scale(8)
    twice = [*line, *(n.shift(5.0) for n in line)]
    assert answer_metrics.repeated_share(line) == 0.0
    assert answer_metrics.repeated_share(twice) == pytest.approx(5 / 13)
    assert answer_metrics.copied_share(line, line) == 1.0
    assert answer_metrics.copied_share(line, list(reversed(line))) == 0.0


def test_a_chord_whose_notes_are_let_go_one_by_one_is_ragged() -> None:
    chord = [Note(0.0, 0.5, p, 64) for p in (60, 64, 67)]
    assert answer_metrics.length_spread(chord) == pytest.approx(0.0)
    assert answer_metrics.length_spread([Note(0.0, 0.25, 60, 64), Note(0.01, 1.0, 64, 64)]) == pytest.approx(1.0)
    assert answer_metrics.length_spread(scale(8)) is None


def test_semitones_that_sound_at_once_clash() -> None:
    assert answer_metrics.dissonance_share(
        [Note(0.0, 2.0, 60, 64), Note(1.0, 1.0, 61, 64), Note(2.5, 1.0, 61, 64)]
    ) == pytest.approx(1 / 3)
    assert answer_metrics.dissonance_share([Note(0.0, 1.0, 60, 64), Note(0.01, 1.0, 73, 64)]) == 1.0
    assert (
        answer_metrics.dissonance_share([Note(0.0, 1.0, 60, 64), Note(0.01, 1.0, 62, 64), Note(1.5, 1.0, 61, 64)])
        == 0.0
    )


def test_a_tune_rings_where_its_notes_last_into_its_next() -> None:
    bass = [Note(0.5 * i, 0.4, 40, 60) for i in range(9)]

    def over(length: float) -> float | None:
        tune = [Note(0.5 * i, length, 72 + i % 5, 80) for i in range(9)]
        return answer_metrics.overlap_share(sorted([*bass, *tune], key=lambda n: (n.onset, n.pitch)))

    assert over(0.5) == over(0.6) == 0.0  # from finger to finger
    assert over(0.7) == 1.0
    assert answer_metrics.overlap_share(bass[:3]) is None


def test_music_without_velocities_is_expected_bare_and_played() -> None:
    musician, bare, struck = small_musician(), piece(0, dynamics=False), piece(1)
    found = likelihood.velocity_bits(musician, [bare], 3)
    assert likelihood.velocity_bits(musician, [bare, struck], 3) == found
    assert found["bare"] > 0
    assert found["played"] != found["bare"]
    known = likelihood.bits_per_note(musician, [bare], 3)["known"]["mean"]
    assert found["bare"] == pytest.approx(known["total"])
    assert "velocity" not in known  # there is nothing to say of it
    assert (
        likelihood.velocity_bits(musician, [piece(0, 18, dynamics=False), struck], 3) == {}
    )  # too short to be asked for


def test_a_key_is_the_calls() -> None:
    call = scale(20)  # C major
    assert answer_metrics.in_key_share(call, scale(7)) == 1.0
    assert answer_metrics.in_key_share(call, [Note(0, 1, p, 64) for p in (60, 61, 63, 64)]) == 0.5


def test_ranks_are_spearmans() -> None:
    assert answers.spearman([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1.0)
    assert answers.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    assert answers.spearman([1, 1, 2, 2], [5, 5, 7, 7]) == pytest.approx(1.0)


def test_calls_end_where_phrases_end(folder: Path) -> None:
    pieces = corpus.read(folder)
    found = answers.draw_excerpts(pieces, 12)
    assert len(found) == 12
    for cut in found:
        rest = cut.next[0].onset - cut.call[-1].onset
        assert rest > 0.5  # the pieces have their rests there
        assert cut.next[-1].onset - cut.next[0].onset < answers.ANSWER_SECONDS


def test_wrong_continuations_are_alike_but_for_what_they_say(folder: Path) -> None:
    asked = multiple_choice.draw_tests(corpus.read(folder), 10, same_source=True, seed=0)
    assert len(asked) == 10
    for before, (true, *others), _ in asked:
        assert len(others) == multiple_choice.WRONG_CONTINUATIONS
        assert before[-1].onset <= true[0].onset
        for foil in others:
            assert len(foil) == len(true)
            assert foil[0].onset == pytest.approx(true[0].onset)
            assert [n.pitch for n in foil] != [n.pitch for n in true]


def test_the_true_one_is_told_by_who_knows_it(folder: Path) -> None:
    asked = multiple_choice.draw_tests(corpus.read(folder), 10, same_source=True, seed=0)
    trues = [each[0] for _, each, _ in asked]
    assert multiple_choice.accuracy(lambda before, notes, dynamics: float(notes in trues), asked) == (1.0, 1.0, 1.0)
    assert multiple_choice.accuracy(lambda before, notes, dynamics: -float(notes in trues), asked) == (0.0, 0.0, 0.0)
    share, low, high = multiple_choice.accuracy(lambda before, notes, dynamics: -float(notes in trues[5:]), asked)
    assert low < share < high


def test_rhythms_are_alike_whatever_the_order_of_their_waits() -> None:
    def line(*waits: float) -> list[Note]:
        onsets = np.concatenate([[0.0], np.cumsum(waits)]).tolist()
        return [Note(t, 0.1, p, 64) for t in onsets for p in (60, 64)]

    assert answer_metrics.rhythm_distance(line(*[0.2, 0.4] * 4), line(*[0.2] * 6, *[0.4] * 6)) == pytest.approx(0.0)
    assert answer_metrics.rhythm_distance(line(*[0.2] * 8), line(*[0.4] * 8)) == pytest.approx(2.0)
    assert answer_metrics.rhythm_distance(line(*[0.2] * 8), line(*[0.2] * 4, *[0.4] * 4)) == pytest.approx(1.0)
    assert answer_metrics.rhythm_distance(line(*[0.2] * 8), line(0.2, 0.2)) is None


def test_an_interval_is_as_wide_as_windows_differ() -> None:
    counts = torch.full((5,), 10)
    alike = {"a": [(torch.full((5,), 30.0), counts)] * 8}
    low, high = baseline_comparison.bootstrap_interval(alike)
    assert low == pytest.approx(high)
    apart = {"a": [(torch.full((5,), 30.0 + 5 * (i % 2)), counts) for i in range(8)]}
    low, high = baseline_comparison.bootstrap_interval(apart)
    assert low + 0.5 < high


@pytest.fixture(scope="module")
def recurrent(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an LSTM that was taught a little."""
    out = tmp_path_factory.mktemp("lstm")
    line = f"--corpus {folder} --out {out} --notes 15e3 --rate 1e-3 --every 5 {SHAPE}".split()
    assert lstm_model.main(line) == 0
    return out


def test_an_lstm_learns_from_the_same_lessons(recurrent: Path) -> None:
    curve = [json.loads(line)["bits"] for line in (recurrent / "log.jsonl").read_text().splitlines()]
    assert curve[-1] < curve[0] - 1.0
    assert sum(p.numel() for p in lstm_model.Recurrent(Config()).lstm.parameters()) == pytest.approx(4.4e6, rel=0.05)
    assert not lstm_model.load_lstm(recurrent / "weights.safetensors").training


def test_an_lstm_keeps_to_the_device_that_it_is_on() -> None:
    with torch.device("meta"):  # where nothing from another may be joined
        network = lstm_model.Recurrent(Config())
        steps, z = (
            torch.zeros(1, 4, longest_match_features.STEP_WIDTH, dtype=torch.long),
            torch.zeros(1, 1, Config().latent),
        )
    assert network(steps, z).shape == (1, 4, Config().width)


def test_a_musician_is_no_lstm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, small_musician(), {"kind": "Musician"})
    with pytest.raises(checkpoint.CheckpointError, match=r"small\.safetensors holds no LSTM; teach one"):
        lstm_model.load_lstm(path)
    with pytest.raises(checkpoint.CheckpointError, match="holds no LSTM"):
        lstm_model.load_lstm(tmp_path / "nothing.safetensors")
    assert lstm_model.main(["--corpus", "x", "--out", str(tmp_path), "--start", "open"]) == 2
    assert "leave --start out" in capsys.readouterr().err


def test_a_gain_needs_a_past(folder: Path) -> None:
    gain = multiple_choice.model_gain(small_musician())
    before, (true, *_), dynamics = multiple_choice.draw_tests(corpus.read(folder), 1, same_source=True, seed=0)[0]
    assert gain([], true, dynamics) == 0.0
    assert gain(before, true, dynamics) != 0.0


def test_a_classifier_learns_what_is_plain() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = (x[:, 1] > 0).astype(np.int64)
    guessed = style_accuracy.Classifier.fit(x, y, 2).predict(x)
    assert (guessed == y).mean() > 0.95


def test_an_answer_is_as_asked_and_repeats(folder: Path) -> None:
    engine = Engine(small_network())
    cut = answers.draw_excerpts(corpus.read(folder), 1)[0]
    one, two = (answers.answer_call(engine, cut.call, [0.0] * SMALL.latent, {}, 7) for _ in range(2))
    assert one == two
    assert one[0].onset > cut.call[-1].onset
    assert one[-1].onset <= cut.call[-1].onset + 1.0 + answers.ANSWER_SECONDS + 0.1


def test_bits_fall_where_a_musician_has_learned(folder: Path, tmp_path: Path) -> None:
    line = f"--corpus {folder} --out {tmp_path} --notes 20e3 --batch 8 {SHAPE}".split()
    assert train.main(line) == 0
    pieces = corpus.read(folder)
    learned = likelihood.bits_per_note(checkpoint.load(str(tmp_path / "weights.safetensors")).model, pieces, 4)
    unlearned = likelihood.bits_per_note(small_musician(), pieces, 4)
    for state in ("known", "live"):
        assert learned[state]["mean"]["total"] < unlearned[state]["mean"]["total"] - 3


def test_the_command_tells_it_all_as_json(folder: Path, recurrent: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, small_musician(), {})
    size = ("--windows", "2", "--tests", "4", "--calls", "3")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "models.evaluation.evaluate",
            "--corpus",
            str(folder),
            "--weights",
            str(path),
            "--all",
            "--lstm",
            str(recurrent / "weights.safetensors"),
            "--json",
            *size,
            "--plots",
            str(tmp_path / "plots"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["bits_per_note"]) == {"total", "time", "pitch", "velocity", "duration"}
    assert set(found["baselines"]) == {"musician", "markov", "continuator", "lstm"}
    for figures in found["baselines"].values():
        assert figures["interval"]["low"] <= figures["mean"]["total"] <= figures["interval"]["high"]
    assert set(found["continuation_intervals"]) == set(found["continuation"]) - {"tests"}
    assert set(found["continuation"]) == {"tests", "any", "same", "continuator_any", "continuator_same"}
    assert set(found["fit"]) == {"key", "density", "velocity", "register"}
    for each in (*found["fit"].values(), found["repetition"], found["closing"], found["clashing"], found["rhythm"]):
        for who in ("answer", "real"):
            low, high = each[f"{who}_interval"]
            assert low <= each[who] <= high
    assert set(found["copy"]) == {"first", "repeat"}
    counts = {"bits_true_z", "bits_foreign_z", "bits_zero_z"}
    assert {"kl_nats", *counts} <= set(found["style"])
    assert set(found["style"]["plain"]) == counts
    assert {count: set(each) for count, each in found["style"]["first"].items()} == {"16": counts, "64": counts}
    assert len(found["knobs"]) == 7
    assert {p.name for p in (tmp_path / "plots").iterdir()} == {"latent.png", "knobs.png"}
    assert found["repetition"]["real"] >= 0
    assert "touch" not in found  # every piece has velocities


def test_an_ear_is_asked_which_of_these_a_person_played(folder: Path) -> None:
    engine = backend_choice.load("open")
    found = answers.draw_excerpts(corpus.read(folder, "train"), 4)
    asked = make_reranker.call_questions(engine, found)
    assert len(asked) == len(found) == 4
    assert all(q.features.shape == (1 + make_reranker.ANSWERS, len(reranker.figure_names())) for q in asked)
    assert all(np.isfinite(q.features).all() for q in asked)
    assert all(not np.array_equal(q.features[0], row) for q in asked for row in q.features[1:])


def test_too_little_music_teaches_no_ear(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "reranker.safetensors"
    told = ["--corpus", str(folder), "--sources", "", "--calls", "2", "--styled", "1", "--out", str(out)]
    assert make_reranker.main(told) == 2
    assert "too little music" in capsys.readouterr().err
    assert not out.exists()
