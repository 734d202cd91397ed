"""Which ports of ALSA are hardware: asked of a sequencer that stands in for libasound's."""

from __future__ import annotations

from typing import Any

import pytest

from agent.midi import alsa_port_types, ports
from agent.midi.alsa_port_types import HARDWARE, AlsaPortTypes

GENERIC, APPLICATION = 1 << 1, 1 << 20  # types of ports, of the sequencer's header
THERE = {
    0: {0: 0, 1: 0},
    14: {0: GENERIC},
    20: {0: GENERIC | HARDWARE, 1: GENERIC | HARDWARE},
    128: {0: GENERIC | HARDWARE},  # a program that brings a Bluetooth keyboard
    129: {3: GENERIC | APPLICATION},
    130: {},
}


class Function:
    """A function of the library, whose types can be declared."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class FakeAlsa:
    """Keeps where the questions are in attributes, as the real library does in its records."""

    def __init__(self, answers: int = 0) -> None:
        self.at = self.client = self.port = -1
        self.opened = 0
        self.answers = answers
        for name, _, _ in alsa_port_types.FUNCTIONS:
            setattr(self, name, Function(getattr(self, f"do_{name.removeprefix('snd_seq_')}")))

    def do_open(self, *_: Any) -> int:
        self.opened += 1
        return self.answers

    def do_client_info_malloc(self, _: Any) -> int:
        return 0

    do_port_info_malloc = do_client_info_malloc

    def do_client_info_set_client(self, _: Any, number: int) -> None:
        self.at = number

    def do_client_info_get_client(self, _: Any) -> int:
        return self.at

    def do_query_next_client(self, *_: Any) -> int:
        later = [number for number in THERE if number > self.at]
        self.at = later[0] if later else self.at
        return 0 if later else -2

    def do_port_info_set_client(self, _: Any, number: int) -> None:
        self.client = number

    def do_port_info_set_port(self, _: Any, number: int) -> None:
        self.port = number

    def do_port_info_get_port(self, _: Any) -> int:
        return self.port

    def do_port_info_get_type(self, _: Any) -> int:
        return THERE[self.client][self.port]

    def do_query_next_port(self, *_: Any) -> int:
        later = [number for number in THERE[self.client] if number > self.port]
        self.port = later[0] if later else self.port
        return 0 if later else -2


def test_hardware_is_told_by_the_type_of_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    alsa = FakeAlsa()
    types = AlsaPortTypes(lambda name: alsa)
    assert types.hardware() == types.hardware() == {"20:0", "20:1", "128:0"}
    assert alsa.opened == 1  # one client, however often it is asked
    monkeypatch.setattr(ports, "ALSA_PORT_TYPES", types)
    monkeypatch.setattr("agent.midi.ports.os.path.exists", lambda path: True)
    names = ["Keys:Keys MIDI 1 20:0", "CH-8:CH-8 128:0", "Live:out 129:3", "Midi Through:Midi Through Port-0 14:0"]
    found = ports.PortList("alsa", names, [], ports.hardware_inputs("alsa", names))
    assert found.hardware == {names[0], names[1]}
    assert ports.instruments(found) == names[:2]


def test_without_alsa_nothing_is_known() -> None:
    asked = []

    def missing(name: str) -> Any:
        asked.append(name)
        raise OSError("no such file")

    types = AlsaPortTypes(missing)
    assert types.hardware() == types.hardware() == frozenset()
    assert len(asked) == 1
    assert AlsaPortTypes(lambda name: FakeAlsa(-2)).hardware() == frozenset()
