"""Plain figures: how they are counted quickly is how they are counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.music import features


@given(st.lists(st.integers(0, 127), min_size=1, max_size=60))
def test_round_the_circle_of_fifths_each_key_is_counted(pitches: list[int]) -> None:
    classes = features.classes_of(pitches)
    assert features.within_keys(classes) == (features.KEYS @ classes).tolist()
    assert features.key_of(pitches) == features.key_share(np.array(pitches))[0]  # of equals, the lowest tonic
