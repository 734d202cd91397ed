"""The cache: keys and values of the last steps in a ring, so that a session may last for ever in flat memory.

Knows nothing of notes. Positions count from the session's start and never wrap; slots do.

The ring is longer than the window by a margin. What is written over is older than any step may look back to, even after
`margin` steps have been taken back, so a rewind gives exactly the numbers of a pass that never went further.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .transformer import Config


class RingCache:
    """Keys and values of one session, (layers, 1, kv_heads, window + margin, head)."""

    def __init__(self, config: Config, margin: int = 128) -> None:
        self.window, self.margin = config.window, margin
        self.size = config.window + margin
        shape = (config.layers, 1, config.kv_heads, self.size, config.width // config.heads)
        self.k, self.v = torch.zeros(shape), torch.zeros(shape)
        self.position = torch.full((self.size,), -1)  # which step a slot holds; -1: none
        self.length = 0  # steps so far
        self._slots = self._mask = torch.empty(0)
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
        self.position.fill_(-1)
        self.length = self._oldest = 0

    def begin(self, count: int) -> int:
        """Make room for `count` steps (at most `margin`); returns the position of the first."""
        if not 0 < count <= self.margin:
            raise ValueError(f"{count} steps at once; the ring takes 1 to {self.margin}")
        first, self.length = self.length, self.length + count
        if self.length > self.size:  # from here on each step writes over one that is window + margin older
            self._oldest = max(self._oldest, self.length - self.margin)
        new = torch.arange(first, self.length)
        self._slots = new % self.size
        self.position[self._slots] = new
        age = new[:, None] - self.position[None, :]
        self._mask = (self.position >= 0)[None, :] & (age >= 0) & (age < self.window)
        return first

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `models.transformer.Keys`; `begin` comes first, once for all layers."""
        self.k[layer][:, :, self._slots] = k
        self.v[layer][:, :, self._slots] = v
        return self.k[layer], self.v[layer], self._mask
