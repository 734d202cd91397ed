"""Branches in plain numpy: the reference for `models.runtime.onnx_branches`, and what plays where ONNX Runtime is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import RingIndex
from .backend import Floats
from .branch_rows import BranchRows
from .numpy_layers import MASKED, finish_layer, project, rms_norm


class NumpyBranches(BranchRows):
    """See `models.runtime.backend.Branches`.

    `read_past` returns keys (layers, kv, head, slots), values (layers, kv, slots, head), and the position in each slot.
    """

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, Floats],
        ring: RingIndex,
        style_terms: Callable[[Floats], Floats],
        scores: Callable[[Floats, int], Floats],
        read_past: Callable[[], tuple[Floats, Floats, Steps]],
    ) -> None:
        super().__init__(config, weights, ring, style_terms, scores)
        self._read_past = read_past

    def start(self, count: int) -> None:
        super().start(count)
        self._position = self._read_past()[2].copy()

    def _run_rows(self, x: Floats, style: Floats, cos: Floats, sin: Floats) -> tuple[Floats, Floats, Floats]:
        c = self.config
        rows = len(x)
        past_keys, past_values, _ = self._read_past()
        position = self._position
        age = (self.past + self.lengths)[:, None] - position
        may_see_past = (position >= 0) & (position < self.past) & (age < c.window)
        may_see_tail = self._visible_of_tail()
        seen = np.concatenate([may_see_past, may_see_tail, np.ones((rows, 1), np.bool_)], 1)[:, None, None]
        keys = np.empty((c.layers, rows, c.kv_heads, c.head), np.float32)
        values = np.empty_like(keys)
        for i in range(c.layers):
            name = f"transformer.layers.{i}."
            x = x + style[i]
            q, keys[i], values[i] = project(x, self.weights, name, c.heads, c.kv_heads, cos, sin)
            q = q.reshape(rows, c.kv_heads, -1, c.head)
            tail_keys = self._keys[i, :rows]
            tail_values = self._values[i, :rows]
            scores = np.concatenate([q @ past_keys[i], q @ tail_keys, q @ keys[i][..., None]], -1)
            scores = np.where(seen, scores * np.float32(c.head**-0.5), MASKED)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            shares /= shares.sum(-1, keepdims=True)
            of_past, of_tail, of_new = np.split(shares, [len(position), len(position) + self.room], -1)
            found = of_past @ past_values[i] + of_tail @ tail_values + of_new * values[i][:, :, None]
            x = finish_layer(x, found.reshape(rows, -1), self.weights, name)
        return rms_norm(x, self.weights["transformer.norm.weight"]), keys, values
