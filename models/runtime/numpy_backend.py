"""The network in plain numpy: the embedding, the heads, the style encoder and, where no faster runtime is, the Transformer too.

The numbers are those of `models.network.transformer`, `models.network.heads` and `models.network.style_encoder`, which torch runs. A test
compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec, longest_match_features
from ..encoding.codec import MAX_INTERVAL, Steps
from ..network.config import Config
from ..network.ring_index import MARGIN, RingIndex
from .backend import Floats

EPSILON = np.float32(np.finfo(np.float32).eps)  # torch's default for RMSNorm
ROTARY_BASE = 10000.0  # Su et al. 2021, as in `models.network.transformer`
MASKED = np.float32(-1e30)  # a score that attention ignores
STYLE_HEADS = 2  # of the style encoder's attention
NO_INTERVAL = 2 * MAX_INTERVAL + 1
_PITCHES = np.arange(codec.SIZES[codec.PITCH])
#: By two pitches, the earlier first: the interval up to the later one, from 0.
_INTERVALS_FROM = np.clip(_PITCHES - _PITCHES[:, None], -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
#: By two pitches, the later first: the same interval, or `NO_INTERVAL` where one of them is NO_PITCH.
_INTERVALS = np.pad(_INTERVALS_FROM.T, (0, 1), constant_values=NO_INTERVAL)
_INTERVAL_LISTS = _INTERVALS.tolist()
_PITCH_CLASSES = np.append(_PITCHES % 12, 12)  # of each pitch; 12 for NO_PITCH


def table_sizes() -> list[int]:
    """How many rows of the embedding table each of the 21 numbers of a step, of its neighbours and of its recall has."""
    times, pitches, durations = (codec.SIZES[f] + 1 for f in (codec.TIME, codec.PITCH, codec.DURATION))
    own = [2, times, pitches, codec.SIZES[codec.VELOCITY] + 1, durations, codec.PLACES + 1, 3]
    return [*own, times, pitches, durations, *3 * [NO_INTERVAL + 1], 13, *longest_match_features.SIZES]


_NEIGHBOUR_FIELDS = [codec.TIME, codec.PITCH, codec.DURATION]
_OFFSETS = np.cumsum([0, *table_sizes()[:-1]])
_STYLE_OFFSETS = np.cumsum([0, *(size + 1 for size in codec.SIZES[1:-1])])


def embedding_rows(steps: Steps, before: Steps) -> Steps:
    """(T, 14) steps and the (2, 7) before them -> (T, 21) rows of the embedding table: see `models.network.transformer.StepEmbedding`."""
    own = steps[:, : len(codec.FIELDS)]
    wide = np.concatenate([before, own])
    pitch = wide[:, codec.PITCH]
    before_last = pitch[:-2]
    last = pitch[1:-1]
    this = pitch[2:]
    rows = np.empty((len(steps), len(_OFFSETS)), np.int64)
    rows[:, :7] = own
    rows[:, 7:10] = wide[1:-1, _NEIGHBOUR_FIELDS]
    rows[:, 10] = _INTERVALS[this, last]
    rows[:, 11] = _INTERVALS[this, before_last]
    rows[:, 12] = _INTERVALS[last, before_last]
    rows[:, 13] = _PITCH_CLASSES[this]
    rows[:, 14:] = steps[:, len(codec.FIELDS) :]
    rows += _OFFSETS
    return rows


def embedding_row(step: Steps, before: Steps) -> Steps:
    """`embedding_rows` of one (14,) step, (21,): arrays are slow for a single step."""
    numbers = step.tolist()
    last = before[1].tolist()
    pitch = numbers[codec.PITCH]
    last_pitch = last[codec.PITCH]
    pitch_before = int(before[0, codec.PITCH])
    row = [
        *numbers[: len(codec.FIELDS)],
        *[last[field] for field in _NEIGHBOUR_FIELDS],
        _INTERVAL_LISTS[pitch][last_pitch],
        _INTERVAL_LISTS[pitch][pitch_before],
        _INTERVAL_LISTS[last_pitch][pitch_before],
        int(_PITCH_CLASSES[pitch]),
        *numbers[len(codec.FIELDS) :],
    ]
    return np.array(row) + _OFFSETS


def rms_norm(x: Floats, gain: Floats) -> Floats:
    """RMSNorm over the last axis (Zhang & Sennrich 2019)."""
    return x * (gain / np.sqrt(np.mean(x * x, -1, keepdims=True) + EPSILON))


def gelu(x: Floats) -> Floats:
    """GELU (Hendrycks & Gimpel 2016); the error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26)."""
    size = np.abs(x)
    t = 1.0 / (1.0 + 0.23164190 * size)
    tail = t * (0.127414796 + t * (-0.142248368 + t * (0.7107068705 + t * (-0.7265760135 + t * 0.5307027145))))
    tail *= np.exp(-0.5 * size * size)  # the share that is beyond |x|
    return (np.maximum(x, 0.0) - size * tail).astype(np.float32, copy=False)


@cache
def _rotary_frequencies(half: int) -> NDArray[np.float64]:
    """(half,) radians a step, of each pair of a head's numbers."""
    frequencies: NDArray[np.float64] = ROTARY_BASE ** (-np.arange(half) / half)
    return frequencies


