"""The pace: how much is asked of the musician, given how quick it has lately been.

Knows nothing of processes or music. Pure; times are monotonic seconds.

It goes down a step as soon as notes come late, or are about to, and up again a step at a time after a while of calm:

    0  full strength    several drafts of each answer
    1  one draft
    2  no drafts        all its time is for what is played
    3  sparser          no more notes a second than it can invent with some to spare
    4  resting          it sits out, and tries again after a while

A shorter window is no step: with a ring of keys and values, a note takes as long whatever it remembers.
"""

from __future__ import annotations

from collections import deque

FULL, ONE, NONE, SPARSER, RESTING = range(5)
WORDS = ("full strength", "one draft", "no drafts", "sparser", "resting")
CANDIDATES = (12, 1, 0, 0, 0)  # drafts of an answer, as far as there is time for them
LATE = 0.005  # seconds: nobody hears that a note is so late
BUSY, EASY = (
    0.8,
    0.5,
)  # notes a second needed, over those possible: from where it is too much, and below which it is little
SPARE = 0.6  # of the notes a second that are possible, so many are asked for when it plays sparser
AGAIN = 0.5  # seconds between two steps down: one must have had time to help
CALM, REST = 8.0, 10.0  # seconds without trouble before a step up; and of sitting out
LATELY = 16  # notes
ENOUGH = (
    1,
    1,
    4,
    8,
    LATELY + 1,
)  # of them late before the next step down: what is heard needs better reasons than what is not


class LoadShedding:
    """The steps. Tell it what each note took and when it sounds; ask it how much to ask for."""

    def __init__(self) -> None:
        self.level = FULL
        self._took: deque[float] = deque(maxlen=LATELY)
        self._onsets: deque[float] = deque(maxlen=LATELY)
        self._late: deque[bool] = deque(maxlen=LATELY)
        self._wanted = 0.0  # notes a second, when nothing holds the musician back
        self._changed = self._trouble = float("-inf")

    @property
    def word(self) -> str:
        """The level's name."""
        return WORDS[self.level]

    @property
    def candidates(self) -> int:
        """How many drafts of an answer are worth the time."""
        return CANDIDATES[self.level]

    @property
    def possible(self) -> float:
        """Notes a second that the musician can invent; infinite where that is not known."""
        total = sum(self._took)
        return len(self._took) / total if total > 0.0 else float("inf")

    @property
    def density(self) -> float:
        """Notes a second that may be asked for."""
        return float("inf") if self.level < SPARSER else max(SPARE * self.possible, 1.0)

    def note(self, took: float, onset: float, now: float) -> None:
        """A note was invented in so many seconds, and sounds, or should have sounded, at `onset`."""
        self._took.append(took)
        if self._onsets and onset < self._onsets[-1]:  # another answer, or thought of anew
            self._onsets.clear()
        self._onsets.append(onset)
        self._late.append(now - onset > LATE)
        too_much = self._needed() > BUSY * self.possible
        if self._late[-1] or too_much:
            self._trouble = now
            if now - self._changed >= AGAIN and (too_much or sum(self._late) >= ENOUGH[self.level]):
                self._step(1, now)
        elif self._wanted < EASY * self.possible:
            self._climb(CALM, now)

    def rests(self, now: float) -> bool:
        """Whether to sit out what would be played now."""
        if self.level == RESTING:
            self._climb(REST, now)
        return self.level == RESTING

    def _needed(self) -> float:
        """Notes a second that sound; 0 where that is not known."""
        span = self._onsets[-1] - self._onsets[0]
        if len(self._onsets) < LATELY // 4 or span <= 0.0:
            return 0.0
        needed = (len(self._onsets) - 1) / span
        if self.level < SPARSER:
            self._wanted = needed
        return needed

    def _climb(self, seconds: float, now: float) -> None:
        if self.level and now - max(self._trouble, self._changed) >= seconds:
            self._step(-1, now)

    def _step(self, by: int, now: float) -> None:
        level = min(max(self.level + by, FULL), RESTING)
        if level != self.level:
            self.level, self._changed = level, now
            self._late.clear()
            if SPARSER in (level, level - by):  # what sounds from now on is another matter
                self._onsets.clear()
