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
        return bool(subscribers(self._api, output.name))

    def close(self) -> None:
        """Stop watching; waits for the question that is being answered. May be called twice."""
        JACK_WATCH.close()


def subscribers(api: str, name: str) -> list[str]:
    """Who listens to our output port of that name; [] where nobody does, or where the system does not tell."""
    if api == "jack":
        return JACK_WATCH.listeners(name)
    return _alsa_subscribers() if api == "alsa" else []


def _alsa_subscribers() -> list[str]:
    """The numbers of client and port of everyone to whom a port of ours leads."""
    try:
        text = ALSA_CLIENTS.read_text(errors="replace")
    except OSError:
        return []
    ours = re.findall(rf'Client +\d+ : "{CLIENT}".*?\n((?: .*\n?)*)', text)
    lists = [places for client in ours for places in re.findall(r"Connecting To: *(.*)", client)]
    return [place.partition("[")[0].strip() for places in lists for place in places.split(",")]
