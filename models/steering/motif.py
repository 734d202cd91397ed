"""Motif: an answer goes on as its call went on, or as it went on itself, where its last intervals are the same.

The network reads what it recalls (`models.encoding.longest_match_features`) but seldom uses it. Here the odds of the call's own
continuation are raised a little: at the beginning towards the call's first notes, and wherever the last intervals of the
answer are the call's. So the network decides when, and in which key. After `LONGEST_MATCH` notes the term stops.

In a thick texture, of the call or of the answer, only the melody counts (`models.music.melody`). There the answer's own
notes are a source too, a few notes later, as such answers come back to nothing otherwise; a single line does by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..encoding.longest_match_features import SLACK_SECONDS, SLACK_SHARE
from ..music import melody
from ..music.note_records import LOWEST, Note
from ..music.style_settings_table import TERMS
from .base import PHRASE_NOTES, Call, Row, Step, Style
from .pitch_classes import outside_key

LONGEST_MATCH = 7  # notes in a row are a motif; more are an echo
SURE_INTERVALS = 2  # intervals in a row that agree: fewer may be chance, and count as half
THICK_WEIGHT = 2.0  # times as firmly is a note of the tune asked for among others: there, it has more to choose from
LINE_WEIGHT = 0.3  # times as firmly where there is nothing but the tune: a musician goes on with a line by itself
OWN_GAP_NOTES = 4  # notes of the answer's own last ones that are no motif of it yet
TOLERANCE_SECONDS = 0.12  # seconds: a note of the tune may be so much earlier or later, where other notes go with it
LEAST_NOTES = 4  # notes of a call that is long enough to have a motif


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
        found = outside_key(call, style.sampling)
        has_outside = found is not None and np.float32(style.sampling.strengths["lean"] * found[1]) > 0.0
        return find_theme(call), share, found[0] if found is not None and has_outside else None

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of wait or pitch.

        A pitch that is foreign to the key is not raised: in another place of the scale, a motif bends to it.
        """
        if step.prepared is None or not strength:
            return logits
        theme, share, outside = step.prepared
        motif = self._continuation(step, theme)
        if motif is None:
            return logits
        change = strength * (share * motif.weight)
        if step.field == codec.PITCH:
            if (pitch := _raised_pitch(motif, step.onset, outside)) is None:
                return logits
            out = logits.copy()
            out[pitch] += change
            return out
        waits = _raised_waits(motif, step.onset)
        return logits if waits is None else logits + change * waits

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of wait or pitch: see `models.steering.base.RowSteering`."""
        if steps[0].prepared is None or not strength:
            return logits
        theme, share, outside = steps[0].prepared
        for row, step in zip(logits, steps, strict=True):
            motif = self._continuation(step, theme)
            if motif is None:
                continue
            change = strength * (share * motif.weight)
            if step.field == codec.PITCH:
                if (pitch := _raised_pitch(motif, step.onset, outside)) is not None:
                    row[pitch] += change
            elif (waits := _raised_waits(motif, step.onset)) is not None:
                row[waits] += change
        return logits

    def _continuation(self, step: Step, theme: Theme) -> Continuation | None:
        """How the line that is taken up would go on; found once a note."""
        if self.name not in step.memo:
            step.memo[self.name] = find_continuation(step.notes, theme, step.kept)
        found: Continuation | None = step.memo[self.name]
        return found


def _raised_waits(motif: Continuation, onset: float) -> NDArray[np.bool_] | None:
    """Which waits (n,) are raised; None: none."""
    if motif.at is not None:
        return np.abs(onset + codec.TIMES - motif.at) <= 0.5 * TOLERANCE_SECONDS
    if motif.wait is not None:
        return np.abs(codec.TIMES - motif.wait) <= SLACK_SECONDS + SLACK_SHARE * motif.wait
    return None


def _raised_pitch(motif: Continuation, onset: float, outside: NDArray[np.bool_] | None) -> int | None:
    """Which pitch is raised, as an index from the lowest; None: none."""
    pitch = motif.pitch - LOWEST
    too_far = motif.at is not None and abs(onset - motif.at) > TOLERANCE_SECONDS
    if too_far or not 0 <= pitch < codec.SIZES[codec.PITCH] or (outside is not None and outside[pitch]):
        return None
    return pitch


def find_theme(call: Call) -> Theme:
    """What the call says that was answered last, or is to be answered."""
    thick = melody.is_chordal(call.phrase)
    return Theme(melody.skyline(call.phrase) if thick else call.phrase, call.answer_start, thick)


def find_continuation(notes: Sequence[Note], theme: Theme, kept: dict[str, Any] | None = None) -> Continuation | None:
    """What the call says next, or the answer itself said next, where the last notes of the answer are the same; None where they are not.

    `theme` is the call's; it is the same for all notes of an answer. `kept`: what was found for earlier notes of the same answer.
    """
    if len(theme.tune) < LEAST_NOTES:
        return None
    if theme.answer_start == len(notes):
        return Continuation(theme.tune[0].pitch, None, 1.0)
    own, thick = _own_melody(notes, theme, kept)
    recent = own[-LONGEST_MATCH - 1 :]
    if len(recent) == 1:
        return _continue(theme.tune, 0, thick, recent[-1], 1.0)
    call = _best_match(theme.tune[:-1], recent)
    again = _best_match(own[:-OWN_GAP_NOTES] if thick else (), recent)
    line, (_, at, length) = (theme.tune, call) if call[0] >= again[0] else (own, again)
    if not 0 < length < LONGEST_MATCH - 1:
        return None
    return _continue(line, at, thick, recent[-1], min(length / SURE_INTERVALS, 1.0))


def _own_melody(notes: Sequence[Note], theme: Theme, kept: dict[str, Any] | None) -> tuple[Sequence[Note], bool]:
    """The melody of the answer so far, and whether it is one of chords. Of an answer that grows, it is kept from note to note."""
    count = len(notes) - theme.answer_start
    if kept is None or count > PHRASE_NOTES:
        own = notes[max(theme.answer_start, len(notes) - PHRASE_NOTES) :]
        thick = melody.is_chordal(own) if len(own) >= LEAST_NOTES else theme.thick
        return (melody.skyline(own) if thick else own), thick
    growing: melody.GrowingMelody = kept.setdefault(Motif.name, melody.GrowingMelody())
    for note in notes[theme.answer_start + growing.count :]:
        growing.add(note)
    thick = growing.is_chordal if count >= LEAST_NOTES else theme.thick
    return (growing.skyline() if thick else notes[theme.answer_start :]), thick


def _best_match(line: Sequence[Note], recent: Sequence[Note]) -> tuple[int, int, int]:
    """How well the last notes agree with those of a line up to the best place in it, which place that is, and for how many intervals."""
    best = at = length = 0
    interval = recent[-1].pitch - recent[-2].pitch
    for k in range(len(line) - 1, 0, -1):
        if line[k].pitch - line[k - 1].pitch != interval:
            continue
        length_here = 1
        while (
            length_here < min(k, len(recent) - 1)
            and line[k - length_here].pitch - line[k - length_here - 1].pitch
            == recent[-1 - length_here].pitch - recent[-2 - length_here].pitch
        ):
            length_here += 1
        wait = line[k].onset - line[k - 1].onset
        ours = recent[-1].onset - recent[-2].onset
        score = (
            4 * length_here
            + 2 * (line[k].pitch == recent[-1].pitch)
            + (abs(ours - wait) <= SLACK_SECONDS + SLACK_SHARE * wait)
        )
        if score > best:
            best = score
            at = k
            length = length_here
    return best, at, length


def _continue(line: Sequence[Note], k: int, thick: bool, last: Note, weight: float) -> Continuation:
    pitch = last.pitch + line[k + 1].pitch - line[k].pitch
    wait = line[k + 1].onset - line[k].onset
    return (
        Continuation(pitch, None, THICK_WEIGHT * weight, last.onset + wait)
        if thick
        else Continuation(pitch, wait, LINE_WEIGHT * weight)
    )
