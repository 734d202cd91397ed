"""The KV tape: keys and values of the last steps in a row, so that attention reads them where they lie.

A ring would need less memory, but attention would have to be told which slots to pass over. On a tape, what a step looks at lies in a row
that ends with the step itself. When the tape is full, its end is copied to its beginning, once in hundreds of steps.
"""

from __future__ import annotations

import numpy as np

from ..network.config import Config
from ..network.ring_index import RingIndex
from .backend import Floats

SPARE_ROWS = 256  # that are written before the end is copied to the beginning


class KvTape:
    """Room for `ring.size` steps and some more: (layers, keys or values, heads, rows, head) in float32."""

    def __init__(self, config: Config, ring: RingIndex) -> None:
        self.ring = ring
        self.rows = ring.size + SPARE_ROWS
        shape = (config.layers, 2, config.kv_heads, self.rows, config.head)
        size = int(np.prod(shape))
        # A view that begins at a later row has as many rows: the last head's end beyond the memory, and are never read.
        self._flat = np.zeros(size + self.rows * config.head, np.float32)
        self.memory = self._flat[:size].reshape(shape)
        self._first = 0  # the position of the step in row 0

    def make_room(self, count: int) -> tuple[int, int]:
        """For the last `count` steps of the ring: the row where a run begins to read, and how many old rows it reads from there.

        The new steps come right behind these rows.
        """
        first = self.ring.length - count
        if first < self._first:  # the ring was cleared: no rewind goes back so far
            self._first = first
        if self.ring.length - self._first > self.rows:
            self._copy_end_to_beginning(first)
        begin = max(first - self.ring.window + 1 - self._first, 0)
        return begin, first - self._first - begin

    @property
    def read_starts(self) -> range:
        """The rows where a run of one step may begin to read."""
        return range(self.rows - self.ring.window + 1)

    def row_of(self, position: int) -> int:
        """The row in which the step at that position lies."""
        return position - self._first

    def view_from(self, layer: int, kind: int, begin: int) -> Floats:
        """Keys (0) or values (1) of a layer from row `begin` on, (heads, rows, head), without a copy."""
        heads, rows, head = self.memory.shape[2:]
        at = ((2 * layer + kind) * heads * rows + begin) * head
        return self._flat[at : at + heads * rows * head].reshape(heads, rows, head)

    def _copy_end_to_beginning(self, first: int) -> None:
        """Keep the ring's last steps before position `first`, from row 0 on."""
        kept = min(self.ring.size, first - self._first)
        rows = slice(first - self._first - kept, first - self._first)
        self.memory[..., :kept, :] = self.memory[..., rows, :].copy()
        self._first = first - kept
