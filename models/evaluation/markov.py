"""Markov chains as baselines: what counting alone expects, on the same windows as the network.

Two chains, field by field in the network's own order. Each level is mixed with the shorter context below it by Witten and Bell's rule
(1991). *Markov* has counts of the whole training split. *Continuator* (after Pachet 2003) puts counts of the window so far on top of that.
Pitches are counted as intervals, so what was learned in one key holds in all; at the bottom are the pitches themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..network.heads import PREDICTED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BITS = 8  # of a symbol in a packed context
INTERVAL_OFFSET = 100  # semitones: makes intervals positive
FIELDS = PREDICTED[1:]


def _pack(*columns: Ints) -> Ints:
    """(N,) columns of small integers, packed into one; the first column in the highest bits."""
    out = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        out = (out << BITS) | (column & ((1 << BITS) - 1))
    return out


def contexts_by_field(rows: codec.Steps) -> dict[str, list[tuple[Ints, Ints]]]:
    """For each field, from the longest context to none: (context, symbol), packed, for each step that has three before it."""
    now = slice(3, None)

    def back(field: int, k: int) -> Ints:
        return rows[3 - k : len(rows) - k, field]

    t = codec.TIME
    p = codec.PITCH
    v = codec.VELOCITY
    d = codec.DURATION
    interval = [
        back(p, k) - back(p, k + 1) + INTERVAL_OFFSET for k in range(3 - 1)
    ]  # to the note before, and of that to its own
    time, pitch, velocity, duration = (rows[now, f] for f in (t, p, v, d))
    none = np.zeros(len(time), dtype=np.int64)
    chain = {
        "time": [
            _pack(back(t, 1), back(t, 2), back(t, 3), back(d, 1)),
            _pack(back(t, 1), back(t, 2), back(t, 3)),
            _pack(back(t, 1), back(t, 2)),
            _pack(back(t, 1)),
            none,
        ],
        "pitch": [
            _pack(interval[1], back(p, 2) - back(p, 3) + INTERVAL_OFFSET, time),
            _pack(interval[1], back(p, 2) - back(p, 3) + INTERVAL_OFFSET),
            _pack(interval[1], time),
            _pack(interval[1]),
            _pack(time),
            none,
        ],
        "velocity": [
            _pack(back(v, 1), back(v, 2), back(v, 3)),
            _pack(back(v, 1), back(v, 2)),
            _pack(back(v, 1)),
            none,
        ],
        "duration": [
            _pack(back(d, 1), back(d, 2), time),
            _pack(back(d, 1), time),
            _pack(time),
            none,
        ],
    }
    symbol = {"time": time, "pitch": interval[0], "velocity": velocity, "duration": duration}
    out = {name: [(context, symbol[name]) for context in contexts] for name, contexts in chain.items()}
    out["pitch"].append((none, pitch))  # the lowest level has plain pitches
    return out


@dataclass(frozen=True)
class Counts:
    """How often a context was seen, with how many different symbols, and how often with each."""

    contexts: Ints
    seen: Ints
    kinds: Ints
    pairs: Ints
    together: Ints

    @classmethod
    def of(cls, context: Ints, symbol: Ints) -> Counts:
        """Counts of (N,) packed contexts, each with the symbol that followed."""
        pairs, together = np.unique((context << BITS) | symbol, return_counts=True)
        contexts, first, kinds = np.unique(pairs >> BITS, return_index=True, return_counts=True)
        return cls(contexts, np.add.reduceat(together, first), kinds, pairs, together)

    def look_up(self, context: Ints, symbol: Ints) -> tuple[Ints, Ints, Ints]:
        """(N,) each: the context's count, how many symbols followed it, and its count with this symbol."""
        at = np.searchsorted(self.contexts, context).clip(max=len(self.contexts) - 1)
        known = self.contexts[at] == context
        pair = (context << BITS) | symbol
        where = np.searchsorted(self.pairs, pair).clip(max=len(self.pairs) - 1)
        return known * self.seen[at], known * self.kinds[at], (self.pairs[where] == pair) * self.together[where]


class Markov:
    """Variable-order chains with back-off, from (N, 7) steps of each of many pieces."""

    def __init__(self, pieces: Sequence[codec.Steps]) -> None:
        found: dict[str, list[list[tuple[Ints, Ints]]]] = {}
        for rows in pieces:
            for name, chain in contexts_by_field(rows).items():
                found.setdefault(name, []).append(chain)
        self.counts = {
            name: [
                Counts.of(*(np.concatenate(x) for x in zip(*level, strict=True))) for level in zip(*chains, strict=True)
            ]
            for name, chains in found.items()
        }

    def likelihood(self, rows: codec.Steps) -> dict[str, Floats]:
        """By field, the probability of each step's value, (N - 3,), for steps that have three before them."""
        out = {}
        for name, chain in contexts_by_field(rows).items():
            size = codec.SIZES[1 + FIELDS.index(name)]
            p = np.full(len(chain[0][0]), 1.0 / size)
            for (context, symbol), counts in zip(reversed(chain), reversed(self.counts[name]), strict=True):
                p = _witten_bell(*counts.look_up(context, symbol), p)
            out[name] = p
        return out


class Continuator:
    """The same chains, with the counts of the window so far above them."""

    def __init__(self, markov: Markov) -> None:
        self.markov = markov

    def likelihood(self, rows: codec.Steps) -> dict[str, Floats]:
        """As `Markov.likelihood`."""
        out = self.markov.likelihood(rows)
        for name, chain in contexts_by_field(rows).items():
            for context, symbol in reversed(chain[:-1]):
                out[name] = _witten_bell(*_counts_so_far(context, symbol), out[name])
        return out


def _witten_bell(seen: Ints, kinds: Ints, together: Ints, below: Floats) -> Floats:
    """Witten and Bell's rule: a context counts for more, the more often it was seen and the fewer symbols followed it."""
    return np.where(seen > 0, (together + kinds * below) / np.maximum(seen + kinds, 1), below)


def _counts_so_far(context: Ints, symbol: Ints) -> tuple[Ints, Ints, Ints]:
    """`Counts.look_up` for each row, of the rows before it."""
    n = len(context)
    before = np.tri(n, k=-1, dtype=bool)
    same = (context[:, None] == context[None, :]) & before
    pair = same & (symbol[:, None] == symbol[None, :])
    # Among the rows before i, row j is counted as a kind where its pair does not come again between j and i.
    again = np.full(n, n)
    last: dict[tuple[int, int], int] = {}
    for i in range(n):
        key = int(context[i]), int(symbol[i])
        if key in last:
            again[last[key]] = i
        last[key] = i
    kinds = (same & (again[None, :] >= np.arange(n)[:, None])).sum(1)
    return same.sum(1), kinds, pair.sum(1)
