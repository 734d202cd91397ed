"""MIDI ports: what a port is, which there are, and how one is found and opened by its name or a part of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from ..errors import UserError
from . import rtmidi_backend
from .jack_input import JackInput
from .jack_watcher import INPUTS, JACK_WATCH, OUTPUTS
from .messages import Event
from .port_errors import NoMidiSystem
from .rtmidi_backend import CLIENT, PortNameReader

PAGE = "page"  # the name of the input that no cable leads to: nothing of ours comes back on it
ALSA_KERNEL_CLIENTS = range(1, 128)  # numbers of hardware; programs have higher ones (the ALSA sequencer's convention)


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


def find_api(wanted: str | None = None) -> str:
    """The MIDI system to use: the one asked for, or the first that works. Raises NoMidiSystem or UserError."""
    compiled = rtmidi_backend.compiled_apis()
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
    return PortList(api, _without_ours(inputs), _without_ours(outputs))


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
            return PortList(self._api, _without_ours(inputs), _without_ours(outputs))
        sources, targets = JACK_WATCH.names(OUTPUTS), JACK_WATCH.names(INPUTS)  # what leads out of them leads into us
        if sources is None or targets is None:
            return None
        return PortList("jack", _without_ours(sources), _without_ours(targets))


def instruments(ports: PortList) -> list[str]:
    """The inputs that are instruments, as far as names tell."""
    if ports.api == "alsa":
        return [name for name in ports.inputs if _is_alsa_instrument(name)]
    if ports.api == "jack":
        return [name for name in ports.inputs if name.startswith(("system:", "a2j:"))]
    return ports.inputs


def open_input(name: str | None, api: str) -> InputPort:
    """The input called `name`, or a virtual one called `tradefours:in`. Raises UserError for a name that is not there."""
    full = None if name is None else match_name(name, list_ports(api).inputs, "input")
    return JackInput(full) if api == "jack" else rtmidi_backend.open_input(full, api)


def open_output(name: str | None, api: str) -> rtmidi_backend.RtOutput:
    """The output called `name`, or a virtual one called `tradefours:out`. Raises UserError for a name that is not there."""
    return rtmidi_backend.open_output(
        None if name is None else match_name(name, list_ports(api).outputs, "output"), api
    )


def has_virtual_ports(api: str) -> bool:
    """Whether programs can make ports of their own there; Windows cannot."""
    return api != "winmm"


def is_loopback(name: str) -> bool:
    """Whether a Windows port leads to other programs: loopMIDI's, or that of Windows MIDI Services."""
    return bool(re.search(r"loop ?(midi|back)|midi services|default app loopback", name, re.IGNORECASE))


def loopback_advice(api: str, names: list[str]) -> str:
    """What to say where a DAW cannot be reached: Windows lets programs make no ports, and none is there to lend. Else ""."""
    if has_virtual_ports(api) or any(is_loopback(name) for name in names):
        return ""
    return ". To reach a DAW, make two ports with loopMIDI, or loopbacks with Windows MIDI Services, and name them: --in, --out"


def match_name(name: str, names: list[str], kind: str) -> str:
    """The one of `names` that is `name`, or that alone contains it. `kind` is "input" or "output". Raises UserError."""
    if name in names:
        return name
    containing = [n for n in names if name.lower() in n.lower()]
    if len(containing) == 1:
        return containing[0]
    close = containing or difflib.get_close_matches(name, names, 3, 0.3) or names
    advice = f"did you mean {' or '.join(repr(n) for n in close[:3])}?" if close else f"there is no {kind} at all."
    problem = "fits several" if containing else "was not found"
    raise UserError(f"The {kind} {name!r} {problem}: {advice}")


def _is_alsa_instrument(name: str) -> bool:
    """Whether the kernel made the port; "Midi Through" is nobody's instrument."""
    client = re.search(r"\b(\d+):\d+$", name)
    return client is not None and int(client[1]) in ALSA_KERNEL_CLIENTS and not name.startswith("Midi Through")


def _without_ours(names: Iterable[str]) -> list[str]:
    return [str(name) for name in names if not str(name).startswith(CLIENT)]
