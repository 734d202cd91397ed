"""Making presets: learning them from MIDI files with a real worker, and blending two."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo_call import written_call
from agent.errors import UserError
from agent.playing.ask_worker_offline import ask
from agent.playing.worker_client import worker_command
from agent.styles import preset_maker, presets
from agent.styles.presets import Preset
from models.music.midifile import read_notes, write_notes
from models.music.note_records import Note
from models.runtime.weights_file import WEIGHTS_FOLDER

from ..cli.test_main import ECHO, refused, run


@pytest.fixture
def phrases(tmp_path: Path) -> list[Path]:
    busy = [Note(0.05 * i, 0.04, 80 + i % 12, 110) for i in range(160)]
    write_notes(tmp_path / "calm.mid", {"piano": written_call().notes})
    write_notes(tmp_path / "busy.mid", {"piano": busy})
    return [tmp_path / "calm.mid", tmp_path / "busy.mid"]


def test_a_style_is_learnt_and_its_figures_are_those_of_the_phrases(phrases: list[Path], tmp_path: Path) -> None:
    calm, busy = (preset_maker.learn(p.stem, [p], partial(ask, worker_command())) for p in phrases)
    both = preset_maker.learn("both", phrases, partial(ask, worker_command()))
    assert len(calm.z) == len(presets.load().z)
    density, register = 0, 1  # the first dimensions are tied to plain figures
    assert busy.z[density] > calm.z[density] + 0.5
    assert busy.z[register] > calm.z[register] + 0.5
    assert both.z == pytest.approx([(a + b) / 2 for a, b in zip(calm.z, busy.z, strict=True)], abs=1e-3)
    assert both.musician == ""
    preset_maker.write(replace(both, musician="mine"), tmp_path / "new" / "both.toml")
    again = presets.read(tmp_path / "new" / "both.toml")
    assert again.z == pytest.approx(both.z, abs=1e-3)
    assert (again.title, again.weights, again.musician) == ("both", "open", "mine")
    assert len(again.vamp) == preset_maker.PASSAGE_NOTES
    assert (
        [n.pitch for n in again.vamp] == [n.pitch for n in both.vamp] == [80 + i % 12 for i in range(112, 160)]
    )  # of the longest


@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0, 9), st.integers(21, 108)), min_size=4, max_size=130))
def test_a_passage_ends_before_the_longest_wait_and_long_waits_are_shortened(
    heard: list[tuple[float, float, int]],
) -> None:
    onsets = list(accumulate(wait for wait, _, _ in heard))
    notes = [Note(t, length, pitch, 70) for t, (_, length, pitch) in zip(onsets, heard, strict=True)]
    vamp = preset_maker.cut_passage(notes)
    assert len(vamp) == min(len(notes), preset_maker.PASSAGE_NOTES)
    assert vamp[0].onset == 0.0
    assert all(
        0 <= b.onset - a.onset <= preset_maker.LONGEST_WAIT + 1e-9 and b.duration <= preset_maker.LONGEST_NOTE
        for a, b in pairwise(vamp)
    )
    ends = [
        i
        for i in range(len(vamp), len(notes) + 1)
        if [n.pitch for n in notes[i - len(vamp) : i]] == [n.pitch for n in vamp]
    ]
    waits = [
        (onsets[i] - onsets[i - 1]) if i < len(notes) else preset_maker.LONGEST_WAIT
        for i in range(len(vamp), len(notes) + 1)
    ]
    assert max(waits[i - len(vamp)] for i in ends) == max(waits)


def test_a_blend_lies_between() -> None:
    a = Preset(
        "a",
        title="A",
        z=(0.0, 2.0),
        weights="w",
        sampling={"density": 4.0, "pitch": 1.2, "knob.register": 0.8},
        shortest=2,
        longest=8,
    )
    b = Preset("b", title="B", z=(1.0, -2.0), weights="w", sampling={"density": 8.0}, shortest=4, longest=8)
    made = preset_maker.blend("c", a, b, 0.25)
    assert made.z == (0.25, 1.0)
    assert made.sampling == {"density": 5.0, "pitch": 1.2, "knob.register": pytest.approx(0.6)}
    assert (made.shortest, made.longest) == (2.5, 8)
    assert preset_maker.blend("c", a, b, 1.0).z == b.z
    a, b = (replace(p, vamp=(Note(0.0, 1.0, pitch, 70),)) for p, pitch in ((a, 60), (b, 72)))
    assert (preset_maker.blend("c", a, b, 0.4).vamp, preset_maker.blend("c", a, b, 0.6).vamp) == (
        a.vamp,
        b.vamp,
    )  # the nearer one's
    with pytest.raises(UserError, match="different weights"):
        preset_maker.blend("c", a, Preset("d", z=(1.0,)), 0.5)


def test_on_the_command_line_a_new_style_is_there_at_once(phrases: list[Path], tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = run("presets", "learn", "mine", *map(str, phrases), **home)
    assert done.returncode == 0, done.stderr
    assert "Play it: python3 -m agent play --preset mine" in done.stdout
    assert "Learnt from calm.mid, busy.mid." in run("presets", **home).stdout
    folder = tmp_path / "tradefours" / "presets"
    assert presets.read(folder / "mine.toml").musician == ""
    file = str(WEIGHTS_FOLDER / "open.safetensors")
    for name, weights, musician in (("jazz", "full", "full"), ("own", file, "")):
        assert run("presets", "learn", name, str(phrases[0]), "--weights", weights, **home).returncode == 0
        assert presets.read(folder / f"{name}.toml").musician == musician
    out = tmp_path / "x.toml"
    assert run("presets", "blend", "mine", "ragtime", "0.3", "-o", str(out), **home).returncode == 0
    played = run("answer", str(phrases[0]), "-o", str(tmp_path / "o.mid"), "--preset", str(out), "--mind", ECHO, **home)
    assert played.returncode == 0, played.stderr
    assert "style x" in played.stdout


def test_the_bars_in_the_ear_can_be_heard_and_changed(phrases: list[Path], tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    out = tmp_path / "new" / "bars.mid"
    done = run("presets", "vamp", "ragtime", "-o", str(out), **home)
    assert done.returncode == 0, done.stderr
    bars, shipped = read_notes(out), presets.load("ragtime")
    assert sorted((n.pitch, n.velocity) for n in bars) == sorted((n.pitch, n.velocity) for n in shipped.vamp)
    assert [n.onset for n in bars] == pytest.approx([n.onset for n in shipped.vamp], abs=0.002)
    done = run("presets", "vamp", "ragtime", str(phrases[0]), **home)
    assert "Play it: python3 -m agent play --preset ragtime\n" in done.stdout
    assert "hides the style ragtime that comes with the program" in done.stdout
    mine = presets.read(tmp_path / "tradefours" / "presets" / "ragtime.toml")
    assert [n.pitch for n in mine.vamp] == [n.pitch for n in written_call().notes]
    assert (mine.z, mine.title) == (pytest.approx(shipped.z, abs=1e-3), shipped.title)
    assert "at most 96: take fewer bars" in refused("presets", "vamp", "ragtime", str(phrases[1]), **home)
    assert "is not there" in refused("presets", "vamp", "ragtime", str(tmp_path / "no.mid"), **home)
    assert "write -o FILE.mid" in refused("presets", "vamp", "ragtime", "-o", "x.toml", **home)
    (tmp_path / "bare.toml").write_text("")
    assert "no bars in the ear" in refused("presets", "vamp", str(tmp_path / "bare.toml"), **home)


def test_what_cannot_be_learnt_is_one_sentence(phrases: list[Path], tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    write_notes(tmp_path / "two.mid", {"piano": written_call().notes[:2]})
    assert "at least 4" in refused("presets", "learn", "mine", str(tmp_path / "two.mid"), **home)
    assert "is not there" in refused("presets", "learn", "mine", str(tmp_path / "no.mid"), **home)
    assert "knows no styles" in refused("presets", "learn", "mine", str(phrases[0]), "--mind", ECHO, **home)
    assert "no preset 'nobody'" in refused("presets", "blend", "nobody", "ragtime", "0.5", **home)
    assert "one line" in refused("presets", "learn", "a\nb", str(phrases[0]), **home)
    assert "at most 60" in refused("presets", "learn", "x" * 61, str(phrases[0]), **home)
    assert not (tmp_path / "tradefours").exists()
