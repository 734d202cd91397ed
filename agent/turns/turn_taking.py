"""Turn-taking in mode *call*: when the player's phrase is over, and how long an answer may be. Times are monotonic seconds.

How long a silence ends a phrase depends on the phrase itself: see `models.music.phrase_end`. A held key or pedal says "not yet", but not
for ever: a last chord is an ending too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.music import phrase_end as phrase_end_rule
from models.music.note_records import Note, Span
from models.music.phrase_end import LONGEST_SILENCE, REST
from models.music.simultaneous_notes import STROKE_SECONDS

LEAST_NOTES = 2  # of a phrase that is answered
#: Seconds: a single note and the one before it are a slow phrase up to this distance, a whole note at 40 beats a minute.
SLOWEST = 6.0
AFTER_RELEASE = 0.2  # seconds: hands that have just left the keys may come back
HELD_FACTOR = 1.5  # times as long while a key is down: courtesy, as in real phrases a key tells nothing
PEDAL_FACTOR = 1.2  # times as long while a pedal is down
RUN_SILENCE = 0.12  # seconds: a note every 0.12 s is a run, of sixteenths at 125 beats a minute
SLOW_WAITS = 2.0  # times as long is the usual wait where notes are slow
RUN_NOTES = 9  # last notes that tell how quick they come
CLOSE = 0.8  # of the call's length, from which on an answer may close
STOP = 1.4  # of the call's length, after which it begins no note


@dataclass(frozen=True)
class Hands:
    """What the player's hands do now."""

    keys_down: int
    pedal: bool
    last_onset: float
    last_release: float


@dataclass
class Patience:
    """How patient this session's player wants us to be: a silence is waited for `factor` times as long, 1 to `MOST`."""

    factor: float = 1.0
    MOST = 1.5  # times; measured with the next two ("Patience that learns" in EXPERIMENTS)
    UP = 1.15  # times: a player who has been cut into is given more time
    DOWN = 0.97  # times: and less again bit by bit
    MEANT = 0.5  # seconds: who plays on so soon after an answer has begun was not done

    def learn(self, played_on: bool) -> None:
        """An answer has been given; the player was done, or `played_on`."""
        self.factor = min(self.factor * self.UP, self.MOST) if played_on else max(self.factor * self.DOWN, 1.0)


def current_phrase(notes: Sequence[Note]) -> Sequence[Note]:
    """The phrase of now, among the player's notes since the last answer: it begins after the last long rest.

    So an accidental key, or the one that stopped an answer, belongs to no later phrase. `notes` are in the order of their onsets.
    """
    first = max(len(notes) - 1, 0)
    while first > 0:
        longest = REST if len(notes) - first >= LEAST_NOTES else SLOWEST
        if notes[first].onset - notes[first - 1].onset > longest:
            break
        first -= 1
    return notes[first:]


def closing_silence(phrase: Sequence[Note]) -> float:
    """How long a silence ends this phrase, in seconds."""
    onsets = [n.onset for i, n in enumerate(phrase) if not i or n.onset - phrase[i - 1].onset > STROKE_SECONDS]
    return phrase_end_rule.closing_silence([b - a for a, b in pairwise(onsets)])


def silence_in_run(phrase: Sequence[Note]) -> float:
    """After how many seconds without a key a note may have been the phrase's last, so that an answer to it is worth preparing.

    In a run, the next note comes before that. Between slower notes there is time to prepare an answer to each of them.
    """
    onsets = [n.onset for n in phrase[-RUN_NOTES:]]
    waits = sorted(b - a for a, b in pairwise(onsets) if b - a > STROKE_SECONDS)
    return RUN_SILENCE if waits and waits[len(waits) // 2] < SLOW_WAITS * RUN_SILENCE else STROKE_SECONDS


def phrase_end(phrase: Sequence[Note], hands: Hands, patience: float = 1.0) -> float | None:
    """When the phrase will be over if nothing else happens; None where it is too short to answer. `patience`: a factor."""
    if len(phrase) < LEAST_NOTES:
        return None
    silence = min(patience * closing_silence(phrase), LONGEST_SILENCE)
    if hands.keys_down:
        silence *= HELD_FACTOR
    elif hands.pedal:
        silence *= PEDAL_FACTOR
    return max(hands.last_onset + silence, hands.last_release + AFTER_RELEASE)


def answer_span(phrase: Sequence[Note], start: float, shortest: float = 2.0, longest: float = 8.0) -> Span:
    """The time of an answer about as long as the call, from `start` on; `shortest` and `longest` bound it, in seconds."""
    length = min(max(phrase[-1].onset - phrase[0].onset, shortest), longest)
    stop = start + STOP * length
    return Span(start, stop, start + CLOSE * length, stop)
