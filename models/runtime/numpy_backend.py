"""The network in plain numpy: the embedding, the heads, the style encoder and, where no faster runtime is, the Transformer too.

Its arithmetic is in `models.runtime.numpy_layers`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..encoding import codec
from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import MARGIN, RingIndex
from .backend import Branches, Floats
from .numpy_branches import NumpyBranches
from .numpy_layers import (
    EPSILON,
    attend,
    embedding_row,
    embedding_rows,
    finish_layer,
    gelu,
    pitch_logits,
    project,
    rms_norm,
    rotary_angles,
)

STYLE_HEADS = 2  # of the style encoder's attention
_STYLE_OFFSETS = np.cumsum([0, *(size + 1 for size in codec.SIZES[1:-1])])


class NumpyBackend:
    """See `models.runtime.backend.Backend`."""

    runtime = "numpy"

    def __init__(self, weights: Mapping[str, Floats], config: Config, margin: int = MARGIN) -> None:
        self.config = config
        self.ring = RingIndex(config.window, margin)
        self.weights = {name: np.ascontiguousarray(w, np.float32) for name, w in weights.items()}
        self._allocate_cache()
        matrices = [w for name, w in self.weights.items() if name.startswith("transformer.layers.")]
        self.bytes_per_step = sum(w.nbytes for w in matrices if w.ndim == 2)
        self.bytes_per_step += 2 * 4 * config.layers * config.kv_heads * config.head * self.ring.size
        self._heads = [self._head_matrices(field) for field in range(len(codec.SIZES))]
        self._style_bytes = b""  # of the style that `_style_terms` were computed for
        self._style_terms = np.zeros((config.layers, config.width), np.float32)  # what the style adds before each layer

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        first = self.ring.reserve(len(steps))
        x = self._embed(steps, before)
        self._set_style(z)
        return self._run_layers(x, *rotary_angles(np.arange(first, first + len(steps)), self.config.head))

    def _embed(self, steps: Steps, before: Steps) -> Floats:
        """(T, 14) steps and the (2, 7) before them -> (T, width)."""
        table = self.weights["transformer.embedding.table.weight"]
        if len(steps) == 1:
            return table[embedding_row(steps[0], before)].sum(0)[None]
        return table[embedding_rows(steps, before)].sum(1)

    def _set_style(self, z: Floats) -> Floats:
        """What the style adds before each layer, (layers, width)."""
        style_bytes = z.tobytes()
        if style_bytes != self._style_bytes:
            self._style_bytes = style_bytes
            matrices = [self.weights[f"transformer.layers.{i}.style.weight"] for i in range(self.config.layers)]
            np.stack([w @ z for w in matrices], out=self._style_terms)  # in place: a runtime reads this memory
        return self._style_terms

    def logits(self, state: Floats, field: int, last_pitches: Steps) -> Floats:
        scores = self._scores(state, field)
        return pitch_logits(scores, last_pitches) if field == codec.PITCH else scores

    def condition(self, state: Floats, field: int, value: int) -> Floats:
        return state + self.weights[f"heads.given.{field}.weight"][value]

    def branches(self) -> Branches:
        return NumpyBranches(self.config, self.weights, self.ring, self._set_style, self._row_scores, self._read_past)

    def encode_style(self, rows: Steps) -> Floats:
        count = len(rows)
        x = self.weights["style.table.weight"][rows[:, codec.TIME : codec.DURATION + 1] + _STYLE_OFFSETS].sum(1)
        cos, sin = rotary_angles(np.arange(count), self.config.style_width // STYLE_HEADS)
        for i in range(self.config.style_layers):
            name = f"style.layers.{i}."
            q, k, v = project(x, self.weights, name, STYLE_HEADS, STYLE_HEADS, cos, sin)
            y = attend(q, k.transpose(1, 2, 0), v.transpose(1, 0, 2), np.ones((count, count), np.bool_))
            x = finish_layer(x, y, self.weights, name)
        pooled = rms_norm(x, self.weights["style.norm.weight"]).mean(0)
        mean_and_logvar: Floats = self.weights["style.out.weight"] @ pooled + self.weights["style.out.bias"]
        return mean_and_logvar[: self.config.latent]

    def _head_matrices(self, field: int) -> tuple[Floats, Floats, Floats]:
        """A head's inner matrix with its norm's gain in it, its outer one, and its bias. A pitch's outer rows end with its intervals."""
        w = self.weights
        inner = w[f"heads.inner.{field}.weight"] * w[f"heads.norms.{field}.weight"]
        out = [w[f"heads.out.{field}.weight"]]
        if field == codec.PITCH:
            out += [w[f"heads.intervals.{i}.weight"] for i in range(2)]
        rows = np.concatenate(out)
        bias = w[f"heads.out.{field}.bias"]
        return inner, rows, np.concatenate([bias, np.zeros(len(rows) - len(bias), np.float32)])

    def _scores(self, state: Floats, field: int) -> Floats:
        """All outputs of a head: its logits, and for the pitch the scores of the intervals behind them."""
        inner, out, bias = self._heads[field]
        features = gelu(inner @ state * np.float32((state @ state / len(state) + EPSILON) ** -0.5))
        scores: Floats = out @ features + bias
        return scores

    def _row_scores(self, states: Floats, field: int) -> Floats:
        """`_scores` of (R, width) states, (R, n)."""
        return np.stack([self._scores(state, field) for state in states])

    # -- the Transformer -------------------------------------------------------------------------------------------

    def _allocate_cache(self) -> None:
        """Memory for keys and values of every slot."""
        shape = (self.config.layers, self.config.kv_heads)
        self.keys = np.zeros((*shape, self.config.head, self.ring.size), np.float32)
        self.values = np.zeros((*shape, self.ring.size, self.config.head), np.float32)

    def _run_layers(self, x: Floats, cos: Floats, sin: Floats) -> Floats:
        """(T, width) embedded steps, which have room in the ring -> (T, width) hidden states."""
        mask = self.ring.visible()
        slots = self.ring.slots
        for i in range(self.config.layers):
            name = f"transformer.layers.{i}."
            x = x + self._style_terms[i]
            q, k, v = project(x, self.weights, name, self.config.heads, self.config.kv_heads, cos, sin)
            self.keys[i][:, :, slots] = k.transpose(1, 2, 0)
            self.values[i][:, slots] = v.transpose(1, 0, 2)
            x = finish_layer(x, attend(q, self.keys[i], self.values[i], mask), self.weights, name)
        return rms_norm(x, self.weights["transformer.norm.weight"])

    def _read_past(self) -> tuple[Floats, Floats, Steps]:
        """Keys (layers, kv, head, slots), values (layers, kv, slots, head), and the position of the step in each slot; -1: none."""
        return self.keys, self.values, self.ring.position
