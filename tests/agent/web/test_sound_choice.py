"""The sound that a page chooses: SoundFonts of the list alone, and one that cannot be played leaves the former sound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.audio import sound_output
from agent.audio.soundfont_files import list_soundfonts
from agent.errors import UserError
from agent.midi.output_merge import OutputMerge
from agent.web import sound_choice
from agent.web.page_requests import RequestRefused, read_request
from agent.web.sound_choice import SoundChoice

from ...support.fakes import FakeOutput, FakeSound


class FakeFluidSynth(FakeSound):
    """FluidSynth without a program: it takes every file that is there and not empty."""

    name = "fluidsynth"

    def __init__(self, soundfont: Path) -> None:
        super().__init__()
        if not soundfont.read_bytes():
            raise UserError(f"{soundfont} is no SoundFont; name a SoundFont, a file that ends in .sf2 or .sf3.")
        self.soundfont = soundfont


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of SoundFonts, one of which is none."""
    for name, content in (("warm.sf2", b"x"), ("Bright piano.sf3", b"x"), ("broken.sf2", b"")):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "default.sf2").symlink_to(tmp_path / "warm.sf2")
    (tmp_path / "secret.txt").write_bytes(b"x")
    monkeypatch.setattr(sound_choice, "list_soundfonts", lambda: list_soundfonts((str(tmp_path),)))
    monkeypatch.setattr(sound_choice.shutil, "which", lambda name: f"/usr/bin/{name}")
    for module in (sound_output, sound_choice):
        monkeypatch.setattr(module, "FluidSynth", FakeFluidSynth)
    monkeypatch.setattr(sound_output, "BuiltInSynth", FakeSound)
    return tmp_path


def switched(choice: SoundChoice, name: str) -> dict[str, Any]:
    asyncio.run(choice.switch_soundfont(name))
    return choice.row()


def test_soundfonts_of_the_list_are_chosen_by_name_and_our_piano_again(fonts: Path) -> None:
    outputs = OutputMerge(FakeOutput(), FakeSound())
    choice = SoundChoice(outputs)
    assert choice.choices()["soundfonts"] == ["Bright piano.sf3", "broken.sf2", "default.sf2"]  # each file once
    choice.set_volume(0.3)
    choice.set_timbre("agent", "organ")
    former = outputs.sound
    row = switched(choice, "Bright piano.sf3")
    assert (row["name"], row["soundfont"]) == ("fluidsynth", "Bright piano.sf3")
    assert isinstance(former, FakeSound)
    assert former.closed
    assert isinstance(outputs.sound, FakeFluidSynth)
    assert outputs.sound.soundfont == fonts / "Bright piano.sf3"
    assert outputs.sound.loudness == 0.3
    assert "organ" in outputs.sound.timbres.values()
    assert switched(choice, "default.sf2")["soundfont"] == "default.sf2"
    row = switched(choice, "")
    assert (row["name"], row["soundfont"]) == ("fake", "")
    asyncio.run(choice.switch("fluidsynth"))  # the one that was chosen last
    assert choice.row()["soundfont"] == "default.sf2"


@pytest.mark.parametrize("name", ["broken.sf2", "secret.txt", "nothing.sf2", "warm.sf2", "..", "../warm.sf2"])
def test_what_is_not_in_the_list_or_is_no_soundfont_is_one_sentence_and_the_former_goes_on(
    fonts: Path, name: str
) -> None:
    outputs = OutputMerge(FakeOutput(), FakeSound())
    choice = SoundChoice(outputs)
    switched(choice, "Bright piano.sf3")
    former = outputs.sound
    with pytest.raises(UserError, match="SoundFont"):
        asyncio.run(choice.switch_soundfont(name))
    assert outputs.sound is former
    assert isinstance(former, FakeSound)
    assert not former.closed
    asyncio.run(choice.switch("fluidsynth"))
    assert choice.row()["soundfont"] == "Bright piano.sf3"


def test_a_file_of_the_command_line_is_in_the_list_and_goes_before_its_namesake(fonts: Path, tmp_path: Path) -> None:
    (elsewhere := tmp_path / "mine").mkdir()
    (elsewhere / "broken.sf2").write_bytes(b"x")  # this one is whole
    choice = SoundChoice(OutputMerge(FakeOutput(), FakeSound()), elsewhere / "broken.sf2")
    assert choice.choices()["soundfonts"].count("broken.sf2") == 1
    asyncio.run(choice.switch("fluidsynth"))
    assert choice.row()["soundfont"] == "broken.sf2"


def test_without_fluidsynth_no_soundfonts_are_offered(fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_choice.shutil, "which", lambda name: None)
    assert SoundChoice(OutputMerge(FakeOutput(), None)).choices()["soundfonts"] == []


@pytest.mark.parametrize("name", ["warm.sf2", ""])
def test_a_page_may_ask_for_a_name(name: str) -> None:
    assert read_request(f'{{"do": "soundfont", "name": "{name}"}}')["name"] == name


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.sf2", "a\\\\b.sf2", "..", "a\\nb"])
def test_a_page_may_not_ask_for_a_path(name: str) -> None:
    with pytest.raises(RequestRefused):
        read_request(f'{{"do": "soundfont", "name": "{name}"}}')
