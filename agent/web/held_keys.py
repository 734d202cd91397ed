"""What the pages hold down on one input port: keys and pedals, each with the pages that hold it. Pure.

Several pages may hold the same key, as a player has two hands: it ends with the last one. A page that vanishes lets go of all its own.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..midi.messages import CHANNEL, CONTROL, KIND, NOTE_OFF, NOTE_ON

PEDALS = (64, 66, 67, 69)  # controllers that hold notes or colour them while they are down: MIDI 1.0
Held = tuple[int, int, int]  # kind (note-on or controller), channel, pitch or number of the controller


class HeldKeys:
    """Who holds what. A holder is a page."""

    def __init__(self) -> None:
        self._holders: dict[Held, set[Hashable]] = {}

    def hear(self, holder: Hashable, message: bytes) -> bool:
        """A message of this holder; whether it is to be passed on. What another one still holds is not ended."""
        held = _held(message)
        if held is None:
            return True
        if _presses(message):
            self._holders.setdefault(held, set()).add(holder)
            return True
        if held[0] == NOTE_ON and holder not in self._holders.get(held, ()):
            return False  # it may be another port's
        return self._let_go(holder, held)

    def holds(self, holder: Hashable) -> bool:
        """Whether this holder has anything down."""
        return any(holder in holders for holders in self._holders.values())

    def release(self, holder: Hashable) -> list[bytes]:
        """The messages that end what this holder alone has down: keys first, then pedals."""
        own = [held for held, holders in self._holders.items() if holder in holders]
        return [_end(held) for held in sorted(own) if self._let_go(holder, held)]

    def _let_go(self, holder: Hashable, held: Held) -> bool:
        """Whether nobody holds it any more."""
        holders = self._holders.get(held, set())
        holders.discard(holder)
        if not holders:
            self._holders.pop(held, None)
        return not holders


def _held(message: bytes) -> Held | None:
    """What a message presses or lets go; None for other messages."""
    kind = message[0] & KIND
    channel = message[0] & CHANNEL
    if len(message) == 3 and kind in (NOTE_ON, NOTE_OFF):
        return NOTE_ON, channel, message[1]
    if len(message) == 3 and kind == CONTROL and message[1] in PEDALS:
        return CONTROL, channel, message[1]
    return None


def _presses(message: bytes) -> bool:
    """Whether a message of a key or pedal presses it; a pedal that is half down is down."""
    return message[0] & KIND != NOTE_OFF and message[2] > 0


def _end(held: Held) -> bytes:
    kind, channel, number = held
    return bytes(((NOTE_OFF if kind == NOTE_ON else CONTROL) | channel, number, 0))
