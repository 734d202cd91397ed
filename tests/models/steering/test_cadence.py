"""Cadence: home is told from the call, and an answer that may close is drawn there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decoding.engine import Engine
from models.music.note import CALL, LOWEST, Note, Span
from models.steering import cadence

from ...support.musicians import small_network

C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]
A_MINOR = [69, 71, 72, 74, 76, 77, 79, 81, 76, 72, 69]


def classes(row: np.ndarray) -> dict[int, float]:
    """How much each pitch class is home, where it is."""
    return {(i + LOWEST) % 12: round(float(x), 6) for i, x in enumerate(row) if x > 0}


def test_home_is_the_triad_of_the_key_and_its_root_most() -> None:
    major, minor = classes(cadence.home(C_MAJOR)), classes(cadence.home(A_MINOR))
    assert set(major) == {0, 4, 7}
    assert set(minor) == {9, 0, 4}
    assert major[0] == minor[9] == 1.0
    assert major[4] == major[7] == pytest.approx(cadence.THIRD_FIFTH)


@given(st.integers(0, 11))
def test_home_moves_with_the_key(up: int) -> None:
    moved = classes(cadence.home([p + up for p in C_MAJOR]))
    assert moved == {(c + up) % 12: x for c, x in classes(cadence.home(C_MAJOR)).items()}


def test_what_is_in_no_key_has_no_home_and_a_key_that_is_asked_for_counts() -> None:
    assert not cadence.home(list(range(60, 72))).any()
    assert not cadence.home([]).any()
    f_sharp_major = sum(1 << (6 + c) % 12 for c in (0, 2, 4, 5, 7, 9, 11))
    assert set(classes(cadence.home([66, 70, 73, 66, 60, 62, 64, 67], f_sharp_major))) == {6, 10, 1}


@given(st.lists(st.integers(21, 108), max_size=60), st.integers(0, 4095))
def test_whatever_is_called_home_is_at_most_a_triad(pitches: list[int], key: int) -> None:
    row = cadence.home(pitches, key)
    assert row.shape == (88,)
    assert ((row >= 0) & (row <= 1)).all()
    assert len(classes(row)) in (0, 3)


def endings(power: float) -> list[int]:
    """The pitch classes of notes that were played when the answer might close, of many answers of an untaught musician."""
    found: list[int] = []
    for seed in range(48):
        engine = Engine(small_network())
        engine.seed(seed)
        engine.style(None, {"cadence": power, "motif": 0.0})
        engine.hear(0, [Note(0.2 * i, 0.15, p, 64, CALL) for i, p in enumerate(C_MAJOR)])
        found += [n.pitch % 12 for n in engine.play(Span(3.0, 30.0, 6.0, 40.0)) if n.onset >= 6.0]
    return found


def test_an_answer_that_may_close_is_drawn_home() -> None:
    plain, drawn = endings(0.0), endings(4.0)
    assert min(len(plain), len(drawn)) > 20
    assert np.mean([c in (0, 4, 7) for c in drawn]) > np.mean([c in (0, 4, 7) for c in plain]) + 0.25
