"""The interface of steering: a term adds to the logits of a field what an answer is drawn to besides what the network expects.

Terms add up in the logits, so they are a product of experts in the odds (Hinton 2002). Each is pure: what it needs of the call is prepared
once a call, what it needs of the moment is in the step. What is forbidden outright is in `models.steering.constraints`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.note_records import ANSWER, CALL, Note, Span, answer_start
from ..music.style_settings_table import Setting
from .sampling import Sampling

Row = NDArray[np.floating]
Point = NDArray[np.float32]

KEY_NOTES, KEY_LEAST, KEY_HEARD = 48, 6, 200  # notes of the call that tell its key, and how far back they may lie
PHRASE_NOTES = 64  # of a call, its last ones, that are looked at
RECENT = 48  # notes of all players that a step looks at

NOTHING: Row = np.zeros(0)


def scaled(row: Row) -> Callable[[float], Row]:
    """A row times a strength; what was asked for last is kept, as the strength is the same for all notes of a call."""
    return lru_cache(maxsize=1)(lambda strength: strength * row)


@dataclass(frozen=True, slots=True)
class Style:
    """How to play: a point (latent,), its settings, and whether there is a style at all, and not only its settings."""

    point: Point
    sampling: Sampling
    has_style: bool


@dataclass(frozen=True, slots=True)
class Call:
    """What is answered, as it was when the answer was first thought of.

    `history`: all notes of the context then. `pitches`: those of the call that tell its key; none where they are too few. `phrase`: the
    last call, `PHRASE_NOTES` notes at most, and `answer_start`: how many of the context's notes now came before its answer; in a duet
    (`together`), where nobody's answer begins, there are neither. `offset`: notes of the session before those. `seed`: the session's.
    """

    history: Sequence[Note]
    pitches: Sequence[int]
    phrase: Sequence[Note]
    answer_start: int
    offset: int
    together: bool
    seed: int

    @classmethod
    def of(cls, history: Sequence[Note], notes: Sequence[Note], offset: int, together: bool, seed: int) -> Call:
        """The call among the context's notes now; `history` are those when it was first looked at."""
        called = [n.pitch for n in history[-KEY_HEARD:] if n.role == CALL]
        pitches = called[-KEY_NOTES:] if len(called) >= KEY_LEAST else []
        if together:
            return cls(history, pitches, (), 0, offset, True, seed)
        start = answer_start(notes)
        first = start
        while first > max(start - PHRASE_NOTES, 0) and notes[first - 1].role == CALL:
            first -= 1
        return cls(history, pitches, notes[first:start], start, offset, False, seed)


@dataclass(slots=True)
class Step:
    """The moment of one note. The pipeline sets the last four for each field, and `prepared` for each term.

    `notes`: all that are remembered, of all players, the last one's last; `recent`, `own`: the last `RECENT` of them, and the
    answerer's among those. `field`: which one is chosen; `onset`: when the note sounds, in seconds, or before its time is
    chosen, when the last one did. `expected`: the field's logits before any steering. `memo`: what a term found once for all fields.
    `kept`: what terms keep from note to note of the same answer; None where notes may be taken back between.
    """

    notes: Sequence[Note]
    span: Span
    recent: Sequence[Note]
    own: Sequence[Note]
    memo: dict[str, Any]
    field: int
    onset: float
    expected: Row
    prepared: Any
    kept: dict[str, Any] | None

    @classmethod
    def after(cls, notes: Sequence[Note], span: Span, kept: dict[str, Any] | None = None) -> Step:
        """The step of the note that follows these."""
        recent = notes[-RECENT:]
        own = [n for n in recent if n.role == ANSWER]
        return cls(notes, span, recent, own, {}, codec.ROLE, 0.0, NOTHING, None, kept)


class Steering(Protocol):
    """One term. Its `setting` is its strength; 0 switches it off."""

    @property
    def name(self) -> str:
        """What `--without` calls it."""

    @property
    def setting(self) -> Setting:
        """Its row in the table of settings."""

    @property
    def fields(self) -> frozenset[int]:
        """The fields that it touches."""

    def prepare(self, call: Call, style: Style) -> Any:
        """What it needs to know of the call, once a call; its steps have it as `prepared`."""

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of the step's field, with what the term adds; those that are given stay as they are."""


@runtime_checkable
class RowSteering(Steering, Protocol):
    """A term that steers the rows of several drafts at once, quicker than one after another. The result is the same but for rounding."""

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of a field, with what the term adds to each row; those that are given may be written over."""
