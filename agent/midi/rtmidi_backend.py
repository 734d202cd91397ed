"""The system's MIDI through RtMidi: a few functions and two kinds of port.

Which binding to RtMidi is used, `rtmidi_binding_choice` decides.

Threads: a callback runs on the MIDI system's own thread, and its first act is to read the clock. `RtOutput.send` may be called from any.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from .. import thread_priority
from ..silence_stderr import silence_stderr
from .jack.library import load_system_jack
from .jack.watcher import JACK_WATCH, OUTPUTS
from .messages import Event
from .port_errors import NoMidiSystem, PortLost
from .port_names import numbered
from .rtmidi_binding_choice import load_rtmidi

CLIENT = "tradefours"  # what we are called among the system's MIDI clients
LISTING_CLIENT = f"{CLIENT}-look"
TRIES, PAUSE = 4, 0.25  # that a MIDI system is asked, and seconds between them
PROBE_TRIES = 2  # it may be busy for a moment
CALLBACK_SECONDS = 0.005  # that a callback is given to end; it takes a fraction of a millisecond
ALSA_SEQUENCER = "/dev/snd/seq"

APIS = {"alsa": "API_LINUX_ALSA", "jack": "API_UNIX_JACK", "coremidi": "API_MACOSX_CORE", "winmm": "API_WINDOWS_MM"}
"""MIDI systems by their names on the command line, in the order in which they are tried, and rtmidi's constants for them."""


class RtInput:
    """An input through rtmidi: a virtual port, or a connection to another one."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name
        self._shutdowns = JACK_WATCH.shutdowns

    def open(self, on_event: Callable[[Event], None]) -> None:
        def receive(packet: tuple[list[int], float], _: Any) -> None:
            when = time.perf_counter()
            on_event(Event(when, bytes(packet[0])))
            thread_priority.request_once()

        self._client.set_error_callback(_ignore_warning)
        self._client.set_callback(receive)

    def close(self) -> None:
        client = self._client
        self._client = None
        if client is not None:
            _close_client(client, self._shutdowns)


class RtOutput:
    """An output through rtmidi."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name
        self._lock = threading.Lock()
        self._shutdowns = JACK_WATCH.shutdowns
        client.set_error_callback(_ignore_warning)

    def send(self, message: bytes) -> None:
        with self._lock:
            if self._client is None:
                raise PortLost(f"the output {self.name} is closed; start again.")
            try:
                self._client.send_message(message)
            except Exception as error:  # rtmidi has several, and none has a common parent worth naming
                raise PortLost(f"the output {self.name} is gone; connect it and start again.") from error

    def close(self) -> None:
        with self._lock:
            client = self._client
            self._client = None
            if client is not None:
                _close_client(client, self._shutdowns)


class PortNameReader:
    """Reads names of ports again and again through clients that it keeps. From one thread at a time."""

    def __init__(self, api: str) -> None:
        self._clients = [_make_client(kind, api, LISTING_CLIENT) for kind in ("MidiIn", "MidiOut")]

    def read(self) -> tuple[list[str], list[str]]:
        """Names of inputs and of outputs."""
        with silence_stderr():
            inputs, outputs = (client.get_ports() for client in self._clients)
        return numbered(inputs), numbered(outputs)


def compiled_apis() -> list[str]:
    """The MIDI systems that the binding was built for, in the order in which they are tried. Raises NoMidiSystem."""
    rtmidi = load_rtmidi()
    names = [name for name, constant in APIS.items() if getattr(rtmidi, constant) in rtmidi.get_compiled_api()]
    if "jack" in names and load_system_jack() is None:
        names.remove("jack")  # what the binding brings with it cannot talk to a server of today
    return names


def is_working(api: str) -> bool:
    """Whether that MIDI system answers."""
    if api == "alsa" and not os.path.exists(ALSA_SEQUENCER):
        return False  # asking ALSA would only make it complain
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        with silence_stderr():
            client = _make_client("MidiIn", api, tries=PROBE_TRIES)
            client.get_ports()
            client.delete()
    except Exception:  # whatever a missing system makes rtmidi raise, it is missing
        return False
    return True


def read_port_names(api: str) -> tuple[list[str], list[str]]:
    """Names of inputs and of outputs, through clients that last no longer. Raises NoMidiSystem."""
    names = []
    for kind in ("MidiIn", "MidiOut"):
        with JACK_WATCH.lock, silence_stderr():
            client = _make_client(kind, api, LISTING_CLIENT)
            names.append(numbered(client.get_ports()))
            client.delete()
    return names[0], names[1]


def open_input(name: str | None, api: str) -> RtInput:
    """The input of exactly that name, or a virtual one called `tradefours:in`. Raises PortLost or NoMidiSystem.

    Not for JACK: see `agent.midi.jack.input`.
    """
    with JACK_WATCH.lock:
        client = _make_client("MidiIn", api)
        client.ignore_types(sysex=False, timing=False, active_sense=True)
        return RtInput(client, _connect(client, name, "in"))


def open_output(name: str | None, api: str) -> RtOutput:
    """The output of exactly that name, or a virtual one called `tradefours:out`. Raises PortLost or NoMidiSystem."""
    with JACK_WATCH.lock:
        client = _make_client("MidiOut", api)
        if api != "jack" or name is not None:
            return RtOutput(client, _connect(client, name, "out"))
        before = JACK_WATCH.names(OUTPUTS)
        return RtOutput(client, JACK_WATCH.known_name(_connect(client, None, "out"), before))


def _make_client(kind: str, api: str, name: str = CLIENT, tries: int = TRIES) -> Any:
    """A client of that MIDI system. Raises NoMidiSystem.

    A system that is busy, as when another client has just ended, is asked again.
    """
    rtmidi = load_rtmidi()
    while True:
        try:
            with silence_stderr():
                return getattr(rtmidi, kind)(getattr(rtmidi, APIS[api]), name=name)
        except Exception as error:  # rtmidi raises what it likes
            tries -= 1
            if not tries:
                raise NoMidiSystem(f" ({api} does not answer)") from error
        time.sleep(PAUSE)


def _connect(client: Any, name: str | None, direction: str) -> str:
    """Connect to the port of that name, or make one of our own; returns its name. Raises PortLost."""
    with silence_stderr():
        if name is None:
            client.open_virtual_port(direction)
            return f"{CLIENT}:{direction}"
        try:
            client.open_port(numbered(client.get_ports()).index(name), direction)
        except Exception as error:  # it was there a moment ago: unplugged, or in use by another program
            raise PortLost(f"{name} cannot be opened: is another program using it, or was it unplugged?") from error
        return name


def _close_client(client: Any, shutdowns: int) -> None:
    """Close a client; one whose JACK server has shut down since is left lying, for ever: to close it would end the process."""
    if JACK_WATCH.shutdowns != shutdowns:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))
        return
    with JACK_WATCH.lock:
        if hasattr(client, "cancel_callback"):
            client.cancel_callback()
            time.sleep(
                CALLBACK_SECONDS
            )  # one that runs just now ends: bindings may wait for it, and let no other thread run
        client.close_port()
        client.delete()


def _ignore_warning(*_: Any) -> None:
    """rtmidi prints its warnings unless someone takes them."""
