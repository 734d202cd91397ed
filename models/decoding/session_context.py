"""The context of a session: the notes so far, the rows that code them, and the hidden state of the network after each.

Each row is fed to the network once. To take notes back, the end of the network's ring of keys and values is moved.
A style prompt may be inserted between two notes: the network reads it, it counts as no note, and it can be removed
again (`models.decoding.style_prompt`).
"""

from __future__ import annotations

import numpy as np

from ..encoding import codec, longest_match_features
from ..encoding.longest_match_features import StepHistory
from ..music.note_records import Note
from ..runtime.backend import Backend, Floats

MOST_ADDED = 512  # rows, after which what recall looks at is made anew, or it would grow for ever
ROWS_BEFORE = 3  # rows before the first note: two that are only read back, and the silence that is step 0


class Context:
    """What the network has read, or is to read, in one session. There is one context for each backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.window = backend.config.window
        self.ring = backend.ring
        self.z: Floats = np.zeros(backend.config.latent, np.float32)  # (latent,) the style in which rows are fed
        self.notes: list[Note] = []
        self.offset = 0  # how many notes of the session came before notes[0]
        self.refeeds = 0  # how often a whole window had to be fed again
        self.rows = _first_rows()  # (ROWS_BEFORE + notes + prompt, 7)
        self.hidden: list[Floats] = []  # (width,) of step 0 and of each step after it, as far as they were fed
        self.prompt_length = 0  # rows of the prompt that is inserted now
        self.prompt_position = 0  # how many notes of the session came before the prompt
        self._prompt: tuple[list[Note], float] = [], 0.0  # the prompt's notes, and seconds from the last note to them
        self._history: StepHistory | None = None  # what recall looks at, up to row `_history_end`
        self._history_end = 0
        self._ring_offset = 0  # how many notes of the session came before the first one in the ring

    @property
    def length(self) -> int:
        """How many notes the session has had."""
        return self.offset + len(self.notes)

    @property
    def is_fed(self) -> bool:
        """Whether every row was fed."""
        return len(self.hidden) == len(self.rows) - ROWS_BEFORE + 1

    def last_pitches(self) -> codec.Steps:
        """(2,) the coded pitches of the last row and of the one before it."""
        return self.rows[:-3:-1, codec.PITCH].copy()

    def append(self, notes: list[Note]) -> None:
        """Add notes. They are fed when a hidden state is needed, or in spare time."""
        last = self.notes[-1] if self.notes else None
        self.notes.extend(notes)
        self.rows = np.concatenate([self.rows, codec.encode(notes, last)])

    def insert_prompt(self, notes: list[Note], wait: float) -> None:
        """Insert a prompt of at least one note, `wait` seconds after the last note."""
        rows = codec.encode(notes, notes[0].shift(-wait))
        self.rows = np.concatenate([self.rows, rows])
        self.prompt_length = len(rows)
        self.prompt_position = self.length
        self._prompt = notes, wait

    def feed(self, limit: int | None = None) -> Floats:
        """Feed the rows that were not fed yet, at most `limit` of them. Returns the last hidden state, (width,)."""
        while (start := len(self.hidden) + ROWS_BEFORE - 1) < len(self.rows):
            end = min(start + (limit or self.ring.margin), len(self.rows))
            first = max(start - longest_match_features.lookback(self.window), 0)
            if end - start == 1:
                steps = self._step_with_recall(end)[None]
            else:
                steps = longest_match_features.add_recall(self.rows[first:end], self.window, start - first)
            self.hidden.extend(self.backend.feed(steps, self.rows[start - 2 : start], self.z))
            if limit:
                break
        return self.hidden[-1]

    def _step_with_recall(self, end: int) -> codec.Steps:
        """(14,) the last of the first `end` rows, with its recall. What recall looks at is kept from row to row."""
        step = self.rows[end - 1].tolist()
        history = self._history
        if history is not None and self._history_end == end - 1 and history.added < MOST_ADDED:
            history.add(step)
        else:
            first = max(end - 1 - longest_match_features.lookback(self.window), 0)
            history = self._history = StepHistory(self.rows[first:end], self.window)
        self._history_end = end
        return np.array([*step, *history.recall()], np.int64)

    def drop_oldest(self) -> bool:
        """Drop notes that no window can reach any more, rewinds included. Returns whether there were any."""
        surplus = len(self.notes) - 2 * self.ring.size
        if surplus <= self.ring.size or not self.is_fed:
            return False
        del self.notes[:surplus]
        self.rows = self.rows[surplus:]
        del self.hidden[:surplus]
        self.offset += surplus
        self._history = None
        return True

    def truncate(self, count: int) -> None:
        """Keep the first `count` notes of the session."""
        if count < self.prompt_position:
            self.remove_prompt()
        if count < self.length:
            self._cut(count, self.prompt_length)

    def replace_from(self, at: int, notes: list[Note], keep_prompt: bool) -> None:
        """Replace all notes from note `at` of the session on. The prompt stays in its place or is removed."""
        position = self.prompt_position
        keeps = keep_prompt and self.prompt_length > 0
        if not keeps:
            self.remove_prompt()
        self.truncate(at)
        if keeps and at < position:
            before_prompt = position - at
            self.append(notes[:before_prompt])
            self.insert_prompt(*self._prompt)
            notes = notes[before_prompt:]
        self.append(notes)

    def remove_prompt(self) -> None:
        """Remove the prompt, if there is one. The notes after it then follow those before it."""
        if self.prompt_length:
            after = self.notes[self.prompt_position - self.offset :]
            self.prompt_length = 0
            self._cut(self.prompt_position, 0)
            self.append(after)

    def restart(self, count: int, recent: list[Note]) -> None:
        """Become the context of a session of `count` notes, of which `recent` are the last."""
        self.refeeds += count > 0
        self._history = None
        self.ring.clear()
        self.notes = []
        self.hidden = []
        self.rows = _first_rows()
        self.prompt_length = 0
        self.offset = count - len(recent)
        self._ring_offset = self.offset
        self.append(recent)
        self.feed()

    def _cut(self, count: int, prompt_length: int) -> None:
        """Keep the first `count` notes of the session and so many rows of the prompt."""
        kept = count - self.offset
        self._history = None
        notes = self.notes[:kept]
        length = 1 + count - self._ring_offset + prompt_length  # the silence is a step too
        if length >= self.ring.oldest:
            self.ring.rewind(min(length, self.ring.length))  # the last note may not have been fed
            self.notes = notes
            self.rows = self.rows[: kept + prompt_length + ROWS_BEFORE]
            del self.hidden[kept + prompt_length + 1 :]
        else:  # the ring does not reach so far back, so the last window is fed again
            self.restart(count, notes[-self.window :])


def _first_rows() -> codec.Steps:
    """(ROWS_BEFORE, 7) the rows before the first note."""
    return np.tile(codec.SILENCE, (ROWS_BEFORE, 1))
