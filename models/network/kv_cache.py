"""The KV cache of torch: keys and values of the last steps in a ring, so that a session of any length takes the same memory."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import Config
from .ring_index import MARGIN, RingIndex


class RingCache(RingIndex):
    """Keys and values of one session, (layers, 1, kv_heads, window + margin, head). `RingIndex` says which slot holds which step."""

    def __init__(self, config: Config, margin: int = MARGIN) -> None:
        super().__init__(config.window, margin)
        shape = (config.layers, 1, config.kv_heads, self.size, config.head)
        self.k = torch.zeros(shape)
        self.v = torch.zeros(shape)
        self._slots = torch.empty(0)
        self._mask = torch.empty(0)

    def reserve(self, count: int) -> int:
        """See `models.network.ring_index.RingIndex.reserve`."""
        first = super().reserve(count)
        self._slots = torch.from_numpy(self.slots)
        self._mask = torch.from_numpy(self.visible())
        return first

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `models.network.transformer.KeyValueCache`; `reserve` comes first, once for all layers."""
        self.k[layer][:, :, self._slots] = k
        self.v[layer][:, :, self._slots] = v
        return self.k[layer], self.v[layer], self._mask
