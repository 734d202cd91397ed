"""The pipeline: all terms of steering in their order, prepared once a call and applied to every field of every note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..encoding import codec
from ..music.note_records import Note, Span
from . import random_style_offset
from .base import Call, Point, Row, RowSteering, Steering, Step, Style
from .beat import Beat
from .cadence import Cadence
from .dissonance import Dissonance
from .motif import Motif
from .pitch_classes import ChordChanges, Key, PitchClasses
from .plausible import Plausible
from .player_knobs import Knobs
from .repetition import Repetition
from .rhythm import Rhythm
from .sampling import Sampling
from .style_habits import StyleHabits
from .velocity_distribution_shift import Dynamics

PIPELINE: tuple[Steering, ...] = (
    Knobs(),
    StyleHabits(),
    Plausible(),
    Motif(),
    Rhythm(),
    Beat(),
    Key(),
    PitchClasses(),
    ChordChanges(),
    Dissonance(),
    Cadence(),
    Repetition(),
    Dynamics(),
)
"""In this order they are added; a term sees what those before it made of the logits."""


@dataclass(frozen=True, slots=True)
class Link:
    """One term of a field's chain, with its strength and what it has prepared. `rows`: how it steers several rows at once."""

    term: Steering
    strength: float
    prepared: Any
    rows: Callable[[Row, Sequence[Step], float], Row]


Chain = tuple[Link, ...]
"""The terms of one field."""


class NoteSteering:
    """The steering of one note."""

    def __init__(self, chains: Sequence[Chain], step: Step) -> None:
        self._chains = chains
        self._step = step

    def __call__(self, logits: Row, field: int, onset: float) -> Row:
        """The logits (n,) of a field, steered. `onset`: when the note sounds, in seconds; before that is chosen, when the last one did."""
        step = self._step
        step.field = field
        step.onset = onset
        step.expected = logits
        for link in self._chains[field]:
            step.prepared = link.prepared
            logits = link.term(logits, step, link.strength)
        return logits


class RowsSteering:
    """The steering of the next note of each of several drafts."""

    def __init__(self, chains: Sequence[Chain], steps: Sequence[Step]) -> None:
        self._chains = chains
        self._steps = steps

    def __call__(self, logits: Row, field: int, onsets: Sequence[float], rows: Sequence[int]) -> Row:
        """The (R, n) logits of a field, steered, for these of the rows; `onsets`: of each, as for `NoteSteering`."""
        steps = [self._steps[row] for row in rows]
        for step, onset, expected in zip(steps, onsets, logits, strict=True):
            step.field = field
            step.onset = onset
            step.expected = expected
        steered: Row = logits.astype(np.float64)
        for link in self._chains[field]:
            for step in steps:
                step.prepared = link.prepared
            steered = link.rows(steered, steps, link.strength)
        return steered


class Pipeline:
    """The steering of one engine, from answer to answer. What is prepared is kept until the call or the style is another one."""

    def __init__(self, latent: int, terms: Sequence[Steering] = PIPELINE) -> None:
        self._terms = terms
        self._style = Style(np.zeros(latent, np.float32), Sampling(), False)
        self._history: Sequence[Note] | None = None  # once the call is looked at
        self._call: Call | None = None
        self._chains: Sequence[Chain] = ()

    def style(self, point: Point, sampling: Sampling, has_style: bool) -> None:
        """From the next note on; `has_style`: whether there is a style at all, and not only its settings."""
        self._style = Style(point, sampling, has_style)
        self.forget_call()

    def forget_call(self) -> None:
        """There is more of a call, or another one."""
        self._history = self._call = None

    def note(
        self, notes: Sequence[Note], offset: int, span: Span, seed: int, kept: dict[str, Any] | None = None
    ) -> NoteSteering:
        """The steering of the note after `notes`, before which there were `offset` more; `kept`: see `Step`."""
        self._prepare_for(notes, offset, span, seed)
        return NoteSteering(self._chains, Step.after(notes, span, kept))

    def rows(
        self,
        notes: Sequence[Note],
        offset: int,
        seed: int,
        drafts: Sequence[tuple[Sequence[Note], Span, dict[str, Any]]],
    ) -> RowsSteering:
        """The steering of the next note of several drafts: of each, all notes so far, its span, and what terms keep from note to note.

        `notes`: those before any draft, before which there were `offset` more.
        """
        self._prepare_for(notes, offset, drafts[0][1], seed)
        return RowsSteering(self._chains, [Step.after(*draft) for draft in drafts])

    def _prepare_for(self, notes: Sequence[Note], offset: int, span: Span, seed: int) -> None:
        """Prepare all terms, unless the call is the one that they are prepared for."""
        call = self._call
        if call is None or (call.offset, call.together, call.seed) != (offset, span.together, seed):
            if self._history is None:
                self._history = tuple(notes)
            self._prepare(Call.of(self._history, notes, offset, span.together, seed))

    def _prepare(self, call: Call) -> None:
        style = random_style_offset.aim_style(self._style, call)
        sampling = style.sampling
        chains: list[list[Link]] = [[] for _ in codec.PREDICTED]
        for term in self._terms:
            if term.name in sampling.without:
                continue
            rows = term.steer_rows if isinstance(term, RowSteering) else partial(_steer_one_by_one, term)
            link = Link(term, sampling.strengths[term.setting.name], term.prepare(call, style), rows)
            for field in term.fields:
                chains[field].append(link)
        self._call = call
        self._chains = tuple(tuple(chain) for chain in chains)


def _steer_one_by_one(term: Steering, logits: Row, steps: Sequence[Step], strength: float) -> Row:
    """The (R, n) logits, steered by a term that knows one row only."""
    return np.stack([term(row, step, strength) for row, step in zip(logits, steps, strict=True)])
