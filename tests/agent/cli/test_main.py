"""The command line as a user meets it: processes, exit codes, sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mido
import pytest

from agent.cli.main import main
from agent.demo_call import written_call
from agent.styles import presets
from agent.takes.recorder import JSONL, MIDI
from models.encoding.longest_match_features import fingerprint
from models.music.midifile import read_notes, write_notes

from ...support.musicians import small_musician
from ...system.rigs.jack import ROOT

ECHO = f"{sys.executable} -m models.worker --echo"
NO_MIDI = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}


def run(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, **NO_MIDI, "PYTHONPATH": str(ROOT), **env},
    )


def refused(*arguments: str, **env: str) -> str:
    """What a command says that cannot do what it was asked: one sentence, and not 0."""
    done = run(*arguments, **env)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    said = done.stderr.strip()
    assert said.startswith("tradefours")
    assert "\n" not in said
    return said


@pytest.fixture
def call(tmp_path: Path) -> Path:
    write_notes(tmp_path / "call.mid", {"piano": written_call().notes})
    return tmp_path / "call.mid"


@pytest.mark.parametrize("command", ["", "play", "demo", "answer", "doctor", "ports", "presets", "train", "evaluate"])
def test_every_command_has_help(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) >= 6
    assert "usage: tradefours" in done.stdout


def test_the_demo_leaves_a_take_a_picture_and_figures(tmp_path: Path) -> None:
    done = run("demo", "--take", str(tmp_path / "take"), "--json", "--seed", "1")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["phrases"] == figures["answers"] == 1
    assert figures["notes"] >= 8
    assert figures["misses"] == 0
    # Far looser than what is promised: this machine may be busy with anything.
    assert 0 < figures["first_note_ms"]["p99"] < 1000
    assert 0 <= figures["lateness_ms"]["p95"] < 50
    assert Path(figures["picture"]).read_bytes()[:4] == b"\x89PNG"
    tracks = {t.name: t for t in mido.MidiFile(figures["take"]).tracks}
    for who, least in (("player", len(written_call())), ("agent", 8)):
        on, off = (sum(m.type == kind for m in tracks[who]) for kind in ("note_on", "note_off"))
        assert on == off >= least


def test_without_any_midi_the_first_command_is_the_page(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have MIDI")
    done = run("play", "--seconds", "1", "--mind", ECHO, "--page-port", "0", HOME=str(tmp_path), DISPLAY="")
    assert done.returncode == 0, done.stderr
    assert "Play on the page" in done.stdout
    assert "The page: http://127.0.0.1:" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_without_midi_and_browser_the_first_command_is_the_demo(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have MIDI")
    done = run(HOME=str(tmp_path), DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 0, done.stderr
    assert "here is the demo instead" in done.stdout
    assert "play --lan" in done.stdout
    assert "The page: " not in done.stdout  # nobody could open it
    assert "Every note is off" in done.stdout
    assert list((tmp_path / "tradefours" / "takes").glob("*/take.png"))
    shown = run("takes", "show", HOME=str(tmp_path)).stdout
    for words in ("notes of yours", "beats a minute", "ms at p99", "picture: "):
        assert words in shown
    assert Path(shown.split("picture: ")[1].strip()).is_file()
    assert list((tmp_path / "tradefours" / "takes").glob("*/take.txt"))


def test_play_says_what_to_do_without_midi(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have MIDI")
    for command in (["play", "--no-page", "--take", str(tmp_path / "t")], ["ports"], ["ports", "--api", "jack"]):
        assert "without one: python3 -m agent demo" in refused(*command)
    assert "is not a MIDI system of this machine" in refused("ports", "--api", "winmm")
    assert not (tmp_path / "t").exists()


def test_answers_are_files_and_repeat(call: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "a.mid", tmp_path / "b.mid"]
    for out in outs:
        done = run(
            "answer", str(call), "-o", str(out), "--seed", "3", "--picture", str(out.with_suffix(".png")), "--json"
        )
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout)["answer"]
        assert len(read_notes(out)) == len(rows) + len(written_call())
        assert out.with_suffix(".png").stat().st_size > 5000
    assert outs[0].read_bytes() == outs[1].read_bytes()
    other = run("answer", str(call), "-o", str(outs[1]), "--seed", "4")
    assert "style Pop ballad, seed 4" in other.stdout
    assert outs[0].read_bytes() != outs[1].read_bytes()


def test_bad_files_are_named_in_one_sentence(call: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mid"

    def file(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    def midi(name: str, kind: int) -> str:
        made = mido.MidiFile(type=kind)
        made.tracks.append(mido.MidiTrack())
        made.save(tmp_path / name)
        return str(tmp_path / name)

    good = call.read_bytes()
    sentences = {
        refused("answer", path, "-o", str(out))
        for path in (
            str(tmp_path / "none.mid"),
            file("empty.mid", b""),
            file("text.mid", b"this is not music"),
            file("half.mid", good[:18]),
            midi("silent.mid", 1),
            midi("songs.mid", 2),
            str(tmp_path),
        )
    }
    assert len(sentences) >= 5  # each says what is wrong with that one
    assert not out.exists()
    assert "cannot be written" in refused("answer", str(call), "-o", file("file", b"x") + "/out.mid", "--mind", ECHO)
    assert "cannot be drawn" in refused(
        "answer", str(call), "-o", str(out), "--mind", ECHO, "--picture", "no/such/a.png"
    )


def test_a_style_of_the_other_weights_says_under_what_licence_it_plays(call: Path, tmp_path: Path) -> None:
    command = ["answer", str(call), "-o", str(tmp_path / "out.mid"), "--preset", "jazz-ballad", "--json"]
    full, ours = run(*command), run(*command, "--weights", "open")
    assert "not for commercial use" in full.stderr
    assert ours.stderr == ""
    answers = [json.loads(done.stdout)["answer"] for done in (full, ours)]
    assert min(map(len, answers)) >= 4
    assert answers[0] != answers[1]


def test_bad_presets_and_weights_are_helped(call: Path, tmp_path: Path) -> None:
    ask = ["answer", str(call), "-o", str(tmp_path / "out.mid")]
    assert "did you mean ragtime" in refused(*ask, "--preset", "ragtme")
    preset = tmp_path / "mine.toml"
    preset.write_text("[sampling]\ntemprature = 1.0\n")
    assert "did you mean sampling.temperature" in refused(*ask, "--preset", str(preset))
    preset.write_text("[style]\nz = [0.5, 0.5]\n")
    assert "numbers" in refused(*ask, "--preset", str(preset))
    assert "numbers" in refused("demo", "--take", str(tmp_path / "t"), "--preset", str(preset))
    assert "not found" in refused(*ask, "--weights", "nowhere")
    assert "not found" in refused("demo", "--take", str(tmp_path / "t"), "--weights", "nowhere")
    (tmp_path / "text.safetensors").write_text("not weights")
    assert "not a readable checkpoint" in refused(*ask, "--weights", str(tmp_path / "text.safetensors"))
    assert not (tmp_path / "out.mid").exists()


def test_a_checkpoint_of_another_codec_is_refused(call: Path, tmp_path: Path) -> None:
    from models.runtime import checkpoint

    path = tmp_path / "foreign.safetensors"
    checkpoint.save(path, small_musician(), {})
    here = fingerprint().encode()
    path.write_bytes(path.read_bytes().replace(here, here[::-1]))
    said = refused("answer", str(call), "-o", str(tmp_path / "out.mid"), "--weights", str(path))
    assert "speaks another codec" in said


def test_a_musician_that_dies_comes_back_and_the_take_is_kept(tmp_path: Path) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text(
        "import json, sys\n"
        "print(json.dumps({'ready': {'engine': 'dying', 'weights': 'none', 'style': 24}}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    if '\"play\"' in line:\n"
        "        sys.exit('out of breath')\n"
    )
    done = run("demo", "--take", str(tmp_path / "take"), "--mind", f"{sys.executable} {dying}")
    assert done.returncode == 2
    assert "it is started again" in done.stdout
    assert done.stderr.startswith("tradefours: The musician cannot be kept alive (out of breath)")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert (tmp_path / "take" / JSONL).stat().st_size > 1000
    assert len(read_notes(tmp_path / "take" / MIDI)) == len(written_call())


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "name another folder" in refused("demo", "--take", str(tmp_path / "file" / "take"), "--mind", ECHO)


def test_lists_are_for_people_and_programs() -> None:
    shown = run("presets")
    listed = json.loads(run("presets", "--json").stdout)
    assert len(listed) >= 6
    assert all(p["name"] in shown.stdout and p["description"] for p in listed)
    assert presets.DEFAULT in [p["name"] for p in listed]
    assert {p["weights"] for p in listed} >= {"open", "full"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plya"], "invalid choice"),
        (["play", "--channel", "17"], "channels are 1 to 16"),
        (["answer", "a.mid", "-o", "b.mid", "--seconds", "0"], "give seconds"),
        (["answer", "a.mid"], "required"),
        (["evaluate"], "required"),
        (["train"], "required"),
    ],
)
def test_wrong_words_are_explained(arguments: list[str], word: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_musicians_room_speaks_in_sentences_too(tmp_path: Path) -> None:
    for command in (
        ["train", "--corpus", str(tmp_path / "none"), "--out", str(tmp_path / "run")],
        ["evaluate", "--corpus", str(tmp_path / "none"), "--split", "valid"],
        ["evaluate", "--corpus", str(tmp_path), "--split", "valid"],
    ):
        assert "folder" in refused(*command) or "nothing to read" in refused(*command)


def test_a_closed_pipe_is_no_accident(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m agent presets | head -n 1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_command_is_asked_in_this_process_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
