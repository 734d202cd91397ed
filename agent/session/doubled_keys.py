"""One key that arrives twice: a keyboard that is heard through two ports plays each note once. Pure: `now` is in monotonic seconds.

Two ports of one keyboard (USB and DIN, or the page and the system) bring the same key within a few milliseconds. The first counts. What
the second brings, and its end, is left out: else the synth would hear the note twice, and the partner a phrase of two notes.
"""

from __future__ import annotations

import hashlib

from ..midi.feedback_loop import is_note_off, is_note_on
from ..midi.messages import CHANNEL, KIND, PROGRAM, Key, is_sysex

DOUBLE_SECONDS = (
    0.02  # between the two ports: USB and Bluetooth are 5 to 15 ms apart; people together 30 ms (Rasch, 1979)
)
DIGEST_BYTES = 16  # of what is remembered of a system exclusive message, which may be long
MOST_STROKES = 4096  # remembered; keys and programs on all channels are no more


class DoubledKeys:
    """Remembers which port struck each key last, and which ports have struck it a second time."""

    def __init__(self) -> None:
        self._strokes: dict[bytes, tuple[float, str]] = {}  # when, and on which port
        self._doubled: set[tuple[str, Key]] = set()

    def is_double(self, message: bytes, now: float, port: str) -> bool:
        """Whether another port has brought this note or program just now, or has brought the note that this one ends."""
        if is_note_off(message):
            key = (message[0] & CHANNEL, message[1])
            is_double = (port, key) in self._doubled
            self._doubled.discard((port, key))
            return is_double
        stroke = _stroke(message)
        when, first = self._strokes.get(stroke, (now, port))
        if first == port or not 0.0 <= now - when <= DOUBLE_SECONDS:
            return False
        if is_note_on(message):
            self._doubled.add((port, (message[0] & CHANNEL, message[1])))
        return True

    def record(self, message: bytes, now: float, port: str) -> None:
        """This message counts: it is no double, and nothing of ours."""
        stroke = _stroke(message)
        if not stroke:
            return
        if len(self._strokes) > MOST_STROKES:
            self._strokes.clear()
        self._strokes[stroke] = now, port
        if is_note_on(message):
            self._doubled.discard((port, (message[0] & CHANNEL, message[1])))


def _stroke(message: bytes) -> bytes:
    """What two ports of one keyboard bring alike: a key, however hard it is struck, a program, or a system exclusive message; else b""."""
    if is_note_on(message):
        return message[:2]
    if is_sysex(message):
        return hashlib.blake2b(message, digest_size=DIGEST_BYTES).digest()
    return message if message and message[0] & KIND == PROGRAM else b""
