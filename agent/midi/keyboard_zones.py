"""Keyboard zones: which part of the input is the player's call, where the agent may play, and how velocities are scaled. Pure.

Channel 10 is for drums (General MIDI), which are no call.
"""

from __future__ import annotations

from dataclasses import dataclass

from .messages import (
    BANK_COARSE,
    BANK_FINE,
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM,
)

CURVES = {"soft": 0.6, "linear": 1.0, "hard": 1.6}
"""Exponents of velocity: with a soft curve a light touch sounds louder."""
CENTRE = b"\x00\x40"  # of a pitch bend: its data at rest, as DAWs send it on all channels


@dataclass(frozen=True)
class KeyboardZones:
    """`channel`: only this one is listened to (0 to 15; None: all). `split`: the player calls below it, the agent answers from it on.

    `transpose` moves all that the agent plays, in semitones; `curve` bends the player's velocities, on their way to thru,
    too. `program` and `bank` choose the agent's sound on the output, where they are not None. `latency`: seconds from a
    message to its sound; `hammer`: seconds more that a key takes at the softest touch, and at the loudest.
    """

    channel: int | None = None
    split: int | None = None
    transpose: int = 0
    curve: str = "linear"
    program: int | None = None
    bank: int | None = None
    latency: float = 0.0
    hammer: tuple[float, float] = (0.0, 0.0)

    def lead(self, velocity: int) -> float:
        """How many seconds before its time a note must be sent."""
        soft, loud = self.hammer
        return self.latency + soft + (loud - soft) * (velocity - 1) / 126

    @property
    def longest_lead(self) -> float:
        """The most that `lead` can be."""
        return self.latency + max(self.hammer)

    def sound(self, channel: int) -> list[bytes]:
        """The messages that choose the agent's sound."""
        out = []
        if self.bank is not None:
            out += [
                bytes((CONTROL | channel, BANK_COARSE, self.bank >> 7)),
                bytes((CONTROL | channel, BANK_FINE, self.bank & 127)),
            ]
        if self.program is not None:
            out.append(bytes((PROGRAM | channel, self.program)))
        return out

    def transpose_pitch(self, pitch: int) -> int:
        """A pitch of the agent's as it sounds; by whole octaves less where it would leave the keys."""
        moved = pitch + self.transpose
        while moved > 127:
            moved -= 12
        while moved < 0:
            moved += 12
        return moved

    def apply_curve(self, message: bytes) -> bytes:
        """The message with its velocity on the curve."""
        if self.curve == "linear" or len(message) != 3 or message[0] & KIND != NOTE_ON or message[2] == 0:
            return message
        bent = round(127 * (message[2] / 127) ** CURVES[self.curve])
        return bytes((message[0], message[1], max(1, min(bent, 127))))

    def listens_to(self, message: bytes) -> bool:
        """Whether the message is part of the call. Pedals always are, on a channel that is listened to."""
        if not message or not FIRST_STATUS <= message[0] < FIRST_SYSTEM:
            return False
        if self.channel is not None and message[0] & CHANNEL != self.channel:
            return False
        is_note = message[0] & KIND in (NOTE_OFF, NOTE_ON) and len(message) == 3
        return not (is_note and self.split is not None and message[1] >= self.split)

    def range(self, sampling: dict[str, float]) -> dict[str, float]:
        """A preset's sampling settings, kept above the split."""
        if self.split is None:
            return sampling
        low = max(float(self.split), sampling.get("lowest", 21.0))
        return {**sampling, "lowest": low, "highest": max(sampling.get("highest", 108.0), min(low + 24.0, 108.0))}


class DrumChannel:
    """Tells drums from keys on channel 10. `has_keys`: it is listened to as keys, as that was asked for.

    Drums are not bent. Who bends them has a channel for each note (MPE), and channel 10 is one of these from then on.
    """

    def __init__(self, has_keys: bool) -> None:
        self._has_keys = has_keys

    def is_drums(self, message: bytes) -> bool:
        """Whether this message is of drums."""
        if not message or message[0] >= FIRST_SYSTEM or message[0] & CHANNEL != DRUM_CHANNEL:
            return False
        if message[0] & KIND == PITCH_BEND and message[1:] != CENTRE:
            self._has_keys = True
        return not self._has_keys
