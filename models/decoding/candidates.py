"""Drafts: whole answers thought of in spare time, before anybody has asked for one; the best of them is there when the turn comes.

Knows nothing of ports or processes. It borrows the engine's own memory, a note at a time, and gives it back as it was: taking back costs
nothing. So whoever has something else for the engine waits for one note at most.

The best is the one that sounds most like a person's (`models.decoding.reranker`). Where most are too short to tell,
two guards choose: that it stays in
the call's key, and is about as dense as the call. What was chosen is played stretch by stretch, as long as nobody changes what it answers.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..music import pulse
from ..music.keys import KEYS, key_share
from ..music.note import CALL, SHORTEST, Bar, Note, Span
from .reranker import Called

if TYPE_CHECKING:
    from .engine import Engine

MOST = 12  # candidates; the more there is time for, the less the chosen one can be told from a person's
NEAR = 0.1  # seconds: an answer that is asked for so much sooner or later than was thought is still the same
EXACT = 0.001  # seconds: the same, on a beat
ROUNDED = 1e-5  # seconds: times are told in six decimals
IN_TIME = 2.0  # nats: what it is worth to the ear, which knows no beat, that an answer keeps to the one that there is
IN_KEY, AS_DENSE = 4.0, 1.0  # nats a note: for a share of notes in the key, and for each octave of density
CALLED = 48  # notes of the call that the guards look at
HEARD = 256  # notes of whoever plays, among which the call is


@dataclass(frozen=True)
class Candidate:
    """The notes of an answer and why it ended there ("more" or "end"); how human it sounds, if that can be told, and how well it fits."""

    notes: tuple[Note, ...]
    end: str
    human: float | None
    fits: float


class CandidatePool:
    """The drafts of one engine. `made` and `used` count them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.made = self.used = 0
        self.chosen_from = 0  # drafts, for the last answer; 0: it was none of them
        self._span: Span | None = None
        self._called: Called | None = None  # the call, as the ear remembers it
        self._count = 0
        self._found: list[Candidate] = []
        self._work: Generator[Note, None, str] | None = None
        self._notes: list[Note] = []  # of the draft that is worked on
        self._generator = np.random.default_rng(0)
        self._base = 0  # notes before it
        self._rest: tuple[int, Span, Candidate] | None = (
            None  # of the one that is played: after so many notes, what is left
        )

    def wish(self, span: Span, count: int) -> None:
        """From now on, in spare time, think of `count` answers to what was heard."""
        self.drop()
        self._span, self._count = span, min(count, MOST)

    def drop(self) -> None:
        """What was heard, or how it is to be played, has changed: nothing of all this counts any more."""
        self.reconsider()
        self._rest = None

    def reconsider(self) -> None:
        """What there is to answer has changed a little, a key was let go: what is being played may go on as it was meant."""
        self.pause()
        self._span, self._called, self._found = None, None, []

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
            if self._called is None and engine.ear and (call := [n for n in engine.notes[-HEARD:] if n.role == CALL]):
                self._called = Called.by(call)
                return True
            self._base, self._notes = engine.length, []
            self._generator = np.random.default_rng([engine.seeded, self._base, len(self._found)])
            self._work = engine.invent(self._span)
        own, engine.generator = engine.generator, self._generator
        try:
            self._notes.append(next(self._work))
        except StopIteration as end:
            self.pause()
            self._keep(end.value)
        finally:
            engine.generator = own
        return True

    def play(self, span: Span) -> Generator[Note, None, str | None]:
        """The notes of a draft that answer that question, as far as its horizon; what is left then is played when that is asked for.

        Returns why it paused, as the engine's `play` does; None where there are none, or no more, and the engine is to go on from there.
        """
        if (draft := self._going_on(span) or self._take(span)) is None:
            return None
        self.engine.lead_in(span)
        for i, meant in enumerate(draft.notes, 1):
            if meant.onset > min(span.stop, span.hush - SHORTEST):
                return "end"
            note = replace(meant, duration=min(meant.duration, span.hush - meant.onset))
            self.engine.memory.remember([note])
            yield note
            if note.onset >= span.until:
                left = replace(draft, notes=draft.notes[i:])
                self._rest = (self.engine.length, span, left) if left.notes or left.end == "end" else None
                return "more"
        return "end" if draft.end == "end" else None

    def _going_on(self, span: Span) -> Candidate | None:
        """What is left of the answer that is being played, if it is still what is asked for."""
        rest, self._rest = self._rest, None
        if rest is None:
            return None
        length, asked, left = rest
        same = length == self.engine.length and asked.together == span.together and _alike(asked.bar, span.bar)
        if not same or (left.notes and left.notes[0].onset < span.earliest - ROUNDED):
            return None
        self.reconsider()
        self.chosen_from = 0
        return left

    def _take(self, span: Span) -> Candidate | None:
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
        best = chosen(found)
        return replace(best, notes=tuple(note.shift(off) for note in best.notes)) if off else best

    def _keep(self, end: str) -> None:
        if not self._notes:
            self._count -= 1  # it would rather be silent
            return
        self.made += 1
        human = self.engine.ear.likes(self._called, self._notes) if self.engine.ear and self._called else None
        if human is not None and self._span is not None and self._span.bar is not None:
            human += IN_TIME * pulse.beat_alignment(self._notes, self._span.bar)
        self._found.append(Candidate(tuple(self._notes), end, human, fit(self.engine.notes, self._notes)))


def chosen(drafts: Sequence[Candidate]) -> Candidate:
    """The most human of some drafts, or, where most of them are too short to tell, the one that fits best."""
    told = [draft for draft in drafts if draft.human is not None]
    if 2 * len(told) > len(drafts):
        return max(told, key=lambda draft: draft.human or 0.0)
    return max(drafts, key=lambda draft: draft.fits)


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
    tonic, share = key_share(n.pitch for n in call)
    inside = float(np.mean([KEYS[tonic][n.pitch % 12] for n in answer]))
    strange = IN_KEY * max(share - inside, 0.0)
    if len(answer) < 3:
        return -strange
    dense = [len(part) / max(part[-1].onset - part[0].onset, 0.25) for part in (call, answer)]
    return -strange - AS_DENSE * abs(math.log2(dense[1] / dense[0]))
