"""Whether somebody listens to our output port, so that our own sound is not needed.

MIDI systems tell this in ways of their own, and rtmidi in none.
"""

from __future__ import annotations

import re
from pathlib import Path

from .jack.watcher import JACK_WATCH
from .ports import OutputPort
from .rtmidi_backend import CLIENT

ALSA_CLIENTS = Path("/proc/asound/seq/clients")


class PortSubscribers:
    """Watches an output port of that MIDI system.

    macOS does not tell who listens to a port of ours; there, nobody does, and the sound stays on.
    """

    def __init__(self, api: str | None) -> None:
        self._api = api

    def is_there(self, output: OutputPort | None, ours: bool) -> bool:
        """Whether somebody listens. `ours`: the port is one that we made, and others connect to it.

        May take a moment the first time; from any thread.
        """
        if output is None or self._api is None:
            return False
        if not ours:
            return True
        if self._api == "alsa":
            return _has_alsa_subscribers()
        return self._api == "jack" and bool(JACK_WATCH.listeners(output.name))

    def close(self) -> None:
        """Stop watching; waits for the question that is being answered. May be called twice."""
        JACK_WATCH.close()


def _has_alsa_subscribers() -> bool:
    try:
        text = ALSA_CLIENTS.read_text(errors="replace")
    except OSError:
        return False
    ours = re.findall(rf'Client +\d+ : "{CLIENT}".*?\n((?: .*\n?)*)', text)
    return any("Connecting To" in ports for ports in ours)
