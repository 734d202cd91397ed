"""Tidying up: the garbage collector looks when nobody waits, and not in the middle of a note.

Knows nothing of what is played.
"""

from __future__ import annotations

import gc

BETWEEN, SILENCE, MINUTE = (
    0.1,
    5.0,
    60.0,
)  # seconds of silence before it looks, and before it looks at all; and between two of these


class GarbageCollection:
    """From now until `end`, garbage is collected only in `calm`."""

    def __init__(self, now: float) -> None:
        gc.freeze()  # what is there now stays; the collector need not look at it again
        gc.disable()
        self._whole = now

    def calm(self, now: float, silent: float) -> None:
        """The agent plays nothing, and the player has not for so many seconds: look at what is new, and in a long silence at all."""
        if silent > SILENCE and now - self._whole > MINUTE:
            self._whole = now
            gc.collect()
        elif silent > BETWEEN:
            gc.collect(1)

    def end(self) -> None:
        """As usual again."""
        gc.enable()
