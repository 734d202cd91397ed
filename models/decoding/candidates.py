"""Candidates: whole answers, or what there is of them, and which one is chosen.

The best is the one that the reranker scores highest (`models.decoding.reranker`). Where most are too short to be scored,
two rules choose: the candidate keeps to the call's key, and is about as dense as the call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..music.keys import KEYS, key_share
from ..music.note_records import CALL, Bar, Note, Span

KEY_WEIGHT = 4.0  # nats a note: for a share of notes outside the call's key
DENSITY_WEIGHT = 1.0  # nats a note: for each octave between the densities of call and answer
SHIFT_SECONDS = 0.1  # an answer may be asked for so much sooner or later than was expected
WIDE_SHIFT_SECONDS = 0.6  # the same where keys that are let go may have moved the decision
MOST_PULSE_SECONDS = 1.5  # the same where there is a pulse: by whole beats
BEAT_SHIFT_SECONDS = 0.001  # the same where there is a beat
FIT_NOTES = 48  # last notes of the call that the two rules look at


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


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, the best first: by their scores, then those without one; where most have none, all by how well they fit."""
    scored = [candidate for candidate in candidates if candidate.score is not None]
    if 2 * len(scored) <= len(candidates):
        return sorted(candidates, key=lambda candidate: -candidate.fit)
    others = [candidate for candidate in candidates if candidate.score is None]
    return sorted(scored, key=lambda c: -(c.score or 0.0)) + sorted(others, key=lambda c: -c.fit)


def key_and_density_fit(notes: Sequence[Note], answer: Sequence[Note]) -> float:
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


def is_same_answer(expected: Span, span: Span, may_move_far: bool) -> bool:
    """Whether candidates for `expected` can be moved in time to become answers to `span`.

    `may_move_far`: also as far as a released key moves the decision. A pulse, which is a bar of one beat, is the same a beat later.
    """
    if (expected.on_beat, expected.together) != (span.on_beat, span.together):
        return False
    if not are_same_bars(expected.bar, span.bar) or [c.chord for c in expected.chords] != [
        c.chord for c in span.chords
    ]:
        return False
    seconds = abs(span.earliest - expected.earliest)
    if span.bar is None:
        return seconds <= (WIDE_SHIFT_SECONDS if may_move_far else SHIFT_SECONDS)
    if not may_move_far or span.bar.beats > 1 or seconds > MOST_PULSE_SECONDS:
        return seconds <= BEAT_SHIFT_SECONDS
    return abs(seconds - span.bar.length * round(seconds / span.bar.length)) <= BEAT_SHIFT_SECONDS


def are_same_bars(a: Bar | None, b: Bar | None) -> bool:
    """Whether two bars have the same bar lines, whichever of them they start from."""
    if a is None or b is None:
        return a is b
    bars = (a.start - b.start) / b.length
    return replace(a, start=b.start) == b and abs(bars - round(bars)) * b.length < BEAT_SHIFT_SECONDS
