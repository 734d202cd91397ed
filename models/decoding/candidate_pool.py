"""The candidate pool: answers that are generated in spare time, before one is asked for; the best is played when the turn comes.

They are generated a note at a time, one note of each at most. So whoever needs the network for something else waits for
one such step. Each candidate has a random generator of its own. The chosen one is played stretch by stretch, as long as what
it answers stays the same.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from ..music import pulse
from ..music.note_records import CALL, SHORTEST, Note, Span
from ..runtime.backend import Branches
from .candidates import Candidate, Remainder, are_same_bars, is_same_answer, key_and_density_fit, ranked
from .draft_rows import DraftRow, DraftRows
from .generation import Generation, generate
from .reranker import CallProfile, Reranker
from .session_context import Context
from .style_prompt import StylePrompt

MOST = 12  # candidates; the more there is time for, the less the chosen one can be told from a person's
ROUNDING_SECONDS = 1e-5  # times in messages have six decimals
PULSE_WEIGHT = 2.0  # nats: worth of keeping to the beat, which the reranker does not know
#: Notes: candidates that are not whole are scored at these lengths, and again when they are.
SCORED_LENGTHS = (8, 16, 32)
CALL_NOTES = 256  # last notes of all players, among which the reranker's call is


class CandidatePool:
    """The candidates for the next answer of one session.

    Where the backend has branches and more than one candidate is asked for, all are generated side by side
    (`models.decoding.draft_rows`): then each has as many notes as the others at any time, and the best is chosen among
    what there is, whole or not. Otherwise they are generated one after another in the context itself.
    """

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
        self.candidates: list[Candidate] = []  # those that are whole
        self._most = 0  # candidates to generate
        self._call: CallProfile | None = None  # the call as the reranker needs it
        self._generator: Generator[Note, None, str] | None = None  # of the candidate that is not complete
        self._notes: list[Note] = []  # of that candidate, so far
        self._start = 0  # notes of the session before that candidate
        self._row_count = 0  # candidates that are generated side by side; 0: one after another
        self._branches: Branches | None = None  # made when they are first needed
        self._rows: DraftRows | None = None
        self._partial: dict[DraftRow, Candidate] = {}  # rows that are not whole, as they were when last scored
        self._to_score: list[DraftRow] = []
        self._remainder: Remainder | None = None
        self._others: list[Candidate] = []  # of the last answer that was one of them: the rest, the best first
        self._others_span: Span | None = None

    def request(self, span: Span, count: int, side_by_side: bool = False) -> None:
        """Generate up to `count` answers in spare time from now on, one after another or `side_by_side`."""
        count = min(count, MOST)
        is_begun = self._rows is not None or bool(self.candidates)
        if side_by_side and is_begun and count == self._row_count and self._fits(span):
            return
        self.drop()
        self.span = span
        self._most = count
        if side_by_side and count > 1 and not span.together:
            if self._branches is None:
                self._branches = self._context.backend.branches()
            self._row_count = count if self._branches is not None else 0

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
        self._row_count = 0
        self._rows = None
        self._partial = {}
        self._to_score = []

    def cancel(self) -> None:
        """Take back a candidate that is not complete in the context, as that is needed for something else."""
        if self._generator is not None:
            self._generator = None
            self._context.truncate(self._start)

    @property
    def outlasts_release(self) -> bool:
        """Whether the candidates stay when a key is released: those do that were, or are, generated side by side."""
        return self._row_count > 0

    @property
    def is_reading_context(self) -> bool:
        """Whether candidates are being generated from what the network has read: until they are done, nothing may be fed."""
        return self._rows is not None

    def keys_released(self) -> None:
        """Only lengths of the call's last notes have changed."""
        if self._rows is not None and not self._rows.refresh():
            self.drop_candidates()

    def work(self) -> bool:
        """Do one small step, at most one note of each. Returns whether there may be more to do."""
        if self.span is None:
            return False
        if self._generator is None and self._rows is None:
            if self._prompt.insert(self._context, self.span, self._generation.sampling):
                return True
            if len(self.candidates) >= self._most:
                return False
            if self._profile_call():
                return True
            if self._row_count and self._branches is not None:
                randoms = [self._random(number) for number in range(self._row_count)]
                self._rows = DraftRows(self._context, self._branches, self.span, self._generation, randoms)
            else:
                self._begin(self.span)
        return self._work_on_one() if self._rows is None else self._work_on_rows(self._rows)

    def _work_on_one(self) -> bool:
        """Generate a note of the candidate that is not complete."""
        assert self._generator is not None
        try:
            self._notes.append(next(self._generator))
        except StopIteration as end:
            self.cancel()
            self._store(end.value)
        return True

    def _work_on_rows(self, rows: DraftRows) -> bool:
        """Score one row, or let all of them take a step."""
        if self._to_score:
            self._score_row(self._to_score.pop())
            return True
        if not rows.open:
            self._rows = None  # the context may be fed again
            self._most = len(self.candidates)
            return True
        self._to_score = rows.step()
        if not self._to_score and rows.length in SCORED_LENGTHS:
            self._to_score = list(rows.open)
        return True

    def _score_row(self, row: DraftRow) -> None:
        """Score what there is of a row."""
        if not row.notes:
            return  # an answer without notes is no candidate
        candidate = self._scored(row.notes, row.end or "more")
        if row.end is None:
            self._partial[row] = candidate
            return
        self._partial.pop(row, None)
        self.candidate_count += 1
        self.candidates.append(candidate)

    @property
    def scored_count(self) -> int:
        """Candidates among which one can be chosen by now, whole or not."""
        return len(self.candidates) + len(self._partial)

    def _all_candidates(self) -> list[Candidate]:
        """Those that are whole, and of the others what there is by now; its score may be of fewer notes."""
        if self._rows is None:
            return self.candidates
        unscored = [row for row in self._to_score if row.end is not None]
        partial = [(row, self._partial[row]) for row in [*self._rows.open, *unscored] if row in self._partial]
        found = self.candidates + [replace(c, notes=tuple(row.notes), end=row.end or "more") for row, c in partial]
        if found:
            return found
        begun = [row for row in self._rows.rows if row.notes]  # too few notes for the reranker
        notes = self._context.notes
        return [Candidate(tuple(r.notes), r.end or "more", None, key_and_density_fit(notes, r.notes)) for r in begun]

    def play(self, span: Span) -> Generator[Note, None, str | None]:
        """Play the notes of the best candidate for that span, or what is left of the one before, up to the horizon.

        Returns why it paused, as `generate` does; None where there are no notes, or no more, and new ones are needed.
        """
        candidate = self._continue(span) or (self._take_another(span) if span.another else self._take_best(span))
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

    def _begin(self, span: Span) -> None:
        """Begin one more candidate."""
        self._start = self._context.length
        self._notes = []
        self._generator = generate(self._context, span, self._generation, self._random(len(self.candidates)))

    def _random(self, number: int) -> np.random.Generator:
        """The random numbers of a candidate: they depend on the seed, its place in the session and its number."""
        return np.random.default_rng([self._generation.seed, self._context.length, number])

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
            and are_same_bars(remainder.span.bar, span.bar)
        )
        if not is_same or (left.notes and left.notes[0].onset < span.earliest - ROUNDING_SECONDS):
            return None
        self.drop_candidates()
        self.choice_count = 0
        return left

    def _take_best(self, span: Span) -> Candidate | None:
        """The best candidate, moved in time to the span; None where there is none for it."""
        expected = self.span
        fits = self._fits(span)
        candidates = self._all_candidates()
        self.drop()
        self.choice_count = 0
        if expected is None or not fits or not candidates:
            return None
        shift = span.earliest - expected.earliest
        self.use_count += 1
        self.choice_count = len(candidates)
        best, *self._others = ranked(candidates)
        self._others_span = expected
        return replace(best, notes=tuple(note.shift(shift) for note in best.notes)) if shift else best

    def forget_others(self) -> None:
        """There is another call, or another style: what was not chosen is no answer any more."""
        self._others = []

    def _take_another(self, span: Span) -> Candidate | None:
        """The next best candidate of the answer before, moved in time to the span; None where none is left."""
        self.drop()
        self.choice_count = len(self._others)
        if not self._others or self._others_span is None:
            return None
        self.use_count += 1
        other = self._others.pop(0)
        shift = span.earliest - self._others_span.earliest
        return replace(other, notes=tuple(note.shift(shift) for note in other.notes))

    def _fits(self, span: Span) -> bool:
        """Whether the candidates are for an answer as this one, a little sooner or later perhaps."""
        return self.span is not None and is_same_answer(self.span, span, self._row_count > 0)

    def _store(self, end: str) -> None:
        """Score the candidate that is complete and keep it."""
        if not self._notes:
            self._most -= 1  # an answer without notes is no candidate
            return
        self.candidate_count += 1
        self.candidates.append(self._scored(self._notes, end))

    def _scored(self, notes: Sequence[Note], end: str) -> Candidate:
        """A candidate of at least one note, with its score."""
        score = self._reranker.score(self._call, notes) if self._reranker and self._call else None
        if score is not None and self.span is not None and self.span.bar is not None:
            score += PULSE_WEIGHT * pulse.beat_alignment(notes, self.span.bar)
        return Candidate(tuple(notes), end, score, key_and_density_fit(self._context.notes, notes))
