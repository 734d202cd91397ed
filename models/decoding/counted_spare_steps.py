"""Spare time: small steps between two requests, counted so that a replay can do the same without a clock.

How many steps there is time for is chance; all else about a musician follows from its requests. So the first reply to a
request says how many steps were done before each request since the last such reply, and a replay asks for as many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

MOST_STEPS = 1_000_000  # that one request may ask for
MOST_REQUESTS = 50_000  # requests in a row without a reply whose steps are kept; it bounds the length of a reply
ANSWER_KEYS = ("note", "done", "z")  # a reply with one of these is no error


class SpareTimeWorker(Protocol):
    """Who has something to do in spare time."""

    def spare(self) -> bool:
        """Do a little of what nobody waits for. Returns whether there may be more to do."""


class SpareTime:
    """The spare time of one musician."""

    def __init__(self, worker: SpareTimeWorker, has_time: Callable[[], bool]) -> None:
        self._worker = worker
        self._has_time = has_time
        self._is_automatic = True  # a replay says itself how many steps to do
        self._counts: deque[int] = deque(maxlen=MOST_REQUESTS)  # steps before each request since the last reply
        self._is_reported = False  # whether the first reply to this request was sent

    def use(self) -> None:
        """Do steps until the next request is there."""
        steps = 0
        more = self._is_automatic
        while more and self._has_time():
            steps += 1
            more = self._worker.spare()
        self._counts.append(steps)
        self._is_reported = False

    def do_steps(self, steps: int) -> None:
        """Do exactly so many steps now, and from now on none that was not asked for."""
        self._is_automatic = False
        self._counts.pop()  # this request is no request of the session
        for _ in range(min(steps, MOST_STEPS)):
            self._worker.spare()

    def report(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The reply, with the counts of steps where it is the first to a request and there were any."""
        if self._is_reported or not any(key in reply for key in ANSWER_KEYS):
            return reply
        counts = list(self._counts)
        self._is_reported = True
        self._counts.clear()
        return {**reply, "spared": counts} if any(counts) else reply
