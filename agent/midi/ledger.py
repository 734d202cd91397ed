"""The ledger of a port: which keys and pedals are down on it.

Whoever ends what sounds, on a port that went or after the program was killed, reads from it what is to be ended.
"""

from __future__ import annotations

import math

from .messages import CHANNEL, CONTROL, KIND, NOTE_OFF, NOTE_ON, PEDAL_DOWN, SUSTAIN, Key

SETTLING = 0.1  # seconds until a port that was just opened passes on what it is given


class Ledger:
    """The keys that are down, and the channels whose pedal is; and when each was ended.

    Threads: one may write while another reads; so readers go through copies, which are made at once.
    """

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.pedals: set[int] = set()
        self.channels: set[int] = set()
        self._end_times: dict[Key, float] = {}
        self._pedal_times: dict[int, float] = {}

    def record(self, message: bytes, now: float = 0.0) -> None:
        """A message has passed."""
        if len(message) != 3:
            return
        kind, channel = message[0] & KIND, message[0] & CHANNEL
        if kind in (NOTE_ON, NOTE_OFF):
            self.channels.add(channel)
            key = (channel, message[1])
            if kind == NOTE_ON and message[2]:
                self.keys.add(key)
            else:
                self.keys.discard(key)
                self._end_times[key] = now
        elif kind == CONTROL and message[1] == SUSTAIN:
            (self.pedals.add if message[2] >= PEDAL_DOWN else self.pedals.discard)(channel)
            self._pedal_times[channel] = now

    def ends(self, since: float = math.inf) -> list[bytes]:
        """What ends all of it, and once more what has been ended since a moment: it may not have arrived."""
        keys = self.keys | {key for key, when in self._end_times.copy().items() if when >= since}
        pedals = self.pedals | {channel for channel, when in self._pedal_times.copy().items() if when >= since}
        offs = [bytes((NOTE_OFF | channel, pitch, 0)) for channel, pitch in sorted(keys)]
        return offs + [bytes((CONTROL | channel, SUSTAIN, 0)) for channel in sorted(pedals)]
