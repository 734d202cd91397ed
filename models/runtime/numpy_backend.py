"""The network in plain numpy: what goes into a step, the heads, the style encoder, and, where no runtime is, the Transformer too.

Knows nothing of files or sampling. The numbers are those of `models.network.transformer`, `models.network.heads` and
`models.network.style_encoder`, which torch
runs; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec, longest_match
from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import MARGIN, Ring
from .backend import Floats

EPSILON = np.float32(np.finfo(np.float32).eps)  # of torch's RMSNorm
NO_INTERVAL = 2 * codec.MAX_INTERVAL + 1
_PITCHES = np.arange(codec.SIZES[codec.PITCH])
_REACH = (
    np.clip(_PITCHES - _PITCHES[:, None], -codec.MAX_INTERVAL, codec.MAX_INTERVAL) + codec.MAX_INTERVAL
)  # of each pitch from each
#: By two pitches, the later first: the interval between them, or that there is none. And the class of each pitch.
_INTERVALS = np.pad(_REACH.T, (0, 1), constant_values=NO_INTERVAL)
_LEAPS = _INTERVALS.tolist()
_CLASSES = np.append(_PITCHES % 12, 12)


def table_sizes() -> list[int]:
    """How many rows of the embedding table each number of a step, of its neighbours and of its recall has."""
    times, pitches, durations = (codec.SIZES[f] + 1 for f in (codec.TIME, codec.PITCH, codec.DURATION))
    own = [2, times, pitches, codec.SIZES[codec.VELOCITY] + 1, durations, codec.PLACES + 1, 3]
    return [*own, times, pitches, durations, *3 * [NO_INTERVAL + 1], 13, *longest_match.SIZES]


_NEIGHBOURS = [codec.TIME, codec.PITCH, codec.DURATION]
_OFFSETS = np.cumsum([0, *table_sizes()[:-1]])
_STYLE_OFFSETS = np.cumsum([0, *(size + 1 for size in codec.SIZES[1:-1])])


def rows_of(steps: Steps, before: Steps) -> Steps:
    """(T, 14) steps and the (2, 7) before them -> (T, 21) rows of the embedding table: see `models.network.transformer.StepEmbedding`."""
    own = steps[:, : len(codec.FIELDS)]
    wide = np.concatenate([before, own])
    pitch = wide[:, codec.PITCH]
    before_last, last, this = pitch[:-2], pitch[1:-1], pitch[2:]
    rows = np.empty((len(steps), len(_OFFSETS)), np.int64)
    rows[:, :7], rows[:, 14:] = own, steps[:, len(codec.FIELDS) :]
    rows[:, 7:10] = wide[1:-1, _NEIGHBOURS]
    rows[:, 10], rows[:, 11] = _INTERVALS[this, last], _INTERVALS[this, before_last]
    rows[:, 12], rows[:, 13] = _INTERVALS[last, before_last], _CLASSES[this]
    rows += _OFFSETS
    return rows


def row_of(step: Steps, before: Steps) -> Steps:
    """`rows_of` of one step, (21,): arrays are slow for one."""
    own, (_, last) = step.tolist(), before.tolist()
    pitch, earlier = own[codec.PITCH], int(before[0, codec.PITCH])
    near = [last[field] for field in _NEIGHBOURS]
    leaps = _LEAPS[pitch][last[codec.PITCH]], _LEAPS[pitch][earlier], _LEAPS[last[codec.PITCH]][earlier]
    whole = [*own[: len(codec.FIELDS)], *near, *leaps, int(_CLASSES[pitch]), *own[len(codec.FIELDS) :]]
    return np.array(whole) + _OFFSETS


def normed(x: Floats, gain: Floats) -> Floats:
    """RMSNorm over the last axis."""
    return x * (gain / np.sqrt(np.mean(x * x, -1, keepdims=True) + EPSILON))


def gelu(x: Floats) -> Floats:
    """GELU; the error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    size = np.abs(x)
    t = 1.0 / (1.0 + 0.23164190 * size)
    tail = t * (0.127414796 + t * (-0.142248368 + t * (0.7107068705 + t * (-0.7265760135 + t * 0.5307027145))))
    tail *= np.exp(-0.5 * size * size)  # the share that is beyond |x|
    return (np.maximum(x, 0.0) - size * tail).astype(np.float32, copy=False)


