"""Makes notes of messages: it knows which keys are down and what the pedal holds. Times are those of the events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from models.music.held_notes import PEDAL_DOWN, SOFT, HeldNotes
from models.music.note_records import CALL, HELD, Note

from ..midi.messages import (
    CHANNEL,
    CONTROL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    MOST_DATA,
    NOTE_OFF,
    NOTE_ON,
    Event,
    Key,
    is_pedal,
)
from .note_history import History

LONGEST_RING = 12.0  # seconds: a string under the pedal has died away by then
SHORTEST_NOTE = 0.005  # seconds: a shorter one counts as this long
LONG_AGO = -1e9  # seconds: before anything was played
LAYER_SECONDS = 0.02  # between the same key on two channels: as between two ports (`agent.session.doubled_keys`)
PEDAL_LIFTED = 48  # below this value, a pedal that was down is up: one that rests near 64 wavers by a few


@dataclass
class NoteTracker:
    """Follows one player, on any channels, and writes notes into the history.

    A keyboard that layers two sounds sends each key on two channels. That is one note, which ends when neither holds it.
    """

    history: History
    place: Callable[[float], float | None] = lambda when: None  # where in the bar a moment lies
    held: HeldNotes[int] = field(default_factory=lambda: HeldNotes(PEDAL_LIFTED))  # the numbers of notes that sound
    strokes: dict[int, tuple[float, Key, int]] = field(
        default_factory=dict
    )  # of each pitch the last onset, key and number
    last_onset: float = LONG_AGO
    last_release: float = LONG_AGO  # when a key last came up, or a pedal ended a note

    @property
    def down(self) -> dict[Key, int]:
        """Keys that are down, and the number of the note that each began."""
        return self.held.down

    @property
    def pedal(self) -> bool:
        """Whether any pedal is down that holds notes."""
        return any(controller != SOFT for _, controller in self.held.pedals)

    def hear(self, event: Event) -> Note | None:
        """Take one event; returns the note that it began, if it did. What neither begins nor ends or holds notes is ignored."""
        message = event.message
        if (
            len(message) < 3
            or not FIRST_STATUS <= message[0] < FIRST_SYSTEM
            or message[1] > MOST_DATA
            or message[2] > MOST_DATA
        ):
            return None
        kind = message[0] & KIND
        channel = message[0] & CHANNEL
        _, number, value = message[:3]
        if kind == NOTE_ON and value > 0:
            return self._note_on(event.when, (channel, number), value)
        if kind in (NOTE_ON, NOTE_OFF):
            self._note_off(event.when, (channel, number))
        elif kind == CONTROL:
            self._control(event.when, channel, number, value)
        return None

    def is_release(self, message: bytes) -> bool:
        """Whether this ends something that was played, a key or a pedal, whatever else the message has come to mean."""
        if len(message) != 3:
            return False
        kind = message[0] & KIND
        place = (message[0] & CHANNEL, message[1])
        if kind == NOTE_OFF or (kind == NOTE_ON and message[2] == 0):
            return place in self.down
        return is_pedal(message) and message[2] < PEDAL_DOWN and place in self.held.pedals

    def release_all(self, now: float) -> None:
        """All keys and pedals are up: the player is gone, or has said so."""
        ended = self.held.release_all()
        self._end(now, ended, bool(ended))

    def _note_on(self, now: float, key: Key, velocity: int) -> Note | None:
        layer = self._layer(now, key)
        if layer is not None:
            self._end(now, self.held.press(key, layer), False)
            return None
        self.strokes[key[1]] = now, key, len(self.history)
        note = Note(now, HELD, key[1], velocity, CALL, self.place(now))
        self._end(now, self.held.press(key, len(self.history)), False)
        self.history.add(note)
        self.last_onset = now
        return note

    def _layer(self, now: float, key: Key) -> int | None:
        """The number of the note that the same key has just begun on another channel, or None."""
        when, first, number = self.strokes.get(key[1], (LONG_AGO, key, 0))
        if (
            first == key
            or not 0.0 <= now - when <= LAYER_SECONDS
            or not self.history.first <= number < len(self.history)
        ):
            return None
        note = self.history[number]
        return number if (note.onset, note.pitch, note.role) == (when, key[1], CALL) else None

    def _note_off(self, now: float, key: Key) -> None:
        had_key = key in self.down
        self._end(now, self.held.release(key), had_key)

    def _control(self, now: float, channel: int, number: int, value: int) -> None:
        keys = len(self.down)
        ended = self.held.control(channel, number, value)
        self._end(now, ended, bool(ended) or len(self.down) < keys)

    def _end(self, now: float, numbers: list[int], is_release: bool) -> None:
        """The notes of these numbers end. `is_release`: hands or feet have let something go that could be heard."""
        if is_release:
            self.last_release = now
        sounding = {*self.held.down.values(), *self.held.ringing.values()} if numbers else set()  # on another channel
        for number in numbers:
            if number >= self.history.first and number not in sounding:
                onset = self.history[number].onset
                self.history.set_duration(number, min(max(now - onset, SHORTEST_NOTE), LONGEST_RING))
