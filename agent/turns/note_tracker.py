"""Makes notes of messages: it knows which keys are down and what the pedal holds. Times are those of the events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from models.music.note_records import CALL, HELD, Note

from ..midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CONTROL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    MOST_DATA,
    NOTE_OFF,
    NOTE_ON,
    PEDAL_DOWN,
    RESET_CONTROLS,
    SUSTAIN,
    Event,
    Key,
)
from .note_history import History

LONGEST_RING = 12.0  # seconds: a string under the pedal has died away by then
SHORTEST_NOTE = 0.005  # seconds
LONG_AGO = -1e9  # seconds: before anything was played


@dataclass
class NoteTracker:
    """Follows one player, on any channels, and writes notes into the history."""

    history: History
    place: Callable[[float], float | None] = lambda when: None  # where in the bar a moment lies
    down: dict[Key, int] = field(default_factory=dict)  # keys held, and the number of the note that each began
    sustained: dict[Key, int] = field(default_factory=dict)  # notes let go under the pedal
    pedals: set[int] = field(default_factory=set)  # channels whose pedal is down
    last_onset: float = LONG_AGO
    last_release: float = LONG_AGO

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
        kind = message[0] & 0xF0
        channel = message[0] & 0x0F
        _, number, value = message[:3]
        if kind == NOTE_ON and value > 0:
            return self._note_on(event.when, (channel, number), value)
        if kind in (NOTE_ON, NOTE_OFF):
            self._note_off(event.when, (channel, number))
        elif kind == CONTROL and number == SUSTAIN:
            self._set_pedal(event.when, channel, value >= PEDAL_DOWN)
        elif kind == CONTROL and number in (ALL_SOUND_OFF, RESET_CONTROLS, ALL_NOTES_OFF):
            self.release_all(event.when, channel)
        return None

    def is_release(self, message: bytes) -> bool:
        """Whether this ends something that was played, a key or a pedal, whatever else the message has come to mean."""
        if len(message) != 3:
            return False
        kind = message[0] & 0xF0
        channel = message[0] & 0x0F
        if kind == NOTE_OFF or (kind == NOTE_ON and message[2] == 0):
            return (channel, message[1]) in self.down
        return kind == CONTROL and message[1] == SUSTAIN and message[2] < PEDAL_DOWN and channel in self.pedals

    def release_all(self, now: float, channel: int | None = None) -> None:
        """All keys and pedals up, on one channel or on all: the player is gone, or has said so."""
        for key in [k for k in self.down if channel in (None, k[0])]:
            self._end(now, self.down.pop(key))
        for pedal in [c for c in self.pedals if channel in (None, c)]:
            self._set_pedal(now, pedal, False)
        self.last_release = max(self.last_release, now)

    def _note_on(self, now: float, key: Key, velocity: int) -> Note:
        for former in (self.down.pop(key, None), self.sustained.pop(key, None)):
            if former is not None:  # a string that is struck again begins a new note
                self._end(now, former)
        note = Note(now, HELD, key[1], velocity, CALL, self.place(now))
        self.down[key] = self.history.add(note)
        self.last_onset = now
        return note

    def _note_off(self, now: float, key: Key) -> None:
        number = self.down.pop(key, None)
        if number is None:
            return
        self.last_release = now
        if key[0] in self.pedals:
            self.sustained[key] = number
        else:
            self._end(now, number)

    def _set_pedal(self, now: float, channel: int, is_down: bool) -> None:
        if is_down:
            self.pedals.add(channel)
        elif channel in self.pedals:
            self.pedals.discard(channel)
            self.last_release = now
            for key in [k for k in self.sustained if k[0] == channel]:
                self._end(now, self.sustained.pop(key))

    def _end(self, now: float, number: int) -> None:
        if number >= self.history.first:
            onset = self.history[number].onset
            self.history.set_duration(number, min(max(now - onset, SHORTEST_NOTE), LONGEST_RING))
