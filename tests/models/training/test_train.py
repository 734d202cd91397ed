"""Training learns, stops and goes on, is the same however many share it; checkpoints are checked before they are believed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.data import corpus, examples
from models.data.loader import to_tensors
from models.decoding import backend_choice
from models.encoding import codec
from models.music.midifile import write_notes
from models.music.note_records import Note, Span
from models.network.losses import LossWeights, distillation_nats, style_per_step, training_loss
from models.runtime import checkpoint
from models.training import progress, train
from models.training.muon import orthogonalize

from ...support.musicians import SMALL, small_musician
from ...system.rigs.jack import ROOT

SHAPE = (
    "--width 32 --layers 2 --heads 2 --kv-heads 1 --hidden 48 --window 32 --latent 8 --style-width 16 --style-notes 16"
)


@pytest.fixture(scope="module")
def midi_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for i in range(4):
        degrees = rng.integers(0, 7, 150).cumsum() % 14
        pitches = [60 + 12 * (d // 7) + (0, 2, 4, 5, 7, 9, 11)[d % 7] for d in degrees.tolist()]
        write_notes(
            folder / f"{i}.mid", {"piano": [Note(0.25 * k, 0.2, p, 64 + k % 20) for k, p in enumerate(pitches)]}
        )
    (folder / "broken.mid").write_bytes(b"not midi at all")
    return folder


def course(folder: Path, out: Path, *more: str) -> list[str]:
    command = ["--corpus", str(folder), "--out", str(out), "--batch", "4", "--every", "1", "--device", "cpu"]
    return [*command, *SHAPE.split(), *more]


def logged(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def run(folder: Path, out: Path, *more: str) -> list[dict[str, float]]:
    assert train.main(course(folder, out, *more)) == 0
    return logged(out)


def run_by(command: list[str], folder: Path, out: Path, *more: str) -> list[dict[str, float]]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", *command, *course(folder, out, *more)], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return logged(out)


def test_bits_fall_and_the_weights_load(midi_folder: Path, tmp_path: Path) -> None:
    log = run(midi_folder, tmp_path, "--notes", str(60 * 128))
    assert len(log) == 60
    assert np.mean([row["bits"] for row in log[-5:]]) < log[0]["bits"] - 3.0
    loaded = checkpoint.load(str(tmp_path / "weights.safetensors"))
    assert loaded.model.config.window == 32
    assert loaded.about["notes"] == 60 * 128


def test_it_goes_on_from_weights_that_are_there(midi_folder: Path, tmp_path: Path) -> None:
    before = run(midi_folder, tmp_path / "first", "--notes", str(60 * 128))
    weights = str(tmp_path / "first" / "weights.safetensors")
    after = run(midi_folder, tmp_path / "more", "--notes", str(10 * 128), "--start", weights, "--width", "16")
    assert after[0]["bits"] < before[0]["bits"] - 3.0
    assert checkpoint.load(str(tmp_path / "more" / "weights.safetensors")).model.config.width == 32


def test_the_style_encoder_can_be_left_as_it_is(midi_folder: Path, tmp_path: Path) -> None:
    run(midi_folder, tmp_path / "a", "--notes", "1e3")
    start = tmp_path / "a" / "weights.safetensors"
    run(midi_folder, tmp_path / "b", "--notes", "1e3", "--start", str(start), "--keep-style")
    before, after = (checkpoint.load(str(p)) for p in (start, tmp_path / "b" / "weights.safetensors"))
    same = {
        name: torch.equal(a, b)
        for (name, a), b in zip(before.model.state_dict().items(), after.model.state_dict().values(), strict=True)
    }
    assert all(kept for name, kept in same.items() if name.startswith("style."))
    assert not same["transformer.layers.0.q.weight"]
    assert after.about["points"] == before.name
    assert "points" not in before.about


def test_a_student_expects_what_its_teacher_expects(midi_folder: Path, tmp_path: Path) -> None:
    """A teacher that knows less than the examples tell: a student of it doubts as it does."""
    start, teaches = (tmp_path / name / "weights.safetensors" for name in ("start", "teacher"))
    run(midi_folder, tmp_path / "start", "--notes", "1e3")
    run(midi_folder, tmp_path / "teacher", "--notes", str(20 * 128), "--style-of", str(start))
    teacher = checkpoint.load(str(teaches))
    drawn = examples.ExampleStream(corpus.read(midi_folder), 32, 16, seed=5)
    batch = to_tensors(examples.make_batch(drawn, 0, range(8)), torch.device("cpu"))
    apart = {}
    for name, more in {"taught": ["--teacher", str(teaches)], "alone": []}.items():
        run(midi_folder, tmp_path / name, "--notes", str(60 * 128), "--seed", "3", "--style-of", str(start), *more)
        student = checkpoint.load(str(tmp_path / name / "weights.safetensors"))
        assert student.about["points"] == "weights"
        assert student.about.get("taught_by") == (teacher.fingerprint if more else None)
        with torch.no_grad():
            z = style_per_step(student.model, batch, sample=False)[0]
            guess, better = (w.model(batch["steps"], z, batch["target"]) for w in (student, teacher))
        own = distillation_nats(better, better, batch["target"])  # the least it can be
        apart[name] = float((distillation_nats(guess, better, batch["target"]) - own).sum())
    assert 0.0 < apart["taught"] < 0.5 * apart["alone"]


def test_a_teacher_knows_how_long_held_notes_will_be(midi_folder: Path) -> None:
    drawn = examples.ExampleStream(corpus.read(midi_folder), 32, 16)
    batch = to_tensors(examples.make_batch(drawn, 0, range(32)), torch.device("cpu"))
    musician, teacher = small_musician(), small_musician(seed=1)
    heard: dict[str, torch.Tensor] = {}
    for name, who in (("musician", musician), ("teacher", teacher)):
        who.transformer.register_forward_pre_hook(lambda _, given, name=name: heard.update({name: given[0]}))
    training_loss(musician, batch, LossWeights(), teacher)
    length = codec.DURATION
    held = heard["musician"][..., length] != heard["teacher"][..., length]
    assert held.sum() > 20
    assert (heard["musician"][held][:, length] == codec.HELD_STEP).all()
    assert (heard["teacher"][held][:, length] < codec.HELD_STEP).all()
    others = [i for i in range(heard["teacher"].shape[-1]) if i != length]
    assert torch.equal(heard["musician"][..., others], heard["teacher"][..., others])


def test_a_teacher_that_reads_styles_otherwise_is_one_sentence(
    midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.save(tmp_path / "t.safetensors", small_musician(), {})
    command = ["--corpus", str(midi_folder), "--out", str(tmp_path / "s"), *SHAPE.split()]
    assert train.main([*command, "--teacher", str(tmp_path / "t.safetensors")]) == 2
    assert "by another encoder" in capsys.readouterr().err
    assert train.main([*command, "--latent", "6", "--style-of", str(tmp_path / "t.safetensors")]) == 2
    assert "another shape" in capsys.readouterr().err
    assert train.main([*command, "--keep-style"]) == 2
    assert "name weights there" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train.main([*command, "--drop", "1"])
    assert "no share" in capsys.readouterr().err


def test_examples_made_by_processes_are_the_same_examples(midi_folder: Path, tmp_path: Path) -> None:
    notes = str(4 * 128)
    alone = run(midi_folder, tmp_path / "alone", "--notes", notes)
    two = run_by(["models.training.train"], midi_folder, tmp_path / "two", "--notes", notes, "--workers", "2")
    assert [row["bits"] for row in two] == pytest.approx([row["bits"] for row in alone], abs=1e-3)


def test_what_is_not_learned_from_is_looked_at(midi_folder: Path, tmp_path: Path) -> None:
    log = run(midi_folder, tmp_path / "a", "--notes", str(12 * 128), "--judge", "4", "--drop", "0.3")
    looks = {row["step"]: row["unseen"] for row in log if "unseen" in row}
    assert sorted(looks) == [4, 8, 12]
    assert looks[12] < looks[4]
    without = run(midi_folder, tmp_path / "b", "--notes", str(12 * 128), "--drop", "0.3")
    assert [row["loss"] for row in without] == [row["loss"] for row in log]  # looking changes nothing
    assert [row["loss"] for row in log] != [
        row["loss"] for row in run(midi_folder, tmp_path / "c", "--notes", str(12 * 128))
    ]


def test_what_may_not_be_used_commercially_is_said(midi_folder: Path, tmp_path: Path) -> None:
    assert corpus.licence(corpus.OPEN_SOURCES) == ""
    assert corpus.licence(None) == ""
    assert corpus.licence(["my_own"]) == ""
    told = corpus.licence([*corpus.OPEN_SOURCES, "pijama"])
    assert "not for commercial use" in told
    checkpoint.save(tmp_path / "w.safetensors", small_musician(), {"licence": told, "points": "open"})
    for kind in backend_choice.NAMES:
        engine = backend_choice.load(str(tmp_path / "w.safetensors"), kind)
        assert engine.about()["note"].startswith(f"The weights w: {told}.")
        assert engine.about()["points"] == "open"
    run(midi_folder, tmp_path / "more", "--notes", "5e2", "--start", str(tmp_path / "w.safetensors"))
    after = checkpoint.load(str(tmp_path / "more" / "weights.safetensors"))
    assert after.about["licence"] == told  # what comes of them is under it, too
    assert "points" not in after.about


def test_sources_are_named_one_by_one_or_together() -> None:
    assert corpus.parse_sources(None) is None
    assert corpus.parse_sources("open") == list(corpus.OPEN_SOURCES)
    assert corpus.parse_sources("wjd,pijama") == ["wjd", "pijama"]


def test_weights_that_are_not_there_are_one_sentence(
    midi_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--corpus", str(midi_folder), "--out", str(tmp_path), "--start", str(tmp_path / "none.safetensors")]
    assert train.main(command) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_course_that_was_cut_off_goes_on_exactly(midi_folder: Path, tmp_path: Path) -> None:
    whole = run(midi_folder, tmp_path / "whole", "--notes", str(12 * 128))
    run(midi_folder, tmp_path / "cut", "--notes", str(12 * 128), "--minutes", "0")
    assert len((tmp_path / "cut" / "log.jsonl").read_text().splitlines()) == 1
    resumed = run(midi_folder, tmp_path / "cut", "--notes", str(12 * 128))
    assert [row["loss"] for row in resumed] == [row["loss"] for row in whole]


def paused(folder: Path, out: Path, number: int, *command: str) -> tuple[int, str]:
    """Training that gets a signal after its first step: the exit code, and what it said."""
    told = [*command, *course(folder, out, "--notes", str(4000 * 128))]
    lines: list[str] = []
    with subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "bits a note" in line and not any("bits a note" in former for former in lines):
                process.send_signal(number)
            lines.append(line)
        return process.wait(60), "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_paused_training_leaves_weights_that_play(midi_folder: Path, tmp_path: Path, number: int) -> None:
    """By the program's own command, which passes the signal on."""
    code, said = paused(midi_folder, tmp_path, number, sys.executable, "-m", "agent", "train")
    assert code == 128 + number, said
    assert "Traceback" not in said
    assert "1 of 5 files are passed over: is not a readable MIDI file (1: broken.mid)." in said
    assert "on this machine" in said.split("bits a note")[0]  # beforehand
    assert "the same command goes on" in said
    engine = backend_choice.load(str(tmp_path / "weights.safetensors"))
    engine.hear(0, [Note(0.3 * i, 0.2, 60 + i, 70) for i in range(6)])
    assert list(engine.play(Span(2.0, 4.0, 3.5, 4.0)))
    steps = logged(tmp_path)[-1]["step"]
    assert 1 <= steps < 4000
    assert engine_notes(tmp_path) == steps * 128
    more = run(midi_folder, tmp_path, "--notes", str(4000 * 128), "--minutes", "0")
    assert more[-1]["step"] == steps + 1


