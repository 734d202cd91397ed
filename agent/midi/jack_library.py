"""The system's own libjack, loaded before any binding to RtMidi.

Wheels of RtMidi bring a libjack of their own. It is old: it speaks another protocol than a new JACK server, and it knows nothing of
PipeWire, which stands in for JACK on most desktops. A library whose symbols are global is found first by all that are loaded later, so the
binding calls the system's library in place of its own.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache

LINUX_NAME = "libjack.so.0"


@cache
def load_system_jack() -> ctypes.CDLL | None:
    """The system's libjack with global symbols, or None where it is not installed or cannot be loaded."""
    if sys.platform == "win32":
        return None  # the bindings for Windows are built without JACK
    names = [LINUX_NAME] if sys.platform == "linux" else []
    if found := ctypes.util.find_library("jack"):
        names.append(found)
    for name in names:
        try:
            return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    return None
