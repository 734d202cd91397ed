"""The network on torch: the reference that every other runtime must agree with.

Knows nothing of notes or sampling.
"""

from __future__ import annotations

import numpy as np
import torch

from ..encoding.codec import Steps
from ..network.kv_cache import RingCache
from ..network.model import Musician
from ..network.ring_index import MARGIN, Ring
from .backend import Floats


class TorchBackend:
    """See `models.runtime.backend.Backend`."""

    runtime = "torch"

    def __init__(self, musician: Musician) -> None:
        self.musician, self.config = musician, musician.config
        c = musician.config
        matrices = [w for w in musician.transformer.layers.parameters() if w.dim() == 2]
        self.bulk = 4 * sum(w.numel() for w in matrices) + 8 * c.layers * c.kv_heads * c.head * (c.window + MARGIN)
        self.ring: Ring
        self.ring = self._keys = RingCache(musician.config)

    @torch.inference_mode()
    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        first = self.ring.begin(len(steps))
        wide, two = torch.from_numpy(steps)[None], torch.from_numpy(np.ascontiguousarray(before))[None]
        point = torch.from_numpy(z)[None, None]
        return self.musician.transformer(wide, point, before=two, first=first, keys=self._keys)[0].numpy()

    @torch.inference_mode()
    def logits(self, state: Floats, field: int, near: Steps) -> Floats:
        return self.musician.heads.logits(torch.from_numpy(state), field, torch.from_numpy(near)).numpy()

    @torch.inference_mode()
    def tell(self, state: Floats, field: int, value: int) -> Floats:
        return self.musician.heads.tell(torch.from_numpy(state), field, torch.tensor(value)).numpy()

    @torch.inference_mode()
    def style(self, rows: Steps) -> Floats:
        steps = torch.from_numpy(rows)[None]
        return self.musician.style(steps, torch.ones(steps.shape[:2], dtype=torch.bool))[0][0].numpy()
