"""A synth as MIDI 1.0 has it, which judges what it is sent: what still sounds there, and what was ended by more than its own end."""

from __future__ import annotations

from collections.abc import Iterable

PEDALS = (64, 66, 67, 69)
NOTES_OFF = (120, 123, 124, 125, 126, 127)


class Synth:
    """Keys and pedals by channel. `cut`: keys that were down when all notes off or all sound off came.

    `again`: a key may be struck twice without an end between.
    """

    def __init__(self, messages: Iterable[bytes] = (), *, again: bool = False) -> None:
        self._again = again
        self.keys: set[tuple[int, int]] = set()
        self.pedals: dict[tuple[int, int], int] = {}  # those that are not at rest, and their values
        self.cut: list[tuple[int, int]] = []
        for message in messages:
            self.hear(message)

    def hear(self, message: bytes) -> None:
        if len(message) != 3:
            return
        kind, channel, number, value = message[0] & 0xF0, message[0] & 0x0F, message[1], message[2]
        if kind == 0x90 and value:
            assert self._again or (channel, number) not in self.keys, (
                f"{message.hex(' ')} was struck twice without an end between"
            )
            self.keys.add((channel, number))
        elif kind in (0x80, 0x90):
            self.keys.discard((channel, number))
        elif kind == 0xB0 and number in PEDALS:
            self.pedals[channel, number] = value
        elif kind == 0xB0 and number == 121:
            self.pedals = {pedal: v for pedal, v in self.pedals.items() if pedal[0] != channel}
        elif kind == 0xB0 and number in NOTES_OFF:
            self.cut += sorted(key for key in self.keys if key[0] == channel)
            self.keys = {key for key in self.keys if key[0] != channel}
        self.pedals = {pedal: v for pedal, v in self.pedals.items() if v}

    def assert_silent(self) -> None:
        """Nothing sounds, and no pedal is down, not even a little."""
        assert not self.keys, f"still sounding: {sorted(self.keys)}"
        assert not self.pedals, f"pedals down: {self.pedals}"
