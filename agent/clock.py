"""The clock: one line of time for everything, in monotonic seconds.

Knows nothing of beats.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> float:
        """Seconds since some moment that stays the same."""


class SystemClock:
    """The computer's own monotonic clock, the one that ports stamp events with."""

    def now(self) -> float:
        return time.perf_counter()
