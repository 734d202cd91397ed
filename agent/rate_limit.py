"""A bound on how often something may happen, for pages, tokens and OSC. Pure: `now` is an argument, in seconds."""

from __future__ import annotations


class RateLimit:
    """A token bucket: so many a second, and some more at once."""

    def __init__(self, now: float, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._left = at_once
        self._last = now

    def allows(self, now: float) -> bool:
        """Whether one more is allowed, which then counts."""
        self._left = min(self._left + (now - self._last) * self._a_second, self._at_once)
        self._last = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