@cache
def _slowing(half: int) -> NDArray[np.float64]:
    """Radians a step, of each pair of a head's numbers."""
    slower: NDArray[np.float64] = 10000.0 ** (-np.arange(half) / half)
    return slower


def angles(positions: NDArray[np.int64], head: int) -> tuple[Floats, Floats]:
    """Cosines and sines, (T, head / 2), of rotary positions; angles in float64, for sessions without end."""
    angle = positions.astype(np.float64)[:, None] * _slowing(head // 2)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def rotated(x: Floats, cos: Floats, sin: Floats) -> Floats:
    """Rotary position embedding of (T, heads, head)."""
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos[:, None] - b * sin[:, None], a * sin[:, None] + b * cos[:, None]], -1)


def attended(q: Floats, k: Floats, v: Floats, seen: NDArray[np.bool_]) -> Floats:
    """(T, heads, head) queries, (kv, head, S) keys, (kv, S, head) values, (T, S) who sees whom -> (T, width)."""
    count, heads, head = q.shape
    grouped = q.transpose(1, 0, 2).reshape(len(k), -1, head)
    scores = (grouped @ k) * np.float32(head**-0.5)
    scores = np.where(np.tile(seen, (heads // len(k), 1)), scores, np.float32(-1e30))
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = (p / p.sum(-1, keepdims=True)) @ v
    return y.reshape(heads, count, head).transpose(1, 0, 2).reshape(count, -1)


class NumpyBackend:
    """See `models.runtime.backend.Backend`."""

    runtime = "numpy"

    def __init__(self, weights: Mapping[str, Floats], config: Config, margin: int = MARGIN) -> None:
        self.config, self.ring = config, Ring(config.window, margin)
        self.weights = {name: np.ascontiguousarray(w, np.float32) for name, w in weights.items()}
        self._make_room()
        matrices = [w for name, w in self.weights.items() if name.startswith("transformer.layers.")]
        self.bulk = sum(w.nbytes for w in matrices if w.ndim == 2)
        self.bulk += 2 * 4 * config.layers * config.kv_heads * config.head * self.ring.size
        self._heads = [self._head(field) for field in range(len(codec.SIZES))]
        self._z = b""  # the style that it steers by, as it lies in memory
        self._steering = np.zeros((config.layers, config.width), np.float32)

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        first = self.ring.begin(len(steps))
        table = self.weights["transformer.embedding.table.weight"]
        one = len(steps) == 1
        x = table[row_of(steps[0], before)].sum(0)[None] if one else table[rows_of(steps, before)].sum(1)
        if (told := z.tobytes()) != self._z:
            styles = [self.weights[f"transformer.layers.{i}.style.weight"] for i in range(self.config.layers)]
            self._z = told
            np.stack([w @ z for w in styles], out=self._steering)  # where it lies, a runtime reads it
        return self._pass(x, *angles(np.arange(first, first + len(steps)), self.config.head))

    def logits(self, state: Floats, field: int, near: Steps) -> Floats:
        scores = self._scores(state, field)
        if field != codec.PITCH:
            return scores
        start = len(_PITCHES)
        logits = scores[:start]
        for other in near:
            if other != codec.NO_PITCH:
                logits = logits + scores[start : start + NO_INTERVAL][_REACH[other]]
            start += NO_INTERVAL
        return logits

    def tell(self, state: Floats, field: int, value: int) -> Floats:
        return state + self.weights[f"heads.given.{field}.weight"][value]

    def style(self, rows: Steps) -> Floats:
        count, heads = len(rows), 2
        x = self.weights["style.table.weight"][rows[:, codec.TIME : codec.DURATION + 1] + _STYLE_OFFSETS].sum(1)
        cos, sin = angles(np.arange(count), self.config.style_width // heads)
        for i in range(self.config.style_layers):
            q, k, v = self._projected(x, f"style.layers.{i}.", heads, heads, cos, sin)
            y = attended(q, k.transpose(1, 2, 0), v.transpose(1, 0, 2), np.ones((count, count), np.bool_))
            x = self._closed(x, y, f"style.layers.{i}.")
        pooled = normed(x, self.weights["style.norm.weight"]).mean(0)
        both: Floats = self.weights["style.out.weight"] @ pooled + self.weights["style.out.bias"]
        return both[: self.config.latent]

    def _head(self, field: int) -> tuple[Floats, Floats, Floats]:
        """A head's two matrices, its norm's gain in the first, and its bias; the pitch's intervals are below its pitches."""
        w = self.weights
        inner = w[f"heads.inner.{field}.weight"] * w[f"heads.norms.{field}.weight"]
        out = [w[f"heads.out.{field}.weight"]]
        if field == codec.PITCH:
            out += [w[f"heads.intervals.{i}.weight"] for i in range(2)]
        rows, bias = np.concatenate(out), w[f"heads.out.{field}.bias"]
        return inner, rows, np.concatenate([bias, np.zeros(len(rows) - len(bias), np.float32)])

    def _scores(self, state: Floats, field: int) -> Floats:
        """All that a head says: logits, and for the pitch those of its intervals behind them."""
        inner, out, bias = self._heads[field]
        features = gelu(inner @ state * np.float32((state @ state / len(state) + EPSILON) ** -0.5))
        scores: Floats = out @ features + bias
        return scores

    # -- the Transformer -------------------------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Memory for keys and values of every slot."""
        shape = self.config.layers, self.config.kv_heads
        self.keys = np.zeros((*shape, self.config.head, self.ring.size), np.float32)
        self.values = np.zeros((*shape, self.ring.size, self.config.head), np.float32)

    def _pass(self, x: Floats, cos: Floats, sin: Floats) -> Floats:
        """(T, width) embedded steps, with room made for them in the ring -> (T, width) hidden states."""
        seen, slots = self.ring.seen(), self.ring.slots
        for i in range(self.config.layers):
            name = f"transformer.layers.{i}."
            x = x + self._steering[i]
            q, k, v = self._projected(x, name, self.config.heads, self.config.kv_heads, cos, sin)
            self.keys[i][:, :, slots], self.values[i][:, slots] = k.transpose(1, 2, 0), v.transpose(1, 0, 2)
            x = self._closed(x, attended(q, self.keys[i], self.values[i], seen), name)
        return normed(x, self.weights["transformer.norm.weight"])

    def _projected(
        self, x: Floats, name: str, heads: int, kv_heads: int, cos: Floats, sin: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Queries, keys and values, each (T, its heads, head)."""
        w = self.weights
        y = normed(x, w[name + "attention_norm.weight"])
        q, k, v = (y @ w[f"{name}{kind}.weight"].T for kind in "qkv")
        q, k = q.reshape(len(x), heads, -1), k.reshape(len(x), kv_heads, -1)
        q, k = normed(q, w[name + "q_norm.weight"]), normed(k, w[name + "k_norm.weight"])
        return rotated(q, cos, sin), rotated(k, cos, sin), v.reshape(len(x), kv_heads, -1)

    def _closed(self, x: Floats, attended: Floats, name: str) -> Floats:
        """What attention found is added, and the gated MLP after it."""
        w = self.weights
        x = x + attended @ w[name + "o.weight"].T
        y = normed(x, w[name + "mlp_norm.weight"])
        gate = y @ w[name + "gate.weight"].T
        return x + (gate / (1.0 + np.exp(-gate)) * (y @ w[name + "up.weight"].T)) @ w[name + "down.weight"].T
