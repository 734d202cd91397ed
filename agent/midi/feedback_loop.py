"""MIDI feedback: our own output that comes back as input, through a DAW or a cable, is recognised and not taken for the player.

Pure: `now` is an argument, in monotonic seconds.

Nobody strikes the same key exactly as hard within `LOOP` seconds of its last note-on, or releases it so soon after we did; a loop does.
A note-on that was ours is ended by a note-off of ours only: where we have ended nothing there since, the note-off is the player's own.
"""

from __future__ import annotations

from .messages import CHANNEL, KIND, NOTE_OFF, NOTE_ON, Key

LOOP = 0.06  # seconds: longer than a loop through a DAW's buffers takes
NEVER = (-1e9, 0)  # seconds, and a count
MOST_NOTE_ONS = 4096  # remembered; channels times pitches are no more than 2048


class FeedbackFilter:
    """Remembers what was sent lately, and which keys our own note-ons hold down."""

    def __init__(self) -> None:
        self.returned = 0  # note-ons of ours that came back so far
        self._count = 0  # of messages that we have sent
        self._note_ons: dict[bytes, tuple[float, int]] = {}  # when each was sent, and the count then
        self._note_offs: dict[Key, tuple[float, int]] = {}
        self._ignored: dict[Key, int] = {}  # counts of the note-ons of ours that came back

    def record(self, message: bytes, now: float) -> None:
        """We have sent this message."""
        self._count += 1
        if _is_note_on(message):
            if len(self._note_ons) > MOST_NOTE_ONS:
                self._note_ons.clear()
            self._note_ons[message] = now, self._count
        elif _is_note_off(message):
            self._note_offs[message[0] & CHANNEL, message[1]] = now, self._count

    def is_own(self, message: bytes, now: float) -> bool:
        """Whether this message, which arrives now, is ours."""
        if _is_note_on(message):
            key = (message[0] & CHANNEL, message[1])
            when, count = self._note_ons.get(message, NEVER)
            if 0.0 <= now - when <= LOOP:
                self._ignored[key] = count
                self.returned += 1
                return True
            self._ignored.pop(key, None)  # the player's own, and so is its end
        elif _is_note_off(message):
            key = (message[0] & CHANNEL, message[1])
            when, count = self._note_offs.get(key, NEVER)
            if count > self._ignored.get(key, count) and 0.0 <= now - when <= LOOP:
                del self._ignored[key]
                return True
        return False


def _is_note_on(message: bytes) -> bool:
    return len(message) == 3 and message[0] & KIND == NOTE_ON and message[2] > 0


def _is_note_off(message: bytes) -> bool:
    return len(message) == 3 and message[0] & KIND in (NOTE_OFF, NOTE_ON) and not _is_note_on(message)
