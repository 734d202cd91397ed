"""The chains count as they should: probabilities that sum to one, repetition that pays, and the window's own memory."""

from __future__ import annotations

import numpy as np

from models.encoding import codec
from models.evaluation.markov import Continuator, Counts, Markov, _counts_so_far, contexts_by_field


def steps(seed: int, count: int = 300) -> codec.Steps:
    rng = np.random.default_rng(seed)
    rows = np.zeros((count, 7), dtype=np.int64)
    rows[:, codec.TIME] = rng.choice([0, 12, 25], count)
    rows[:, codec.PITCH] = rng.integers(30, 50, count)
    rows[:, codec.VELOCITY] = rng.integers(10, 14, count)
    rows[:, codec.DURATION] = rng.integers(5, 9, count)
    return rows


def test_every_fields_probabilities_sum_to_one() -> None:
    chain = Continuator(Markov([steps(s) for s in range(4)]))
    window = steps(9, 60)
    at = 40
    for name, field in (
        ("time", codec.TIME),
        ("pitch", codec.PITCH),
        ("velocity", codec.VELOCITY),
        ("duration", codec.DURATION),
    ):
        total = 0.0
        for value in range(codec.SIZES[field]):
            rows = window[: at + 1].copy()
            rows[at, field] = value
            total += float(chain.likelihood(rows)[name][-1])
        assert abs(total - 1.0) < 1e-9, name


def test_counts_are_counts() -> None:
    context, symbol = np.array([1, 1, 1, 2]), np.array([5, 5, 6, 5])
    seen, kinds, together = Counts.of(context, symbol).look_up(np.array([1, 2, 3, 1]), np.array([5, 6, 5, 7]))
    assert seen.tolist() == [3, 1, 0, 3]
    assert kinds.tolist() == [2, 1, 0, 2]
    assert together.tolist() == [2, 0, 0, 0]
    seen, kinds, together = _counts_so_far(context, symbol)
    assert seen.tolist() == [0, 1, 2, 0]
    assert kinds.tolist() == [0, 1, 1, 0]
    assert together.tolist() == [0, 1, 0, 0]


def test_only_the_continuator_remembers_the_window() -> None:
    markov = Markov([steps(s) for s in range(4)])
    rng = np.random.default_rng(1)
    motif = steps(77, 40)
    motif[:, codec.PITCH] = rng.integers(0, 87, 40)  # nothing like what was counted
    twice = np.concatenate([motif, motif])

    def bits(chain: Markov | Continuator) -> tuple[float, float]:
        p = chain.likelihood(twice)["pitch"]
        return float(-np.log2(p[:37]).mean()), float(-np.log2(p[40:]).mean())

    first, again = bits(markov)
    assert abs(first - again) < 0.6
    first, again = bits(Continuator(markov))
    assert again < first - 3.0


def test_a_chain_knows_what_it_has_counted_in_any_key() -> None:
    tune = steps(5)
    markov = Markov([tune])
    moved = tune.copy()
    moved[:, codec.PITCH] += 7
    known, other = (float(-np.log2(markov.likelihood(r)["pitch"]).mean()) for r in (moved, steps(6)))
    assert known < other - 1.5
    assert all(len(c) == len(tune) - 3 for chain in contexts_by_field(tune).values() for pair in chain for c in pair)
