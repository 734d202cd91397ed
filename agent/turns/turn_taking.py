"""Turns: when the player's phrase is over, and what shape the answer has.

Knows nothing of MIDI or threads; times are monotonic seconds. This is mode *call*: free call and response.

How long a silence ends a phrase is told by the phrase itself: its longest gap, beside its whole length. A phrase that has run on evenly for
a while is soon over; a young one, or one with a long breath in it, is given time. No player is cut into at their own pace, and a quick
phrase gets a quick answer. A held key or pedal says "not yet", but not for ever: a last chord is an ending too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.music.chords import STROKE_SECONDS
from models.music.note import Note

LEAST_NOTES = 2
#: The silence that ends a phrase is WAIT · (its longest gap / its length) ** POWER, in seconds; between so many of its GAPS; within bounds.
#: Fitted on real phrases (`python -m models.evaluation.phrase_end_accuracy`), judged on others (`tradefours evaluate
#: --turns`); a test holds the two together.
WAIT, POWER, GAPS = 2.7, 2 / 3, (1.5, 10.0)
SHORTEST_SILENCE, LONGEST_SILENCE = 0.35, 1.5  # seconds
REST = 2.5  # seconds: a note from before such a rest belongs to no phrase of now
AFTER_RELEASE = 0.2  # seconds: hands that have just left the keys may come back
HELD, PEDAL = 1.5, 1.2  # times as long, while a key or a pedal is down: courtesy, as in real phrases that tells nothing


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


@dataclass
class Temper:
    """What a session teaches of its player's patience: `times` as long a silence is waited for, 1 to `MOST`."""

    times: float = 1.0
    MOST, UP, DOWN = 1.5, 1.15, 0.97  # a player who has been cut into is given more time, and less again bit by bit
    MEANT = 0.5  # seconds: who plays on so soon after an answer has begun was not done

    def learn(self, played_on: bool) -> None:
        """An answer has been given; the player was done, or `played_on`."""
        self.times = min(self.times * self.UP, self.MOST) if played_on else max(self.times * self.DOWN, 1.0)


def patience(phrase: Sequence[Note]) -> float:
    """How long a silence ends this phrase, in seconds."""
    strokes = [n.onset for i, n in enumerate(phrase) if not i or n.onset - phrase[i - 1].onset > STROKE_SECONDS]
    gaps = [b - a for a, b in pairwise(strokes)]
    gaps = gaps[max((i + 1 for i, gap in enumerate(gaps) if gap > REST), default=0) :]
    if not gaps:
        return LONGEST_SILENCE
    length = sum(gaps)
    least, most = (times * length / len(gaps) for times in GAPS)
    silence = min(max(WAIT * math.pow(max(gaps) / length, POWER), least), most)
    return min(max(silence, SHORTEST_SILENCE), LONGEST_SILENCE)


def over_at(phrase: Sequence[Note], hands: Hands, times: float = 1.0) -> float | None:
    """When the phrase will be over if nothing else happens; None where it is too short to answer. `times`: see `Temper`."""
    if len(phrase) < LEAST_NOTES:
        return None
    silence = min(times * patience(phrase), LONGEST_SILENCE)
    if hands.keys_down or hands.pedal:
        silence *= HELD if hands.keys_down else PEDAL
    return max(hands.last_onset + silence, hands.last_release + AFTER_RELEASE)


def shape(phrase: Sequence[Note], start: float, shortest: float = 2.0, longest: float = 8.0) -> Shape:
    """An answer about as long as the call, from `start` on; `shortest` and `longest` bound it, in seconds."""
    length = min(max(phrase[-1].onset - phrase[0].onset, shortest), longest)
    return Shape(start, start + 0.8 * length, start + 1.4 * length)
