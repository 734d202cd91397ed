"""High-resolution velocity: controller 88 is half of the note-on after it, so nothing may come between the two. Pure.

The prefix (MIDI Association, CA-031) holds seven more bits of the velocity of the next note-on on its channel. Where that note strikes a
key that still sounds, its end must be sent before the prefix. So a prefix waits for its note.

Some controllers have a knob with this number. Two in a row without a note between are no prefixes: then nothing waits any more.
"""

from __future__ import annotations

from .messages import CHANNEL, CONTROL, FIRST_SYSTEM, KIND

VELOCITY_PREFIX = 88  # the controller
Line = tuple[str, int]  # a port and a channel


class VelocityPrefixes:
    """The prefixes that wait for their notes, on each channel of each port."""

    def __init__(self) -> None:
        self._waiting: dict[Line, bytes] = {}
        self._knobs: set[Line] = set()

    def keep(self, message: bytes, port: str) -> bool:
        """Whether this message is a prefix, which now waits for its note."""
        if len(message) != 3 or message[0] & KIND != CONTROL or message[1] != VELOCITY_PREFIX:
            return False
        line = (port, message[0] & CHANNEL)
        if line in self._waiting:
            self._knobs.add(line)
        if line in self._knobs:
            return False
        self._waiting[line] = message
        return True

    def take(self, message: bytes, port: str) -> bytes | None:
        """The prefix that is to be sent directly before this message, or None."""
        if not message or message[0] >= FIRST_SYSTEM:
            return None
        return self._waiting.pop((port, message[0] & CHANNEL), None)
