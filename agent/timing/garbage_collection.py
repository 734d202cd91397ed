"""Run Python's garbage collector only while nobody waits for a note."""

from __future__ import annotations

import gc

YOUNG_AFTER = 0.1  # seconds of silence before the young generations are collected
FULL_AFTER = 5.0  # seconds of silence before everything is collected
FULL_EVERY = 60.0  # seconds, at least, between two full collections


class GarbageCollection:
    """From its creation until `end`, garbage is collected only in `collect_when_idle`."""

    def __init__(self, now: float) -> None:
        gc.freeze()  # the objects of the start stay: the collector need not look at them again
        gc.disable()
        self._last_full = now

    def collect_when_idle(self, now: float, silence: float) -> None:
        """Call it while the agent plays nothing. `silence`: seconds since the player's last note."""
        if silence > FULL_AFTER and now - self._last_full > FULL_EVERY:
            self._last_full = now
            gc.collect()
        elif silence > YOUNG_AFTER:
            gc.collect(1)

    def end(self) -> None:
        """Let Python collect by itself again."""
        gc.enable()
