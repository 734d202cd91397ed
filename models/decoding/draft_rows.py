"""Draft rows: several answers to one call, drawn side by side, so that one run of the network takes a step of each.

A row draws what `models.decoding.generation` would draw alone, from random numbers of its own; numbers differ by rounding alone. The
context is read and never changed: a row has its own notes and steps behind it (`models.runtime.backend.Branches`). So all rows can be
dropped at any moment, and cost nothing then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..encoding import codec
from ..encoding.codec import PREDICTED
from ..encoding.longest_match_features import StepHistory
from ..music.note_records import ANSWER, CALL, Note, Span
from ..runtime.backend import Branches, Floats
from ..steering import constraints
from ..steering.base import Row
from ..steering.pipeline import RowsSteering
from ..steering.sampling import draw_rows
from .generation import Generation, answer_note, coded_time, is_over, last_note
from .session_context import ROWS_BEFORE, Context

MOST_NOTES = 192  # of a row, which is then paused: longer answers are drawn when they are played


@dataclass(slots=True, eq=False)
class DraftRow:
    """One answer. `heard`: all notes, the context's first; `notes`: its own; `steps`: three of the context and its own, as they are coded.

    `history`: what recall looks at. `kept`: what terms of steering keep. `end`: why it stopped, "more" or "end"; None while it goes on.
    """

    random: np.random.Generator
    span: Span
    heard: list[Note]
    steps: list[Sequence[int]]
    history: StepHistory
    notes: list[Note]
    end: str | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    def add(self, note: Note) -> None:
        """Add the next note."""
        step = codec.encode_note(note, self.heard[-1] if self.heard else None)
        self.steps.append(step)
        self.history.add(step)
        self.heard.append(note)
        self.notes.append(note)


class DraftRows:
    """The rows of one answer, all of which have as many notes, as long as they go on."""

    def __init__(
        self,
        context: Context,
        branches: Branches,
        span: Span,
        generation: Generation,
        randoms: Sequence[np.random.Generator],
    ) -> None:
        self._context = context
        self._branches = branches
        self._generation = generation
        state = context.feed()
        self._context_size = context.offset, len(context.rows)
        branches.start(len(randoms))
        steps, history = self._past()
        self.rows = [DraftRow(random, span, list(context.notes), list(steps), history.copy(), []) for random in randoms]
        self.open = list(self.rows)  # those that go on, in the order of the branches
        # (R, width) after the last note; None: not fed yet.
        self._states: Floats | None = np.tile(state, (len(randoms), 1))

    @property
    def length(self) -> int:
        """How many notes each row that goes on has, once `step` has drawn one; 0 between, or where none goes on."""
        return len(self.open[0].notes) if self.open and self._states is None else 0

    def refresh(self) -> bool:
        """Keys of the call were released, and its last notes have their lengths now. Returns whether the rows can go on."""
        context = self._context
        if (context.offset, len(context.rows)) != self._context_size:
            return False
        steps, history = self._past()
        for row in self.open:
            row.heard[: len(context.notes)] = context.notes
            row.steps[: len(steps)] = steps
            row.history = history.copy()
            for step in row.steps[len(steps) :]:
                row.history.add(step)
            row.kept.clear()
        return True

    def _past(self) -> tuple[list[Sequence[int]], StepHistory]:
        """The last three steps before all rows, and what recall looks at."""
        rows = self._context.rows
        return rows[-ROWS_BEFORE:].tolist(), StepHistory(rows, self._context.window)

    def step(self) -> list[DraftRow]:
        """Feed the last note of each row, or draw the next one. Returns the rows that end with that."""
        if self._states is None:
            self._feed()
            return []
        ended = self._draw(self._states)
        self._states = None
        for row in ended:
            self._branches.drop(self.open.index(row))
            place = self.open.index(row)
            self.open[place] = self.open[-1]
            self.open.pop()
        return ended

    def _feed(self) -> None:
        steps = np.array([[*row.steps[-1], *row.history.recall()] for row in self.open], np.int64)
        before = np.array([row.steps[-3:-1] for row in self.open], np.int64)
        self._states = self._branches.feed(steps, before, self._context.z)

    def _draw(self, states: Floats) -> list[DraftRow]:
        """Draw the next note of each row. Returns those that end with it, or instead of it."""
        context = self._context
        pitches = np.array([(row.steps[-1][codec.PITCH], row.steps[-2][codec.PITCH]) for row in self.open], np.int64)
        self._end_closing(states, pitches)
        steer = self._generation.steering.rows(
            context.notes, context.offset, self._generation.seed, [(row.heard, row.span, row.kept) for row in self.open]
        )
        going = self._going()
        states = self._branches.condition(states, codec.ROLE, np.full(len(self.open), ANSWER))
        onsets = self._draw_onsets(steer, going, states[going], pitches[going])
        last = [last_note(row.heard, row.span) for row in self.open]
        going = self._going()
        if going:
            times = [coded_time(onsets[i], last[i]) for i in going]
            states = self._branches.condition(states[going], codec.TIME, np.array(times))
            values = self._draw_after_time(steer, going, states, pitches[going], [onsets[i] for i in going])
            for i, time, each in zip(going, times, values, strict=True):
                self._add(self.open[i], answer_note([ANSWER, time, *each], onsets[i], self.open[i].span))
        return [row for row in self.open if row.end is not None]

    def _going(self) -> list[int]:
        """The places of the rows that have not ended."""
        return [i for i, row in enumerate(self.open) if row.end is None]

    def _end_closing(self, states: Floats, pitches: codec.Steps) -> None:
        """Rows that may close end where the other player is drawn to play next."""
        closing = [
            i
            for i, row in enumerate(self.open)
            if row.heard and row.heard[-1].role == ANSWER and row.heard[-1].onset >= row.span.close
        ]
        if not closing:
            return
        logits = self._branches.logits(states[closing], codec.ROLE, pitches[closing])
        for i, role in zip(closing, self._draw_values(logits, codec.ROLE, closing), strict=True):
            if role == CALL:
                self.open[i].end = "end"

    def _draw_onsets(
        self, steer: RowsSteering, going: Sequence[int], states: Floats, pitches: codec.Steps
    ) -> dict[int, float]:
        """When the next note of each of these rows begins; a row that is over has ended then."""
        if not going:
            return {}
        rows = [self.open[i] for i in going]
        heard = [row.heard for row in rows]
        last = [last_note(row.heard, row.span) for row in rows]
        logits = steer(self._branches.logits(states, codec.TIME, pitches), codec.TIME, [n.onset for n in last], going)
        earliest = [row.span.earliest for row in rows]
        allowed = constraints.allowed_waits_of_rows(heard, last, earliest, self._generation.sampling.density)
        waits = codec.TIMES[self._draw_values(np.where(allowed, logits, -np.inf), codec.TIME, going)].tolist()
        onsets: dict[int, float] = {}
        for i, row, before, wait in zip(going, rows, last, waits, strict=True):
            onsets[i] = constraints.onset_after(before.onset, wait, row.span)
            if is_over(onsets[i], wait, before, row.span):
                row.end = "end"
        return onsets

    def _draw_after_time(
        self, steer: RowsSteering, going: Sequence[int], states: Floats, pitches: codec.Steps, onsets: Sequence[float]
    ) -> list[list[int]]:
        """Coded pitch, velocity and duration of the next note of these rows, whose states (R, width) know role and time."""
        columns = []
        for which in range(codec.PITCH, len(PREDICTED)):
            logits = steer(self._branches.logits(states, which, pitches), which, onsets, going)
            if which == codec.PITCH:
                sampling = self._generation.sampling
                for row, i, onset in zip(logits, going, onsets, strict=True):
                    row[~constraints.allowed_pitches(self.open[i].heard, onset, sampling)] = -np.inf
            values = self._draw_values(logits, which, going)
            columns.append(values.tolist())
            if which < codec.DURATION:
                states = self._branches.condition(states, which, values)
        return [list(each) for each in zip(*columns, strict=True)]

    def _draw_values(self, logits: Row, field: int, places: Sequence[int]) -> codec.Steps:
        """One value of a field (R,) from the (R, n) logits of the rows in these places."""
        sampling = self._generation.sampling
        temperature = sampling.temperature_of(PREDICTED[field])
        generators = [self.open[i].random for i in places]
        return draw_rows(logits, temperature, sampling.top_p, sampling.min_p, generators)

    def _add(self, row: DraftRow, note: Note) -> None:
        row.add(note)
        if row.span.on_beat:
            row.span = replace(row.span, on_beat=False)
        if note.onset >= row.span.until or len(row.notes) >= MOST_NOTES:
            row.end = "more"
