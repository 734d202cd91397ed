"""The desk: where the player's and the agent's messages come together, on their way to the output port and to our own sound.

Knows nothing of notes. Two output ports, one for each player, that lead to the same place.

Threads: as those of a port, from any.
"""

from __future__ import annotations

from typing import Protocol

from .ports import OutputPort, PortLost

PLAYER, AGENT = 0, 1  # who plays


class Sound(Protocol):
    """Something that is heard."""

    name: str

    def play(self, who: int, message: bytes) -> None:
        """One message of the player's or the agent's."""

    def timbre(self, who: int, name: str) -> None:
        """Another instrument for one of the two; see `agent.audio.fm_patches`."""

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
        self.midi, self.sound = midi, sound
        self.player, self.agent = Channel(self, PLAYER), Channel(self, AGENT)

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
            if midi is self.midi:  # else it was left just now
                raise
        finally:
            if self.sound is not None:
                self.sound.play(who, message)

    def lead_to(self, midi: OutputPort | None) -> OutputPort | None:
        """Send to another port from now on. Returns the former."""
        former, self.midi = self.midi, midi
        return former

    def close(self) -> None:
        """Let go of port and sound. May be called twice."""
        if self.midi is not None:
            self.midi.close()
        if self.sound is not None:
            self.sound.close()


class Channel:
    """One player's output port on the desk."""

    def __init__(self, desk: OutputMerge, who: int) -> None:
        self._desk, self._who = desk, who

    @property
    def name(self) -> str:
        return self._desk.name

    def send(self, message: bytes) -> None:
        self._desk.send(self._who, message)

    def close(self) -> None:
        if self._who == AGENT:  # who plays last closes the lid
            self._desk.close()
