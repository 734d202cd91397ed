"""The doctor finds what is missing, and says what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import doctor, main
from agent.midi import ports
from agent.midi.port_errors import NoMidiSystem
from agent.midi.ports import PortList
from agent.user_folders import NOWHERE

ECHO = f"{sys.executable} -m models.worker --echo"


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ports, "list_ports", lambda: PortList("alsa", ["Keys:Keys MIDI 1 20:0"], []))
    monkeypatch.setattr(doctor, "TAKES", tmp_path / "not" / "yet" / "takes")


def asked(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main.main(["doctor", "--json", "--mind", ECHO, *more])
    told = json.loads(capsys.readouterr().out)
    assert told["can_play"] == (code == 0)
    return code, {f["what"]: f for f in told["findings"]}


@pytest.mark.usefixtures("healthy")
def test_where_all_is_there_one_can_play(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(capsys)
    assert code == 0
    assert {"versions", "MIDI", "sound", "FluidSynth", "musician", "timer", "priority", "takes", "page"} <= set(found)
    assert "Keys:Keys MIDI 1 20:0" in found["MIDI"]["text"]
    assert "engine echo" in found["musician"]["text"]
    assert "fingerprint none" in found["musician"]["text"]
    assert all(f["fix"] for f in found.values() if f["state"] != "fine")


@pytest.mark.usefixtures("healthy")
def test_for_people_each_is_a_line_and_the_fix_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["doctor", "--mind", ECHO]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("You can play")
    assert lines[-1].endswith(". Start: tradefours play")
    assert lines[-2] == ""
    assert all(line[:5] in ("ok   ", "poor ", "BAD  ", "     ") for line in lines[:-2])


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ({"sound": "fine", "MIDI": "fine"}, "You can play. Start: tradefours play"),
        (
            {"sound": "poor", "MIDI": "fine"},
            "You can play; it gets better if you do what is said above at sound. Start: tradefours play",
        ),
        (
            {"musician": "bad", "takes": "bad", "timer": "poor"},
            "You cannot play yet: do what is said above at musician and at takes, then ask again: tradefours doctor",
        ),
    ],
)
def test_it_ends_in_one_sentence_for_a_player(states: dict[str, str], sentence: str) -> None:
    assert doctor.conclusion([doctor.Finding(what, state, "") for what, state in states.items()]) == sentence


@pytest.mark.usefixtures("healthy")
def test_without_a_home_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TAKES", NOWHERE / "tradefours" / "takes")
    code, found = asked(capsys)
    assert code == 1
    assert found["takes"]["state"] == "bad"
    assert "set HOME" in found["takes"]["fix"]


@pytest.mark.usefixtures("healthy")
def test_a_musician_that_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(capsys, "--mind", f"{sys.executable} -c 'raise SystemExit(\"no runtime\")'")
    assert code == 1
    assert found["musician"]["state"] == "bad"
    assert "no runtime" in found["musician"]["text"]


@pytest.mark.usefixtures("healthy")
@pytest.mark.parametrize(
    ("screen", "sound", "code"), [(True, "", 0), (True, "speakers", 0), (False, "speakers", 0), (False, "", 1)]
)
def test_without_midi_a_screen_or_a_sound_of_our_own_is_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, screen: bool, sound: str, code: int
) -> None:
    def none() -> PortList:
        raise NoMidiSystem

    monkeypatch.setattr(ports, "list_ports", none)
    monkeypatch.setattr(doctor, "has_browser", lambda: screen)
    monkeypatch.setattr(doctor, "_sound_device", lambda: (sound, "" if sound else "no device"))
    got, found = asked(capsys)
    assert got == code
    assert found["MIDI"]["state"] == ("bad" if code else "poor")
    assert ("--lan" in found["MIDI"]["text"]) == (bool(sound) and not screen)


@pytest.mark.usefixtures("healthy")
def test_a_disk_that_is_nearly_full(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK", 1 << 60)
    code, found = asked(capsys)
    assert code == 0
    assert found["takes"]["state"] == "poor"
