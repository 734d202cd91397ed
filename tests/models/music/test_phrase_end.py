"""How long a silence ends a phrase: by its longest gap and its length, within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.phrase_end import (
    GAP_BOUNDS,
    LONGEST_SILENCE,
    POWER,
    REST,
    SHORTEST_SILENCE,
    WAIT,
    closing_silence,
    phrase_end_silence,
)

GAPS = st.lists(st.floats(0.05, REST), min_size=1, max_size=40)  # seconds


def test_a_long_and_even_phrase_is_soon_over() -> None:
    assert closing_silence([0.25] * 16) == pytest.approx(WAIT * (1 / 16) ** POWER)
    assert closing_silence([0.25] * 4) > closing_silence([0.25] * 16)
    assert closing_silence([0.25] * 15 + [0.8]) > closing_silence([0.25] * 16)


def test_nothing_is_known_of_a_phrase_without_gaps_or_after_a_rest() -> None:
    assert closing_silence([]) == closing_silence([0.2, REST + 0.1]) == LONGEST_SILENCE
    assert closing_silence([0.1, REST + 0.1, *[0.25] * 16]) == closing_silence([0.25] * 16)


@given(GAPS)
def test_a_silence_is_within_bounds(gaps: list[float]) -> None:
    silence = closing_silence(gaps)
    mean = sum(gaps) / len(gaps)
    assert SHORTEST_SILENCE <= silence <= LONGEST_SILENCE
    assert silence >= min(GAP_BOUNDS[0] * mean, LONGEST_SILENCE) * (1 - 1e-12)
    assert silence <= max(GAP_BOUNDS[1] * mean, SHORTEST_SILENCE) * (1 + 1e-12)


@given(st.lists(GAPS, min_size=1, max_size=5))
def test_a_table_of_phrases_has_the_silence_of_each(phrases: list[list[float]]) -> None:
    longest, length, count = np.array([(max(gaps), sum(gaps), len(gaps)) for gaps in phrases]).T
    assert phrase_end_silence(longest, length, count) == pytest.approx([closing_silence(gaps) for gaps in phrases])
