"""Thru: the player's own messages, passed to the synth on the channel they came on, before anything else is done with them.

Threads: `pass_on` runs on the input ports' threads; `close` on any, after the inputs are closed.

Its laws are the schedule's: a pitch that still sounds is closed before it is struck again, and the off of an older note kills no newer one.
"""

from __future__ import annotations

import threading

from ..midi.messages import CONTROL, NOTE_OFF, NOTE_ON, PEDAL_DOWN, SUSTAIN, Key
from ..midi.ports import OutputPort
from .playback_thread import Player


class Thru:
    """Passes messages on, and keeps its own ledger, so that a key that is down when all ends is let go."""

    def __init__(self, output: OutputPort, player: Player) -> None:
        self._output = output
        self._player = player
        self._sounding: dict[Key, str] = {}  # keys that are down, and the port that struck each last
        self._pedals: set[int] = set()  # channels whose pedal is down
        self._channels: set[int] = set()
        self._lock = threading.Lock()  # two keyboards may strike the same key at once

    def pass_on(self, message: bytes, port: str = "") -> bool:
        """Send one message of the player's, that came from `port`; whether it was sent. Raises PortLost."""
        if not message:
            return False
        kind = message[0] & 0xF0
        channel = message[0] & 0x0F
        if len(message) == 3 and kind in (NOTE_ON, NOTE_OFF):
            with self._lock:
                if kind == NOTE_ON and message[2] > 0:
                    return self._note_on((channel, message[1]), message, port)
                return self._note_off((channel, message[1]), message, port)
        if len(message) == 3 and kind == CONTROL and message[1] == SUSTAIN:
            (self._pedals.add if message[2] >= PEDAL_DOWN else self._pedals.discard)(channel)
            self._channels.add(channel)
        self._output.send(message)
        return True

    def holds(self, message: bytes) -> bool:
        """Whether this ends something that was passed on: it must be passed on too, whatever else it has come to mean."""
        if len(message) != 3:
            return False
        kind = message[0] & 0xF0
        channel = message[0] & 0x0F
        if kind == NOTE_OFF or (kind == NOTE_ON and message[2] == 0):
            return (channel, message[1]) in self._sounding
        return kind == CONTROL and message[1] == SUSTAIN and message[2] < PEDAL_DOWN and channel in self._pedals

    def close(self) -> None:
        """Let go of every key that is still down, and lift the pedals. Raises PortLost."""
        with self._lock:
            for channel, pitch in sorted(self._sounding):
                self._output.send(bytes((NOTE_OFF | channel, pitch, 0)))
            self._sounding.clear()
            for channel in sorted(self._channels):
                self._output.send(bytes((CONTROL | channel, SUSTAIN, 0)))

    def _note_on(self, key: Key, message: bytes, port: str) -> bool:
        if key[0] == self._player.schedule.channel:
            self._player.claim_pitch(key[1])
        self._channels.add(key[0])
        is_sounding = key in self._sounding
        self._sounding[key] = port
        if is_sounding:
            self._output.send(bytes((NOTE_OFF | key[0], key[1], 0)))
        self._output.send(message)
        return True

    def _note_off(self, key: Key, message: bytes, port: str) -> bool:
        owner = self._sounding.get(key)
        is_ours = key[0] == self._player.schedule.channel
        if owner is None and is_ours and self._player.sounds(key[1]):
            return False  # a key that was never struck here: its off would end a note of the agent's
        if owner is not None and owner != port:
            return False  # another keyboard has struck it since
        self._sounding.pop(key, None)
        self._channels.add(key[0])
        try:
            self._output.send(message)
        finally:
            if is_ours:
                self._player.free_pitch(key[1])
        return True
