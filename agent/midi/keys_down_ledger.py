"""The ledger of an output port: which keys and pedals are down on it.

Whoever ends what sounds, on a port that went or after the program was killed, reads from it what is to be ended.
"""

from __future__ import annotations

import math

from .messages import CHANNEL, CONTROL, KEYS_UP, KIND, NOTE_OFF, NOTE_ON, PEDALS, RESET_CONTROLS, Key, Pedal

SETTLING = 0.1  # seconds until a port that was just opened passes on what it is given


class Ledger:
    """The keys and the pedals that are down, and when each was ended. A pedal is down as long as it is not at rest.

    Threads: some may write while another reads; so readers go through copies, which are made at once.
    """

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.pedals: set[Pedal] = set()
        self.channels: set[int] = set()
        self._end_times: dict[Key, float] = {}
        self._pedal_times: dict[Pedal, float] = {}

    def record(self, message: bytes, now: float = 0.0) -> None:
        """A message has passed."""
        if len(message) != 3:
            return
        kind = message[0] & KIND
        channel = message[0] & CHANNEL
        number = message[1]
        if kind in (NOTE_ON, NOTE_OFF):
            self.channels.add(channel)
            if kind == NOTE_ON and message[2]:
                self.keys.add((channel, number))
            else:
                self._end((channel, number), now)
        elif kind == CONTROL and number in PEDALS:
            self.channels.add(channel)
            self._move((channel, number), message[2], now)
        elif kind == CONTROL and number in KEYS_UP:
            for key in [key for key in self.keys.copy() if key[0] == channel]:
                self._end(key, now)
        elif kind == CONTROL and number == RESET_CONTROLS:
            for pedal in [pedal for pedal in self.pedals.copy() if pedal[0] == channel]:
                self._move(pedal, 0, now)

    def ends(self, since: float = math.inf) -> list[bytes]:
        """What ends all of it, and once more what has been ended since a moment: it may not have arrived."""
        keys = self.keys | {key for key, when in self._end_times.copy().items() if when >= since}
        pedals = self.pedals | {pedal for pedal, when in self._pedal_times.copy().items() if when >= since}
        offs = [bytes((NOTE_OFF | channel, pitch, 0)) for channel, pitch in sorted(keys)]
        return offs + [bytes((CONTROL | channel, controller, 0)) for channel, controller in sorted(pedals)]

    def is_down(self, message: bytes) -> bool:
        """Whether what this message ends, a key or a pedal, is down."""
        place = (message[0] & CHANNEL, message[1])
        return place in (self.pedals if message[0] & KIND == CONTROL else self.keys)

    def _end(self, key: Key, now: float) -> None:
        self.keys.discard(key)
        self._end_times[key] = now

    def _move(self, pedal: Pedal, value: int, now: float) -> None:
        (self.pedals.add if value else self.pedals.discard)(pedal)
        self._pedal_times[pedal] = now
