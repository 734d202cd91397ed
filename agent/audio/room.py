"""The small room in which the piano is heard: a network of delay lines. Pure: it renders a block when it is asked to.

Eight delay lines feed each other through an orthogonal matrix (Jot and Chaigne, "Digital delay networks for designing artificial
reverberators", 90th AES Convention, 1991). Each is longer than four blocks, so that four blocks of all lines are computed at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .voices import BLOCK

STRIDE = 4 * BLOCK  # frames that are computed at once
DELAYS = (
    0.0127,
    0.0161,
    0.0199,
    0.0241,
    0.0293,
    0.0349,
    0.0407,
    0.0467,
)  # seconds; lengthened where a stride is longer
T60 = 0.9  # seconds, until the lows have fallen by 60 dB; the highs fall sooner
WET = 0.045  # gain of what comes back
TAIL_SECONDS = 1.5  # after the last sound, in which the room is still heard


class Room:
    """What was played comes back from it. `rate`: frames a second."""

    def __init__(self, rate: float) -> None:
        lengths = np.array([max(round(delay * rate), STRIDE + 2) for delay in DELAYS])
        lines = len(lengths)
        self._size = 1 << int(np.ceil(np.log2(lengths.max() + 2 * STRIDE)))
        self._lines = np.zeros((lines, self._size), dtype=np.float32)
        self._first = np.arange(lines)[:, None] * self._size  # of each line, in the flat array
        self._reads = np.arange(-1, STRIDE) - lengths[:, None]  # one frame more, for the filter
        hadamard = np.array([[1.0]])
        while len(hadamard) < lines:
            hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
        loss = 10 ** (-3 * lengths / rate / T60)
        filter_gain = 0.5  # of the mean of two neighbouring frames, which takes the highs
        self._mix = (hadamard / np.sqrt(lines) * loss * filter_gain).astype(np.float32)
        self._out = (filter_gain * WET * np.array([[1, 0, -1, 0, 1, 0, -1, 0], [0, 1, 0, 1, 0, -1, 0, -1]])).astype(
            np.float32
        )
        self._at = 0  # where the next block is written
        self._wet = np.zeros((STRIDE, 2), dtype=np.float32)
        self._tail = round(TAIL_SECONDS * rate / BLOCK)
        self._quiet = self._tail  # blocks since the last sound

    def render(self, dry: Any) -> Any:
        """What is heard of a block, shape (BLOCK, 2), or of 0.0, which is silence."""
        is_silent = not isinstance(dry, np.ndarray)
        self._quiet = self._quiet + 1 if is_silent else 0
        if self._quiet > self._tail:
            return dry
        place = self._at % STRIDE
        if place == 0:
            self._advance()
        if not is_silent:
            self._lines[:2, self._at : self._at + BLOCK] += dry.T
        self._at = (self._at + BLOCK) % self._size
        return dry + self._wet[place : place + BLOCK]

    def _advance(self) -> None:
        """What comes back in the next stride, and what the lines feed each other."""
        heard = self._lines.take(((self._at + self._reads) & (self._size - 1)) + self._first)
        heard = heard[:, 1:] + heard[:, :-1]
        self._wet = np.ascontiguousarray((self._out @ heard).T)
        self._lines[:, self._at : self._at + STRIDE] = self._mix @ heard
