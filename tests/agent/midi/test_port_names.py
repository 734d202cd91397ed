"""Names of ports, as systems and makers of keyboards write them: what is an instrument, what is the same thing, what leads back."""

from __future__ import annotations

import pytest

from agent.midi.port_names import instruments, leads_back, may_come, numbered


@pytest.mark.parametrize(
    ("api", "names", "heard"),
    [
        # Bluetooth and the network: programs of the system bring these, with numbers of programs.
        ("alsa", ["WIDI Master:WIDI Master Bluetooth 128:0", "rtpmidi studio:iPad 129:1"], [0, 1]),
        ("alsa", ["CH-8 BLE:CH-8 BLE Bluetooth 130:0", "ardour:MIDI out 131:0"], [0]),
        ("alsa", ["rtpmidid:Network Export 128:0", "rtpmidi studio:Network 129:0"], []),
        ("alsa", ["VMPK Output:VMPK Output 129:0", "Hydrogen:Hydrogen Midi-Out 130:0"], [0]),
        ("alsa", ["Midi Through:Midi Through Port-0 14:0", "System:Timer 0:0", "Keys:Keys MIDI 1 20:0"], [2]),
        # Bridges of JACK and PipeWire.
        ("jack", ["Midi-Bridge:Keystation 49 MK3:(capture_0) Keystation 49 MK3 MIDI 1", "ardour:MIDI out"], [0]),
        ("jack", ["Midi-Bridge:Midi Through:(capture_0) Midi Through Port-0"], []),
        ("jack", ["alsa_midi:Keystation 49 MIDI 1 (out)", "a2j:Midi Through [14] (capture): Midi Through Port-0"], [0]),
        ("jack", ["system:midi_capture_1", "recorder:keys"], [0]),
        # A second port for the DAW.
        ("alsa", ["KeyLab mkII 49:KeyLab mkII 49 MIDI 20:0", "KeyLab mkII 49:KeyLab mkII 49 DAW 20:1"], [0]),
        ("winmm", ["LKMK3 MIDI In 0", "LKMK3 DAW In 1"], [0]),
        ("winmm", ["Minilab3 0", "Minilab3 MCU/HUI 1", "Minilab3 ALV 2"], [0]),
        ("coremidi", ["Launchkey MK2 49 Launchkey MIDI", "Launchkey MK2 49 Launchkey InControl"], [0]),
        ("coremidi", ["Oxygen Pro 49 USB MIDI", "Oxygen Pro 49 Mackie/HUI", "Oxygen Pro 49 Editor"], [0]),
        ("coremidi", ["Keystation", "InControl", "MCU/HUI"], [0]),
        ("winmm", ["LKMK3 MIDI 0", "MIDIIN2 (LKMK3 DAW) 1"], [0]),
        (
            "jack",
            ["a2j:KeyLab mkII 49 [20] (capture): KeyLab mkII 49 MIDI", "a2j:KeyLab mkII 49 [20] (capture): DAW"],
            [0],
        ),
        # A cable that somebody called "DAW", or a lone controller, is all there is.
        ("coremidi", ["IAC Driver DAW", "Keystation 49"], [0, 1]),
        ("coremidi", ["IAC Driver DAW"], [0]),
        ("alsa", ["Impact LX49+:Impact LX49+ MIDI1 20:0", "Impact LX49+:Impact LX49+ MIDI2 20:1"], [0, 1]),
    ],
)
def test_what_is_an_instrument(api: str, names: list[str], heard: list[int]) -> None:
    assert instruments(names, api) == [names[i] for i in heard]


def test_a_system_that_tells_hardware_from_programs_is_believed() -> None:
    names = [
        "Midi-Bridge:Keys:(capture_0) Keys",
        "Midi-Bridge:amsynth:(capture_0) out",
        "firewire:midi_1",
        "ardour:out",
    ]
    assert instruments(names, "jack", {names[0], names[2]}) == [names[0], names[2]]
    assert instruments(["amSynth:out 128:0"], "alsa", {"amSynth:out 128:0"}) == ["amSynth:out 128:0"]


@pytest.mark.parametrize(
    ("source", "output", "api", "leads"),
    [
        ("loopMIDI Port A 0", "loopMIDI Port A 1", "winmm", True),
        ("loopMIDI Port B 1", "loopMIDI Port A 1", "winmm", False),
        ("Default App Loopback (B) 1", "Default App Loopback (A) 0", "winmm", True),  # crossed: A leads to B
        ("Default App Loopback (A) 0", "Default App Loopback (A) 0", "winmm", False),
        ("Other Loopback (B) 3", "Default App Loopback (A) 0", "winmm", False),
        ("Digital Piano 0", "Digital Piano 1", "winmm", False),  # a keyboard with a sound of its own
        ("IAC Driver Bus 1", "IAC Driver Bus 1", "coremidi", True),
        ("IAC Driver Bus 2", "IAC Driver Bus 1", "coremidi", False),
        ("Digital Piano", "Digital Piano", "coremidi", False),
        ("Digital Piano:Digital Piano MIDI 1 20:0", "Digital Piano:Digital Piano MIDI 1 20:0", "alsa", False),
    ],
)
def test_what_leads_back_to_us(source: str, output: str, api: str, leads: bool) -> None:
    assert leads_back(source, output, api) is leads


@pytest.mark.parametrize(
    ("name", "there", "may"),
    [
        ("Keystation", [], True),
        ("Keystation", ["Digital Piano:Digital Piano MIDI 1 24:0"], True),
        ("Keystation 61", ["Keystation 49 MK3:Keystation 49 MK3 20:0"], True),  # another model
        ("Keystaton 49", ["Keystation 49 MK3:Keystation 49 MK3 20:0"], False),  # a slip of the pen
        ("recoder:kees", ["recorder:keys", "recorder:out"], False),
        ("keystation", ["Keystation 49:Keystation 49 20:0"], False),  # it is there
        ("Digital Pinao", ["Nord:Nord 20:0", "My Digital Piano:MIDI 1 24:0"], False),
        ("große", ["Клавіатура: Größe [3]:out"], False),
        ("MPK mini", ["KeyLab mkII 49 MIDI 20:0"], True),
        ("Piano", ["Organ 20:0"], True),
    ],
)
def test_a_name_of_later_is_told_from_a_slip(name: str, there: list[str], may: bool) -> None:
    assert may_come(name, there) is may


def test_keyboards_that_a_system_calls_the_same_are_told_apart() -> None:
    assert numbered(["CH345", "Keys", "CH345", "CH345"]) == ["CH345", "Keys", "CH345 #2", "CH345 #3"]
