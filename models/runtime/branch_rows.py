"""What branches have in common, whatever computes them: which row has how many steps of its own, embedding, positions, and the heads.

See `models.runtime.backend.Branches`. A runtime adds the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import RingIndex
from .backend import Floats
from .numpy_layers import embedding_rows_after, pitch_logits, rotary_angles

SHORTEST_TAIL = 16  # steps for which there is room at first; it is doubled where a row grows longer


class BranchRows:
    """The rows of one backend.

    `style_terms` returns the (layers, width) that a style adds before each layer, `scores` all outputs of a head for (R, width) states.
    """

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, Floats],
        ring: RingIndex,
        style_terms: Callable[[Floats], Floats],
        scores: Callable[[Floats, int], Floats],
    ) -> None:
        self.config = config
        self.weights = weights
        self.ring = ring
        self._style_terms = style_terms
        self._scores = scores
        self.past = 0  # steps that all rows share
        self.lengths: NDArray[np.int64] = np.zeros(0, np.int64)  # (R,) steps of each row alone
        self.room = 0  # steps of one row for which there is memory
        self._keys = self._values = np.zeros((0, 0, 0, 0, 0), np.float32)

    @property
    def count(self) -> int:
        return len(self.lengths)

    def start(self, count: int) -> None:
        self.past = self.ring.length
        self.lengths = np.zeros(count, np.int64)
        if self._keys.shape[1] < count:
            self._allocate(count, SHORTEST_TAIL)

    def drop(self, row: int) -> None:
        last = self.count - 1
        self._keys[:, row] = self._keys[:, last]
        self._values[:, row] = self._values[:, last]
        self.lengths[row] = self.lengths[last]
        self.lengths = self.lengths[:last].copy()

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        if int(self.lengths.max()) >= self.room:
            self._allocate(self._keys.shape[1], 2 * self.room)
        table = self.weights["transformer.embedding.table.weight"]
        rows = embedding_rows_after(steps, before[:, 1], before[:, 0, codec.PITCH])
        style = self._style_terms(z)
        cos, sin = rotary_angles(self.past + self.lengths, self.config.head)
        hidden, keys, values = self._run_rows(table[rows].sum(1), style, cos, sin)
        every = np.arange(self.count)
        self._keys[:, every, :, :, self.lengths] = keys.swapaxes(0, 1)
        self._values[:, every, :, self.lengths] = values.swapaxes(0, 1)
        self.lengths += 1
        return hidden

    def logits(self, states: Floats, field: int, last_pitches: Steps) -> Floats:
        scores = self._scores(states, field)
        return pitch_logits(scores, last_pitches) if field == codec.PITCH else scores

    def condition(self, states: Floats, field: int, values: Steps) -> Floats:
        conditioned: Floats = states + self.weights[f"heads.given.{field}.weight"][values]
        return conditioned

    def _run_rows(self, x: Floats, style: Floats, cos: Floats, sin: Floats) -> tuple[Floats, Floats, Floats]:
        """(R, width) embedded steps -> (R, width) hidden states, and the (layers, R, kv, head) keys and values of these steps."""
        raise NotImplementedError

    def _visible_of_tail(self) -> NDArray[np.bool_]:
        """(R, room): which steps of its own tail each row may look at: those that were written and are in the window."""
        place = np.arange(self.room)
        lengths = self.lengths[:, None]
        visible: NDArray[np.bool_] = (place < lengths) & (lengths - place < self.config.window)
        return visible

    def _allocate(self, rows: int, room: int) -> None:
        """Memory for the tails: keys (layers, R, kv, head, room), values (layers, R, kv, room, head). What they hold is kept."""
        c = self.config
        keys = np.zeros((c.layers, rows, c.kv_heads, c.head, room), np.float32)
        values = np.zeros((c.layers, rows, c.kv_heads, room, c.head), np.float32)
        if self._keys.shape[1] == rows:
            keys[..., : self.room] = self._keys
            values[..., : self.room, :] = self._values
        self._keys = keys
        self._values = values
        self.room = room
