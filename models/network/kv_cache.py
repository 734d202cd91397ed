"""The cache: torch's keys and values of the last steps, in a ring, so that a session may last for ever in flat memory.

Knows nothing of notes; `models.network.ring_index` knows which slot is whose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .config import Config
from .ring_index import MARGIN, Ring


class RingCache(Ring):
    """Keys and values of one session, (layers, 1, kv_heads, window + margin, head)."""

    def __init__(self, config: Config, margin: int = MARGIN) -> None:
        super().__init__(config.window, margin)
        shape = (config.layers, 1, config.kv_heads, self.size, config.head)
        self.k, self.v = torch.zeros(shape), torch.zeros(shape)
        self._at = self._mask = torch.empty(0)

    def begin(self, count: int) -> int:
        """See `models.network.ring_index.Ring`."""
        first = super().begin(count)
        self._at, self._mask = torch.from_numpy(self.slots), torch.from_numpy(self.seen())
        return first

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `models.network.transformer.Keys`; `begin` comes first, once for all layers."""
        self.k[layer][:, :, self._at] = k
        self.v[layer][:, :, self._at] = v
        return self.k[layer], self.v[layer], self._mask
