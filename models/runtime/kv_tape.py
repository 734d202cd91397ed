"""The tape: keys and values of the last steps, one after another, so that attention reads them as they lie.

Knows nothing of what they mean, nor of the runtime that reads and writes them; `models.network.ring_index` knows how far one may go back.

A ring would do with less memory, but attention would have to be told which slots to pass over. On a tape, what a step looks at lies in
a row that ends with the step itself; when the tape is full, its end is carried to its beginning, once in hundreds of steps.
"""

from __future__ import annotations

import numpy as np

from ..network.config import Config
from ..network.ring_index import Ring
from .backend import Floats

SPARE = 256  # rows that are written before the end is carried to the beginning


class KvTape:
    """Room for `ring.size` steps and some more: (layers, keys or values, heads, rows, head) in float32."""

    def __init__(self, config: Config, ring: Ring) -> None:
        self.ring = ring
        self.rows = ring.size + SPARE
        shape = config.layers, 2, config.kv_heads, self.rows, config.head
        # Who begins to read at a later row is told of as many rows: the last head's end beyond the memory, and are not read.
        self._all = np.zeros(int(np.prod(shape)) + self.rows * config.head, np.float32)
        self.memory = self._all[: int(np.prod(shape))].reshape(shape)
        self._first = 0  # the position of the step in row 0

    def place(self, count: int) -> tuple[int, int]:
        """Where the run of the `count` steps begins to read that the ring has made room for, and how many rows that are there it reads.

        The new steps come right behind these.
        """
        first = self.ring.length - count
        if first < self._first:  # all was forgotten: no rewind goes so far
            self._first = first
        if self.ring.length - self._first > self.rows:
            self._carry(first)
        begin = max(first - self.ring.window + 1 - self._first, 0)
        return begin, first - self._first - begin

    @property
    def begins(self) -> range:
        """Where a run of one step may begin to read."""
        return range(self.rows - self.ring.window + 1)

    def from_row(self, layer: int, kind: int, begin: int) -> Floats:
        """Keys (0) or values (1) of a layer, (heads, rows, head), as one who begins to read there is told of them."""
        heads, rows, head = self.memory.shape[2:]
        at = ((2 * layer + kind) * heads * rows + begin) * head
        return self._all[at : at + heads * rows * head].reshape(heads, rows, head)

    def _carry(self, first: int) -> None:
        kept = min(self.ring.size, first - self._first)
        rows = slice(first - self._first - kept, first - self._first)
        self.memory[..., :kept, :] = self.memory[..., rows, :].copy()
        self._first = first - kept
