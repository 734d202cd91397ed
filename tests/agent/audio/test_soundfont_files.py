"""SoundFonts: found where systems keep them, told from other files, and never the end of a session."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from agent.audio import sound_output, soundfont_files
from agent.audio.sound_output import AUTO, BUILT_IN, FLUIDSYNTH, OFF, open_sound, open_sound_or_another
from agent.audio.soundfont_files import find_soundfont, why_not
from agent.errors import UserError

from ...support.fakes import FakeSound


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def soundfont(*parts: bytes, form: bytes = b"sfbk") -> bytes:
    lists = b"".join(chunk(b"LIST", part + b"xyz") for part in parts or (b"INFO", b"sdta", b"pdta"))
    return chunk(b"RIFF", form + lists)


WHOLE = soundfont()
NONE = {
    "empty": b"",
    "text": b"This is a text.",
    "a MIDI file": b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0",
    "a sound": soundfont(form=b"WAVE"),
    "a DLS bank": soundfont(form=b"DLS "),
    "cut in its head": WHOLE[:11],
    "cut in its samples": WHOLE[:40],
    "cut at its end": WHOLE[:-2],
    "without presets": soundfont(b"INFO", b"sdta"),
    "without samples": soundfont(b"INFO", b"pdta"),
    "noise after its head": chunk(b"RIFF", b"sfbk" + bytes(range(256)) * 8),
    "sizes beyond its end": chunk(b"RIFF", b"sfbk" + b"LIST\xff\xff\xff\xffINFO" + b"xyz"),
}


@pytest.mark.parametrize("name", ["whole.sf2", "whole.sf3", "any.name", "with more.SF2"])
def test_a_whole_one_can_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(WHOLE + b"trailing")
    assert why_not(tmp_path / name) is None


@pytest.mark.parametrize("kind", sorted(NONE))
def test_what_is_none_is_told(tmp_path: Path, kind: str) -> None:
    (path := tmp_path / "font.sf2").write_bytes(NONE[kind])
    assert why_not(path) == "is no SoundFont"


def test_what_is_not_there_and_what_is_no_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.sf2").mkdir()
    assert why_not(tmp_path / "nothing.sf2") == "is not there"
    assert why_not(tmp_path / "folder.sf2") == "is no file"
    assert why_not(Path("/proc/self/mem")) in ("cannot be read", "is no SoundFont", "is not there")


def test_the_best_of_the_usual_folders_is_found(tmp_path: Path) -> None:
    folders = tuple(str(tmp_path / name) for name in ("sf2", "missing", "sf3"))
    assert find_soundfont(folders) is None
    steps = (
        ("sf3", "strings.sf3"),
        ("sf3", "A General MIDI set.SF3"),
        ("sf3", "default-GM.sf3"),
        ("sf2", "FluidR3_GM.sf2"),
    )
    for folder, name in steps:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(WHOLE)
        assert find_soundfont(folders) == tmp_path / folder / name
    (tmp_path / "sf2" / "FluidR3_GM.sf2").write_bytes(b"broken")
    assert find_soundfont(folders) == tmp_path / "sf3" / "default-GM.sf3"


def test_the_folders_of_compressed_ones_are_among_them() -> None:
    assert any(folder.endswith("sf3") for folder in soundfont_files.FOLDERS["linux"])
    assert set(soundfont_files.FOLDERS) == {"linux", "darwin", "win32"}


@pytest.mark.parametrize("choice", [AUTO, FLUIDSYNTH, BUILT_IN])
@pytest.mark.parametrize("kind", ["text", "cut in its samples", None])
def test_playing_goes_on_with_another_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, kind: str | None
) -> None:
    built_in = FakeSound()
    monkeypatch.setattr(sound_output, "BuiltInSynth", lambda: built_in)
    monkeypatch.setattr(sound_output, "find_soundfont", lambda: None)
    monkeypatch.setattr(sound_output.shutil, "which", lambda name: f"/usr/bin/{name}")
    path = tmp_path / "font.sf2"
    if kind is not None:
        path.write_bytes(NONE[kind])
    sound, trouble = open_sound_or_another(choice, path)
    assert sound is built_in
    if choice == BUILT_IN:  # which needs none
        assert trouble == ""
        return
    assert str(path) in trouble
    assert ".sf2 or .sf3" in trouble
    assert built_in.name in trouble
    with pytest.raises(UserError):
        open_sound(choice, path)


def test_where_there_is_no_sound_at_all_the_fault_alone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise UserError("This computer has no sound.")

    monkeypatch.setattr(sound_output, "BuiltInSynth", fail)
    monkeypatch.setattr(sound_output, "find_soundfont", lambda: None)
    monkeypatch.setattr(sound_output.shutil, "which", lambda name: f"/usr/bin/{name}")
    sound, trouble = open_sound_or_another(AUTO, tmp_path / "nothing.sf2")
    assert sound is None
    assert trouble.endswith("is not there; name a SoundFont, a file that ends in .sf2 or .sf3.")


def test_without_a_soundfont_nothing_is_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_output, "find_soundfont", lambda: None)
    with pytest.raises(UserError, match="name one with --soundfont"):
        open_sound_or_another(FLUIDSYNTH, None)
    assert open_sound_or_another(OFF, Path("nothing.sf2")) == (None, "")
