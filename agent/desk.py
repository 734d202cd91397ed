"""The desk: where the player's and the agent's messages come together, on their way to the output port and to our own sound.

Knows nothing of notes. Two output ports, one for each player, that lead to the same place.

Threads: as those of a port, from any.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from pathlib import Path

from .ports import CLIENT, OutputPort
from .synth import AGENT, PLAYER, Sound

ALSA_CLIENTS = Path("/proc/asound/seq/clients")


class Desk:
    """`midi` is the system's port, None where there is none; `sound` what is heard, None where nothing is."""

    def __init__(self, midi: OutputPort | None = None, sound: Sound | None = None) -> None:
        self.midi, self.sound = midi, sound
        self.name = midi.name if midi is not None else "the page" if sound is None else "the built-in sound"
        self.player, self.agent = Channel(self, PLAYER), Channel(self, AGENT)

    def send(self, who: int, message: bytes) -> None:
        """Pass one message on. Raises PortLost."""
        try:
            if self.midi is not None:
                self.midi.send(message)
        finally:
            if self.sound is not None:
                self.sound.play(who, message)

    def close(self) -> None:
        """Let go of port and sound. May be called twice."""
        if self.midi is not None:
            self.midi.close()
        if self.sound is not None:
            self.sound.close()


class Channel:
    """One player's output port on the desk."""

    def __init__(self, desk: Desk, who: int) -> None:
        self._desk, self._who = desk, who
        self.name = desk.name

    def send(self, message: bytes) -> None:
        self._desk.send(self._who, message)

    def close(self) -> None:
        if self._who == AGENT:  # who plays last closes the lid
            self._desk.close()


def leads_somewhere(api: str | None, output: OutputPort | None, ours: bool) -> bool:
    """Whether somebody listens to our output: it is then heard there, and our own sound is not needed.

    `ours`: the port is one that we made. macOS does not tell who listens to such a port; there the sound stays on.
    """
    if output is None or api is None:
        return False
    if not ours:
        return True
    if api == "alsa":
        return _alsa_listeners()
    return _jack_listeners(output.name) if api == "jack" else False


def _alsa_listeners() -> bool:
    try:
        text = ALSA_CLIENTS.read_text(errors="replace")
    except OSError:
        return False
    ours = re.findall(rf'Client +\d+ : "{CLIENT}".*?\n((?: .*\n?)*)', text)
    return any("Connecting To" in ports for ports in ours)


def _jack_listeners(name: str) -> bool:
    try:
        jack = ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")
    except OSError:
        return False
    jack.jack_client_open.restype = jack.jack_port_by_name.restype = ctypes.c_void_p
    jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    jack.jack_port_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    jack.jack_port_get_all_connections.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    jack.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
    jack.jack_free.argtypes = [ctypes.c_void_p]
    jack.jack_client_close.argtypes = [ctypes.c_void_p]
    client = jack.jack_client_open(f"{CLIENT}-look".encode(), 1, None)  # 1: start no server
    if not client:
        return False
    try:
        port = jack.jack_port_by_name(client, name.encode())
        if not port:
            return False
        found = jack.jack_port_get_all_connections(client, port)
        if not found:
            return False
        there = bool(found[0])
        jack.jack_free(found)
        return there
    finally:
        jack.jack_client_close(client)