def rotary_angles(positions: NDArray[np.int64], head: int) -> tuple[Floats, Floats]:
    """Cosines and sines, (T, head / 2), of rotary positions; angles in float64, for sessions of any length."""
    angle = positions.astype(np.float64)[:, None] * _rotary_frequencies(head // 2)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def rotate(x: Floats, cos: Floats, sin: Floats) -> Floats:
    """Rotary position embedding of (T, heads, head) by (T, head / 2) cosines and sines."""
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos[:, None] - b * sin[:, None], a * sin[:, None] + b * cos[:, None]], -1)


def attend(q: Floats, k: Floats, v: Floats, mask: NDArray[np.bool_]) -> Floats:
    """(T, heads, head) queries, (kv, head, S) keys, (kv, S, head) values, (T, S) True where one may look -> (T, width)."""
    count, heads, head = q.shape
    grouped = q.transpose(1, 0, 2).reshape(len(k), -1, head)
    scores = (grouped @ k) * np.float32(head**-0.5)
    scores = np.where(np.tile(mask, (heads // len(k), 1)), scores, MASKED)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = (p / p.sum(-1, keepdims=True)) @ v
    return y.reshape(heads, count, head).transpose(1, 0, 2).reshape(count, -1)


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

    def _set_style(self, z: Floats) -> None:
        style_bytes = z.tobytes()
        if style_bytes == self._style_bytes:
            return
        self._style_bytes = style_bytes
        matrices = [self.weights[f"transformer.layers.{i}.style.weight"] for i in range(self.config.layers)]
        np.stack([w @ z for w in matrices], out=self._style_terms)  # in place: a runtime reads this memory

    def logits(self, state: Floats, field: int, last_pitches: Steps) -> Floats:
        scores = self._scores(state, field)
        if field != codec.PITCH:
            return scores
        start = len(_PITCHES)
        logits = scores[:start]
        for other in last_pitches:
            if other != codec.NO_PITCH:
                logits = logits + scores[start : start + NO_INTERVAL][_INTERVALS_FROM[other]]
            start += NO_INTERVAL
        return logits

    def condition(self, state: Floats, field: int, value: int) -> Floats:
        return state + self.weights[f"heads.given.{field}.weight"][value]

    def encode_style(self, rows: Steps) -> Floats:
        count = len(rows)
        x = self.weights["style.table.weight"][rows[:, codec.TIME : codec.DURATION + 1] + _STYLE_OFFSETS].sum(1)
        cos, sin = rotary_angles(np.arange(count), self.config.style_width // STYLE_HEADS)
        for i in range(self.config.style_layers):
            name = f"style.layers.{i}."
            q, k, v = self._project(x, name, STYLE_HEADS, STYLE_HEADS, cos, sin)
            y = attend(q, k.transpose(1, 2, 0), v.transpose(1, 0, 2), np.ones((count, count), np.bool_))
            x = self._finish_layer(x, y, name)
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
            q, k, v = self._project(x, name, self.config.heads, self.config.kv_heads, cos, sin)
            self.keys[i][:, :, slots] = k.transpose(1, 2, 0)
            self.values[i][:, slots] = v.transpose(1, 0, 2)
            x = self._finish_layer(x, attend(q, self.keys[i], self.values[i], mask), name)
        return rms_norm(x, self.weights["transformer.norm.weight"])

    def _project(
        self, x: Floats, name: str, heads: int, kv_heads: int, cos: Floats, sin: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Queries, keys and values, each (T, its heads, head)."""
        w = self.weights
        y = rms_norm(x, w[name + "attention_norm.weight"])
        q, k, v = (y @ w[f"{name}{kind}.weight"].T for kind in "qkv")
        q = rms_norm(q.reshape(len(x), heads, -1), w[name + "q_norm.weight"])
        k = rms_norm(k.reshape(len(x), kv_heads, -1), w[name + "k_norm.weight"])
        return rotate(q, cos, sin), rotate(k, cos, sin), v.reshape(len(x), kv_heads, -1)

    def _finish_layer(self, x: Floats, attended: Floats, name: str) -> Floats:
        """Add the output of attention, and the gated MLP after it."""
        w = self.weights
        x = x + attended @ w[name + "o.weight"].T
        y = rms_norm(x, w[name + "mlp_norm.weight"])
        gate = y @ w[name + "gate.weight"].T
        return x + (gate / (1.0 + np.exp(-gate)) * (y @ w[name + "up.weight"].T)) @ w[name + "down.weight"].T
