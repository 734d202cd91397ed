"""Motif: where an answer takes up what its call has said, and how the call went on from there.

Knows nothing of networks, or of what the musician would rather play. The network hears what it recalls (`models.recall`) and may take it
up, but seldom does; here the odds of the call's own continuation are raised, a little. An answer is drawn to begin as its call began, and
wherever its last intervals are the call's it is drawn on; so the musician decides when, and in which key. After `ENOUGH` notes it goes its
own way. In a thick texture it is the tune that is taken up (`models.tune`), and what goes with it is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import codec, tune
from .note import CALL, LOWEST, Note, answer_begins
from .recall import SHARE, SLACK

ENOUGH = 7  # notes in a row are a motif; more are an echo
FIRM = 2  # intervals in a row that agree: fewer may be chance, and count as half
AMONG = 2.0  # times as firmly is a note of the tune asked for among others: there, it has more to choose from
LATE = 0.12  # seconds: a note of the tune may be so much earlier or later, where other notes go with it
LEAST, MOST = 4, 64  # notes of a call that is long enough to have a motif, and of it that are looked at

Row = NDArray[np.floating]


@dataclass(frozen=True)
class Called:
    """What a call says: its tune, the number of notes before its answer, and whether there is more than the tune."""

    tune: Sequence[Note]
    begun: int
    thick: bool


@dataclass(frozen=True)
class Motif:
    """The note that the call would go on with: its pitch, its time after the last note (None: whenever), and how firmly.

    Where there is more than the tune, notes go between; so there it is told `at` which time it would sound (None: whenever).
    """

    pitch: int
    wait: float | None
    weight: float
    at: float | None = None


def called(notes: Sequence[Note]) -> Called:
    """What the call says that was answered last, or is to be answered."""
    first = begun = answer_begins(notes)
    while first > max(begun - MOST, 0) and notes[first - 1].role == CALL:
        first -= 1
    call = notes[first:begun]
    thick = tune.thick(call)
    return Called(tune.on_top(call) if thick else call, begun, thick)


def taken_up(notes: Sequence[Note], said: Called | None = None) -> Motif | None:
    """What the call says next, where the last notes of the answer to it are the call's; None where they are not.

    `said` is what `called` found; it is the same for all notes of an answer.
    """
    said = said or called(notes)
    call, begun = said.tune, said.begun
    if len(call) < LEAST:
        return None
    if begun == len(notes):
        return Motif(call[0].pitch, None, 1.0)
    if said.thick:
        mine: Sequence[Note] = tune.on_top(notes[max(begun, len(notes) - MOST // 2) :])[-ENOUGH - 1 :]
    else:
        mine = notes[max(begun, len(notes) - ENOUGH - 1) :]
    if len(mine) == 1:
        return _onward(said, 0, mine[-1], 1.0)
    best = at = length = 0
    leap = mine[-1].pitch - mine[-2].pitch
    for k in range(len(call) - 2, 0, -1):
        if call[k].pitch - call[k - 1].pitch != leap:
            continue
        agree = 1
        while (
            agree < min(k, len(mine) - 1)
            and call[k - agree].pitch - call[k - agree - 1].pitch == mine[-1 - agree].pitch - mine[-2 - agree].pitch
        ):
            agree += 1
        wait, ours = call[k].onset - call[k - 1].onset, mine[-1].onset - mine[-2].onset
        score = 4 * agree + 2 * (call[k].pitch == mine[-1].pitch) + (abs(ours - wait) <= SLACK + SHARE * wait)
        if score > best:
            best, at, length = score, k, agree
    if not 0 < length < ENOUGH - 1:
        return None
    return _onward(said, at, mine[-1], min(length / FIRM, 1.0))


def _onward(said: Called, k: int, last: Note, weight: float) -> Motif:
    pitch, wait = last.pitch + said.tune[k + 1].pitch - said.tune[k].pitch, said.tune[k + 1].onset - said.tune[k].onset
    return Motif(pitch, None, AMONG * weight, last.onset + wait) if said.thick else Motif(pitch, wait, weight)


def leaned(logits: Row, field: int, motif: Motif | None, power: float, foreign: Row, onset: float = 0.0) -> Row:
    """The logits (n,) of a field, what the motif says raised by `power` times its weight, in nats.

    `onset`: when the note sounds, where that is known.

    A pitch that is `foreign` (n pitches, more than 0) to the key is not raised: in another place of the scale, a motif bends to it.
    """
    if motif is None or not power:
        return logits
    pitch = motif.pitch - LOWEST
    if field == codec.PITCH and motif.at is not None and abs(onset - motif.at) > LATE:
        return logits
    if field == codec.PITCH and 0 <= pitch < len(logits) and foreign[pitch] <= 0.0:
        logits = logits.copy()
        logits[pitch] += power * motif.weight
    elif field == codec.TIME and motif.wait is not None:
        near = np.abs(codec.TIMES - motif.wait) <= SLACK + SHARE * motif.wait
        logits = logits + power * motif.weight * near
    return logits
