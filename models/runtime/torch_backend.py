"""The network on torch: the reference that every other runtime must agree with."""

from __future__ import annotations

import numpy as np
import torch

from ..encoding.codec import Steps
from ..network.kv_cache import RingCache
from ..network.model import MusicModel
from ..network.ring_index import MARGIN, RingIndex
from .backend import Floats


class TorchBackend:
    """See `models.runtime.backend.Backend`."""

    runtime = "torch"

    def __init__(self, model: MusicModel) -> None:
        c = model.config
        self.model = model
        self.config = c
        matrices = [w for w in model.transformer.layers.parameters() if w.dim() == 2]
        cache_bytes = 8 * c.layers * c.kv_heads * c.head * (c.window + MARGIN)
        self.bytes_per_step = 4 * sum(w.numel() for w in matrices) + cache_bytes
        self._cache = RingCache(c)
        self.ring: RingIndex = self._cache

    @torch.inference_mode()
    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        first = self.ring.reserve(len(steps))
        rows = torch.from_numpy(steps)[None]
        rows_before = torch.from_numpy(np.ascontiguousarray(before))[None]
        style = torch.from_numpy(z)[None, None]
        hidden = self.model.transformer(rows, style, before=rows_before, first=first, cache=self._cache)
        return hidden[0].numpy()

    @torch.inference_mode()
    def logits(self, state: Floats, field: int, last_pitches: Steps) -> Floats:
        return self.model.heads.logits(torch.from_numpy(state), field, torch.from_numpy(last_pitches)).numpy()

    @torch.inference_mode()
    def condition(self, state: Floats, field: int, value: int) -> Floats:
        return self.model.heads.condition(torch.from_numpy(state), field, torch.tensor(value)).numpy()

    def branches(self) -> None:
        return None  # the reference is for comparison, not for speed

    @torch.inference_mode()
    def encode_style(self, rows: Steps) -> Floats:
        steps = torch.from_numpy(rows)[None]
        return self.model.style(steps, torch.ones(steps.shape[:2], dtype=torch.bool))[0][0].numpy()
