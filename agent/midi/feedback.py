"""Echoes: our own output that comes back as input, through a DAW or a cable, is recognised and not taken for the player.

Knows nothing of ports. Pure: `now` is an argument, in monotonic seconds.

Nobody strikes the same key exactly as hard within `LOOP` seconds of its last stroke, or lets it go so soon after we did; a loop does.
A key that was struck by an echo is let go by an echo only: where we have ended nothing there since, the off is the player's own.
"""

from __future__ import annotations

from .messages import CHANNEL, KIND, NOTE_OFF, NOTE_ON, Key

LOOP = 0.06  # seconds: longer than a loop through a DAW's buffers takes
NEVER = (-1e9, 0)
KEPT = 4096  # strokes remembered; channels times pitches are no more than 2048


class FeedbackFilter:
    """What was sent lately, and which keys were struck by an echo."""

    def __init__(self) -> None:
        self.found = 0  # echoes so far
        self._count = 0  # of what we have sent
        self._struck: dict[bytes, tuple[float, int]] = {}  # when, and the how manieth it was
        self._ended: dict[Key, tuple[float, int]] = {}
        self._ignored: dict[Key, int] = {}  # the stroke of ours that came back

    def sent(self, message: bytes, now: float) -> None:
        """We have sent this."""
        self._count += 1
        if _is_stroke(message):
            if len(self._struck) > KEPT:
                self._struck.clear()
            self._struck[message] = now, self._count
        elif _is_end(message):
            self._ended[message[0] & CHANNEL, message[1]] = now, self._count

    def is_own(self, message: bytes, now: float) -> bool:
        """Whether this, arriving now, is ours."""
        if _is_stroke(message):
            key = (message[0] & CHANNEL, message[1])
            when, number = self._struck.get(message, NEVER)
            if 0.0 <= now - when <= LOOP:
                self._ignored[key] = number
                self.found += 1
                return True
            self._ignored.pop(key, None)  # the player's own, and so is its end
        elif _is_end(message):
            key = (message[0] & CHANNEL, message[1])
            when, number = self._ended.get(key, NEVER)
            if number > self._ignored.get(key, number) and 0.0 <= now - when <= LOOP:
                del self._ignored[key]
                return True
        return False


def _is_stroke(message: bytes) -> bool:
    return len(message) == 3 and message[0] & KIND == NOTE_ON and message[2] > 0


def _is_end(message: bytes) -> bool:
    return len(message) == 3 and message[0] & KIND in (NOTE_OFF, NOTE_ON) and not _is_stroke(message)
