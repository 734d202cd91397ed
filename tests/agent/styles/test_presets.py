"""Presets are read strictly, and every complaint is one sentence that helps."""

from __future__ import annotations

import codecs
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

SHIPPED = 16  # presets that come with the program
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


# -- files that people and editors leave behind ----------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(presets, "OWN", tmp_path / "own")
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + b'title = "Mine"\n',
        'title = "Mine"\n'.encode("utf-16"),
        codecs.BOM_UTF16_BE + 'title = "Mine"\n'.encode("utf-16-be"),
        b'title = "Mine"\r\n',
        b'title = "Mi\\u006Ee"',
    ],
)
def test_a_preset_as_an_editor_saves_it(own: Path, data: bytes) -> None:
    (own / "mine.toml").write_bytes(data)
    found, problems = presets.survey()
    assert problems == []
    assert len(found) == SHIPPED + 1
    assert presets.load("mine").title == "Mine"


def make_broken(path: Path, kind: str) -> None:
    if kind == "a folder":
        path.mkdir()
    elif kind == "a dead link":
        path.symlink_to(path.parent / "nowhere")
    else:
        contents = {
            "torn": b'title = "Mi',
            "empty of sense": b"\x00\x05\x16\x07",
            "Windows-1252": b'title = "M\xfcller"\n',
            "UTF-16 without a mark": 'title = "Mine"\n'.encode("utf-16-le"),
            "half a UTF-16": 'title = "Mine"\n'.encode("utf-16")[:-1],
            "unknown setting": b"[sampling]\ntemprature = 1\n",
            "not a number": b"[sampling]\ntemperature = nan\n",
            "too large": b"#" * (LARGEST + 1),
        }
        path.write_bytes(contents[kind])


KINDS = (
    *("a folder", "a dead link", "torn", "empty of sense", "Windows-1252", "UTF-16 without a mark", "half a UTF-16"),
    *("unknown setting", "not a number", "too large"),
)


@pytest.mark.parametrize("name", ["mine", "._mine", "baroque"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_cannot_be_read_is_named_and_the_rest_is_there(own: Path, kind: str, name: str) -> None:
    make_broken(own / f"{name}.toml", kind)
    (own / "good.toml").write_text('title = "Good"\n', encoding="utf8")
    found, problems = presets.survey()
    assert len(problems) == 1
    assert f"{name}.toml" in problems[0]
    assert "\n" not in problems[0]
    assert len(found) == SHIPPED + 1  # also the one that it would have hidden
    names = {preset.name for preset in found}
    assert {"good", "ragtime", "baroque"} <= names
    seen = {presets.load().name}
    for step in (1, -1):  # "next style" walks past it, both ways
        at = presets.load().name
        for _ in range(len(found) + 1):
            at = presets.load_beside(at, step).name
            seen.add(at)
    assert seen >= names - {"baroque"}
    with pytest.raises(UserError, match=r"\.toml"):  # asked for by name, it says what is wrong
        presets.load(name)


def test_a_folder_of_own_presets_that_is_another_user_s_hides_nothing(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "OWN", ClosedFolder(own))
    found, problems = presets.survey()
    assert (len(found), problems) == (SHIPPED, [])


class ClosedFolder(type(Path())):  # type: ignore[misc]
    """A folder that this user may not read."""

    def iterdir(self) -> None:
        raise PermissionError(13, "Permission denied", str(self))


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Für Elise", "Für Elise"),
        ("Fu\u0308r Elise", "Für Elise"),
        ("  x ", "x"),
        ("AC/DC", "AC-DC"),
        ("../../x", "x"),
        ("mine.toml", "mine"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("what?", "what"),
        ("CON", "_CON"),
        ("nul.x", "_nul.x"),
        ("a: b", "a- b"),
        ("日本", "日本"),
        ("😀", "😀"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_title_becomes_the_name_of_a_file_that_every_system_takes(title: str, name: str) -> None:
    assert presets.file_name(title) == name


@pytest.mark.parametrize("title", ["", " ", ".", "..", "//", "a\nb", "a\tb", "\x1b[2J", "x\udcff", "x" * 61])
def test_what_is_no_name_is_said(title: str) -> None:
    with pytest.raises(UserError) as caught:
        presets.file_name(title)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=70))
def test_any_title_is_a_name_or_a_sentence(title: str) -> None:
    with contextlib.suppress(UserError):
        name = presets.file_name(title)
        assert Path(name).name == name
        assert len(f"{name}.toml.part".encode()) <= 255
        assert presets.file_name(name) in (name, f"_{name}")


def test_a_style_is_found_by_what_people_call_it(own: Path) -> None:
    (own / "Für Elise.toml").write_text('title = "Für Elise"\n', encoding="utf8")
    (own / "AC-DC.toml").write_text('title = "AC/DC"\n', encoding="utf8")
    (own / "mine.toml.toml").write_text('title = "Mine"\n', encoding="utf8")
    (own / "Ragtime.toml").write_text('title = "Ragtime"\n', encoding="utf8")
    for asked, name in (
        ("Für Elise", "Für Elise"),
        ("fu\u0308r elise", "Für Elise"),
        ("AC/DC", "AC-DC"),
        ("mine.toml", "mine.toml"),
        ("Pop ballad", "pop-ballad"),
        ("POP_BALLAD", "pop-ballad"),
        ("ragtime", "ragtime"),
        ("Ragtime", "Ragtime"),
        ("baroque.toml", "baroque"),
    ):
        assert presets.load(asked).name == name
    with pytest.raises(UserError, match="did you mean"):  # there are two
        presets.load("RAGTIME")
    with pytest.raises(UserError, match="There is no preset ''"):
        presets.load("")
