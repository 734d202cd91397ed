"""Candidates: whole answers that are generated in spare time, before one is asked for; the best is played when the turn comes.

Candidates are generated in the session's own context, a note at a time, and taken back, which costs nothing. So whoever
needs the context for something else waits for one note at most. Each candidate has a random generator of its own.

The best is the one that the reranker scores highest (`models.decoding.reranker`). Where most are too short to be scored,
two rules choose: the candidate keeps to the call's key, and is about as dense as the call. The chosen one is played
stretch by stretch, as long as what it answers stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..music import pulse
from ..music.keys import KEYS, key_share
from ..music.note_records import CALL, SHORTEST, Bar, Note, Span
from .generation import Generation, generate
from .reranker import CallProfile, Reranker
from .session_context import Context
from .style_prompt import StylePrompt

MOST = 12  # candidates; the more there is time for, the less the chosen one can be told from a person's
SHIFT_SECONDS = 0.1  # an answer may be asked for so much sooner or later than was expected
BEAT_SHIFT_SECONDS = 0.001  # the same where there is a beat
ROUNDING_SECONDS = 1e-5  # times in messages have six decimals
PULSE_WEIGHT = 2.0  # nats: worth of keeping to the beat, which the reranker does not know
KEY_WEIGHT = 4.0  # nats a note: for a share of notes outside the call's key
DENSITY_WEIGHT = 1.0  # nats a note: for each octave between the densities of call and answer
FIT_NOTES = 48  # last notes of the call that the two rules look at
CALL_NOTES = 256  # last notes of all players, among which the reranker's call is


@dataclass(frozen=True)
class Candidate:
    """An answer. `end`: why it stopped, "more" or "end". `score`: the reranker's, in nats, None where it cannot tell.

    `fit`: how well it suits the call's key and density, in nats a note, 0 at best.
    """

    notes: tuple[Note, ...]
    end: str
    score: float | None
    fit: float


@dataclass(frozen=True)
class Remainder:
    """What is left of the answer that is being played: `length` notes of the session come before it."""

    length: int
    span: Span
    candidate: Candidate


class CandidatePool:
    """The candidates for the next answer of one session."""

    def __init__(
        self, context: Context, generation: Generation, prompt: StylePrompt, reranker: Reranker | None = None
    ) -> None:
        self._context = context
        self._generation = generation
        self._prompt = prompt
        self._reranker = reranker
        self.candidate_count = 0  # candidates that were generated in this session
        self.use_count = 0  # answers of this session that were one of them
        self.choice_count = 0  # candidates among which the last answer was chosen; 0: it was none of them
        self.span: Span | None = None  # of the answer that candidates are generated for
        self.candidates: list[Candidate] = []
        self._most = 0  # candidates to generate
        self._call: CallProfile | None = None  # the call as the reranker needs it
        self._generator: Generator[Note, None, str] | None = None  # of the candidate that is not complete
        self._notes: list[Note] = []  # of that candidate, so far
        self._start = 0  # notes of the session before that candidate
        self._remainder: Remainder | None = None

    def request(self, span: Span, count: int) -> None:
        """Generate up to `count` answers in spare time from now on."""
        self.drop()
        self.span = span
        self._most = min(count, MOST)

    def drop(self) -> None:
        """Drop all candidates and the rest of the one that is played: the notes or the style have changed."""
        self.drop_candidates()
        self._remainder = None

    def drop_candidates(self) -> None:
        """Drop all candidates. The one that is being played goes on: only a key was released."""
        self.cancel()
        self.span = None
        self._call = None
        self.candidates = []

    def cancel(self) -> None:
        """Take back a candidate that is not complete, as the context is needed for something else."""
        if self._generator is not None:
            self._generator = None
            self._context.truncate(self._start)

    def work(self) -> bool:
        """Do one small step, at most one note. Returns whether there may be more to do."""
        if self.span is None:
            return False
        if self._generator is None:
            if self._prompt.insert(self._context, self.span, self._generation.sampling):
                return True
            if len(self.candidates) >= self._most:
                return False
            if self._profile_call():
                return True
            self._generator = self._begin(self.span)
        try:
            self._notes.append(next(self._generator))
        except StopIteration as end:
            self.cancel()
            self._store(end.value)
        return True

    def play(self, span: Span) -> Generator[Note, None, str | None]:
        """Play the notes of the best candidate for that span, or what is left of the one before, up to the horizon.

        Returns why it paused, as `generate` does; None where there are no notes, or no more, and new ones are needed.
        """
        candidate = self._continue(span) or self._take_best(span)
        if candidate is None:
            return None
        for i, planned in enumerate(candidate.notes, 1):
            if planned.onset > min(span.stop, span.hush - SHORTEST):
                return "end"
            note = replace(planned, duration=min(planned.duration, span.hush - planned.onset))
            self._context.append([note])
            yield note
            if note.onset >= span.until:
                rest = replace(candidate, notes=candidate.notes[i:])
                goes_on = bool(rest.notes) or rest.end == "end"
                self._remainder = Remainder(self._context.length, span, rest) if goes_on else None
                return "more"
        return "end" if candidate.end == "end" else None

    def _profile_call(self) -> bool:
        """Prepare the call for the reranker. Returns whether there was something to do."""
        if self._call is not None or self._reranker is None:
            return False
        call = [n for n in self._context.notes[-CALL_NOTES:] if n.role == CALL]
        if call:
            self._call = CallProfile.of(call)
        return bool(call)

    def _begin(self, span: Span) -> Generator[Note, None, str]:
        """Begin one more candidate. Its random numbers depend on the seed, its place in the session and its number."""
        self._start = self._context.length
        self._notes = []
        random = np.random.default_rng([self._generation.seed, self._start, len(self.candidates)])
        return generate(self._context, span, self._generation, random)

    def _continue(self, span: Span) -> Candidate | None:
        """What is left of the answer that is being played, if the span still asks for it."""
        remainder = self._remainder
        self._remainder = None
        if remainder is None:
            return None
        left = remainder.candidate
        is_same = (
            remainder.length == self._context.length
            and remainder.span.together == span.together
            and _are_alike(remainder.span.bar, span.bar)
        )
        if not is_same or (left.notes and left.notes[0].onset < span.earliest - ROUNDING_SECONDS):
            return None
        self.drop_candidates()
        self.choice_count = 0
        return left

    def _take_best(self, span: Span) -> Candidate | None:
        """The best candidate, moved in time to the span; None where there is none for it."""
        expected = self.span
        candidates = self.candidates
        self.drop()
        self.choice_count = 0
        if expected is None or not candidates:
            return None
        same_kind = expected.on_beat == span.on_beat and expected.together == span.together
        if not same_kind or not _are_alike(expected.bar, span.bar):
            return None
        shift = span.earliest - expected.earliest
        if abs(shift) > (BEAT_SHIFT_SECONDS if span.bar else SHIFT_SECONDS):
            return None
        self.use_count += 1
        self.choice_count = len(candidates)
        best = best_of(candidates)
        return replace(best, notes=tuple(note.shift(shift) for note in best.notes)) if shift else best

    def _store(self, end: str) -> None:
        """Score the candidate that is complete and keep it."""
        if not self._notes:
            self._most -= 1  # an answer without notes is no candidate
            return
        self.candidate_count += 1
        score = self._reranker.score(self._call, self._notes) if self._reranker and self._call else None
        if score is not None and self.span is not None and self.span.bar is not None:
            score += PULSE_WEIGHT * pulse.beat_alignment(self._notes, self.span.bar)
        fit = key_and_density_fit(self._context.notes, self._notes)
        self.candidates.append(Candidate(tuple(self._notes), end, score, fit))


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest score; where most have none, the one that fits best."""
    scored = [candidate for candidate in candidates if candidate.score is not None]
    if 2 * len(scored) > len(candidates):
        return max(scored, key=lambda candidate: candidate.score or 0.0)
    return max(candidates, key=lambda candidate: candidate.fit)


def _are_alike(a: Bar | None, b: Bar | None) -> bool:
    """Whether two bars have the same bar lines, whichever of them they start from."""
    if a is None or b is None:
        return a is b
    bars = (a.start - b.start) / b.length
    return replace(a, start=b.start) == b and abs(bars - round(bars)) * b.length < BEAT_SHIFT_SECONDS


def key_and_density_fit(notes: list[Note], answer: list[Note]) -> float:
    """How well an answer suits the key and density of the call among `notes`, in nats a note; 0 is the best."""
    call = [n for n in notes if n.role == CALL][-FIT_NOTES:]
    if len(call) < 4:
        return 0.0
    tonic, share = key_share(n.pitch for n in call)
    inside = float(np.mean([KEYS[tonic][n.pitch % 12] for n in answer]))
    key_cost = KEY_WEIGHT * max(share - inside, 0.0)
    if len(answer) < 3:
        return -key_cost
    densities = [len(part) / max(part[-1].onset - part[0].onset, 0.25) for part in (call, answer)]  # notes a second
    return -key_cost - DENSITY_WEIGHT * abs(math.log2(densities[1] / densities[0]))
