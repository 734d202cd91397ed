"""The ring's index: which step lies in which slot, and which slots a step may look at.

Positions count from the session's start and never wrap; slots do. The ring is longer than the window by a margin. What is written over is
older than any step may look back to, even after `margin` steps have been taken back. So a rewind gives exactly the numbers of a pass that
never went further.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 256  # steps, at most, that can be taken back


class RingIndex:
    """The slots of one session's last steps."""

    def __init__(self, window: int, margin: int = MARGIN) -> None:
        self.window = window
        self.margin = margin
        self.size = window + margin
        self.position = np.full(self.size, -1)  # which step a slot holds; -1: none
        self.length = 0  # steps so far
        self.slots: NDArray[np.int64] = np.empty(0, np.int64)  # of the steps that `reserve` made room for
        self._oldest = 0  # no rewind may go before this

    @property
    def oldest(self) -> int:
        """The shortest length that `rewind` can still go back to exactly."""
        return self._oldest

    def rewind(self, length: int) -> None:
        """Forget every step from `length` on. Raises ValueError where the ring no longer holds what is needed."""
        if not self.oldest <= length <= self.length:
            raise ValueError(f"cannot go back to {length} of {self.length} steps, only to {self.oldest}")
        self.position[self.position >= length] = -1
        self.length = length

    def clear(self) -> None:
        """Forget everything."""
        self.position.fill(-1)
        self.length = 0
        self._oldest = 0

    def reserve(self, count: int) -> int:
        """Make room for `count` steps; returns the position of the first. Raises ValueError for more than `margin` steps."""
        if not 0 < count <= self.margin:
            raise ValueError(f"{count} steps at once; the ring takes 1 to {self.margin}")
        first = self.length
        self.length = first + count
        if self.length > self.size:  # from here on each step writes over one that is window + margin older
            self._oldest = max(self._oldest, self.length - self.margin)
        new = np.arange(first, self.length)
        self.slots = new % self.size
        self.position[self.slots] = new
        return first

    def visible(self) -> NDArray[np.bool_]:
        """(T, size): which slots each of the T steps that `reserve` made room for may look at; its own is one of them."""
        age = np.arange(self.length - len(self.slots), self.length)[:, None] - self.position[None, :]
        return (self.position >= 0)[None, :] & (age >= 0) & (age < self.window)
