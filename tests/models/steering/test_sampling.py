"""A value is drawn as if each was looked at in its turn, the likeliest first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.steering.sampling import draw, likeliest, relative_probabilities, softmax

rows = st.lists(st.sampled_from((-np.inf, -2.0, 0.0, 0.5)) | st.floats(-9.0, 9.0), min_size=1, max_size=88)


def patiently(row: np.ndarray, temperature: float, top_p: float, min_p: float, chance: float) -> int:
    """The same, value by value: `chance` is of 0 to 1."""
    p = np.exp(row * (1.0 / temperature) - (row * (1.0 / temperature)).max())
    likely = sorted((-x, i) for i, x in enumerate(p.tolist()) if x >= min_p)
    kept: list[tuple[float, int]] = []
    while not kept or (-sum(x for x, _ in kept) < top_p * p.sum() and len(kept) < len(likely)):
        kept.append(likely[len(kept)])
    left = -chance * sum(x for x, _ in kept)
    for x, i in kept:
        left += x
        if left < 0.0:
            return i
    return kept[-1][1]


@given(
    rows.filter(lambda row: max(row) > -np.inf),
    st.sampled_from((0.5, 1.0, 1.3)),
    st.floats(0.05, 1.0),
    st.floats(0.0, 0.3),
    st.integers(0, 99),
)
def test_it_is_drawn_as_a_patient_one_draws(
    row: list[float], temperature: float, top_p: float, min_p: float, seed: int
) -> None:
    logits, chance = np.array(row), np.random.default_rng(seed).random()
    drawn = draw(logits, temperature, top_p, min_p, np.random.default_rng(seed))
    assert drawn == patiently(logits, temperature, top_p, min_p, chance)


@given(rows.filter(lambda row: max(row) > -np.inf))
def test_the_likeliest_is_the_measure(row: list[float]) -> None:
    logits = np.array(row, np.float32)
    assert likeliest(logits) == logits.max()
    assert relative_probabilities(logits).max() == 1.0
    assert softmax(logits).sum() == pytest.approx(1.0)
