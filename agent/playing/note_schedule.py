"""What is to be sent and when, and the ledger of what sounds. Every note that starts, ends.

`now` is an argument, in monotonic seconds. Its laws:

- an off is never dropped, however late it is;
- an on that is late by more than `TOO_LATE` is dropped, with its off, and counted as a miss: no burst of late notes;
- a pitch that still sounds is closed before it is struck again, and the off of the older note no longer counts;
- a key that the player holds is the player's: what we sound there ends first, and no note of ours begins there;
- from the curfew on there is silence: what sounds ends then, and nothing begins. It may be moved at any time, as bar lines are.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from models.music.note_records import Note

from ..midi.messages import ALL_NOTES_OFF, CONTROL, NOTE_OFF, NOTE_ON, SUSTAIN

KEPT = 2048  # numbers of notes that were begun: nobody looks further back
TOO_LATE = 0.1  # seconds: a note-on that is later is dropped
LONGEST = 8.0  # seconds: no note of ours sounds longer than this
SHORTEST = 0.02  # seconds: no note of ours is shorter


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message, and when it was meant to leave. `number` is the note that it begins or ends."""

    planned: float
    message: bytes
    number: int
    is_on: bool


class Schedule:
    """Notes to come, and notes that sound, on one channel (0 to 15)."""

    def __init__(self, channel: int = 0) -> None:
        self.channel = channel
        self.sounding: dict[int, int] = {}  # pitch -> the number of the note that sounds there
        self.begun_numbers: set[int] = set()  # the numbers of notes that were begun; whoever reads it may clear it
        self.claimed_pitches: set[int] = (
            set()
        )  # pitches of our channel that the player holds, heard through the same output
        self.misses = 0
        self.revision = 0  # another number whenever other notes are to come
        self.curfew = math.inf  # seconds
        self._heap: list[tuple[float, int, int, Note]] = []  # time, on after off, number, note
        self._messages: list[tuple[float, int, bytes]] = []
        self._order = 0

    def add(self, number: int, note: Note) -> None:
        """Plan a note. `number` must not have been used before."""
        self.revision += 1
        heapq.heappush(self._heap, (note.onset, 1, number, note))

    def add_message(self, when: float, message: bytes) -> None:
        """Plan a message that is no note, such as a clock's tick: sent at its time, or left out where that is past."""
        self._order += 1
        heapq.heappush(self._messages, (when, self._order, message))

    def planned(self) -> list[tuple[int, Note]]:
        """The notes that have not begun, by number."""
        return sorted(((number, note) for _, is_on, number, note in self._heap if is_on), key=lambda p: p[0])

    def next_time(self) -> float | None:
        """When something is due, or None."""
        times = [queue[0][0] for queue in (self._heap, self._messages) if queue]
        if self.sounding and self.curfew < math.inf:
            times.append(self.curfew)
        return min(times, default=None)

    def claim_pitch(self, pitch: int, now: float) -> list[SentMessage]:
        """The player strikes a pitch on our channel: what we sound there ends first."""
        self.claimed_pitches.add(pitch)
        return [self._off(now, pitch)] if pitch in self.sounding else []

    def free_pitch(self, pitch: int) -> None:
        """The player has let that pitch go."""
        self.claimed_pitches.discard(pitch)

    def due(self, now: float) -> list[SentMessage]:
        """All that must leave by now, in order."""
        out: list[SentMessage] = []
        while self._messages and self._messages[0][0] <= now:
            when, _, message = heapq.heappop(self._messages)
            if now - when <= TOO_LATE:
                out.append(SentMessage(when, message, -1, False))
        while self._heap and self._heap[0][0] <= now:
            when, is_on, number, note = heapq.heappop(self._heap)
            if when >= self.curfew:
                out += self._end_all()
            elif not is_on:
                if self.sounding.get(note.pitch) == number:
                    out.append(self._off(when, note.pitch))
            elif now - when > TOO_LATE:
                self.misses += 1
            elif note.pitch not in self.claimed_pitches:
                if note.pitch in self.sounding:
                    out.append(self._off(when, note.pitch))
                self.sounding[note.pitch] = number
                self.begun_numbers.add(number)
                if len(self.begun_numbers) > 2 * KEPT:
                    self.begun_numbers = set(sorted(self.begun_numbers)[-KEPT:])
                on = bytes((NOTE_ON | self.channel, note.pitch, max(1, min(note.velocity, 127))))
                out.append(SentMessage(when, on, number, True))
                end = when + min(max(note.duration, SHORTEST), LONGEST)
                heapq.heappush(self._heap, (end, 0, number, note))
        return out + (self._end_all() if now >= self.curfew else [])

    def cut(self, now: float) -> list[SentMessage]:
        """Forget the notes that were to come, and end what sounds."""
        self.revision += 1
        self._heap.clear()
        return [self._off(now, pitch) for pitch in sorted(self.sounding)]

    def retract(self) -> None:
        """Forget the notes that have not begun; the ends of those that sound stay planned."""
        self.revision += 1
        self._heap = [entry for entry in self._heap if entry[1] == 0]
        heapq.heapify(self._heap)

    def silence(self, now: float) -> list[SentMessage]:
        """`cut`, and then what quiets any instrument: pedal up, all notes off."""
        out = self.cut(now)
        for control in (SUSTAIN, ALL_NOTES_OFF):
            out.append(SentMessage(now, bytes((CONTROL | self.channel, control, 0)), -1, False))
        return out

    @property
    def empty(self) -> bool:
        """Whether nothing sounds and nothing is to come."""
        return not self._heap and not self.sounding

    def _end_all(self) -> list[SentMessage]:
        return [self._off(self.curfew, pitch) for pitch in sorted(self.sounding)]

    def _off(self, planned: float, pitch: int) -> SentMessage:
        number = self.sounding.pop(pitch)
        return SentMessage(planned, bytes((NOTE_OFF | self.channel, pitch, 0)), number, False)
