"""Thru: the player's own messages, passed to the synth on the channel they came on, before anything else is done with them.

Knows nothing of phrases. Threads: `pass_on` runs on the input port's thread; `close` on any, after the inputs are closed.
"""

from __future__ import annotations

from .listener import CONTROL, NOTE_OFF, NOTE_ON, SUSTAIN, Key
from .player import Player
from .ports import OutputPort


class Thru:
    """Passes messages on, and keeps its own ledger, so that a key that is down when all ends is let go."""

    def __init__(self, output: OutputPort, player: Player) -> None:
        self._output, self._player = output, player
        self._sounding: set[Key] = set()
        self._channels: set[int] = set()

    def pass_on(self, message: bytes) -> None:
        """Send one message of the player's. Raises PortLost."""
        if not message:
            return
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        is_note = kind in (NOTE_ON, NOTE_OFF) and len(message) == 3
        ours = is_note and channel == self._player.schedule.channel
        starts = is_note and kind == NOTE_ON and message[2] > 0
        if ours and starts:
            self._player.taken(message[1])
        self._output.send(message)
        if is_note:
            self._channels.add(channel)
            if starts:
                self._sounding.add((channel, message[1]))
            else:
                self._sounding.discard((channel, message[1]))
                if ours:
                    self._player.freed(message[1])

    def close(self) -> None:
        """Let go of every key that is still down, and lift the pedals. Raises PortLost."""
        for channel, pitch in sorted(self._sounding):
            self._output.send(bytes((NOTE_OFF | channel, pitch, 0)))
        self._sounding.clear()
        for channel in sorted(self._channels):
            self._output.send(bytes((CONTROL | channel, SUSTAIN, 0)))
