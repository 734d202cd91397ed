"""`charts render` writes the band as MIDI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from models.music.midifile import read_music


def test_a_rendering_has_a_part_for_each_of_the_band(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mid"
    assert main(["charts", "render", "blues-in-f", "-o", str(path), "--choruses", "2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["notes"]) == {"Bass", "Comping", "Drums"}
    music = read_music(path)
    assert {part.name: (part.channel, part.program) for part in music.parts} == {
        "Bass": (10, 32),
        "Comping": (11, 4),
        "Drums": (9, None),
    }
    beat = 60 / 132
    first = min(note.onset for part in music.parts if part.name == "Bass" for note in part.notes)
    assert first == pytest.approx(4 * beat, abs=0.005)
    last = max(note.onset for part in music.parts for note in part.notes)
    assert last == pytest.approx((4 + 2 * 48) * beat, abs=0.005)


def test_the_same_seed_the_same_file(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert main(["charts", "render", "doo-wop", "-o", str(tmp_path / f"{name}.mid"), "--seed", str(seed)]) == 0
    first, second, third = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert first == second != third


def test_options(tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    options = ["--without", "drums", "--without", "comping", "--tempo", "60", "--key", "A"]
    assert main(["charts", "render", "jazz-waltz", "-o", str(path), *options]) == 0
    (part,) = read_music(path).parts
    assert part.name == "Bass"
    assert part.notes[0].pitch % 12 == 9
    assert part.notes[0].onset == pytest.approx(3.0)


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-chart", "-o", "x.mid"],
        ["blues-in-f", "-o", "x.ogg"],
        ["blues-in-f", "-o", "/dev/null/x.mid"],
        ["blues-in-f", "-o", "x.mid", "--choruses", "0"],
        ["blues-in-f", "-o", "x.mid", "--tempo", "1000"],
        ["blues-in-f", "-o", "x.mid", "--without", "bass", "--without", "drums", "--without", "comping"],
    ],
)
def test_bad_requests_get_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["charts", "render", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_sound_without_fluidsynth_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["charts", "render", "blues-in-f", "-o", str(tmp_path / "x.wav")]) == 2
    assert "FluidSynth" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
