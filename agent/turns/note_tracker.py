"""The listener: messages become notes. It knows which keys are down and what the pedal holds.

Knows nothing of turns, ports or the musician. `now` is always the moment of the event, in monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from models.music.note import CALL, HELD, Note

from ..midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CHANNEL,
    CONTROL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    MOST_DATA,
    NOTE_OFF,
    NOTE_ON,
    PEDAL_DOWN,
    RESET_CONTROLS,
    SUSTAIN,
    Event,
    Key,
)
from .history import History

LONGEST_RING = 12.0  # seconds: a string under the pedal has died away by then


@dataclass
class NoteTracker:
    """Hears one player, on any channels, and writes notes into the conversation."""

    conversation: History
    place: Callable[[float], float | None] = lambda when: None  # where in the bar a moment lies
    down: dict[Key, int] = field(default_factory=dict)  # keys held, and the number of the note that each began
    ringing: dict[Key, int] = field(default_factory=dict)  # notes let go under the pedal
    pedals: set[int] = field(default_factory=set)  # channels whose pedal is down
    last_onset: float = -1e9
    last_release: float = -1e9

    @property
    def pedal(self) -> bool:
        """Whether any sustain pedal is down."""
        return bool(self.pedals)

    def hear(self, event: Event) -> Note | None:
        """Take one event; returns the note that it began, if it did. Anything that is not a note or pedal is ignored."""
        message = event.message
        if (
            len(message) < 3
            or not FIRST_STATUS <= message[0] < FIRST_SYSTEM
            or message[1] > MOST_DATA
            or message[2] > MOST_DATA
        ):
            return None
        kind, channel, a, b = message[0] & KIND, message[0] & CHANNEL, message[1], message[2]
        if kind == NOTE_ON and b > 0:
            return self._strike(event.when, (channel, a), b)
        if kind in (NOTE_ON, NOTE_OFF):
            self._release(event.when, (channel, a))
        elif kind == CONTROL and a == SUSTAIN:
            self._pedal(event.when, channel, b >= PEDAL_DOWN)
        elif kind == CONTROL and a in (ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF):
            self.lift(event.when, channel)
        return None

    def holds(self, message: bytes) -> bool:
        """Whether this ends something that was heard, a key or a pedal, whatever else it has come to mean."""
        if len(message) != 3:
            return False
        kind, channel = message[0] & KIND, message[0] & CHANNEL
        if kind == NOTE_OFF or (kind == NOTE_ON and message[2] == 0):
            return (channel, message[1]) in self.down
        return kind == CONTROL and message[1] == SUSTAIN and message[2] < PEDAL_DOWN and channel in self.pedals

    def lift(self, now: float, channel: int | None = None) -> None:
        """All keys and pedals up, on one channel or on all: the player is gone, or has said so."""
        for key in [k for k in self.down if channel in (None, k[0])]:
            self._end(now, self.down.pop(key))
        for which in [c for c in self.pedals if channel in (None, c)]:
            self._pedal(now, which, False)
        self.last_release = max(self.last_release, now)

    def _strike(self, now: float, key: Key, velocity: int) -> Note:
        for former in (self.down.pop(key, None), self.ringing.pop(key, None)):
            if former is not None:  # a string that is struck again begins a new note
                self._end(now, former)
        note = Note(now, HELD, key[1], velocity, CALL, self.place(now))
        self.down[key] = self.conversation.struck(note)
        self.last_onset = now
        return note

    def _release(self, now: float, key: Key) -> None:
        number = self.down.pop(key, None)
        if number is None:
            return
        self.last_release = now
        if key[0] in self.pedals:
            self.ringing[key] = number
        else:
            self._end(now, number)

    def _pedal(self, now: float, channel: int, is_down: bool) -> None:
        if is_down:
            self.pedals.add(channel)
        elif channel in self.pedals:
            self.pedals.discard(channel)
            self.last_release = now
            for key in [k for k in self.ringing if k[0] == channel]:
                self._end(now, self.ringing.pop(key))

    def _end(self, now: float, number: int) -> None:
        if number >= self.conversation.first:
            onset = self.conversation[number].onset
            self.conversation.ended(number, min(max(now - onset, 0.005), LONGEST_RING))
