"""Spare time: what the musician does between two requests, counted, so that the same can be done again without a clock.

Knows nothing of what is done. How many steps there is time for is chance; all else about a musician follows from what it is asked. So
the first reply to each request tells how many steps were done before each request since the last such reply; a replay asks for as many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

MOST = 1_000_000  # steps that are asked for at a time
KEPT = 50_000  # requests in a row that nobody waits for; so one reply has no endless line
ANSWERS = ("note", "done", "z")  # what marks a reply that is no error


class Idler(Protocol):
    """Who has something to do in spare time."""

    def spare(self) -> bool:
        """Do a little of what nobody waits for; returns whether there is more."""


class Spare:
    """The spare time of one musician."""

    def __init__(self, musician: Idler, has_time: Callable[[], bool]) -> None:
        self.musician, self.has_time = musician, has_time
        self._alone = True  # whether it takes its time itself; in a replay it is given it
        self._spared: deque[int] = deque(maxlen=KEPT)  # steps before each request since the last that was replied to
        self._told = False  # whether this request's first reply is out

    def take(self) -> None:
        """Use the time until the next request."""
        steps, more = 0, self._alone
        while more and self.has_time():
            steps += 1
            more = self.musician.spare()
        self._spared.append(steps)
        self._told = False

    def give(self, steps: int) -> None:
        """Do exactly so many steps now, and from now on none that was not asked for."""
        self._alone = False
        self._spared.pop()  # this request is none of the session's
        for _ in range(min(steps, MOST)):
            self.musician.spare()

    def mark(self, reply: dict[str, Any]) -> dict[str, Any]:
        """A reply with what it tells of spare time: as it is where there was none, or where that is told."""
        if self._told or not any(key in reply for key in ANSWERS):
            return reply
        spared, self._told = list(self._spared), True
        self._spared.clear()
        return {**reply, "spared": spared} if any(spared) else reply
