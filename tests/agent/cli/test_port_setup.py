"""The ports that `play` opens: what is in use, not plugged in yet, or leads back to us."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.cli.port_setup import open_ports
from agent.errors import UserError
from agent.midi.port_errors import PortLost
from agent.midi.ports import PortList

from ...support.fakes import FakeInput, FakeOutput


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0


@dataclass
class Machine:
    """What is plugged in, and what other programs keep."""

    api: str
    inputs: list[str]
    outputs: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def list(self, api: str | None = None) -> PortList:
        return PortList(self.api, self.inputs, self.outputs)

    def open_input(self, name: str | None, api: str) -> FakeInput:
        self._check(name, self.inputs)
        return FakeInput(Still(), name or "tradefours:in")

    def open_output(self, name: str | None, api: str) -> FakeOutput:
        self._check(name, self.outputs)
        output = FakeOutput()
        output.name = name or "tradefours:out"
        return output

    def _check(self, name: str | None, names: list[str]) -> None:
        if name is not None and (name not in names or name in self.taken):
            raise PortLost(f"{name} cannot be opened: is another program using it, or was it unplugged?")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*args: Any, **fields: Any) -> Machine:
        made = Machine(*args, **fields)
        monkeypatch.setattr("agent.midi.ports.find_api", lambda wanted=None: made.api)
        monkeypatch.setattr("agent.midi.ports.list_ports", made.list)
        monkeypatch.setattr("agent.midi.ports.PortScanner", lambda api: argparse.Namespace(ports=made.list))
        monkeypatch.setattr("agent.midi.ports.open_input", made.open_input)
        monkeypatch.setattr("agent.midi.ports.open_output", made.open_output)
        return made

    return make


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"api": None, "input": None, "output": None, "page": False, **given})


def test_a_keyboard_that_another_program_has_keeps_nobody_from_playing(machine: Any) -> None:
    machine("winmm", ["Keys 0", "Pads 1"], ["Synth 0"], taken={"Keys 0"})
    setup = open_ports(options())
    assert setup.sources == ["Keys 0 (not there yet)", "Pads 1"]
    assert setup.output is not None
    assert setup.output.name == "Synth 0"


@pytest.mark.parametrize(
    ("inputs", "outputs", "heard", "output"),
    [
        (["loopMIDI A 0", "loopMIDI B 1"], ["loopMIDI A 0", "loopMIDI B 1"], ["loopMIDI B 1"], "loopMIDI A 0"),
        (
            ["Default App Loopback (A) 0", "Default App Loopback (B) 1", "Keys 2"],
            ["Synth 0", "Default App Loopback (A) 1", "Default App Loopback (B) 2"],
            ["Default App Loopback (A) 0", "Keys 2"],
            "Default App Loopback (A) 1",
        ),
        (["Piano 0"], ["Piano 0"], ["Piano 0"], "Piano 0"),
    ],
)
def test_on_windows_what_we_play_to_is_not_heard(
    machine: Any, inputs: list[str], outputs: list[str], heard: list[str], output: str
) -> None:
    machine("winmm", inputs, outputs)
    setup = open_ports(options())
    assert setup.sources == heard
    assert setup.output is not None
    assert setup.output.name == output


def test_an_output_that_another_program_has_is_passed_over(machine: Any) -> None:
    made = machine("winmm", ["Keys 0"], ["loopMIDI A 0", "Synth 1"], taken={"loopMIDI A 0"})
    assert open_ports(options()).output.name == "Synth 1"  # type: ignore[union-attr]
    made.taken |= {"Synth 1"}
    with pytest.raises(UserError, match="Synth 1 cannot be opened"):
        open_ports(options())
    assert open_ports(options(page=True)).output is None


def test_a_named_input_may_come_later_and_a_slip_is_told(machine: Any) -> None:
    machine("alsa", ["Digital Piano:Digital Piano MIDI 1 20:0", "Digital Stage:Digital Stage MIDI 1 24:0"])
    assert open_ports(options(input="Keystation")).sources == ["Keystation (not there yet)"]
    assert open_ports(options(input="stage")).sources == ["Digital Stage:Digital Stage MIDI 1 24:0"]
    with pytest.raises(UserError, match="did you mean"):
        open_ports(options(input="Digital Staeg"))
    with pytest.raises(UserError, match="fits several"):
        open_ports(options(input="digital"))


def test_the_ports_of_our_own_come_first_where_there_are_such(machine: Any) -> None:
    machine("coremidi", ["Keys", "IAC Driver Bus 1"], ["IAC Driver Bus 1"])
    assert open_ports(options()).sources == ["tradefours:in", "Keys", "IAC Driver Bus 1"]
    assert open_ports(options(output="IAC Driver Bus 1")).sources == ["tradefours:in", "Keys"]
