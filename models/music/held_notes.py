"""Which keys are down, and which notes a pedal holds, as MIDI 1.0 has it. A note ends when neither its key nor a pedal holds it.

For a player who is listened to, for files, and for our own sound alike.
"""

from __future__ import annotations

from typing import Generic, TypeVar

SUSTAIN, SOSTENUTO, SOFT, HOLD_2 = 64, 66, 67, 69  # controllers
PEDALS = (SUSTAIN, SOSTENUTO, SOFT, HOLD_2)
PEDAL_DOWN = 64  # from this value on, a pedal is down
ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF = 120, 121, 123  # channel mode messages
#: The last four change the mode of a channel (omni, mono, poly), and mean all notes off, too.
NOTES_OFF_MODES = (ALL_NOTES_OFF, 124, 125, 126, 127)

Key = tuple[int, int]  # channel, pitch
N = TypeVar("N")


class HeldNotes(Generic[N]):
    """The notes that sound on all channels, each with what its owner knows of it. Every method that may end notes returns those.

    A pedal that is down is up again below `lifted_below`: a continuous pedal that rests near its middle wavers.
    """

    def __init__(self, lifted_below: int = PEDAL_DOWN) -> None:
        self.down: dict[Key, N] = {}  # by keys that are down
        self.ringing: dict[Key, N] = {}  # by keys that are up: a pedal holds them
        self.pedals: set[tuple[int, int]] = set()  # channel and controller of those that are down
        self._caught: set[Key] = set()  # keys that were down when the sostenuto pedal went down
        self._lifted_below = lifted_below

    def press(self, key: Key, note: N) -> list[N]:
        """A key goes down. It ends its own former note: a string that is struck again begins a new one."""
        former = [notes.pop(key) for notes in (self.down, self.ringing) if key in notes]
        self.down[key] = note
        return former

    def release(self, key: Key) -> list[N]:
        """A key comes up."""
        if key not in self.down:
            return []
        note = self.down.pop(key)
        if self._is_held(key):
            self.ringing[key] = note
            return []
        return [note]

    def control(self, channel: int, number: int, value: int) -> list[N]:
        """A controller moves, or a channel mode message arrives; others than those of pedals and notes change nothing.

        A pedal has priority over all notes off: notes go on under it. All sound off ends them. A reset lifts pedals, not keys.
        """
        if number in PEDALS:
            return self._move_pedal(channel, number, value)
        if number == RESET_CONTROLS:
            self.pedals = {pedal for pedal in self.pedals if pedal[0] != channel}
            return self._end_unheld(channel)
        if number == ALL_SOUND_OFF or number in NOTES_OFF_MODES:
            for key in _on_channel(self.down, channel):
                self.ringing[key] = self.down.pop(key)
        if number == ALL_SOUND_OFF:
            return [self.ringing.pop(key) for key in _on_channel(self.ringing, channel)]
        return self._end_unheld(channel) if number in NOTES_OFF_MODES else []

    def release_all(self) -> list[N]:
        """All keys and pedals come up, on every channel."""
        ended = [*self.down.values(), *self.ringing.values()]
        for held in (self.down, self.ringing, self.pedals, self._caught):
            held.clear()
        return ended

    def _move_pedal(self, channel: int, number: int, value: int) -> list[N]:
        pedal = (channel, number)
        if value >= PEDAL_DOWN:
            if number == SOSTENUTO and pedal not in self.pedals:
                self._caught = {k for k in self._caught if k[0] != channel} | set(_on_channel(self.down, channel))
            self.pedals.add(pedal)
        elif value < self._lifted_below and pedal in self.pedals:
            self.pedals.discard(pedal)
            return self._end_unheld(channel)
        return []

    def _end_unheld(self, channel: int) -> list[N]:
        return [self.ringing.pop(key) for key in _on_channel(self.ringing, channel) if not self._is_held(key)]

    def _is_held(self, key: Key) -> bool:
        """Whether a pedal holds it. The soft pedal holds nothing."""
        channel = key[0]
        if (channel, SUSTAIN) in self.pedals or (channel, HOLD_2) in self.pedals:
            return True
        return key in self._caught and (channel, SOSTENUTO) in self.pedals


def _on_channel(notes: dict[Key, N], channel: int) -> list[Key]:
    return [key for key in notes if key[0] == channel]
