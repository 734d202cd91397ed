"""The history: every note of a session, the player's and the agent's, in the order in which they began.

It also counts which notes the worker knows, and which it must still be told.
"""

from __future__ import annotations

from dataclasses import replace

from models.music.note_records import Note

KEPT = 1000  # notes; the musician looks back a few hundred
Change = tuple[int, list[Note]]


class History:
    """Notes, numbered from the session's start. Those before number `first` are forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self.notes: list[Note] = []
        self.first = 0
        self._kept = kept
        self._same = 0  # the worker knows so many notes just as they stand here
        self._known = 0  # the worker knows so many notes at all

    def __len__(self) -> int:
        """How many notes there have been."""
        return self.first + len(self.notes)

    def __getitem__(self, number: int) -> Note:
        """Note `number`, if it is not forgotten."""
        return self.notes[number - self.first]

    def since(self, number: int) -> list[Note]:
        """Note `number` and all after it, as far as they are not forgotten."""
        return self.notes[max(number - self.first, 0) :]

    def add(self, note: Note) -> int:
        """A note has begun; returns its number."""
        if len(self.notes) >= 2 * self._kept:
            known = max(self._same - self.first, 0)  # what the worker has not been told is not forgotten
            old = min(self._kept, known)
            self.first += old
            del self.notes[:old]
        self.notes.append(note)
        return len(self) - 1

    def add_generated(self, note: Note) -> int:
        """The worker, told everything before, has generated a note: it knows it. Returns the note's number."""
        number = self.add(note)
        self._known = max(self._known + 1, number + 1)
        if self._same == number:
            self._same += 1
        return number

    def set_duration(self, number: int, duration: float) -> None:
        """Note `number` lasted `duration` seconds."""
        if self.first <= number < len(self) and self[number].duration != duration:
            self.notes[number - self.first] = replace(self[number], duration=duration)
            self._same = min(self._same, number)

    def delay(self, number: int, onset: float) -> Note:
        """Note `number` begins later than the worker meant, at `onset`; returns it as it is now."""
        note = replace(self[number], onset=onset)
        self.notes[number - self.first] = note
        self._same = min(self._same, number)
        return note

    def withdraw(self, number: int) -> None:
        """Note `number` and all after it never sounded."""
        del self.notes[max(number - self.first, 0) :]
        self._same = min(self._same, len(self))

    def take_changes(self) -> Change | None:
        """What the worker must be told now: a number, and all notes from there on. None where it knows everything."""
        if self._same == self._known == len(self):
            return None
        return self._take(max(self._same, self.first))

    def take_last(self, most: int) -> Change:
        """The last `most` notes, for a worker that has just started, and the number of the first of them."""
        return self._take(max(len(self) - most, self.first))

    def _take(self, number: int) -> Change:
        self._same = len(self)
        self._known = len(self)
        return number, self.notes[number - self.first :]
