"""A loop is left after a while; what only looks like one is let be."""

from __future__ import annotations

import numpy as np
import pytest

from models.decoding.engine import Engine
from models.music.note_records import ANSWER, CALL, LOWEST, Note, Span
from models.steering import repetition

from ...support.musicians import small_network


def line(pitches: list[int], role: int = ANSWER) -> list[Note]:
    return [Note(0.2 * i, 0.1, pitch, 64, role) for i, pitch in enumerate(pitches)]


@pytest.mark.parametrize("loop", [[60, 64], [60, 64, 67], [60, 64, 67, 64, 62, 65, 69, 65]])
def test_what_goes_round_is_left_from_the_third_time_on(loop: list[int]) -> None:
    times = max(repetition.LEAST_ROUNDS, -(-repetition.LEAST_REPEATED // len(loop))) + 1
    assert repetition.loop_pitch(line([55, 57, *loop * times])[:-1]) is None
    found = repetition.loop_pitch(line([55, 57, *loop * times]))
    assert found == (loop[0] - LOWEST, pytest.approx(repetition.NATS_PER_NOTE))
    later = repetition.loop_pitch(line([55, 57, *loop * times, loop[0]]))
    assert later == ((loop * 2)[1] - LOWEST, pytest.approx(2 * repetition.NATS_PER_NOTE))
    ever = repetition.loop_pitch(line(loop * 40))
    assert ever is not None
    assert 3.0 < ever[1] <= repetition.MOST_NATS


def test_a_note_that_is_struck_again_and_again_is_left_sooner() -> None:
    assert repetition.loop_pitch(line([55, 57, 60, 60, 60])) is None
    found = [repetition.loop_pitch(line([55, 57, *[60] * times])) for times in (4, 5)]
    assert found == [
        (60 - LOWEST, pytest.approx(repetition.NATS_PER_SAME_PITCH)),
        (60 - LOWEST, pytest.approx(2 * repetition.NATS_PER_SAME_PITCH)),
    ]
    assert repetition.NATS_PER_SAME_PITCH > repetition.NATS_PER_NOTE
    assert repetition.loop_pitch(line([55, 57, *[60] * 40])) == (60 - LOWEST, repetition.MOST_NATS)


def test_an_accompaniment_under_a_tune_is_no_loop() -> None:
    tune = [72, 74, 76, 77, 79, 77, 76, 74, 72, 71]
    assert repetition.loop_pitch(line([p for high in tune for p in (48, 55, high)])) is None
    assert repetition.loop_pitch(line([60, 62, 64])) is None
    assert repetition.loop_pitch([]) is None


def test_an_answer_gets_out_of_a_loop() -> None:
    repeated = []
    for seed in range(6):
        engine = Engine(small_network())
        engine.style(None, {"lowest": 60.0, "highest": 61.0})  # nowhere else to go but up and down
        engine.hear(0, [*line([60, 61, 60, 62], CALL), *(n.shift(1.0) for n in line([60] * 24))])
        engine.seed(seed)
        repeated.append(next(n.pitch for n in engine.play(Span(6.0, 99.0, 8.0, 9.0))))
    assert np.mean([p == 60 for p in repeated]) < 0.4
