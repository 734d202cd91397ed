"""A client of the JACK server that watches: which ports are there, who listens to one, and whether the server has shut down.

It gives a port of ours its alias, too. rtmidi does none of this. To close a client of a server that has shut down ends the whole
process: so whoever closes one asks here first, and leaves it lying where its server is gone.

Threads: all methods may be called from any. One lock is held by everyone who opens or closes clients: two that come and go at once in
one process can wait for each other.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from . import library

CLIENT_NAME = b"tradefours-look"
ALIAS_TRIES, ALIAS_PAUSE = 6, 0.05  # seconds; a name that is another program's for good must not hold up the start
LATE_ALIAS_TRIES, LATE_ALIAS_PAUSE = 40, 0.25  # seconds; so it is tried on beside it
MIDI = b"raw midi"  # a part of the name of JACK's type of MIDI ports
INPUTS, OUTPUTS = library.IS_INPUT, library.IS_OUTPUT


class JackServerWatch:
    """The client is opened by the first question, and stays: one that came and went every second would reorder JACK's graph each time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.shutdowns = 0  # of servers, as far as we have seen
        self._library: Any = None
        self._client: int | None = None
        self._is_shut_down = False
        self._on_shutdown = library.SHUTDOWN(self._count_shutdown)  # it must live as long as the client

    def names(self, flags: int) -> list[str] | None:
        """Every MIDI port of a kind, by name; None where there is no server."""
        with self.lock:
            if not self._open():
                return None
            return library.strings(self._library.jack_get_ports(self._client, None, MIDI, flags))

    def listeners(self, name: str) -> list[str]:
        """The ports that a port of that name leads to."""
        with self.lock:
            port = self._library.jack_port_by_name(self._client, name.encode()) if self._open() else None
            return library.strings(self._library.jack_port_get_all_connections(self._client, port)) if port else []

    def known_name(self, wanted: str, before: list[str] | None) -> str:
        """The name by which a port of ours that was just made is known: `wanted`, such as `tradefours:out`, where that can be.

        `before`: what was there already. JACK may have given our client another name; then the port gets the wanted one as an alias.
        """
        direction = wanted.partition(":")[2]
        now = self.names(INPUTS if direction == "in" else OUTPUTS) or ()
        made = next((n for n in now if n not in (before or ()) and n.endswith(f":{direction}")), wanted)
        return wanted if made == wanted or self.set_alias(made, wanted) else made

    def set_alias(self, port: str, name: str) -> bool:
        """Let our `port` be known as `name`, too; False where JACK does not, or where something else keeps that name.

        rtmidi makes a client of its own for each direction, and JACK lets only one client be called `tradefours`: the other becomes
        `tradefours-01`. By its alias the port is found under the name that we print all the same. A program that has just ended may
        have it for a moment, so it is tried again; where that is not enough, for some seconds more, while we go on.
        """
        for _ in range(ALIAS_TRIES):
            with self.lock:
                if self._open() and self._try_alias(port, name):
                    return True
            time.sleep(ALIAS_PAUSE)
        threading.Thread(target=self._set_alias_later, args=(port, name), name="jack alias", daemon=True).start()
        return False

    def close(self) -> None:
        """Close the client, until the next question."""
        with self.lock:
            client = self._client
            self._client = None
            if client is not None and not self._is_shut_down:
                self._library.jack_client_close(client)

    def _try_alias(self, port: str, name: str) -> bool:
        ours = self._library.jack_port_by_name(self._client, port.encode())
        if not ours or self._library.jack_port_by_name(self._client, name.encode()):
            return False  # there is no such port, or the name is taken
        return bool(self._library.jack_port_set_alias(ours, name.encode()) == 0)

    def _set_alias_later(self, port: str, name: str) -> None:
        for _ in range(LATE_ALIAS_TRIES):
            time.sleep(LATE_ALIAS_PAUSE)
            with self.lock:
                if self._client is None or self._is_shut_down or self._try_alias(port, name):
                    return

    def _open(self) -> bool:
        """Make sure that the client is open; False where there is no server."""
        if self._client is not None and not self._is_shut_down:
            return True
        self._library = library.load_system_jack()
        if self._library is None:
            return False
        self._client = self._library.jack_client_open(CLIENT_NAME, library.NO_START_SERVER, None)
        self._is_shut_down = False
        if self._client is None:
            return False
        self._library.jack_on_shutdown(self._client, self._on_shutdown, None)
        self._library.jack_activate(self._client)  # who is not active is told of no shutdown
        return True

    def _count_shutdown(self, _: Any) -> None:
        self._is_shut_down = True
        self.shutdowns += 1


JACK_WATCH = JackServerWatch()
