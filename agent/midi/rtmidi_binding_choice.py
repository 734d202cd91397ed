"""Which binding to RtMidi is used: `python-rtmidi`, or `supriya-midi` where the former has no wheels (Python 3.13 and later).

Both wrap the same C++ library. The second is given the form of the first, so the rest of the program knows one form only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .jack.library import load_system_jack
from .port_errors import NoMidiSystem

PYTHON_RTMIDI, SUPRIYA = "python-rtmidi", "supriya-midi"


def load_rtmidi() -> Any:
    """A binding in the form of python-rtmidi: `MidiIn`, `MidiOut`, `get_compiled_api`, and a constant for each MIDI system.

    Raises NoMidiSystem where none can be loaded.
    """
    load_system_jack()  # it must be there first
    try:
        import rtmidi
    except ImportError as error:
        if "libasound" in str(error):
            raise NoMidiSystem(" (libasound2 is not installed)") from error
    else:
        if hasattr(rtmidi, "get_compiled_api"):  # another package has this name, too
            return rtmidi
    try:
        import supriya_midi
    except ImportError as error:
        missing = "libasound2" if "libasound" in str(error) else f"neither {PYTHON_RTMIDI} nor {SUPRIYA}"
        is_not = "is not" if missing == "libasound2" else "is"
        raise NoMidiSystem(f" ({missing} {is_not} installed)") from error
    return SupriyaBinding(supriya_midi)


class SupriyaClient:
    """A client of supriya-midi, of either direction, in the form of python-rtmidi's. What is the same is passed on."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_callback(self, callback: Callable[[tuple[list[int], float], Any], None], data: Any = None) -> None:
        """Call back with a pair of the message and the seconds since the last one, and with `data`."""

        def receive(message: list[int], seconds: float, also: Any) -> None:
            callback((message, seconds), also)

        self._client.set_callback(receive, data)


class SupriyaBinding:
    """supriya-midi in the form of python-rtmidi's module."""

    def __init__(self, module: Any) -> None:
        self._module = module
        names = module.RtMidiAPI
        self.API_LINUX_ALSA = names.LINUX_ALSA
        self.API_UNIX_JACK = names.UNIX_JACK
        self.API_MACOSX_CORE = names.MACOSX_CORE
        self.API_WINDOWS_MM = names.WINDOWS_MM

    def get_compiled_api(self) -> list[Any]:
        """The MIDI systems that the library was built for."""
        return list(self._module.get_compiled_apis())

    def MidiIn(self, api: Any, name: str) -> SupriyaClient:
        return SupriyaClient(self._module.MidiIn(api, name))

    def MidiOut(self, api: Any, name: str) -> SupriyaClient:
        return SupriyaClient(self._module.MidiOut(api, name))
