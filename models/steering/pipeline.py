"""The pipeline: all terms of steering in their order, prepared once a call and applied to every field of every note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..encoding import codec
from ..music.note_records import Note, Span
from . import random_style_offset
from .base import Call, Point, Row, Steering, Step, Style
from .beat import Beat
from .cadence import Cadence
from .dissonance import Dissonance
from .motif import Motif
from .pitch_classes import Key, PitchClasses
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
    Dissonance(),
    Cadence(),
    Repetition(),
    Dynamics(),
)
"""In this order they are added; a term sees what those before it made of the logits."""

Chain = tuple[
    tuple[Steering, float, Any], ...
]  # the terms of one field: each with its strength and what it has prepared


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
        for term, strength, prepared in self._chains[field]:
            step.prepared = prepared
            logits = term(logits, step, strength)
        return logits


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

    def note(self, notes: Sequence[Note], offset: int, span: Span, seed: int) -> NoteSteering:
        """The steering of the note after `notes`, before which there were `offset` more."""
        call = self._call
        if call is None or (call.offset, call.together, call.seed) != (offset, span.together, seed):
            if self._history is None:
                self._history = tuple(notes)
            self._prepare(Call.of(self._history, notes, offset, span.together, seed))
        return NoteSteering(self._chains, Step.after(notes, span))

    def _prepare(self, call: Call) -> None:
        style = random_style_offset.aim_style(self._style, call)
        sampling = style.sampling
        chains: list[list[tuple[Steering, float, Any]]] = [[] for _ in codec.PREDICTED]
        for term in self._terms:
            if term.name in sampling.without:
                continue
            entry = term, sampling.strengths[term.setting.name], term.prepare(call, style)
            for field in term.fields:
                chains[field].append(entry)
        self._call = call
        self._chains = tuple(tuple(chain) for chain in chains)
