"""MIDI messages as bytes: their kinds, the controllers that matter here, and what is a whole message.

Numbers are those of the MIDI 1.0 specification. A message is `bytes`; its first byte holds the kind and, in its low four bits, the
channel. The bytes after it are data, 0 to 127.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.music import held_notes

KIND, CHANNEL = 0xF0, 0x0F  # masks of a channel message's first byte
NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL = 0x80, 0x90, 0xA0, 0xB0  # kinds of channel messages
PROGRAM, CHANNEL_PRESSURE, PITCH_BEND = 0xC0, 0xD0, 0xE0  # the same
FIRST_STATUS = NOTE_OFF  # a byte from here on begins a message; one below is data
BANK_COARSE, PAN, BANK_FINE = 0, 10, 32  # controllers
PEDALS = (SUSTAIN, SOSTENUTO, SOFT, HOLD_2) = held_notes.PEDALS  # controllers
PEDAL_DOWN = held_notes.PEDAL_DOWN  # from this value on, a pedal is down
ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF = 120, 121, 123  # channel mode messages
NOTES_OFF_MODES = held_notes.NOTES_OFF_MODES  # all notes off, in four of five with another mode
KEYS_UP = (ALL_SOUND_OFF, *NOTES_OFF_MODES)  # by which all keys of a channel are up
MOST_DATA = 127  # the highest value of a data byte
DRUM_CHANNEL = 9  # from 0: channel 10 of General MIDI, on which the metronome clicks
TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2  # of a MIDI clock
FIRST_SYSTEM = 0xF0  # messages from here on have no channel
LENGTHS = {
    **dict.fromkeys((NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL, PITCH_BEND), 3),
    **dict.fromkeys((PROGRAM, CHANNEL_PRESSURE), 2),
}
"""Bytes of a channel message, by kind."""
END_OF_SYSEX = 0xF7  # the last byte of a system exclusive message
TIME_CODE, SONG_SELECT, TUNE_REQUEST, ACTIVE_SENSING = 0xF1, 0xF3, 0xF6, 0xFE  # other system messages
SYSTEM_LENGTHS = {
    **dict.fromkeys((TUNE_REQUEST, TICK, START, CONTINUE, STOP, ACTIVE_SENSING), 1),
    **dict.fromkeys((TIME_CODE, SONG_SELECT), 2),
    POSITION: 3,
}
"""Bytes of the other messages, by their first byte."""
#: Bytes of a system exclusive message that is passed on: a bank of 32 sounds has about 4,100. The output for JACK can hold 16,384 bytes in
#: all, and loses what is longer.
MOST_SYSEX = 1 << 13

Key = held_notes.Key  # channel, pitch
Pedal = tuple[int, int]  # channel, controller


@dataclass(frozen=True, slots=True)
class Event:
    """A MIDI message and the moment when it arrived, in monotonic seconds."""

    when: float
    message: bytes


def is_whole(message: bytes) -> bool:
    """Whether this is one message as MIDI has them. What is cut off, run together or made up goes no further."""
    if not message:
        return False
    first = message[0]
    data = message[1:]
    if first == FIRST_SYSTEM:
        return len(message) <= MOST_SYSEX and message[-1] == END_OF_SYSEX and data[:-1].isascii()
    length = SYSTEM_LENGTHS.get(first) if first >= FIRST_SYSTEM else LENGTHS.get(first & KIND)
    return len(message) == length and data.isascii()


def is_sysex(message: bytes) -> bool:
    """Whether it is a system exclusive message: words for one synth, which mean nothing here."""
    return bool(message) and message[0] == FIRST_SYSTEM


def controls(channel: int, controllers: Iterable[int]) -> list[bytes]:
    """The messages that set these controllers of a channel to 0: pedals up, all notes off."""
    return [bytes((CONTROL | channel, controller, 0)) for controller in controllers]


def all_up() -> list[bytes]:
    """The messages by which every key and pedal is up, on all channels."""
    channels = range(CHANNEL + 1)
    return [message for channel in channels for message in controls(channel, (RESET_CONTROLS, ALL_NOTES_OFF))]


def is_pedal(message: bytes) -> bool:
    """Whether a pedal moves: sustain, sostenuto, soft or hold 2."""
    return len(message) == 3 and message[0] & KIND == CONTROL and message[1] in PEDALS


def is_channel_mode(message: bytes) -> bool:
    """Whether it is a channel mode message, such as all notes off: nothing that anybody moves with a hand."""
    return len(message) == 3 and message[0] & KIND == CONTROL and message[1] >= ALL_SOUND_OFF


def is_clock(message: bytes) -> bool:
    """Whether it is a word between machines about time: clock, start, stop, song position, active sensing."""
    return bool(message) and message[0] > FIRST_SYSTEM
