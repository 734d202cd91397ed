"""MIDI ports: what a port is, which there are, and how one is found and opened by its name or a part of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import UserError
from . import port_names, rtmidi_backend
from .alsa_port_types import ALSA_PORT_TYPES
from .jack.input import JackInput
from .jack.library import IS_PHYSICAL, load_system_jack
from .jack.watcher import INPUTS, JACK_WATCH, OUTPUTS
from .messages import Event
from .port_errors import NoMidiSystem
from .port_names import is_loopback, match_name
from .rtmidi_backend import CLIENT, PortNameReader

PAGE = "page"  # the name of the input that no cable leads to: nothing of ours comes back on it


class InputPort(Protocol):
    """Where events come from."""

    name: str

    def open(self, on_event: Callable[[Event], None]) -> None:
        """Begin to listen; `on_event` is called on the port's own thread."""

    def close(self) -> None:
        """Stop listening. May be called twice."""


class OutputPort(Protocol):
    """Where bytes go."""

    @property
    def name(self) -> str:
        """What the port is called."""

    def send(self, message: bytes) -> None:
        """Send one message at once, from any thread. Raises PortLost."""

    def close(self) -> None:
        """Let go of the port. May be called twice."""


@dataclass(frozen=True)
class PortList:
    """The names of what can be opened through one MIDI system."""

    api: str
    inputs: list[str]
    outputs: list[str]
    hardware: frozenset[str] = frozenset()  # inputs that the system itself calls instruments


def find_api(wanted: str | None = None) -> str:
    """The MIDI system to use: the one asked for, or the first that works. Raises NoMidiSystem or UserError."""
    compiled = rtmidi_backend.compiled_apis()
    if wanted == "jack" and load_system_jack() is None:
        raise NoMidiSystem(" (libjack is not installed, and without it there is no JACK)")
    if wanted is not None and wanted not in compiled:
        raise UserError(f"{wanted} is not a MIDI system of this machine (there are: {', '.join(compiled) or 'none'}).")
    for name in [wanted] if wanted else compiled:
        if rtmidi_backend.is_working(name):
            return name
    raise NoMidiSystem(f" ({wanted} does not answer)" if wanted else "")


def list_ports(api: str | None = None) -> PortList:
    """Every port of the MIDI system, our own left out. Raises NoMidiSystem."""
    api = find_api(api)
    inputs, outputs = rtmidi_backend.read_port_names(api)
    return _port_list(api, inputs, outputs)


class PortScanner:
    """Lists ports again and again, and makes no client each time. From one thread at a time."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._reader: PortNameReader | None = None
        if api == "jack":
            JACK_WATCH.names(INPUTS)
        else:
            self._reader = PortNameReader(api)

    def ports(self) -> PortList | None:
        """What is there now; None where the MIDI system is gone."""
        if self._reader is not None:
            inputs, outputs = self._reader.read()
            return _port_list(self._api, inputs, outputs)
        # what leads out of them leads into us
        sources = JACK_WATCH.names(OUTPUTS)
        targets = JACK_WATCH.names(INPUTS)
        if sources is None or targets is None:
            return None
        return _port_list("jack", sources, targets)


def instruments(ports: PortList) -> list[str]:
    """The inputs that are instruments, as far as names, and what the system says of them, tell."""
    return port_names.instruments(ports.inputs, ports.api, ports.hardware)


def open_input(name: str | None, api: str) -> InputPort:
    """The input called `name`, or a virtual one called `tradefours:in`. Raises UserError for a name that is not there."""
    full = None if name is None else match_name(name, list_ports(api).inputs, "input")
    return JackInput(full) if api == "jack" else rtmidi_backend.open_input(full, api)


def open_output(name: str | None, api: str) -> rtmidi_backend.RtOutput:
    """The output called `name`, or a virtual one called `tradefours:out`. Raises UserError for a name that is not there."""
    return rtmidi_backend.open_output(
        None if name is None else match_name(name, list_ports(api).outputs, "output"), api
    )


def hardware_inputs(api: str, names: Sequence[str]) -> frozenset[str]:
    """Those of the inputs that the system itself calls hardware; none where it does not tell."""
    if api == "jack":
        return frozenset(names) & frozenset(JACK_WATCH.names(OUTPUTS | IS_PHYSICAL) or ())
    if api == "alsa" and os.path.exists(rtmidi_backend.ALSA_SEQUENCER):
        places = ALSA_PORT_TYPES.hardware()
        return frozenset(name for name in names if name.rpartition(" ")[2] in places)
    return frozenset()


def has_virtual_ports(api: str) -> bool:
    """Whether programs can make ports of their own there; Windows cannot."""
    return api != "winmm"


def loopback_advice(api: str, names: list[str]) -> str:
    """What to say where a DAW cannot be reached: Windows lets programs make no ports, and none is there to lend. Else ""."""
    if has_virtual_ports(api) or any(is_loopback(name) for name in names):
        return ""
    return ". To reach a DAW, make two ports with loopMIDI, or loopbacks with Windows MIDI Services, and name them: --in, --out"


def _port_list(api: str, inputs: Sequence[str], outputs: Sequence[str]) -> PortList:
    """A list of these ports, our own left out."""
    others, targets = ([str(name) for name in names if not str(name).startswith(CLIENT)] for names in (inputs, outputs))
    return PortList(api, others, targets, hardware_inputs(api, others))
