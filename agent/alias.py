"""Aliases: a second name for a JACK port, so that in and out belong to one name.

Knows nothing of rtmidi or of messages.

rtmidi makes a client of its own for each direction, and JACK lets only one client be called `tradefours`: the other becomes
`tradefours-01`. By its alias the port is found under the name that we print all the same.
"""

from __future__ import annotations

import ctypes
import ctypes.util

NO_START_SERVER = 1  # jack_options_t


def also_called(port: str, name: str) -> bool:
    """Let JACK's `port` be known as `name`, too; False where JACK does not, or where something else has that name."""
    try:
        jack = ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")
    except OSError:
        return False
    jack.jack_client_open.restype = jack.jack_port_by_name.restype = ctypes.c_void_p
    jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    jack.jack_port_by_name.argtypes = jack.jack_port_set_alias.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    jack.jack_client_close.argtypes = [ctypes.c_void_p]
    client = jack.jack_client_open(b"tradefours-look", NO_START_SERVER, None)
    if not client:
        return False
    try:
        found = jack.jack_port_by_name(client, port.encode())
        if not found or jack.jack_port_by_name(client, name.encode()):
            return False
        return int(jack.jack_port_set_alias(found, name.encode())) == 0
    finally:
        jack.jack_client_close(client)
