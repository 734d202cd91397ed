"""The JACK eye: a client of JACK's that looks: which ports are there, who listens to one, and whether the server has died.

Knows nothing of MIDI. It gives a port of ours its second name, too. rtmidi does none of this, and closing a client of a server that
has died ends the whole process: so whoever closes one asks here first, and leaves it lying where it is dead.

Threads: all methods may be called from any. One lock is held by everyone who opens or closes clients: two that come and go at once in
one process can wait for each other.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import threading
import time
from typing import Any

NO_SERVER = 1  # JACK: start none
NAME = b"tradefours-look"
TRIES, PAUSE = 6, 0.05  # seconds; a name that is another program's for good must not hold up the start
LATER, SLOWLY = 40, 0.25  # seconds; so it is tried on beside it
MIDI, INPUTS, OUTPUTS = b"raw midi", 1, 2


class JackServerWatch:
    """Opened by the first look. It stays: one that came and went every second would make the server reorder its graph each time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.deaths = 0  # of servers, as far as we have seen
        self._library: Any = None
        self._client: int | None = None
        self._gone = False
        self._on_shutdown: Any = None  # these two must live as long as the client
        self._hush: Any = None

    def names(self, flags: int) -> list[str] | None:
        """Every MIDI port of a kind, by name; None where there is no server."""
        with self.lock:
            if not self._enter():
                return None
            return self._strings(self._library.jack_get_ports(self._client, None, MIDI, flags))

    def listeners(self, name: str) -> list[str]:
        """The ports that a port of that name leads to."""
        with self.lock:
            port = self._library.jack_port_by_name(self._client, name.encode()) if self._enter() else None
            return self._strings(self._library.jack_port_get_all_connections(self._client, port)) if port else []

    def also_called(self, port: str, name: str) -> bool:
        """Let our `port` be known as `name`, too; False where JACK does not, or where something else keeps that name.

        rtmidi makes a client of its own for each direction, and JACK lets only one client be called `tradefours`: the other becomes
        `tradefours-01`. By its alias the port is found under the name that we print all the same. A program that has just ended may
        have it for a moment, so it is tried again; where that is not enough, for some seconds more, while we go on.
        """
        for _ in range(TRIES):
            with self.lock:
                if self._enter() and self._name(port, name):
                    return True
            time.sleep(PAUSE)
        threading.Thread(target=self._name_later, args=(port, name), name="jack name", daemon=True).start()
        return False

    def close(self) -> None:
        """Look no more, until asked again."""
        with self.lock:
            client, self._client = self._client, None
            if client is not None and not self._gone:
                self._library.jack_client_close(client)

    def _name(self, port: str, name: str) -> bool:
        found = self._library.jack_port_by_name(self._client, port.encode())
        taken = found and self._library.jack_port_by_name(self._client, name.encode())
        return bool(found and not taken and self._library.jack_port_set_alias(found, name.encode()) == 0)

    def _name_later(self, port: str, name: str) -> None:
        for _ in range(LATER):
            time.sleep(SLOWLY)
            with self.lock:
                if self._client is None or self._gone or self._name(port, name):
                    return

    def _enter(self) -> bool:
        if self._client is not None and not self._gone:
            return True
        if self._library is None and not self._load():
            return False
        self._client, self._gone = self._library.jack_client_open(NAME, NO_SERVER, None), False
        if self._client is None:
            return False
        self._library.jack_on_shutdown(self._client, self._on_shutdown, None)
        self._library.jack_activate(self._client)  # who is not active is told of no shutdown
        return True

    def _load(self) -> bool:
        try:
            jack = ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")
        except OSError:
            return False
        pointer, text, texts = ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)
        callback = ctypes.CFUNCTYPE(None, pointer)
        for function, gives, takes in (
            ("jack_client_open", pointer, [text, ctypes.c_int, pointer]),
            ("jack_client_close", ctypes.c_int, [pointer]),
            ("jack_activate", ctypes.c_int, [pointer]),
            ("jack_on_shutdown", None, [pointer, callback, pointer]),
            ("jack_port_by_name", pointer, [pointer, text]),
            ("jack_port_set_alias", ctypes.c_int, [pointer, text]),
            ("jack_port_get_all_connections", texts, [pointer, pointer]),
            ("jack_get_ports", texts, [pointer, text, text, ctypes.c_ulong]),
            ("jack_free", None, [pointer]),
        ):
            with contextlib.suppress(AttributeError):
                getattr(jack, function).restype, getattr(jack, function).argtypes = gives, takes
        hush = ctypes.CFUNCTYPE(None, text)(lambda said: None)  # what it would print on standard error is ours to say
        jack.jack_set_error_function(hush)
        jack.jack_set_info_function(hush)
        self._library, self._on_shutdown, self._hush = jack, callback(self._server_gone), hush
        return True

    def _strings(self, found: Any) -> list[str]:
        out: list[str] = []
        if found:
            while found[len(out)]:
                out.append(found[len(out)].decode(errors="replace"))
            self._library.jack_free(found)
        return out

    def _server_gone(self, _: Any) -> None:
        self._gone = True
        self.deaths += 1


EYE = JackServerWatch()
