"""Merges the player's and the agent's messages on their way to one output port and to our own sound.

Each of the two has an output port of its own, and both lead to the same place.

Threads: as those of a port, from any.
"""

from __future__ import annotations

from typing import Protocol

from .port_errors import PortLost
from .ports import OutputPort

PLAYER, AGENT = 0, 1  # who plays


class Sound(Protocol):
    """Our own sound."""

    name: str

    def play(self, who: int, message: bytes) -> None:
        """One message of the player's or the agent's."""

    def timbre(self, who: int, name: str) -> None:
        """Another instrument for one of the two; see `agent.audio.synth`."""

    def volume(self, share: float) -> None:
        """How loud it is, 0 to 1."""

    @property
    def is_alive(self) -> bool:
        """Whether it still plays."""

    def quiet(self, is_quiet: bool) -> None:
        """Be silent, or be heard again."""

    def close(self) -> None:
        """Let go of the sound system. May be called twice."""


class OutputMerge:
    """`midi` is the system's port, None where there is none; `sound` what is heard, None where nothing is.

    Both may be exchanged while it all goes on.
    """

    def __init__(self, midi: OutputPort | None = None, sound: Sound | None = None) -> None:
        self.midi = midi
        self.sound = sound
        self.player = MergedOutput(self, PLAYER)
        self.agent = MergedOutput(self, AGENT)

    @property
    def name(self) -> str:
        """Where it is heard."""
        if self.midi is not None:
            return self.midi.name
        return "the page" if self.sound is None else "the built-in sound"

    def send(self, who: int, message: bytes) -> None:
        """Pass one message on. Raises PortLost."""
        midi = self.midi
        try:
            if midi is not None:
                midi.send(message)
        except PortLost:
            if midi is self.midi:  # else another was chosen just now
                raise
        finally:
            if self.sound is not None:
                self.sound.play(who, message)

    def switch_port(self, midi: OutputPort | None) -> OutputPort | None:
        """Send to another port from now on. Returns the former."""
        former = self.midi
        self.midi = midi
        return former

    def close(self) -> None:
        """Let go of port and sound. May be called twice."""
        if self.midi is not None:
            self.midi.close()
        if self.sound is not None:
            self.sound.close()


class MergedOutput:
    """The output port of one player, which leads into the merge."""

    def __init__(self, merge: OutputMerge, who: int) -> None:
        self._merge = merge
        self._who = who

    @property
    def name(self) -> str:
        return self._merge.name

    def send(self, message: bytes) -> None:
        self._merge.send(self._who, message)

    def close(self) -> None:
        if self._who == AGENT:  # it is closed last: closing the player's port ends nothing
            self._merge.close()
