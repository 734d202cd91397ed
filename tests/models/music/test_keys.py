"""Keys: counted quickly as they are counted slowly, and home is the triad of the key that was heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music import keys
from models.music.note_records import LOWEST


@given(st.lists(st.integers(0, 127), min_size=1, max_size=60))
def test_round_the_circle_of_fifths_each_key_is_counted(pitches: list[int]) -> None:
    classes = keys.classes_of(pitches)
    held = keys.KEYS @ classes
    assert keys.within_keys(classes) == held.tolist()
    assert keys.key_share(pitches) == (held.argmax(), held.max() / len(pitches))  # of equals, the lowest tonic
    assert keys.key_of(pitches) == held.argmax()
    assert keys.key_share([]) == (0, 0.0)


@given(st.integers(0, 11))
def test_what_is_outside_a_key_is_outside_its_set_of_classes(tonic: int) -> None:
    asked = sum(1 << (tonic + step) % 12 for step in keys.SCALE)
    assert (keys.outside(tonic) == keys.outside_set(asked)).all()
    assert keys.outside(tonic)[(tonic + 1 - LOWEST) % 12]


C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]
A_MINOR = [69, 71, 72, 74, 76, 77, 79, 81, 76, 72, 69]


def classes(row: np.ndarray) -> dict[int, float]:
    """How much each pitch class is home, where it is."""
    return {(i + LOWEST) % 12: round(float(x), 6) for i, x in enumerate(row) if x > 0}


def test_home_is_the_triad_of_the_key_and_its_root_most() -> None:
    major, minor = classes(keys.home(C_MAJOR)), classes(keys.home(A_MINOR))
    assert set(major) == {0, 4, 7}
    assert set(minor) == {9, 0, 4}
    assert major[0] == minor[9] == 1.0
    assert major[4] == major[7] == pytest.approx(keys.THIRD_FIFTH)


@given(st.integers(0, 11))
def test_home_moves_with_the_key(up: int) -> None:
    moved = classes(keys.home([p + up for p in C_MAJOR]))
    assert moved == {(c + up) % 12: x for c, x in classes(keys.home(C_MAJOR)).items()}


def test_what_is_in_no_key_has_no_home_and_a_key_that_is_asked_for_counts() -> None:
    assert not keys.home(list(range(60, 72))).any()
    assert not keys.home([]).any()
    f_sharp_major = sum(1 << (6 + c) % 12 for c in (0, 2, 4, 5, 7, 9, 11))
    assert set(classes(keys.home([66, 70, 73, 66, 60, 62, 64, 67], f_sharp_major))) == {6, 10, 1}


@given(st.lists(st.integers(21, 108), max_size=60), st.integers(0, 4095))
def test_whatever_is_called_home_is_at_most_a_triad(pitches: list[int], key: int) -> None:
    row = keys.home(pitches, key)
    assert row.shape == (88,)
    assert ((row >= 0) & (row <= 1)).all()
    assert len(classes(row)) in (0, 3)
