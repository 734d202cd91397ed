"""Plain figures: how they are counted quickly is how they are counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import attributes


@given(st.lists(st.integers(0, 127), min_size=1, max_size=60))
def test_round_the_circle_of_fifths_each_key_is_counted(pitches: list[int]) -> None:
    classes = attributes.classes_of(pitches)
    assert attributes.within_keys(classes) == (attributes.KEYS @ classes).tolist()
    assert attributes.key_of(pitches) == attributes.key_share(np.array(pitches))[0]  # of equals, the lowest tonic
