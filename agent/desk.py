"""The desk: where the player's and the agent's messages come together, on their way to the output port and to our own sound.

Knows nothing of notes. Two output ports, one for each player, that lead to the same place.

Threads: as those of a port, from any.
"""

from __future__ import annotations

from .ports import OutputPort
from .synth import AGENT, PLAYER, Sound


class Desk:
    """`midi` is the system's port, None where there is none; `sound` what is heard, None where nothing is."""

    def __init__(self, midi: OutputPort | None = None, sound: Sound | None = None) -> None:
        self.midi, self.sound = midi, sound
        self.name = midi.name if midi is not None else "the page" if sound is None else "the built-in sound"
        self.player, self.agent = Channel(self, PLAYER), Channel(self, AGENT)

    def send(self, who: int, message: bytes) -> None:
        """Pass one message on. Raises PortLost."""
        try:
            if self.midi is not None:
                self.midi.send(message)
        finally:
            if self.sound is not None:
                self.sound.play(who, message)

    def close(self) -> None:
        """Let go of port and sound. May be called twice."""
        if self.midi is not None:
            self.midi.close()
        if self.sound is not None:
            self.sound.close()


class Channel:
    """One player's output port on the desk."""

    def __init__(self, desk: Desk, who: int) -> None:
        self._desk, self._who = desk, who
        self.name = desk.name

    def send(self, message: bytes) -> None:
        self._desk.send(self._who, message)

    def close(self) -> None:
        if self._who == AGENT:  # who plays last closes the lid
            self._desk.close()
