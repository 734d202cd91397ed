"""Presets are read strictly, and every complaint is one sentence that helps."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UserError
from agent.styles import presets
from agent.styles.presets import Preset
from models.music.keys import key_of
from models.music.note_records import Note
from models.music.preset_file import LARGEST
from models.music.style_settings_table import PROMPT_NOTES

GOOD = """
title = "Test"
[style]
z = [0.5, -1, 2]
weights = "open"
[sampling]
temperature = 0.9
[knobs]
register = -0.5
[answer]
longest = 6
[vamp]
notes = [[0.5, 0.2, 64, 80], [0, 0.25, 60, 70]]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf8")
    return path


def test_a_good_one(tmp_path: Path) -> None:
    preset = presets.load(str(written(tmp_path, GOOD)))
    assert (preset.name, preset.title, preset.z) == ("mine", "Test", (0.5, -1.0, 2.0))
    assert (preset.sampling, preset.shortest, preset.longest) == (
        {"temperature": 0.9, "knob.register": -0.5},
        2.0,
        6.0,
    )


def test_its_vamp_is_notes_by_onset_and_a_row_keeps_it(tmp_path: Path) -> None:
    preset = presets.load(str(written(tmp_path, GOOD)))
    assert preset.vamp == (Note(0.0, 0.25, 60, 70), Note(0.5, 0.2, 64, 80))
    assert Preset.of(json.loads(json.dumps(preset.row()))) == preset
    assert Preset.of({"name": "old", "z": []}) == Preset("old")
    for broken in (
        7,
        [],
        {},
        {"name": "x", "z": [], "vamp": 7},
        {"name": "x", "z": [], "vamp": [[0, 1, 60]]},
        {"spice": 1, "z": []},
    ):
        with pytest.raises((TypeError, KeyError, ValueError)):
            Preset.of(broken)  # type: ignore[arg-type]


def test_a_preset_may_ask_for_a_musician_and_the_user_has_the_last_word(tmp_path: Path) -> None:
    assert presets.load(str(written(tmp_path, GOOD))).player() == presets.WEIGHTS
    preset = presets.load(str(written(tmp_path, 'musician = "full"\n' + GOOD)))
    assert preset.player() == "full"
    assert preset.player("mine") == "mine"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("titel = 'x'", "titel is not a setting; did you mean title?"),
        ("[sampling]\ntemprature = 1.0", "did you mean sampling.temperature?"),
        ("[style]\nzz = []", "style.zz is not a setting"),
        ("[answer]\nspice = 1", "answer.spice is not a setting; there are: shortest, longest."),
        ("title = 3", "title must be a text"),
        ("musician = '../../x'", "musician must be the name of weights"),
        ("style = 3", "style must be a table"),
        ("[style]\nz = 'x'", "must be a list"),
        ("[style]\nz = [nan]", "must be a number"),
        ("[style]\nz = [true]", "must be a number"),
        ("[style]\nz = [99.0]", "from -20 to 20"),
        ("[sampling]\ntemperature = 0", "from 0.1 to 3"),
        ("[knobs]\ndensty = 0.5", "did you mean knobs.density?"),
        ("[knobs]\ndensity = 2", "from -1 to 1"),
        ("[sampling]\nlowest = 60\nhighest = 65", "at least an octave"),
        ("[answer]\nshortest = 9\nlongest = 3", "turn them round"),
        ("vamp = 3", "vamp must be a table"),
        ("[vamp]\nnote = []", "vamp.note is not a setting; did you mean vamp.notes?"),
        ("[vamp]\nnotes = 'x'", "must be a list of at most 96 notes"),
        ("[vamp]\nnotes = [7]", "a list of four numbers, [onset, duration, pitch, velocity]"),
        ("[vamp]\nnotes = [[0, 1, 60]]", "a list of four numbers"),
        ("[vamp]\nnotes = [[0, 1, 20, 70]]", "the pitch of a note of vamp.notes must be a number from 21 to 108"),
        ("[vamp]\nnotes = [[0, inf, 60, 70]]", "the duration of a note of vamp.notes must be a number from 0 to 20"),
        ("[vamp]\nnotes = [" + "[0, 1, 60, 70]," * 97 + "]", "at most 96 notes"),
        ("= = =", "is not TOML"),
    ],
)
def test_bad_ones_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        presets.load(str(written(tmp_path, text)))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_large_and_not_text_and_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, "#" * (LARGEST + 1))
    with pytest.raises(UserError, match="too large"):
        presets.read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        presets.read(path)
    with pytest.raises(UserError, match="is not there"):
        presets.load(str(tmp_path / "no.toml"))


@given(st.text(max_size=80))
def test_any_text_is_a_preset_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "any.toml"
    path.write_bytes(text.encode("utf8", "surrogatepass"))
    with contextlib.suppress(UserError):
        assert presets.read(path).name == "any"


def test_the_shipped_ones_are_sound_and_differ() -> None:
    found = presets.all_presets()
    assert len(found) >= 6
    assert presets.DEFAULT in {p.name for p in found}
    assert len({p.z for p in found}) == len(found)
    assert all(p.title and p.description and p.source and p.weights == "open" for p in found)
    assert len({p.vamp for p in found}) == len(found)


def test_the_shipped_ones_have_bars_of_their_own_in_the_ear() -> None:
    """Written in C major or A minor, some seconds long, and as many notes as leave room for a call."""
    for preset in presets.all_presets():
        vamp = preset.vamp
        assert 30 <= len(vamp) <= PROMPT_NOTES, preset.name
        assert key_of(n.pitch for n in vamp) == 0, preset.name
        assert vamp[0].onset == pytest.approx(0.0, abs=0.9)
        assert 3.0 < vamp[-1].end < 20.0, preset.name
        assert len({n.velocity for n in vamp}) > 5, preset.name


def test_a_name_that_is_nearly_right_is_put_right() -> None:
    with pytest.raises(UserError, match=r"did you mean .*ragtime"):
        presets.load("Rag time")
    assert presets.load().name == presets.DEFAULT
