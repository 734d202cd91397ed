"""The audience: whether somebody listens to our output port, so that our own sound is not needed.

Knows nothing of sound. MIDI systems tell this in ways of their own, and rtmidi in none.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import threading
from pathlib import Path
from typing import Any

from .ports import CLIENT, OutputPort

ALSA_CLIENTS = Path("/proc/asound/seq/clients")
NO_SERVER = 1  # JACK: start none


class Audience:
    """Of an output port of that MIDI system.

    macOS does not tell who listens to a port of ours; there, nobody does, and the sound stays on.
    """

    def __init__(self, api: str | None) -> None:
        self._api = api
        self._jack = _Jack()

    def is_there(self, output: OutputPort | None, ours: bool) -> bool:
        """Whether somebody listens. `ours`: the port is one that we made, and others connect to it.

        May take a moment the first time; from any thread.
        """
        if output is None or self._api is None:
            return False
        if not ours:
            return True
        if self._api == "alsa":
            return _alsa_listeners()
        return self._jack.listeners(output.name) if self._api == "jack" else False

    def close(self) -> None:
        """Look no more; waits for the look that is going on. May be called twice."""
        self._jack.close()


def _alsa_listeners() -> bool:
    try:
        text = ALSA_CLIENTS.read_text(errors="replace")
    except OSError:
        return False
    ours = re.findall(rf'Client +\d+ : "{CLIENT}".*?\n((?: .*\n?)*)', text)
    return any("Connecting To" in ports for ports in ours)


class _Jack:
    """A client of JACK's that only looks. It stays: one that came and went every other second would make the server reorder
    its graph each time, and two that come and go at once in one process can wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: Any = None
        self._client: int | None = None
        self._gone = False  # the server went away
        self._closed = False
        self._on_shutdown: Any = None  # must live as long as the client

    def listeners(self, name: str) -> bool:
        with self._lock:
            if self._gone:
                self._leave()
            if self._client is None and not self._closed:
                self._enter()
            if self._client is None:
                return False
            port = self._library.jack_port_by_name(self._client, name.encode())
            if not port:
                return False
            found = self._library.jack_port_get_all_connections(self._client, port)
            if not found:
                return False
            there = bool(found[0])
            self._library.jack_free(found)
            return there

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._leave()

    def _enter(self) -> None:
        try:
            jack = self._library = ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")
        except OSError:
            self._closed = True
            return
        jack.jack_client_open.restype = jack.jack_port_by_name.restype = ctypes.c_void_p
        jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        jack.jack_port_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        jack.jack_port_get_all_connections.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        jack.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
        jack.jack_free.argtypes = jack.jack_client_close.argtypes = [ctypes.c_void_p]
        Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        jack.jack_on_shutdown.argtypes = [ctypes.c_void_p, Callback, ctypes.c_void_p]
        self._client, self._gone = jack.jack_client_open(f"{CLIENT}-look".encode(), NO_SERVER, None), False
        if self._client is not None:
            self._on_shutdown = Callback(self._server_gone)
            jack.jack_on_shutdown(self._client, self._on_shutdown, None)

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._library.jack_client_close(client)

    def _server_gone(self, _: Any) -> None:
        self._gone = True