def engine_notes(out: Path) -> object:
    """How many notes the weights have learned from, as their header says."""
    return checkpoint.load(str(out / "weights.safetensors")).about["notes"]


def test_a_dozen_short_pieces_are_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(12):
        notes = [Note(0.3 * k, 0.2, 60 + (k * i) % 13, 64 + k % 20) for k in range(20 + 3 * i)]
        write_notes(tmp_path / f"{i}.mid", {"piano": notes})
    write_notes(tmp_path / "short.mid", {"piano": [Note(0.0, 1.0, 60, 60)]})
    log = run(tmp_path, tmp_path / "out", "--notes", str(6 * 1024), "--window", "256", "--style-notes", "64")
    assert all(np.isfinite(row["bits"]) for row in log)
    told = capsys.readouterr()
    assert told.err == "1 of 13 pieces are passed over: fewer than 16 notes.\n"
    assert "about " in told.out
    assert " on this machine, for 6 steps." in told.out


def test_pieces_that_are_all_too_short_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(3):
        write_notes(tmp_path / f"{i}.mid", {"piano": [Note(0.3 * k, 0.2, 60, 60) for k in range(15)]})
    assert train.main(course(tmp_path, tmp_path / "out")) == 2
    assert "none of the 3 pieces" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_measuring_a_step_changes_nothing(midi_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = run(midi_folder, tmp_path / "a", "--notes", str(3 * 128), "--drop", "0.3")
    monkeypatch.setattr(train, "tell_duration", lambda trainer, batches: None)
    assert [row["loss"] for row in run(midi_folder, tmp_path / "b", "--notes", str(3 * 128), "--drop", "0.3")] == [
        row["loss"] for row in measured
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 seconds"), (99, "99 seconds"), (150, "2 minutes"), (5900, "98 minutes"), (7200, "2.0 hours")],
)
def test_a_duration_is_said_in_words(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said


def test_two_processes_learn_what_one_learns(midi_folder: Path, tmp_path: Path) -> None:
    notes = str(6 * 128)
    one = run(midi_folder, tmp_path / "one", "--notes", notes)
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "models.training.train"]
    two = run_by(torchrun, midi_folder, tmp_path / "two", "--notes", notes)
    assert len(two) == len(one)
    # Velocity and role have fewer known targets in one half than in the other, so the mean of means differs a little.
    for a, b in zip(one, two, strict=True):
        assert abs(a["bits"] - b["bits"]) < 0.05 * a["bits"]


def test_a_corpus_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--corpus", str(tmp_path / "no"), "--out", str(tmp_path / "out")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert train.main(["--corpus", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "holds nothing to read" in capsys.readouterr().err


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    musician = small_musician()
    checkpoint.save(tmp_path / "w.safetensors", musician, {"licence": "CC BY 4.0"}, torch.float32)
    loaded = checkpoint.load(str(tmp_path / "w.safetensors"))
    assert loaded.about == {"licence": "CC BY 4.0"}
    assert loaded.model.config == SMALL
    for a, b in zip(musician.state_dict().values(), loaded.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda p, h, t: p.write_bytes(b"\x00" * 64), "not a readable checkpoint"),
        (lambda p, h, t: p.write_bytes(p.read_bytes()[:5000]), "not a readable checkpoint"),
        (lambda p, h, t: save_file(t, p, {**h, "format": "other"}), "not made by this program"),
        (lambda p, h, t: save_file(t, p, {**h, "codec": "0123"}), "another codec"),
        (lambda p, h, t: save_file(t, p, {**h, "config": '{"width": 99999999}'}), "cannot be right"),
        (lambda p, h, t: save_file(t, p, {**h, "config": '{"wide": 1}'}), "not a readable checkpoint"),
        (lambda p, h, t: save_file({"x": torch.zeros(1)}, p, h), "does not hold the weights"),
    ],
)
def test_a_foreign_checkpoint_is_one_sentence(tmp_path: Path, spoil: object, sentence: str) -> None:
    from safetensors import safe_open

    path = tmp_path / "w.safetensors"
    checkpoint.save(path, small_musician(), {})
    with safe_open(path, framework="pt") as file:
        header, tensors = dict(file.metadata()), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    spoil(path, header, tensors)  # type: ignore[operator]
    with pytest.raises(checkpoint.CheckpointError, match=sentence) as caught:
        checkpoint.load(str(path))
    assert "\n" not in str(caught.value)


def test_missing_weights_are_named() -> None:
    with pytest.raises(checkpoint.CheckpointError, match="'nowhere' not found"):
        checkpoint.load("nowhere")


@pytest.mark.parametrize("shape", [(3, 16, 40), (2, 40, 16), (1, 24, 24)])
def test_orthogonal_evens_out_singular_values(shape: tuple[int, ...]) -> None:
    found = torch.linalg.svdvals(orthogonalize(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
    assert found.min() > 0.3
    assert found.max() < 1.35
