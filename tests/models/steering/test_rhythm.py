"""Rhythm and tones: an answer has the note values and the tones of its call, and chords are left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decoding.engine import Engine
from models.encoding import codec
from models.music.note_records import ANSWER, CALL, LOWEST, Note, Span
from models.music.simultaneous_notes import CHORD_SECONDS
from models.steering import pitch_classes, rhythm
from models.steering.rhythm import Rhythm
from models.steering.sampling import Sampling, softmax

from ...support.musicians import small_network
from ...support.steering import SPAN, steered

FLAT = np.zeros(len(codec.TIMES))
APART = codec.TIMES > CHORD_SECONDS


def at(wait: float) -> int:
    return int(np.abs(codec.TIMES - wait).argmin())


def line(*waits: float, role: int = CALL) -> list[Note]:
    onsets = np.concatenate([[0.0], np.cumsum(waits)]).tolist()
    return [Note(onset, 0.1, 60 + i % 5, 64, role) for i, onset in enumerate(onsets)]


def leaned(call: list[Note], power: float, logits: np.ndarray = FLAT, **how: Any) -> np.ndarray:
    return steered(Rhythm(), logits, codec.TIME, power, call, **how)


def test_what_the_call_waited_often_is_likelier_than_what_it_waited_once() -> None:
    call = line(*[0.25] * 8, 0.5)
    lean = leaned(call, 2.0)
    often, once, never = (lean[at(wait)] for wait in (0.25, 0.5, 0.36))
    assert often > once + 0.3 > never + 0.6
    assert lean[at(0.26)] == pytest.approx(often, abs=0.3)  # nobody is that exact
    assert (leaned(call, 0.0) == FLAT).all()
    assert (leaned([], 2.0) == FLAT).all()
    assert (leaned(call, 2.0, span=replace(SPAN, together=True)) == FLAT).all()
    own = leaned(call, 2.0, sampling=Sampling(habits={"wait": np.zeros(10)}))  # a style with a rhythm of its own
    assert np.array_equal(own, leaned(call, 1.0))


def test_a_rhythm_is_that_of_the_last_call_and_of_no_chord() -> None:
    assert rhythm.wait_weights(line(0.25, 0.25, 0.25)) is None  # too little of it
    assert rhythm.wait_weights(line(*[0.01] * 12)) is None
    assert rhythm.wait_weights(line(*[0.25] * 8, role=ANSWER)) is None
    call = line(*[0.25, 0.5] * 4)
    answered = [*call, *(n.shift(5.0) for n in line(*[0.1] * 8, role=ANSWER))]
    assert np.array_equal(rhythm.wait_weights(answered), rhythm.wait_weights(call))  # type: ignore[arg-type]


@given(st.integers(0, 1000), st.lists(st.floats(0.05, 3.0), min_size=4, max_size=20), st.floats(0, 6))
def test_whether_it_joins_the_chord_is_left_alone(seed: int, waits: list[float], power: float) -> None:
    logits = np.random.default_rng(seed).normal(size=len(FLAT)).astype(np.float32) * 3
    before, after = softmax(logits), softmax(leaned(line(*waits), power, logits))
    assert after[~APART] == pytest.approx(before[~APART], rel=1e-4, abs=1e-9)
    assert after[APART].sum() == pytest.approx(before[APART].sum(), rel=1e-4)


def test_tones_are_those_of_the_call_in_any_octave() -> None:
    found = pitch_classes.pitch_class_weights([60, 60, 60, 64, 67, 48])
    assert found[72 - LOWEST] == found[36 - LOWEST] == pytest.approx(1.0)
    assert 1.0 > found[76 - LOWEST] == found[67 - LOWEST] > 0.0
    assert found[61 - LOWEST] == 0.0
    assert not pitch_classes.pitch_class_weights([]).any()


def answer(call: list[Note], **settings: float) -> list[Note]:
    notes: list[Note] = []
    for seed in range(4):
        engine = Engine(small_network())
        engine.style(None, {"beat": 0.0, "lean": 0.0, "motif": 0.0, **settings})
        engine.hear(0, call)
        engine.seed(seed)
        notes += engine.play(Span(call[-1].onset + 0.5, 99.0, 11.0, 12.0))
    return notes


def test_an_answer_speaks_in_its_calls_note_values() -> None:
    call = line(*[0.2, 0.2, 0.4] * 5)

    def alike(rhythm: float) -> float:
        waits = np.diff([n.onset for n in answer(call, rhythm=rhythm)])
        waits = waits[waits > CHORD_SECONDS]
        return float(np.mean(np.minimum(np.abs(waits - 0.2), np.abs(waits - 0.4)) < 0.03))

    assert alike(4.0) > alike(0.0) + 0.2


def test_an_answer_is_made_of_its_calls_tones() -> None:
    call = [Note(0.3 * i, 0.2, 60 + (0, 4, 7)[i % 3], 64, CALL) for i in range(12)]

    def alike(tones: float) -> float:
        return float(np.mean([n.pitch % 12 in (0, 4, 7) for n in answer(call, tones=tones)]))

    assert alike(4.0) > alike(0.0) + 0.3
