"""Names of ports are found as people write them; what is missing is said."""

from __future__ import annotations

import pytest

from agent.errors import UserError
from agent.midi import ports, rtmidi_backend
from agent.midi.port_errors import NoMidiSystem, PortLost
from agent.midi.port_names import is_loopback, match_name
from agent.midi.ports import PortList, loopback_advice

THERE = [
    "Keystation 49 MK3:Keystation 49 MK3 20:0",
    "Digital Piano:Digital Piano MIDI 1 24:0",
    "Digital Piano:DIN 2 24:1",
]


def test_a_name_or_part_of_it_is_enough() -> None:
    assert match_name(THERE[0], THERE, "input") == THERE[0]
    assert match_name("keystation", THERE, "input") == THERE[0]
    assert match_name("DIN", THERE, "input") == THERE[2]


@pytest.mark.parametrize(
    ("name", "there", "parts"),
    [
        ("digital piano", THERE, ["fits several", "MIDI 1", "DIN 2"]),
        ("Keystaton 49", THERE, ["was not found", "did you mean", "Keystation"]),
        ("zzz", THERE, ["was not found", "Keystation"]),
        ("any", [], ["there is no input at all"]),
    ],
)
def test_what_does_not_fit_is_helped(name: str, there: list[str], parts: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        match_name(name, there, "input")
    said = str(caught.value)
    assert all(part in said for part in parts), said
    assert "\n" not in said


def test_instruments_are_told_from_programs() -> None:
    alsa = [
        "Midi Through:Midi Through Port-0 14:0",
        "Keystation:Keystation 20:0",
        "amsynth:out 128:0",
        "System:Timer 0:0",
    ]
    assert ports.instruments(PortList("alsa", alsa, [])) == ["Keystation:Keystation 20:0"]
    jack = ["system:midi_capture_1", "a2j:Keystation [20] (capture): MIDI 1", "ardour:MIDI out"]
    assert ports.instruments(PortList("jack", jack, [])) == jack[:2]
    assert ports.instruments(PortList("coremidi", ["IAC Driver Bus 1"], [])) == ["IAC Driver Bus 1"]


class OneSystem:
    """What ports needs of rtmidi, on a machine with JACK compiled in, and no server."""

    API_LINUX_ALSA, API_UNIX_JACK, API_MACOSX_CORE, API_WINDOWS_MM = range(4)

    @staticmethod
    def get_compiled_api() -> list[int]:
        return [1]

    class MidiIn:
        def __init__(self, *_: object, **__: object) -> None:
            raise RuntimeError("no server")


def test_a_machine_without_midi_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi_backend, "load_rtmidi", lambda: OneSystem)
    with pytest.raises(NoMidiSystem, match=r"without one: .*demo"):
        ports.find_api()
    with pytest.raises(NoMidiSystem, match="jack does not answer"):
        ports.find_api("jack")
    with pytest.raises(UserError, match=r"alsa is not a MIDI system of this machine \(there are: jack\)"):
        ports.find_api("alsa")
    monkeypatch.setattr(ports, "load_system_jack", lambda: None)
    with pytest.raises(NoMidiSystem, match="libjack is not installed"):
        ports.find_api("jack")


def test_a_midi_system_that_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """JACK is, for a moment, when another client has just ended."""
    refusals = [2]

    class Busy(OneSystem):
        class MidiIn:
            def __init__(self, *_: object, **__: object) -> None:
                refusals[0] -= 1
                if refusals[0] >= 0:
                    raise RuntimeError("no server")

            def get_ports(self) -> list[str]:
                return THERE

            def delete(self) -> None:
                pass

        MidiOut = MidiIn

    monkeypatch.setattr(rtmidi_backend, "load_rtmidi", lambda: Busy)
    monkeypatch.setattr(rtmidi_backend, "PAUSE", 0.0)
    monkeypatch.setattr(ports, "find_api", lambda api: "jack")
    assert ports.list_ports("jack") == PortList("jack", THERE, THERE)
    refusals[0] = rtmidi_backend.TRIES
    with pytest.raises(NoMidiSystem, match="jack does not answer"):
        ports.list_ports("jack")


class Rt:
    """An rtmidi port that keeps what it is sent, until it breaks."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.calls: list[str] = []
        self.broken = False

    def send_message(self, message: bytes) -> None:
        if self.broken:
            raise ValueError("gone")
        self.sent.append(message)

    def __getattr__(self, name: str) -> object:
        return lambda *_: self.calls.append(name)


def test_an_output_that_is_gone_is_lost_and_closing_twice_is_fine() -> None:
    rt = Rt()
    out = rtmidi_backend.RtOutput(rt, "synth")
    out.send(b"\x90\x40\x40")
    assert rt.sent == [b"\x90\x40\x40"]
    rt.broken = True
    with pytest.raises(PortLost, match="synth is gone"):
        out.send(b"\x80\x40\x00")
    out.close()
    out.close()
    assert rt.calls.count("delete") == 1
    with pytest.raises(PortLost, match="is closed"):
        out.send(b"\x80\x40\x00")


def test_on_windows_a_way_to_the_daw_is_told_where_there_is_none() -> None:
    assert "loopMIDI" in loopback_advice("winmm", ["Keystation 49 0"])
    assert loopback_advice("winmm", ["Keystation 49 0", "loopMIDI Port 1"]) == ""
    assert loopback_advice("winmm", ["Default App Loopback (A)"]) == ""
    assert loopback_advice("jack", []) == loopback_advice("alsa", []) == ""
    assert not is_loopback("Microsoft GS Wavetable Synth")
