"""One term of steering by itself: prepared and applied as the pipeline does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.music.note_records import Note, Span
from models.steering.base import Call, Row, Steering, Step, Style
from models.steering.sampling import Sampling

SPAN = Span(3.0, 99.0, 98.0, 99.0)


def called(notes: Sequence[Note], together: bool = False) -> Call:
    """The call among these notes."""
    return Call.of(notes, notes, 0, together, 1)


def steered(
    term: Steering,
    logits: Row,
    field: int,
    strength: float,
    notes: Sequence[Note] = (),
    onset: float = 0.0,
    span: Span = SPAN,
    sampling: Sampling | None = None,
) -> Row:
    """The logits of a field after `notes`, with what the term adds; without a style."""
    style = Style(np.zeros(8, np.float32), sampling or Sampling(), False)
    step = Step.after(notes, span)
    step.field = field
    step.onset = onset
    step.expected = logits
    step.prepared = term.prepare(called(notes, span.together), style)
    return term(logits, step, strength)
