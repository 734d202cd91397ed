"""Leanings choose among what the musician expects, and never beyond."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import codec, habits
from models.dynamics import Level
from models.leanings import LIKELY, Asked, Leaning, Leanings
from models.note import ANSWER, LOWEST, Note, Span
from models.sampling import Sampling

RECENT = [Note(0.2 * i, 0.2, 50 + i % 5, 64, ANSWER) for i in range(12)]
SPAN = Span(3.0, 99.0, 98.0, 99.0)


def leaning(turned: dict[str, float], kept: habits.Habits | None = None) -> Leaning:
    nothing = np.zeros(codec.SIZES[codec.PITCH])
    asked = Asked(nothing, nothing, nothing, None, None)
    return Leaning(Sampling(habits=kept or {}), SPAN, RECENT, turned, Level(64.0, 0.0), [], None, None, asked)


@given(
    st.sampled_from(sorted(LIKELY)),
    st.integers(0, 2**32 - 1),
    st.floats(-1.0, 1.0),
    st.floats(-habits.FARTHEST, habits.FARTHEST),
)
def test_style_and_knobs_choose_among_what_is_expected(field: int, seed: int, turn: float, odds: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 3.0, codec.SIZES[field])
    turned = dict.fromkeys(("register", "articulation"), turn)
    kept = {name: np.linspace(-odds, odds, 11) for name in ("place", "length")}
    out = leaning(turned, kept).of(logits, field, 3.0)
    assert logits[out.argmax()] >= logits.max() + math.log(LIKELY[field])


def test_a_long_tail_is_not_taken_by_its_end() -> None:
    for tail, turn in itertools.product((-6.0, -25.0), (-1.0, 1.0)):  # the surer the musician, the steeper a tilt
        logits = np.full(codec.SIZES[codec.PITCH], tail)
        logits[60 - LOWEST] = 0.0
        out = leaning({"register": turn}).of(logits, codec.PITCH, 3.0)
        p = np.exp(out - out.max())
        assert p[60 - LOWEST] / p.sum() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("register", "share"), [(0.0, 1.0), (0.5, 0.5), (-1.0, 0.0)])
def test_who_is_asked_for_another_register_leaves_the_motifs_own(register: float, share: float) -> None:
    call = [Note(0.3 * i, 0.2, p, 64) for i, p in enumerate((60, 64, 62, 67, 65, 71))]
    leanings = Leanings(8)
    leanings.style(np.zeros(8, np.float32), Sampling(knobs={"register": register}), True)
    taken = leanings.next(call, 0, SPAN, 1).taken
    assert taken is not None
    assert (taken.pitch, taken.weight) == (60, share)


def test_waits_are_left_alone() -> None:
    logits = np.zeros(codec.SIZES[codec.TIME])
    logits[3] = 9.0
    assert (leaning({}).of(logits, codec.TIME, 3.0) == logits).all()


@pytest.mark.parametrize("together", [False, True])
def test_an_answer_is_as_loud_as_itself(together: bool) -> None:
    """What it has played so far tells how loud it is, not what it played before; in a duet there is no before."""
    old = [Note(0.2 * i, 0.1, 60, 100, ANSWER) for i in range(6)]
    call = [Note(2.0 + 0.2 * i, 0.1, 60, 40) for i in range(6)]
    begun = [Note(4.0, 0.1, 60, 50, ANSWER)]
    leanings = Leanings(8)
    leanings.style(np.zeros(8, np.float32), Sampling(), True)
    found = leanings.next([*old, *call, *begun], 0, replace(SPAN, together=together), 1)
    assert found.struck == ([100] * 6 if together else []) + [50]
