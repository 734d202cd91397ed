"""A synth as MIDI 1.0 has it, which judges what it is sent: what still sounds there, and what was ended by more than its own end."""

from __future__ import annotations

from collections.abc import Iterable

PEDALS = (64, 66, 67, 69)
NOTES_OFF = (120, 123, 124, 125, 126, 127)


class Synth:
    """Keys and pedals by channel. `cut`: keys that were down when all notes off or all sound off came.

    `ringing`: keys that a damper pedal, sustain or hold 2, holds by itself.

    `again`: a key may be struck twice without an end between.
    """

    def __init__(self, messages: Iterable[bytes] = (), *, again: bool = False) -> None:
        self._again = again
        self.keys: set[tuple[int, int]] = set()
        self.ringing: set[tuple[int, int]] = set()
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
            self.ringing.discard((channel, number))
        elif kind in (0x80, 0x90):
            if (channel, number) in self.keys:
                self.ringing.add((channel, number))
            self.keys.discard((channel, number))
        elif kind == 0xB0 and number in PEDALS:
            self.pedals[channel, number] = value
        elif kind == 0xB0 and number == 121:
            self.pedals = {pedal: v for pedal, v in self.pedals.items() if pedal[0] != channel}
        elif kind == 0xB0 and number in NOTES_OFF:
            cut = sorted(key for key in self.keys if key[0] == channel)
            self.cut += cut
            self.ringing = {key for key in self.ringing if number != 120 or key[0] != channel}
            self.ringing |= set(cut if number != 120 else ())
            self.keys = {key for key in self.keys if key[0] != channel}
        self.pedals = {pedal: v for pedal, v in self.pedals.items() if v}
        held = {c for (c, pedal), v in self.pedals.items() if pedal in (64, 69) and v >= 64}
        self.ringing = {key for key in self.ringing if key[0] in held}

    def assert_silent(self) -> None:
        """Nothing sounds, and no pedal is down, not even a little."""
        assert not self.keys, f"still sounding: {sorted(self.keys)}"
        assert not self.pedals, f"pedals down: {self.pedals}"
