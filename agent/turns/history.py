"""The conversation: every note of the session, the player's and the agent's, in the order in which they began.

Knows nothing of MIDI, time or the musician; it only keeps count of what the musician has not been told yet.
"""

from __future__ import annotations

from dataclasses import replace

from models.music.note import Note

KEPT = 1000  # notes; the musician looks back a few hundred
Change = tuple[int, list[Note]]


class History:
    """Notes, numbered from the session's start. Those before number `first` are forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self.notes: list[Note] = []
        self._kept = kept
        self.first = 0
        self._same = 0  # so many notes the musician knows as they stand here
        self._theirs = 0  # so many notes it knows at all

    def __len__(self) -> int:
        """How many notes there have been."""
        return self.first + len(self.notes)

    def __getitem__(self, number: int) -> Note:
        """Note `number`, if it is not forgotten."""
        return self.notes[number - self.first]

    def struck(self, note: Note) -> int:
        """A note has begun; returns its number."""
        if len(self.notes) >= 2 * self._kept:
            old = min(
                self._kept, max(self._same - self.first, 0)
            )  # what the musician has not been told is not forgotten
            self.first += old
            del self.notes[:old]
        self.notes.append(note)
        return len(self) - 1

    def ended(self, number: int, duration: float) -> None:
        """Note `number` lasted `duration` seconds."""
        if self.first <= number < len(self) and self[number].duration != duration:
            self.notes[number - self.first] = replace(self[number], duration=duration)
            self._same = min(self._same, number)

    def delayed(self, number: int, onset: float) -> Note:
        """Note `number` begins later than the musician meant; returns it as it is now."""
        note = self.notes[number - self.first] = replace(self[number], onset=onset)
        self._same = min(self._same, number)
        return note

    def answered(self, note: Note) -> int:
        """The musician, told everything before, has invented a note: it knows it. Returns the note's number."""
        number = self.struck(note)
        self._theirs = max(self._theirs + 1, number + 1)
        if self._same == number:
            self._same += 1
        return number

    def withdraw(self, number: int) -> None:
        """Note `number` and all after it never sounded."""
        del self.notes[max(number - self.first, 0) :]
        self._same = min(self._same, len(self))

    def news(self) -> Change | None:
        """What the musician must be told: a number, and all notes from there on. None where it knows everything."""
        if self._same == self._theirs == len(self):
            return None
        at = max(self._same, self.first)
        self._same = self._theirs = len(self)
        return at, self.notes[at - self.first :]

    def everything(self, most: int) -> Change:
        """The last `most` notes, for a musician who has just come in."""
        at = max(len(self) - most, self.first)
        self._same = self._theirs = len(self)
        return at, self.notes[at - self.first :]
