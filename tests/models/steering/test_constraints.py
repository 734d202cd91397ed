"""What is open is what the rules say, value by value."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoding import codec
from models.music.note_records import ANSWER, CALL, Note
from models.steering import constraints
from models.steering.sampling import Sampling


@given(st.floats(-3.0, 12.0), st.sampled_from((CALL, ANSWER)))
def test_a_wait_is_open_that_ends_neither_in_the_past_nor_too_late(earliest: float, role: int) -> None:
    last = Note(0.0, 0.2, 60, 64, role)
    longest = max(earliest, 0.0) + (constraints.LONGEST_REST if role == ANSWER else constraints.LONGEST_WAIT)
    inside = [earliest - 0.005 <= wait <= longest + 0.005 for wait in codec.TIMES.tolist()]
    allowed = constraints.allowed_waits([last], last, earliest, 20.0)
    if any(inside):
        assert allowed.tolist() == inside
    else:  # the nearest one
        assert np.flatnonzero(allowed).tolist() == [np.abs(codec.TIMES - earliest).argmin()]


@given(st.floats(0.0, 130.0), st.floats(0.0, 130.0), st.integers(21, 108))
def test_a_pitch_is_open_that_is_in_range_and_not_struck_yet(lowest: float, highest: float, struck: int) -> None:
    notes = [Note(0.0, 0.2, 60, 64, ANSWER), Note(1.0, 0.2, struck, 64, ANSWER)]
    inside = [lowest <= pitch <= highest and pitch != struck for pitch in range(21, 109)]
    allowed = constraints.allowed_pitches(notes, 1.01, Sampling(lowest=lowest, highest=highest))
    assert allowed.tolist() == (inside if any(inside) else 88 * [True])
