"""The clock: one line of time for everything, in monotonic seconds.

Knows nothing of beats.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> float:
        """Seconds since some moment that stays the same."""


class SystemClock:
    """The computer's own monotonic clock, the one that ports stamp events with."""

    def now(self) -> float:
        return time.perf_counter()


def measured(clock: Clock) -> float:
    """This very moment, for figures by which nothing is decided: see `agent.timing.replayable_clock`."""
    exact: Callable[[], float] = getattr(clock, "exact", clock.now)
    return exact()
