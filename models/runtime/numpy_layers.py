"""The network's arithmetic in plain numpy: embedding, norms, rotary positions, attention, and the pitch head's intervals.

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
from .backend import Floats

EPSILON = np.float32(np.finfo(np.float32).eps)  # torch's default for RMSNorm
ROTARY_BASE = 10000.0  # Su et al. 2021, as in `models.network.transformer`
MASKED = np.float32(-1e30)  # a score that attention ignores
NO_INTERVAL = 2 * MAX_INTERVAL + 1
_PITCHES = np.arange(codec.SIZES[codec.PITCH])
#: By two pitches, the earlier first: the interval up to the later one, from 0.
_INTERVALS_FROM = np.clip(_PITCHES - _PITCHES[:, None], -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
#: The same, with a row for NO_PITCH, whose intervals count for nothing.
_INTERVALS_FROM_ANY = np.pad(_INTERVALS_FROM, ((0, 1), (0, 0)))
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


def embedding_rows(steps: Steps, before: Steps) -> Steps:
    """(T, 14) steps and the (2, 7) before them -> (T, 21) rows of the embedding table: see `models.network.transformer.StepEmbedding`."""
    wide = np.concatenate([before, steps[:, : len(codec.FIELDS)]])
    return embedding_rows_after(steps, wide[1:-1], wide[:-2, codec.PITCH])


def embedding_rows_after(steps: Steps, last: Steps, pitch_before_last: Steps) -> Steps:
    """The same of steps of which each has its own past: the (T, 7) steps before them, and (T,) the pitches before those."""
    pitch = steps[:, codec.PITCH]
    last_pitch = last[:, codec.PITCH]
    rows = np.empty((len(steps), len(_OFFSETS)), np.int64)
    rows[:, :7] = steps[:, : len(codec.FIELDS)]
    rows[:, 7:10] = last[:, _NEIGHBOUR_FIELDS]
    rows[:, 10] = _INTERVALS[pitch, last_pitch]
    rows[:, 11] = _INTERVALS[pitch, pitch_before_last]
    rows[:, 12] = _INTERVALS[last_pitch, pitch_before_last]
    rows[:, 13] = _PITCH_CLASSES[pitch]
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


def pitch_logits(scores: Floats, last_pitches: Steps) -> Floats:
    """(…, n) scores of the pitch head, logits and behind them the scores of intervals, and (…, 2) last pitches -> (…, 88) logits."""
    start = len(_PITCHES)
    logits = scores[..., :start]
    for i in range(2):
        of_intervals = scores[..., start : start + NO_INTERVAL]
        start += NO_INTERVAL
        others = last_pitches[..., i]
        if scores.ndim == 1:
            if others != codec.NO_PITCH:
                logits = logits + of_intervals[_INTERVALS_FROM[others]]
            continue
        for_pitches = np.take_along_axis(of_intervals, _INTERVALS_FROM_ANY[others], -1)
        logits = logits + np.where(others[..., None] == codec.NO_PITCH, np.float32(0.0), for_pitches)
    return logits


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


def project(
    x: Floats, w: Mapping[str, Floats], name: str, heads: int, kv_heads: int, cos: Floats, sin: Floats
) -> tuple[Floats, Floats, Floats]:
    """Queries, keys and values of the layer whose weights begin with `name`, each (T, its heads, head)."""
    y = rms_norm(x, w[name + "attention_norm.weight"])
    q, k, v = (y @ w[f"{name}{kind}.weight"].T for kind in "qkv")
    q = rms_norm(q.reshape(len(x), heads, -1), w[name + "q_norm.weight"])
    k = rms_norm(k.reshape(len(x), kv_heads, -1), w[name + "k_norm.weight"])
    return rotate(q, cos, sin), rotate(k, cos, sin), v.reshape(len(x), kv_heads, -1)


def finish_layer(x: Floats, attended: Floats, w: Mapping[str, Floats], name: str) -> Floats:
    """Add the output of attention, and the gated MLP after it."""
    x = x + attended @ w[name + "o.weight"].T
    y = rms_norm(x, w[name + "mlp_norm.weight"])
    gate = y @ w[name + "gate.weight"].T
    return x + (gate / (1.0 + np.exp(-gate)) * (y @ w[name + "up.weight"].T)) @ w[name + "down.weight"].T
