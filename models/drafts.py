"""Drafts: answers thought of in spare time, before anybody has asked for one; the best of them is there when the turn comes.

Knows nothing of ports or processes. It borrows the engine's own memory, a note at a time, and gives it back as it was: taking back costs
nothing. So whoever has something else for the engine waits for one note at most.

Candidates are ranked by how likely the musician itself finds them, a note, and by two guards: that they stay in the call's key, and are
about as dense as the call.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .attributes import KEYS, key_share
from .note import CALL, Bar, Note, Span

if TYPE_CHECKING:
    from .engine import Engine

MOST = 4  # candidates
NEAR = 0.1  # seconds: an answer that is asked for so much sooner or later than was thought is still the same
EXACT = 0.001  # seconds: the same, on a beat
IN_KEY, AS_DENSE = 4.0, 1.0  # nats a note: for a share of notes in the key, and for each octave of density
CALLED = 48  # notes of the call that the guards look at


@dataclass(frozen=True)
class Draft:
    """The notes of an answer's first stretch, why it paused there ("more" or "end"), and how good it is."""

    notes: tuple[Note, ...]
    end: str
    score: float


class Drafter:
    """The drafts of one engine. `made` and `used` count them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.made = self.used = 0
        self.chosen_from = 0  # drafts, for the last answer; 0: it was none of them
        self._span: Span | None = None
        self._count = 0
        self._found: list[Draft] = []
        self._work: Generator[Note, None, str] | None = None
        self._notes: list[Note] = []  # of the draft that is worked on
        self._generator = np.random.default_rng(0)
        self._base, self._likely = 0, 0.0  # notes before it; and how likely it is, in nats

    def wish(self, span: Span, count: int) -> None:
        """From now on, in spare time, think of `count` answers to what was heard."""
        self.drop()
        self._span, self._count = span, min(count, MOST)

    def drop(self) -> None:
        """What was heard, or how it is to be played, has changed: nothing of all this counts any more."""
        self.pause()
        self._span, self._found = None, []

    def pause(self) -> None:
        """Somebody wants the engine: a draft that is not done is taken back."""
        if self._work is not None:
            self._work = None
            self.engine.memory.back_to(self._base)

    def work(self) -> bool:
        """Think of one more note. Returns whether there is more to do."""
        if self._span is None:
            return False
        engine = self.engine
        if self._work is None:
            if engine.lead_in(self._span):
                return True
            if len(self._found) >= self._count:
                return False
            self._base, self._likely, self._notes = engine.length, 0.0, []
            self._generator = np.random.default_rng([engine.seeded, self._base, len(self._found)])
            self._work = engine.invent(self._span)
        own, engine.generator = engine.generator, self._generator
        engine.likelihood = 0.0
        try:
            self._notes.append(next(self._work))
        except StopIteration as end:
            self.pause()
            self._keep(end.value)
        finally:
            self._likely += engine.likelihood or 0.0
            engine.generator, engine.likelihood = own, None
        return True

    def take(self, span: Span) -> Draft | None:
        """The best answer to that question, moved to where it is asked for; None where there is none that fits."""
        thought, found = self._span, self._found
        self.drop()
        self.chosen_from = 0
        if thought is None or not found:
            return None
        off = span.earliest - thought.earliest
        alike = (thought.on_beat, thought.together) == (span.on_beat, span.together) and _alike(thought.bar, span.bar)
        if not alike or abs(off) > (EXACT if span.bar else NEAR):
            return None
        self.used += 1
        self.chosen_from = len(found)
        best = max(found, key=lambda draft: draft.score)
        return replace(best, notes=tuple(note.moved(off) for note in best.notes)) if off else best

    def _keep(self, end: str) -> None:
        if self._notes:
            self.made += 1
            score = self._likely / len(self._notes) + fit(self.engine.notes, self._notes)
            self._found.append(Draft(tuple(self._notes), end, score))
        else:
            self._count -= 1  # it would rather be silent


def _alike(a: Bar | None, b: Bar | None) -> bool:
    """Whether two bars have the same lines."""
    if a is None or b is None:
        return a is b
    bars = (a.start - b.start) / b.length
    return replace(a, start=b.start) == b and abs(bars - round(bars)) * b.length < EXACT


def fit(heard: list[Note], answer: list[Note]) -> float:
    """The two guards, in nats a note: 0 is as good as can be."""
    call = [n for n in heard if n.role == CALL][-CALLED:]
    if len(call) < 4:
        return 0.0
    tonic, share = key_share(np.array([n.pitch for n in call]))
    inside = float(np.mean([KEYS[tonic][n.pitch % 12] for n in answer]))
    strange = IN_KEY * max(share - inside, 0.0)
    if len(answer) < 3:
        return -strange
    dense = [len(part) / max(part[-1].onset - part[0].onset, 0.25) for part in (call, answer)]
    return -strange - AS_DENSE * abs(math.log2(dense[1] / dense[0]))
