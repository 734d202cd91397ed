"""Turns: when the player's phrase is over, and what shape the answer has.

Knows nothing of MIDI or threads; times are monotonic seconds. This is mode *call*: free call and response.

The patience after a phrase grows with the phrase's own gaps, so that a slow player is not interrupted and a quick one does not
wait. A held key or pedal says "not yet", but not for ever: a last chord is an ending too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.note import Note

LEAST_NOTES = 2
SHORTEST_SILENCE, LONGEST_SILENCE = 0.35, 1.2  # seconds
AFTER_RELEASE = 0.2  # seconds: hands that have just left the keys may come back
HELD_CHORD = 2.5  # seconds: a chord that is held for so long is the end of the phrase
CHORD = 0.04  # seconds: onsets closer than this are one chord


@dataclass(frozen=True)
class Hands:
    """What the player's hands do now."""

    keys_down: int
    pedal: bool
    last_onset: float
    last_release: float


@dataclass(frozen=True)
class Shape:
    """An answer's bounds in time: it may close from `close` on, and no note begins after `stop`."""

    start: float
    close: float
    stop: float


def patience(phrase: Sequence[Note]) -> float:
    """How long a silence ends this phrase, in seconds: twice its slower gaps, within bounds."""
    gaps = sorted(b.onset - a.onset for a, b in pairwise(phrase) if b.onset - a.onset > CHORD)
    slow = gaps[(3 * len(gaps)) // 4] if gaps else LONGEST_SILENCE / 2
    return min(max(2.0 * slow, SHORTEST_SILENCE), LONGEST_SILENCE)


def over_at(phrase: Sequence[Note], hands: Hands) -> float | None:
    """When the phrase will be over if nothing else happens; None where it is too short to answer."""
    if len(phrase) < LEAST_NOTES:
        return None
    silence = patience(phrase)
    if hands.keys_down:
        return hands.last_onset + max(HELD_CHORD, 1.5 * silence)
    if hands.pedal:
        return hands.last_onset + max(1.5 * silence, 2.0 * AFTER_RELEASE)
    return max(hands.last_onset + silence, hands.last_release + AFTER_RELEASE)


def shape(phrase: Sequence[Note], start: float, shortest: float = 2.0, longest: float = 8.0) -> Shape:
    """An answer about as long as the call, from `start` on; `shortest` and `longest` bound it, in seconds."""
    length = min(max(phrase[-1].onset - phrase[0].onset, shortest), longest)
    return Shape(start, start + 0.8 * length, start + 1.4 * length)
