"""Ports: the only door to the system's MIDI. Events come in stamped; bytes go out.

Knows nothing of notes or phrases.

Threads: `InputPort.open`'s callback runs on the MIDI system's own thread, and its first act is to read the clock.
`OutputPort.send` may be called from any thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import difflib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from .. import thread_priority
from ..errors import UserError
from .jack import EYE, INPUTS, OUTPUTS
from .messages import Event

CLIENT = "tradefours"
PAGE = "page"  # the name of the input that no cable leads to: nothing of ours comes back on it


TRIES, PAUSE = 4, 0.25  # that a MIDI system is asked, and seconds between them


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
        """Send one message at once. Raises PortLost."""

    def close(self) -> None:
        """Let go of the port. May be called twice."""


class PortLost(UserError):
    """A port that was open is gone."""


class NoMidiSystem(UserError):
    """This machine has no MIDI system that works."""

    def __init__(self, why: str = "") -> None:
        hint = (
            "start JACK or load the ALSA sequencer (modprobe snd-seq)"
            if sys.platform == "linux"
            else "check the system"
        )
        super().__init__(f"No MIDI system works here{why}: {hint}, or hear it without one: tradefours demo")


@dataclass(frozen=True)
class PortList:
    """The names of what can be opened through one MIDI system."""

    api: str
    inputs: list[str]
    outputs: list[str]


#: Names for the command line, in the order in which they are tried, and the names that rtmidi has for them.
APIS = {"alsa": "API_LINUX_ALSA", "jack": "API_UNIX_JACK", "coremidi": "API_MACOSX_CORE", "winmm": "API_WINDOWS_MM"}


class RtInput:
    """An input through rtmidi: a virtual port, or a connection to another one."""

    def __init__(self, midi: Any, name: str) -> None:
        self._midi, self.name, self._deaths = midi, name, EYE.deaths

    def open(self, on_event: Callable[[Event], None]) -> None:
        def arrived(packet: tuple[list[int], float], _: Any) -> None:
            when = time.perf_counter()
            on_event(Event(when, bytes(packet[0])))
            thread_priority.request_once()

        self._midi.set_error_callback(_swallow)
        self._midi.set_callback(arrived)

    def close(self) -> None:
        if self._midi is not None:
            midi, self._midi = self._midi, None
            _let_go(midi, self._deaths)


class RtOutput:
    """An output through rtmidi."""

    def __init__(self, midi: Any, name: str) -> None:
        self._midi, self.name, self._lock, self._deaths = midi, name, threading.Lock(), EYE.deaths
        midi.set_error_callback(_swallow)

    def send(self, message: bytes) -> None:
        with self._lock:
            if self._midi is None:
                raise PortLost(f"the output {self.name} is closed; start again.")
            try:
                self._midi.send_message(message)
            except Exception as error:  # rtmidi has several, and none has a common parent worth naming
                raise PortLost(f"the output {self.name} is gone; connect it and start again.") from error

    def close(self) -> None:
        with self._lock:
            if self._midi is not None:
                midi, self._midi = self._midi, None
                _let_go(midi, self._deaths)


def _let_go(midi: Any, deaths: int) -> None:
    """Close a client; one of a JACK server that has died since is left lying, for ever: to close it would end us all."""
    if EYE.deaths != deaths:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(midi))
        return
    with EYE.lock:
        if hasattr(midi, "cancel_callback"):
            midi.cancel_callback()
        midi.close_port()
        midi.delete()


def _swallow(*_: Any) -> None:
    """rtmidi prints its warnings unless someone takes them."""


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """C libraries complain on standard error when a MIDI system is missing; that is our sentence to say."""
    if sys.platform == "win32":
        yield
        return
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def find_api(wanted: str | None = None) -> str:
    """The MIDI system to use: the one asked for, or the first that works. Raises NoMidiSystem or UserError."""
    rtmidi = _rtmidi()
    compiled = [name for name, constant in APIS.items() if getattr(rtmidi, constant) in rtmidi.get_compiled_api()]
    if wanted is not None and wanted not in compiled:
        raise UserError(f"{wanted} is not a MIDI system of this machine (there are: {', '.join(compiled) or 'none'}).")
    for name in [wanted] if wanted else compiled:
        if works(name):
            return name
    raise NoMidiSystem(f" ({wanted} does not answer)" if wanted else "")


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError as error:
        missing = "libasound2" if "libasound" in str(error) else "python-rtmidi"
        raise NoMidiSystem(f" ({missing} is not installed)") from error
    return rtmidi


def works(api: str) -> bool:
    """Whether that MIDI system answers."""
    if api == "alsa" and not os.path.exists("/dev/snd/seq"):
        return False  # asking ALSA would only make it complain
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        with hushed():
            midi = _client("MidiIn", api, tries=2)  # it may be busy for a moment
            midi.get_ports()
            midi.delete()
    except Exception:  # whatever a missing system makes rtmidi raise, it is missing
        return False
    return True


def _client(kind: str, api: str, name: str = CLIENT, tries: int = TRIES) -> Any:
    """A client of that MIDI system; one that is busy, as when another client has just ended, is asked again. Raises NoMidiSystem."""
    rtmidi = _rtmidi()
    while True:
        try:
            with hushed():
                return getattr(rtmidi, kind)(getattr(rtmidi, APIS[api]), name=name)
        except Exception as error:  # rtmidi raises what it likes
            tries -= 1
            if not tries:
                raise NoMidiSystem(f" ({api} does not answer)") from error
        time.sleep(PAUSE)


def list_ports(api: str | None = None) -> PortList:
    """Every port of the MIDI system, our own left out. Raises NoMidiSystem."""
    api = find_api(api)
    names = []
    for kind in ("MidiIn", "MidiOut"):
        with EYE.lock, hushed():
            midi = _client(kind, api, f"{CLIENT}-look")
            names.append(_others(midi.get_ports()))
            midi.delete()
    return PortList(api, *names)


def _others(names: Iterable[Any]) -> list[str]:
    return [str(n) for n in names if not str(n).startswith(CLIENT)]


class Looker:
    """Looks at what is there again and again, and makes no client each time. From one thread at a time."""

    def __init__(self, api: str) -> None:
        self._api = api
        if api == "jack":
            EYE.names(INPUTS)
        self._clients = (
            [] if api == "jack" else [_client(kind, api, f"{CLIENT}-look") for kind in ("MidiIn", "MidiOut")]
        )

    def ports(self) -> PortList | None:
        """What is there now; None where the MIDI system is gone."""
        if self._api != "jack":
            with hushed():
                return PortList(self._api, *(_others(c.get_ports()) for c in self._clients))
        inputs, outputs = EYE.names(OUTPUTS), EYE.names(INPUTS)  # what leads out of them leads into us
        return None if inputs is None or outputs is None else PortList("jack", _others(inputs), _others(outputs))


def hardware(ports: PortList) -> list[str]:
    """The inputs that are instruments, as far as names tell."""
    if ports.api == "alsa":  # the kernel's clients have numbers below 128; "Midi Through" is nobody's instrument
        number = re.compile(r"\b(\d+):\d+$")
        found = [(n, number.search(n)) for n in ports.inputs if not n.startswith("Midi Through")]
        return [n for n, m in found if m and 0 < int(m[1]) < 128]
    if ports.api == "jack":
        return [n for n in ports.inputs if n.startswith(("system:", "a2j:"))]
    return ports.inputs


def open_input(name: str | None, api: str) -> RtInput:
    """The input called `name`, or a virtual one called `tradefours:in`. Raises UserError for a name that is not there."""
    found = None if name is None else _match(name, list_ports(api).inputs, "input")
    with EYE.lock:
        midi = _client("MidiIn", api)
        midi.ignore_types(sysex=True, timing=False, active_sense=True)
        return RtInput(midi, _connect(midi, found, "in", api))


def open_output(name: str | None, api: str) -> RtOutput:
    """The output called `name`, or a virtual one called `tradefours:out`. Raises UserError."""
    found = None if name is None else _match(name, list_ports(api).outputs, "output")
    with EYE.lock:
        midi = _client("MidiOut", api)
        return RtOutput(midi, _connect(midi, found, "out", api))


def _connect(midi: Any, found: str | None, direction: str, api: str) -> str:
    """Join a port, or make our own where none was found; returns the name by which the port is known."""
    with hushed():
        if found is not None:
            try:
                midi.open_port(list(midi.get_ports()).index(found), direction)
            except Exception as error:  # it was there a moment ago: unplugged, or in use by another program
                raise PortLost(
                    f"{found} cannot be opened: is another program using it, or was it unplugged?"
                ) from error
            return found
        wanted = f"{CLIENT}:{direction}"
        if api != "jack":
            midi.open_virtual_port(direction)
            return wanted
        kind = INPUTS if direction == "in" else OUTPUTS
        before = set(EYE.names(kind) or ())
        midi.open_virtual_port(direction)
        ours = next((n for n in EYE.names(kind) or () if n not in before and n.endswith(f":{direction}")), wanted)
        return wanted if ours == wanted or EYE.also_called(ours, wanted) else ours


def has_virtual_ports(api: str) -> bool:
    """Whether programs can make ports of their own there; Windows cannot."""
    return api != "winmm"


def is_loopback(name: str) -> bool:
    """Whether a Windows port leads to other programs: loopMIDI's, or that of Windows MIDI Services."""
    return bool(re.search(r"loop ?(midi|back)|midi services|default app loopback", name, re.IGNORECASE))


def loopback(api: str, there: list[str]) -> str:
    """What to add where a DAW cannot be reached, as Windows lets programs make no ports and none is there to lend; else nothing."""
    if has_virtual_ports(api) or any(map(is_loopback, there)):
        return ""
    return ". To reach a DAW, make two ports with loopMIDI, or loopbacks with Windows MIDI Services, and name them: --in, --out"


def _match(name: str, there: list[str], kind: str) -> str:
    """The one port that is called `name`, or whose name alone contains it. Raises UserError."""
    if name in there:
        return name
    containing = [n for n in there if name.lower() in n.lower()]
    if len(containing) == 1:
        return containing[0]
    close = containing or difflib.get_close_matches(name, there, 3, 0.3) or there
    say = f"did you mean {' or '.join(repr(n) for n in close[:3])}?" if close else f"there is no {kind} at all."
    problem = "fits several" if containing else "was not found"
    raise UserError(f"The {kind} {name!r} {problem}: {say}")
