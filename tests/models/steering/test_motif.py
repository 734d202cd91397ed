"""Motifs are taken up where they are the call's, in any key, and let go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decoding.engine import Engine
from models.encoding import codec
from models.music.note_records import ANSWER, CALL, LOWEST, Note, Span, answer_start
from models.steering import motif
from models.steering.motif import Continuation, Motif
from models.steering.sampling import Sampling

from ...support.musicians import small_network
from ...support.steering import called, steered

PITCHES = (60, 64, 62, 67, 65, 71, 60, 72, 61)
CALLED = [Note(0.3 * i, 0.2, p, 70) for i, p in enumerate(PITCHES)]


def answer(*pitches: int, step: float = 0.3) -> list[Note]:
    return [Note(4.0 + step * i, 0.2, p, 70, ANSWER) for i, p in enumerate(pitches)]


def taken_up(notes: list[Note]) -> Continuation | None:
    return motif.find_continuation(notes, motif.find_theme(called(notes)))


def over_a_bass(tune: list[Note]) -> list[Note]:
    return [note for top in tune for note in (replace(top, pitch=40), top)]


def test_an_answer_begins_after_the_last_note_of_the_call() -> None:
    assert answer_start([]) == 0
    assert answer_start(CALLED) == len(CALLED)
    assert answer_start([*CALLED, *answer(60, 62)]) == len(CALLED)


def test_an_answer_is_drawn_to_begin_as_its_call_began() -> None:
    first = taken_up(CALLED)
    assert first == Continuation(60, None, 1.0)
    second = taken_up([*CALLED, *answer(65)])  # in another key
    assert second is not None
    assert second.pitch == 69
    assert second.wait == pytest.approx(0.3)


def test_what_the_call_said_next_is_said_wherever_its_intervals_are() -> None:
    found = taken_up([*CALLED, *answer(50, 67 + 5, 65 + 5, 71 + 5)])
    assert found is not None
    assert found.pitch == 60 + 5
    assert found.weight == motif.LINE_WEIGHT
    chance = taken_up([*CALLED, *answer(40, 43, 48)])  # a fourth up, as from 62 to 67: one interval
    assert chance == Continuation(46, pytest.approx(0.3), 0.5 * motif.LINE_WEIGHT)
    assert taken_up([*CALLED, *answer(40, 43, 44)]) is None


def test_a_thick_answer_comes_back_to_what_it_has_said_itself() -> None:
    # Up a third and down a tone again, a tenth higher: as it began.
    tune = answer(64, 67, 65, 72, 74, 70, 79, 76, 79, 77)
    found = taken_up([*CALLED, *over_a_bass(tune)])
    assert found == Continuation(84, None, motif.THICK_WEIGHT, pytest.approx(tune[-1].onset + 0.3))
    early = answer(64, 67, 65, 68, 66)  # what has just begun is nothing to come back to: the call's then
    found = taken_up([*CALLED, *over_a_bass(early)])
    assert found == Continuation(66 + 6, None, 0.5 * motif.THICK_WEIGHT, pytest.approx(early[-1].onset + 0.3))


def test_a_line_is_not_drawn_back_to_itself() -> None:
    tune = answer(64, 67, 65, 72, 74, 70, 79, 76, 79, 77)
    found = taken_up([*CALLED, *tune])  # a tone down, as in the call from 67 to 65
    assert found == Continuation(77 + 6, pytest.approx(0.3), 0.5 * motif.LINE_WEIGHT)


def test_enough_is_enough() -> None:
    taken = [*CALLED, *answer(*PITCHES[: motif.LONGEST_MATCH - 1])]
    assert taken_up(taken) is not None
    assert taken_up([*CALLED, *answer(*PITCHES[: motif.LONGEST_MATCH])]) is None


def test_no_call_no_motif() -> None:
    assert taken_up([]) is None
    assert taken_up(CALLED[:3]) is None
    assert taken_up(answer(60, 62, 64, 65)) is None


notes = st.lists(st.tuples(st.integers(LOWEST, 108), st.floats(0.0, 2.0), st.sampled_from([CALL, ANSWER])), max_size=90)


@given(notes, st.floats(0.0, 4.0))
def test_a_lean_favours_and_never_forbids(drawn: list[tuple[int, float, int]], power: float) -> None:
    at, heard = 0.0, []
    for pitch, wait, role in drawn:
        at += wait
        heard.append(Note(at, 0.2, pitch, 64, role))
    every_key = Sampling(key=1.0)  # of all pitches, C alone is in the key
    for field in (codec.TIME, codec.PITCH):
        logits = np.zeros(codec.SIZES[field])
        logits[::2] = -np.inf
        out = steered(Motif(), logits, field, power, heard)
        assert (out[::2] == -np.inf).all()
        assert ((out[1::2] >= 0.0) & (out[1::2] <= motif.THICK_WEIGHT * power)).all()
        assert not logits[1::2].any()  # left as they were
        bent = steered(Motif(), logits, field, power, heard, sampling=every_key)
        if field == codec.PITCH:  # out of the key: not raised
            assert {(i + LOWEST) % 12 for i in np.flatnonzero(bent != logits)} <= {0}


def test_the_motif_is_heard_in_the_answer() -> None:
    def agrees(power: float) -> int:
        engine = Engine(small_network())
        engine.style(None, {"motif": power, "temperature": 0.3})
        engine.hear(0, CALLED)
        engine.seed(2)
        played = [n.pitch for n in engine.play(Span(3.0, 99.0, 8.0, 9.0))]
        return sum(a == b for a, b in zip(played, PITCHES, strict=False))

    assert agrees(30.0) >= motif.LONGEST_MATCH > agrees(0.0)
