"""The system's own libjack, loaded before any binding to RtMidi.

Wheels of RtMidi bring a libjack of their own. It is old: it speaks another protocol than a new JACK server, and it knows nothing of
PipeWire, which stands in for JACK on most desktops. A library whose symbols are global is found first by all that are loaded later, so the
binding calls the system's library in place of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import functools
import sys
from typing import Any

LINUX_NAME = "libjack.so.0"
NO_START_SERVER = 1  # JackNoStartServer, of JackOptions
MIDI = b"8 bit raw midi"  # JACK_DEFAULT_MIDI_TYPE
IS_INPUT, IS_OUTPUT, IS_PHYSICAL = 1, 2, 4  # of JackPortFlags

POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p
TEXTS = ctypes.POINTER(ctypes.c_char_p)
SHUTDOWN = ctypes.CFUNCTYPE(None, POINTER)  # JackShutdownCallback
PROCESS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, POINTER)  # JackProcessCallback
THREAD_INIT = ctypes.CFUNCTYPE(None, POINTER)  # JackThreadInitCallback


class MidiEvent(ctypes.Structure):
    """jack_midi_event_t: frames from the start of the period, bytes, and where they are."""

    _fields_ = (("time", ctypes.c_uint32), ("size", ctypes.c_size_t), ("buffer", POINTER))


FUNCTIONS: tuple[tuple[str, Any, list[Any]], ...] = (
    ("jack_client_open", POINTER, [TEXT, ctypes.c_int, POINTER]),
    ("jack_client_close", ctypes.c_int, [POINTER]),
    ("jack_activate", ctypes.c_int, [POINTER]),
    ("jack_connect", ctypes.c_int, [POINTER, TEXT, TEXT]),
    ("jack_on_shutdown", None, [POINTER, SHUTDOWN, POINTER]),
    ("jack_set_process_callback", ctypes.c_int, [POINTER, PROCESS, POINTER]),
    ("jack_set_thread_init_callback", ctypes.c_int, [POINTER, THREAD_INIT, POINTER]),
    ("jack_port_register", POINTER, [POINTER, TEXT, TEXT, ctypes.c_ulong, ctypes.c_ulong]),
    ("jack_port_name", TEXT, [POINTER]),
    ("jack_port_by_name", POINTER, [POINTER, TEXT]),
    ("jack_port_set_alias", ctypes.c_int, [POINTER, TEXT]),
    ("jack_port_get_all_connections", TEXTS, [POINTER, POINTER]),
    ("jack_port_get_buffer", POINTER, [POINTER, ctypes.c_uint32]),
    ("jack_midi_get_event_count", ctypes.c_uint32, [POINTER]),
    ("jack_midi_event_get", ctypes.c_int, [ctypes.POINTER(MidiEvent), POINTER, ctypes.c_uint32]),
    ("jack_get_ports", TEXTS, [POINTER, TEXT, TEXT, ctypes.c_ulong]),
    ("jack_free", None, [POINTER]),
)


@functools.cache
def load_system_jack() -> Any:
    """The library with global symbols, and with the types of the functions that are called; None where it cannot be loaded."""
    if sys.platform == "win32":
        return None  # the bindings for Windows are built without JACK
    names = [LINUX_NAME] if sys.platform == "linux" else []
    if found := ctypes.util.find_library("jack"):
        names.append(found)
    for name in names:
        with contextlib.suppress(OSError):
            return _declare(ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL))
    return None


def _declare(jack: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the functions, and let the library print nothing: what it would say is ours to say.

    It calls the function for its messages from threads of its own. One of Python's would wait for the interpreter's lock there, and some
    bindings hold that lock while they close a client and wait for its threads: neither would ever go on. So it is one of the C library
    that takes a text and changes nothing.
    """
    for name, result, arguments in FUNCTIONS:
        with contextlib.suppress(AttributeError):
            function = getattr(jack, name)
            function.restype = result
            function.argtypes = arguments
    silent = ctypes.cast(ctypes.CDLL(None).strlen, POINTER)
    jack.jack_set_error_function(silent)
    jack.jack_set_info_function(silent)
    return jack


def strings(array: Any) -> list[str]:
    """The strings of a C array of JACK's that ends with NULL, which is freed."""
    found: list[str] = []
    if array:
        while array[len(found)]:
            found.append(array[len(found)].decode(errors="replace"))
        load_system_jack().jack_free(array)
    return found
