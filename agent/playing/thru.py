"""Thru: the player's own messages, passed to the synth on the channel they came on, before anything else is done with them.

Threads: `pass_on` runs on the input ports' threads; `close` on any, after the inputs are closed.

Its laws are the schedule's: a pitch that still sounds is closed before it is struck again, and the off of an older note kills no newer one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence

from ..midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CHANNEL,
    CONTROL,
    FIRST_SYSTEM,
    HOLD_2,
    KEYS_UP,
    KIND,
    NOTE_OFF,
    NOTE_ON,
    PEDAL_DOWN,
    PEDALS,
    RESET_CONTROLS,
    SUSTAIN,
    Key,
    Pedal,
    is_pedal,
)
from ..midi.port_errors import PortLost
from ..midi.ports import OutputPort
from ..midi.velocity_prefix import VelocityPrefixes
from .playback_thread import Player

DAMPERS = (SUSTAIN, HOLD_2)  # pedals that hold whatever is played


class Thru:
    """Passes messages on, and keeps its own ledger, so that a key or pedal that is down when all ends is let go.

    All notes off is said in note-offs first: not every synth knows it. It is withheld where it would end a note of the agent's.
    """

    def __init__(self, output: OutputPort, player: Player, band: Iterable[Player] = ()) -> None:
        """`band`: the players of the band, on whose channels a key is the player's, too."""
        self._output = output
        self._player = player
        self._players = {one.schedule.channel: one for one in (*band, player)}
        self._sounding: dict[Key, str] = {}  # keys that are down, and the port that struck each last
        self._pedals: dict[Pedal, int] = {}  # pedals that are not at rest, and their values
        self._channels: set[int] = set()
        self._prefixes = VelocityPrefixes()
        self._lock = threading.Lock()  # two keyboards may strike the same key at once
        player.after_cut = self.damp_agent

    def pass_on(self, message: bytes, port: str = "") -> bool:
        """Send one message of the player's, that came from `port`; whether it was sent. Raises PortLost."""
        if not message:
            return False
        kind = message[0] & KIND
        place = (message[0] & CHANNEL, message[1]) if len(message) == 3 and message[0] < FIRST_SYSTEM else None
        with self._lock:
            if self._prefixes.keep(message, port):
                return False
            prefix = self._prefixes.take(message, port)
            if place is not None and kind == NOTE_ON and message[2] > 0:
                return self._note_on(place, message, port, prefix)
            if prefix is not None:
                self._output.send(prefix)
            if place is not None and kind == CONTROL:
                return self._control(place, message)
            if place is not None and kind in (NOTE_ON, NOTE_OFF):
                return self._note_off(place, message, port)
            self._output.send(message)
            return True

    def holds(self, message: bytes) -> bool:
        """Whether this ends something that was passed on: it must be passed on too, whatever else it has come to mean."""
        if len(message) != 3:
            return False
        kind = message[0] & KIND
        place = (message[0] & CHANNEL, message[1])
        if kind == NOTE_OFF or (kind == NOTE_ON and message[2] == 0):
            return place in self._sounding
        return is_pedal(message) and message[2] < PEDAL_DOWN and place in self._pedals

    def damp_agent(self) -> None:
        """The agent was cut: what it played rings on where the player's pedal is down on its channel. So the pedal comes up once."""
        with self._lock, contextlib.suppress(PortLost):
            self._pump_pedals(self._player.schedule.channel, DAMPERS)

    def silence(self) -> None:
        """Panic: keys and pedals up and all notes off, on each channel that was used. Raises PortLost."""
        with self._lock:
            self._let_go(self._channels | {self._player.schedule.channel}, (*PEDALS, ALL_NOTES_OFF))

    def close(self) -> None:
        """Let go of every key that is still down, and lift the pedals. Raises PortLost."""
        with self._lock:
            self._let_go(self._channels, (SUSTAIN,))

    def _let_go(self, channels: set[int], controllers: tuple[int, ...]) -> None:
        for key in sorted(self._sounding):
            self._release(key)
        pedals = set(self._pedals) | {(c, n) for c in channels for n in controllers}
        self._pedals.clear()
        for channel, controller in sorted(pedals):
            message = bytes((CONTROL | channel, controller, 0))
            player = self._players.get(channel)
            if controller in PEDALS or player is None:
                self._output.send(message)
            else:
                player.send_if_silent(message, self._output)

    def _note_on(self, key: Key, message: bytes, port: str, prefix: bytes | None) -> bool:
        if (player := self._players.get(key[0])) is not None:
            player.claim_pitch(key[1])
        self._channels.add(key[0])
        is_sounding = key in self._sounding
        self._sounding[key] = port
        if is_sounding:
            self._output.send(bytes((NOTE_OFF | key[0], key[1], 0)))
        if prefix is not None:
            self._output.send(prefix)
        self._output.send(message)
        return True

    def _note_off(self, key: Key, message: bytes, port: str) -> bool:
        owner = self._sounding.get(key)
        player = self._players.get(key[0])
        if owner is None and player is not None and player.sounds(key[1]):
            return False  # a key that was never struck here: its off would end a note of ours
        if owner is not None and owner != port:
            return False  # another keyboard has struck it since
        self._channels.add(key[0])
        self._release(key, message)
        return True

    def _release(self, key: Key, message: bytes | None = None) -> None:
        """A key is up; `message` says so where it does in words of its own."""
        self._sounding.pop(key, None)
        try:
            self._output.send(message or bytes((NOTE_OFF | key[0], key[1], 0)))
        finally:
            if (player := self._players.get(key[0])) is not None:
                player.free_pitch(key[1])

    def _control(self, place: Pedal, message: bytes) -> bool:
        channel, number = place
        if number in PEDALS:
            self._channels.add(channel)
            self._move_pedal(place, message[2])
        elif number == RESET_CONTROLS:
            for pedal in [pedal for pedal in self._pedals if pedal[0] == channel]:
                self._move_pedal(pedal, 0)
                self._output.send(bytes((CONTROL | channel, pedal[1], 0)))  # some synths reset not all of them
        elif number in KEYS_UP:
            return self._all_notes_off(channel, message)
        self._output.send(message)
        return True

    def _move_pedal(self, pedal: Pedal, value: int) -> None:
        if value:
            self._pedals[pedal] = value
        else:
            self._pedals.pop(pedal, None)

    def _all_notes_off(self, channel: int, message: bytes) -> bool:
        """All keys of a channel are up. Where the agent sounds there, the message itself goes no further."""
        for key in sorted(key for key in self._sounding if key[0] == channel):
            self._release(key)
        player = self._players.get(channel)
        if player is None:
            self._output.send(message)
            return True
        if player.send_if_silent(message, self._output):
            return True
        if message[1] == ALL_SOUND_OFF:  # what rings under the pedals ends, too
            self._pump_pedals(channel, PEDALS)
        return False

    def _pump_pedals(self, channel: int, controllers: Sequence[int]) -> None:
        """These pedals of a channel come up, and those that hold whatever is played go down again."""
        for pedal, value in [
            item for item in self._pedals.items() if item[0][0] == channel and item[0][1] in controllers
        ]:
            self._output.send(bytes((CONTROL | channel, pedal[1], 0)))
            if pedal[1] in DAMPERS:
                self._output.send(bytes((CONTROL | channel, pedal[1], value)))
            else:
                del self._pedals[pedal]
