"""Load shedding: how much is asked of the worker, given how quick it has lately been. Times are monotonic seconds.

It goes down a step as soon as notes come late, or are about to, and up again a step at a time after a while of calm:

    0  full strength    as many candidates for each answer as are likely to be done in time
    1  one draft        one candidate
    2  no drafts        all its time is for what is played
    3  sparser          no more notes a second than it can generate with some to spare
    4  resting          it sits out, and tries again after a while

A shorter window is no step: with a ring of keys and values, a note takes as long whatever it remembers.
"""

from __future__ import annotations

import math
from collections import deque

FULL, ONE, NONE, SPARSER, RESTING = range(5)
WORDS = ("full strength", "one draft", "no drafts", "sparser", "resting")
MOST_CANDIDATES = 12  # for an answer, at full strength
CANDIDATES = (MOST_CANDIDATES, 1, 0, 0, 0)  # at each level, candidates for an answer at most
FEWEST_CANDIDATES = 4  # at full strength, however slow the worker is
#: The worker takes a step of all candidates at once. It takes as long as ONE_STEP notes that are played, and ROW_STEP more for each
#: candidate. Both, and how long candidates should be: `models/EXPERIMENTS.md`, "Drafts side by side", "How many drafts, and how long".
ONE_STEP, ROW_STEP = 0.8, 0.31
THINKING = 0.5  # seconds from a phrase's last note until it counts as over, as a rule
THINKING_NOTES = 32  # of each candidate by then
LATE = 0.005  # seconds: nobody hears that a note is so late
BUSY = 0.8  # notes a second needed, over those possible: from here on it is too much
EASY = 0.5  # the same share, below which it is little
SPARE = 0.6  # of the notes a second that are possible, so many are asked for when it plays sparser
AGAIN = 0.5  # seconds between two steps down: one must have had time to help
CALM = 8.0  # seconds without trouble before a step up
REST = 10.0  # seconds of sitting out
RECENT = 16  # notes that count
#: At each level, so many recent notes must be late before the next step down: a step that is heard needs better reasons.
LATE_NOTES = (1, 1, 4, 8, RECENT + 1)


class LoadShedding:
    """The levels. Tell it how long each note took and when it sounds; it says how much to ask for."""

    def __init__(self) -> None:
        self.level = FULL
        self._seconds: deque[float] = deque(maxlen=RECENT)  # that each note took
        self._onsets: deque[float] = deque(maxlen=RECENT)
        self._late: deque[bool] = deque(maxlen=RECENT)
        self._wanted = 0.0  # notes a second, when nothing holds the worker back
        self._changed = -math.inf
        self._trouble = -math.inf

    @property
    def word(self) -> str:
        """The level's name."""
        return WORDS[self.level]

    @property
    def candidates(self) -> int:
        """How many candidates for an answer are worth the time: a few long ones tell more than many short ones."""
        most = CANDIDATES[self.level]
        step = THINKING / THINKING_NOTES * self.possible  # in notes that are played; infinite where nothing is known
        return most if math.isinf(step) else min(max(int((step - ONE_STEP) / ROW_STEP), FEWEST_CANDIDATES), most)

    @property
    def possible(self) -> float:
        """Notes a second that the worker can generate; infinite where that is not known."""
        total = sum(self._seconds)
        return len(self._seconds) / total if total > 0.0 else math.inf

    @property
    def density(self) -> float:
        """Notes a second that may be asked for."""
        return math.inf if self.level < SPARSER else max(SPARE * self.possible, 1.0)

    @property
    def is_resting(self) -> bool:
        """Whether to sit out what would be played now."""
        return self.level == RESTING

    def add_note(self, seconds: float, onset: float, now: float) -> None:
        """A note took so many seconds to generate, and sounds, or should have sounded, at `onset`."""
        self._seconds.append(seconds)
        if self._onsets and onset < self._onsets[-1]:  # another answer, or generated anew
            self._onsets.clear()
        self._onsets.append(onset)
        self._late.append(now - onset > LATE)
        needed = self._needed()
        if self.level < SPARSER and needed is not None:
            self._wanted = needed
        too_much = (needed or 0.0) > BUSY * self.possible
        if self._late[-1] or too_much:
            self._trouble = now
            if now - self._changed >= AGAIN and (too_much or sum(self._late) >= LATE_NOTES[self.level]):
                self._step(1, now)
        elif self._wanted < EASY * self.possible:
            self._step_up_after(CALM, now)

    def end_rest(self, now: float) -> None:
        """Where it has rested long enough, let it try again."""
        if self.level == RESTING:
            self._step_up_after(REST, now)

    def _needed(self) -> float | None:
        """Notes a second that sound; None where that is not known."""
        span = self._onsets[-1] - self._onsets[0]
        if len(self._onsets) < RECENT // 4 or span <= 0.0:
            return None
        return (len(self._onsets) - 1) / span

    def _step_up_after(self, seconds: float, now: float) -> None:
        if self.level and now - max(self._trouble, self._changed) >= seconds:
            self._step(-1, now)

    def _step(self, by: int, now: float) -> None:
        level = min(max(self.level + by, FULL), RESTING)
        if level != self.level:
            self.level = level
            self._changed = now
            self._late.clear()
            if SPARSER in (level, level - by):  # what sounds from now on is another matter
                self._onsets.clear()
