"""MIDI messages as bytes: their kinds, the controllers that matter here, and what is a whole message.

Numbers are those of the MIDI 1.0 specification. A message is `bytes`; its first byte holds the kind and, in its low four bits, the channel.
"""

from __future__ import annotations

from dataclasses import dataclass

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0  # kinds of channel messages
PITCH_BEND = 0xE0  # another one
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF = 64, 120, 121, 123  # controllers
PEDAL_DOWN = 64  # from this value on, a pedal is down
TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2  # of a MIDI clock
FIRST_SYSTEM = 0xF0  # messages from here on have no channel
LENGTHS = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}  # bytes of a channel message, by kind
SYSTEM = {0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1, 0xF8: 1, 0xFA: 1, 0xFB: 1, 0xFC: 1, 0xFE: 1}  # bytes of the others
MOST_SYSEX = 1 << 16  # bytes

Key = tuple[int, int]  # channel, pitch


@dataclass(frozen=True, slots=True)
class Event:
    """A MIDI message and the moment when it arrived, in monotonic seconds."""

    when: float
    message: bytes


def is_whole(message: bytes) -> bool:
    """Whether this is one message as MIDI has them. What is cut off, run together or made up goes no further."""
    if not message:
        return False
    first, data = message[0], message[1:]
    if first == FIRST_SYSTEM:
        return len(message) <= MOST_SYSEX and message[-1] == 0xF7 and data[:-1].isascii()
    length = SYSTEM.get(first) if first >= FIRST_SYSTEM else LENGTHS.get(first & 0xF0)
    return len(message) == length and data.isascii()


def is_clock(message: bytes) -> bool:
    """Whether it is a word between machines about time: clock, start, stop, song position, active sensing."""
    return bool(message) and message[0] > FIRST_SYSTEM
