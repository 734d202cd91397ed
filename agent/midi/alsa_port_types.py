"""Which ports of the ALSA sequencer are hardware, as whoever made them has declared.

Bluetooth and network keyboards come from programs of the system, so the number of their client does not tell; the type of their port does.
RtMidi does not pass it on, so libasound is asked.

Threads: from any, one at a time.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from ..silence_stderr import silence_stderr

LIBRARY = "libasound.so.2"
OPEN_DUPLEX = 3  # SND_SEQ_OPEN_DUPLEX
HARDWARE = 1 << 16  # SND_SEQ_PORT_TYPE_HARDWARE
POINTER, INT = ctypes.c_void_p, ctypes.c_int
FUNCTIONS: tuple[tuple[str, Any, list[Any]], ...] = (
    ("snd_seq_open", INT, [ctypes.POINTER(POINTER), ctypes.c_char_p, INT, INT]),
    ("snd_seq_client_info_malloc", INT, [ctypes.POINTER(POINTER)]),
    ("snd_seq_client_info_set_client", None, [POINTER, INT]),
    ("snd_seq_client_info_get_client", INT, [POINTER]),
    ("snd_seq_query_next_client", INT, [POINTER, POINTER]),
    ("snd_seq_port_info_malloc", INT, [ctypes.POINTER(POINTER)]),
    ("snd_seq_port_info_set_client", None, [POINTER, INT]),
    ("snd_seq_port_info_set_port", None, [POINTER, INT]),
    ("snd_seq_port_info_get_port", INT, [POINTER]),
    ("snd_seq_port_info_get_type", ctypes.c_uint, [POINTER]),
    ("snd_seq_query_next_port", INT, [POINTER, POINTER]),
)


class AlsaPortTypes:
    """Asks through one client, which is opened by the first question and stays."""

    def __init__(self, load: Any = ctypes.CDLL) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._library: Any = None
        self._has_failed = False
        self._sequencer = POINTER()
        self._client = POINTER()
        self._port = POINTER()

    def hardware(self) -> frozenset[str]:
        """Client and port of each hardware port, such as `20:0`; empty where ALSA does not answer."""
        with self._lock:
            if self._has_failed or not (self._library or self._open()):
                self._has_failed = True
                return frozenset()
            return frozenset(self._read())

    def _open(self) -> bool:
        try:
            library = self._load(LIBRARY)
            for name, result, arguments in FUNCTIONS:
                function = getattr(library, name)
                function.restype = result
                function.argtypes = arguments
        except (OSError, AttributeError):
            return False
        with silence_stderr():
            opened = library.snd_seq_open(ctypes.byref(self._sequencer), b"default", OPEN_DUPLEX, 0)
        if opened < 0:
            return False
        library.snd_seq_client_info_malloc(ctypes.byref(self._client))
        library.snd_seq_port_info_malloc(ctypes.byref(self._port))
        self._library = library
        return True

    def _read(self) -> list[str]:
        alsa = self._library
        found = []
        alsa.snd_seq_client_info_set_client(self._client, -1)
        while alsa.snd_seq_query_next_client(self._sequencer, self._client) >= 0:
            client = alsa.snd_seq_client_info_get_client(self._client)
            alsa.snd_seq_port_info_set_client(self._port, client)
            alsa.snd_seq_port_info_set_port(self._port, -1)
            while alsa.snd_seq_query_next_port(self._sequencer, self._port) >= 0:
                if alsa.snd_seq_port_info_get_type(self._port) & HARDWARE:
                    found.append(f"{client}:{alsa.snd_seq_port_info_get_port(self._port)}")
        return found


ALSA_PORT_TYPES = AlsaPortTypes()
