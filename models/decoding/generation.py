"""Generation: the notes of an answer, drawn one after another from what the network expects and what steers it.

Of each note the fields role, time, pitch, velocity and duration are drawn in this order, each from the network's
logits after the fields before it. Whoever calls owns the context and the random generator: so a candidate is drawn
with a generator of its own, in the same context as the answer that is played.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..encoding import codec
from ..encoding.codec import PREDICTED
from ..music.note_records import ANSWER, CALL, HELD, SHORTEST, Note, Span
from ..music.simultaneous_notes import SAME_STROKE_SECONDS
from ..runtime.backend import Floats
from ..steering import constraints
from ..steering.base import Row
from ..steering.pipeline import NoteSteering, Pipeline
from ..steering.sampling import Sampling, draw, softmax
from .session_context import Context

CLOSING_REST_SECONDS = 0.5  # an answer that may close ends before a rest of this length
DUET_SHARE = 0.4  # in a duet, the share of the notes that is ours, whatever the network expects
DUET_WEIGHT = 0.5  # how much of the network's own probability of our role is added to that share


@dataclass(slots=True)
class Generation:
    """What all answers of one session are drawn with. A change counts from the next note on."""

    steering: Pipeline
    sampling: Sampling
    seed: int = 0  # of the session: the offset of an answer from its style is drawn from it


def generate(
    context: Context, span: Span, generation: Generation, random: np.random.Generator
) -> Generator[Note, None, str]:
    """Draw the notes of an answer and append each to the context, which is all that changes.

    Returns "more" where the span's horizon is reached, or "end" where the answer is over.
    """
    kept: dict[str, Any] = {}
    while True:
        if span.together:
            span = replace(span, earliest=_earliest_in_duet(context, span, generation.sampling, random))
            if span.earliest >= span.until:
                return "more"
        note = _next_note(context, span, generation, random, kept)
        if note is None:
            return "end"
        context.append([note])
        yield note
        if span.on_beat:
            span = replace(span, on_beat=False)
        if note.onset >= span.until:
            return "more"


def _next_note(
    context: Context, span: Span, generation: Generation, random: np.random.Generator, kept: dict[str, Any]
) -> Note | None:
    """The next note of the answer, or None where the answer is over. `kept`: see `models.steering.base.Step`."""
    state = context.feed()
    last_pitches = context.last_pitches()
    context.drop_oldest()
    last = last_note(context.notes, span)
    sampling = generation.sampling
    may_close = last.role == ANSWER and last.onset >= span.close
    if may_close:
        role = _draw(context.backend.logits(state, codec.ROLE, last_pitches), codec.ROLE, sampling, random)
        if role == CALL:
            return None
    steer = generation.steering.note(context.notes, context.offset, span, generation.seed, kept)
    state = context.backend.condition(state, codec.ROLE, ANSWER)
    logits = steer(context.backend.logits(state, codec.TIME, last_pitches), codec.TIME, last.onset)
    allowed = constraints.allowed_waits(context.notes, last, span.earliest, sampling.density)
    wait = float(codec.TIMES[_draw(np.where(allowed, logits, -np.inf), codec.TIME, sampling, random)])
    onset = constraints.onset_after(last.onset, wait, span)
    if is_over(onset, wait, last, span):
        return None
    time = coded_time(onset, last)
    state = context.backend.condition(state, codec.TIME, time)
    values = _draw_after_time(context, state, last_pitches, onset, steer, sampling, random)
    return answer_note([ANSWER, time, *values], onset, span)


def is_over(onset: float, wait: float, last: Note, span: Span) -> bool:
    """Whether an answer ends before a note at that onset, drawn to begin `wait` seconds after the last one."""
    if onset > min(span.stop, span.hush - SHORTEST):
        return True
    return last.role == ANSWER and onset >= span.close and wait >= CLOSING_REST_SECONDS


def coded_time(onset: float, last: Note) -> int:
    """The time of an answer's note as the codec codes it."""
    since = onset - last.onset
    return codec.time_bin(since if last.role == ANSWER else min(since, codec.MAX_TURN_GAP))


def answer_note(values: Sequence[int], onset: float, span: Span) -> Note:
    """The note of the five values that were drawn, role first."""
    note = codec.decode([*values, codec.FREE, codec.HUMAN], onset)
    place = None if span.bar is None or span.bar.beats == 1 else span.bar.place(onset)
    duration = min(max(note.duration, SHORTEST), span.hush - onset)
    return Note(onset, duration, note.pitch, note.velocity, ANSWER, place)


def _draw_after_time(
    context: Context,
    state: Floats,
    last_pitches: codec.Steps,
    onset: float,
    steer: NoteSteering,
    sampling: Sampling,
    random: np.random.Generator,
) -> list[int]:
    """The coded pitch, velocity and duration of a note at that onset. `state`: (width,), after role and time."""
    values = []
    for field in range(codec.PITCH, len(PREDICTED)):
        logits = steer(context.backend.logits(state, field, last_pitches), field, onset)
        if field == codec.PITCH:
            logits = np.where(constraints.allowed_pitches(context.notes, onset, sampling), logits, -np.inf)
        value = _draw(logits, field, sampling, random)
        values.append(value)
        if field < codec.DURATION:
            state = context.backend.condition(state, field, value)
    return values


def _earliest_in_duet(context: Context, span: Span, sampling: Sampling, random: np.random.Generator) -> float:
    """From which second on the next note may be ours, where notes of the partner are expected before it.

    Role and time are drawn together; a note that turns out to be the partner's is skipped, and only its time counts.
    Part of the odds of the role is fixed: without it, the player who is silent becomes more and more silent.
    """
    backend = context.backend
    earliest = span.earliest
    state = context.feed()
    last_pitches = context.last_pitches()
    last = last_note(context.notes, span)
    roles = softmax(backend.logits(state, codec.ROLE, last_pitches))
    our_share = DUET_SHARE + DUET_WEIGHT * float(roles[ANSWER])
    partner_waits = backend.logits(backend.condition(state, codec.ROLE, CALL), codec.TIME, last_pitches)
    while earliest < span.until and random.random() > our_share:
        allowed = constraints.allowed_waits(context.notes, last, earliest, sampling.density)
        wait = float(codec.TIMES[_draw(np.where(allowed, partner_waits, -np.inf), codec.TIME, sampling, random)])
        earliest = max(earliest, last.onset + wait) + SAME_STROKE_SECONDS
    return earliest


def last_note(notes: Sequence[Note], span: Span) -> Note:
    """The last of some notes; where there is none, one that begins when the answer may."""
    return notes[-1] if notes else Note(span.earliest, HELD, 60, 64)


def _draw(logits: Row, field: int, sampling: Sampling, random: np.random.Generator) -> int:
    """One value of a field from its (n,) logits."""
    return draw(logits, sampling.temperature_of(PREDICTED[field]), sampling.top_p, sampling.min_p, random)
