"""Constraints: which values of a note's fields are allowed at all, whatever the network expects."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.note_records import ANSWER, HIGHEST, LOWEST, Note, Span
from ..music.simultaneous_notes import SAME_STROKE_SECONDS
from .sampling import Sampling

LONGEST_REST = 1.5  # seconds: no rest inside an answer is longer
SLACK_SECONDS = 0.005  # half of the finest time bin of the codec
LONGEST_WAIT = 0.4  # seconds: nor does it keep its partner waiting longer before it begins

_TIMES = codec.TIMES.tolist()
_PIANO = list(range(LOWEST, HIGHEST + 1))


def onset_after(last: float, wait: float, span: Span) -> float:
    """When a note sounds that was drawn to begin `wait` after the last one: not in the past, and in the groove."""
    onset = max(last + wait, span.earliest)
    if span.bar is None:
        return onset
    if span.on_beat:
        # The nearest beat: seconds after a phrase, waits are told apart no finer than half a beat.
        half = 0.5 * span.bar.length / span.bar.beats
        return max(span.bar.next_beat(onset - half), span.bar.next_beat(span.earliest))
    return max(span.bar.quantize(onset, earliest=span.earliest), last, span.earliest) if wait > 0.0 else onset


def _between(values: Sequence[float], least: float, most: float) -> NDArray[np.bool_]:
    """Which of some values, in their order, lie between these two."""
    inside = np.zeros(len(values), np.bool_)
    inside[bisect_left(values, least) : bisect_right(values, most)] = True
    return inside


def allowed_waits_of_rows(
    notes: Sequence[Sequence[Note]], last: Sequence[Note], earliest: Sequence[float], density: float
) -> NDArray[np.bool_]:
    """`allowed_waits` of several drafts, (R, n)."""
    bounds = [_bounds(*each, density) for each in zip(notes, last, earliest, strict=True)]
    shortest, longest = np.array(bounds).T[:, :, None]
    allowed: NDArray[np.bool_] = (shortest - SLACK_SECONDS <= codec.TIMES) & (longest + SLACK_SECONDS >= codec.TIMES)
    for row in np.flatnonzero(~allowed.any(1)):
        allowed[row, int(np.abs(codec.TIMES - shortest[row]).argmin())] = True
    return allowed


def allowed_waits(notes: Sequence[Note], last: Note, earliest: float, density: float) -> NDArray[np.bool_]:
    """Which waits are allowed: none into the past, none that makes it too dense, none too long."""
    shortest, longest = _bounds(notes, last, earliest, density)
    allowed = _between(_TIMES, shortest - SLACK_SECONDS, longest + SLACK_SECONDS)
    if not allowed.any():
        allowed[int(np.abs(codec.TIMES - shortest).argmin())] = True
    return allowed


def _bounds(notes: Sequence[Note], last: Note, earliest: float, density: float) -> tuple[float, float]:
    """The shortest and the longest wait, in seconds."""
    shortest = earliest - last.onset
    longest = max(shortest, 0.0) + (LONGEST_REST if last.role == ANSWER else LONGEST_WAIT)
    limit = max(1, int(density))
    recent = [n.onset for n in notes[-limit:] if n.role == ANSWER]
    if len(recent) == limit:
        shortest = max(shortest, recent[0] + 1.0 - last.onset)
    return shortest, longest


def allowed_pitches(notes: Sequence[Note], onset: float, sampling: Sampling) -> NDArray[np.bool_]:
    """Which pitches are allowed: in range, and not one that was struck together with this note."""
    allowed = _between(_PIANO, sampling.lowest, sampling.highest)
    for note in reversed(notes[-16:]):
        if onset - note.onset > SAME_STROKE_SECONDS:
            break
        allowed[note.pitch - LOWEST] = False
    return allowed if allowed.any() else np.ones_like(allowed)
