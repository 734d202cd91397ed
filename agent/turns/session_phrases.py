"""The phrases of a session: which notes are the player's phrase of now, and the calls and answers so far."""

from __future__ import annotations

from collections.abc import Sequence

from models.music.note_records import CALL, Note, Phrase

from .note_history import History

LONGEST_CALL = 200  # notes of it that are looked at: each key looks at them anew
KEPT = 200  # phrases of each player


class PhraseLog:
    """Calls and answers over a history. Phrases are kept in seconds from `start`, when the session began."""

    def __init__(self, history: History, start: float) -> None:
        self.start = start
        self.calls: list[Phrase] = []
        self.answers: list[Phrase] = []
        self.answer_count = 0
        self.last_call: list[Note] = []  # on the line of time of the history
        self._history = history
        self._phrase_start = 0  # the number of the note with which the player's phrase begins
        self._call_start = 0  # the same, of the phrase that is being answered

    def current(self) -> list[Note]:
        """What the player has played since the last answer."""
        return [n for n in self._history.since(self._phrase_start) if n.role == CALL][-LONGEST_CALL:]

    def begin_answer(self, call: Sequence[Note]) -> None:
        """These notes are being answered: they are a call."""
        self.last_call = list(call)
        self.calls = [*self.calls[1 - KEPT :], self._kept(call)]

    def end_answer(self, notes: list[Note]) -> None:
        """The answer is over, perhaps without a note; what comes is a new phrase."""
        self._call_start = self._phrase_start
        self._phrase_start = len(self._history)
        if notes:
            self.answers = [*self.answers[1 - KEPT :], self._kept(notes)]
            self.answer_count += 1

    def reopen_call(self) -> None:
        """The last call was answered with no note at all: it still waits for its answer."""
        self._phrase_start = self._call_start
        self.calls.pop()

    def _kept(self, notes: Sequence[Note]) -> Phrase:
        return Phrase(tuple(notes)).shift(-self.start)
