"""Motif: where an answer takes up what its call has said, or what it has said itself, and how that went on.

Knows nothing of networks, or of what the musician would rather play. The network hears what it recalls
(`models.encoding.longest_match`) and may take it
up, but seldom does; here the odds of the call's own continuation are raised, a little. An answer is drawn to begin as its call began, and
wherever its last intervals are the call's it is drawn on; so the musician decides when, and in which key. After `ENOUGH` notes it goes
its own way. In a thick texture, of the call or of the answer, it is the tune that is taken up (`models.music.melody`),
and what goes with it is
left alone; there, what it has said itself is a motif, too, a few notes later, as such answers come back to nothing otherwise. A single line
comes back to itself more than enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..encoding.longest_match import SHARE, SLACK
from ..music import melody
from ..music.note import LOWEST, Note
from ..music.settings import TERMS
from .base import PHRASE_NOTES, Call, Row, Step, Style
from .pitch_classes import foreign

ENOUGH = 7  # notes in a row are a motif; more are an echo
FIRM = 2  # intervals in a row that agree: fewer may be chance, and count as half
AMONG = 2.0  # times as firmly is a note of the tune asked for among others: there, it has more to choose from
ALONE = 0.3  # times as firmly where there is nothing but the tune: a musician goes on with a line by itself
APART = 4  # notes of the answer's own last ones that are no motif of it yet
LATE = 0.12  # seconds: a note of the tune may be so much earlier or later, where other notes go with it
LEAST = 4  # notes of a call that is long enough to have a motif


@dataclass(frozen=True)
class Theme:
    """What a call says: its tune, the number of notes before its answer, and whether there is more than the tune."""

    tune: Sequence[Note]
    answer_start: int
    thick: bool


@dataclass(frozen=True)
class Continuation:
    """The note that the line taken up would go on with: its pitch, its time after the last note (None: whenever), and how firmly.

    Where there is more in the answer than a tune, notes go between; so there it is told `at` which time it would sound (None: whenever).
    """

    pitch: int
    wait: float | None
    weight: float
    at: float | None = None


class Motif:
    """Raises what the line that is taken up would go on with, by `strength` times its weight, in nats."""

    name = "motif"
    setting = TERMS[name]
    fields = frozenset({codec.TIME, codec.PITCH})

    def prepare(self, call: Call, style: Style) -> tuple[Theme, float, NDArray[np.bool_] | None] | None:
        """What the call says, the share of it that counts, and which pitches (88,) a motif bends away from; None in a duet."""
        if call.together:
            return None
        share = 1.0 - abs(
            style.sampling.knobs.get("register", 0.0)
        )  # another register is asked for: the motif's own is left
        found = foreign(call, style.sampling)
        avoids = found is not None and np.float32(style.sampling.strengths["lean"] * found[1]) > 0.0
        return theme(call), share, found[0] if found is not None and avoids else None

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of wait or pitch.

        A pitch that is foreign to the key is not raised: in another place of the scale, a motif bends to it.
        """
        if step.prepared is None or not strength:
            return logits
        said, share, avoided = step.prepared
        if self.name not in step.memo:
            step.memo[self.name] = taken_up(step.notes, said)
        motif: Continuation | None = step.memo[self.name]
        if motif is None:
            return logits
        lean = strength * (share * motif.weight)
        if step.field == codec.PITCH:
            return _pitches(logits, motif, lean, step.onset, avoided)
        if motif.at is not None:
            return logits + lean * (np.abs(step.onset + codec.TIMES - motif.at) <= 0.5 * LATE)
        if motif.wait is not None:
            return logits + lean * (np.abs(codec.TIMES - motif.wait) <= SLACK + SHARE * motif.wait)
        return logits


def _pitches(logits: Row, motif: Continuation, lean: float, onset: float, avoided: NDArray[np.bool_] | None) -> Row:
    pitch = motif.pitch - LOWEST
    too_far = motif.at is not None and abs(onset - motif.at) > LATE
    if too_far or not 0 <= pitch < len(logits) or (avoided is not None and avoided[pitch]):
        return logits
    out = logits.copy()
    out[pitch] += lean
    return out


def theme(call: Call) -> Theme:
    """What the call says that was answered last, or is to be answered."""
    thick = melody.thick(call.phrase)
    return Theme(melody.on_top(call.phrase) if thick else call.phrase, call.answer_start, thick)


def taken_up(notes: Sequence[Note], said: Theme) -> Continuation | None:
    """What the call says next, or the answer itself said next, where the last notes of the answer are the same; None where they are not.

    `said` is what the call says; it is the same for all notes of an answer.
    """
    if len(said.tune) < LEAST:
        return None
    if said.answer_start == len(notes):
        return Continuation(said.tune[0].pitch, None, 1.0)
    own = notes[max(said.answer_start, len(notes) - PHRASE_NOTES) :]
    thick = melody.thick(own) if len(own) >= LEAST else said.thick
    own = melody.on_top(own) if thick else own
    mine = own[-ENOUGH - 1 :]
    if len(mine) == 1:
        return _onward(said.tune, 0, thick, mine[-1], 1.0)
    call, again = _agreeing(said.tune[:-1], mine), _agreeing(own[:-APART] if thick else (), mine)
    line, (_, at, length) = (said.tune, call) if call[0] >= again[0] else (own, again)
    if not 0 < length < ENOUGH - 1:
        return None
    return _onward(line, at, thick, mine[-1], min(length / FIRM, 1.0))


def _agreeing(line: Sequence[Note], mine: Sequence[Note]) -> tuple[int, int, int]:
    """How well the last notes agree with those of a line up to the best place in it, which place that is, and for how many intervals."""
    best = at = length = 0
    leap = mine[-1].pitch - mine[-2].pitch
    for k in range(len(line) - 1, 0, -1):
        if line[k].pitch - line[k - 1].pitch != leap:
            continue
        agree = 1
        while (
            agree < min(k, len(mine) - 1)
            and line[k - agree].pitch - line[k - agree - 1].pitch == mine[-1 - agree].pitch - mine[-2 - agree].pitch
        ):
            agree += 1
        wait, ours = line[k].onset - line[k - 1].onset, mine[-1].onset - mine[-2].onset
        score = 4 * agree + 2 * (line[k].pitch == mine[-1].pitch) + (abs(ours - wait) <= SLACK + SHARE * wait)
        if score > best:
            best, at, length = score, k, agree
    return best, at, length


def _onward(line: Sequence[Note], k: int, thick: bool, last: Note, weight: float) -> Continuation:
    pitch, wait = last.pitch + line[k + 1].pitch - line[k].pitch, line[k + 1].onset - line[k].onset
    return (
        Continuation(pitch, None, AMONG * weight, last.onset + wait)
        if thick
        else Continuation(pitch, wait, ALONE * weight)
    )
