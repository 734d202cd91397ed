"""The random offset: an answer lies somewhere beside its style, the whole of it, and is as loud as it was asked to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decoding.engine import Engine
from models.music import features
from models.music.note_records import ANSWER, Note, Span
from models.steering import random_style_offset

from ...support.musicians import scale, small_network

LOUDNESS = features.NAMES.index("loudness")


def test_a_stand_is_the_same_for_all_of_an_answer_and_another_for_the_next() -> None:
    point = np.zeros(24, np.float32)
    one = random_style_offset.shift_style(point, 1.0, 5, 12)
    assert (one == random_style_offset.shift_style(point, 1.0, 5, 12)).all()
    assert (one != random_style_offset.shift_style(point, 1.0, 5, 40)).any()
    assert not point.any()
    taken = {features.NAMES[i] for i in np.flatnonzero(one)}
    assert taken == set(random_style_offset.OFFSET_SPREADS)


def test_stands_are_as_far_apart_as_is_said() -> None:
    found = np.array([random_style_offset.draw_offset(1, begun) for begun in range(2000)])
    for name, spread in random_style_offset.OFFSET_SPREADS.items():
        here = found[:, features.NAMES.index(name)]
        assert here.mean() == pytest.approx(random_style_offset.OFFSET_MEANS.get(name, 0.0), abs=0.1 * spread)
        assert here.std() == pytest.approx(spread, rel=0.12)  # far ones are left out


def test_the_network_is_told_a_style_from_farther_off_but_as_loud_as_it_is() -> None:
    point = np.random.default_rng(0).standard_normal(24).astype(np.float32)
    engine = Engine(small_network())
    size = engine.config.latent
    engine.style(point[:size].tolist(), {"emphasis": 3.0})
    told = engine.context.z
    others = np.arange(size) != LOUDNESS
    assert told[others] == pytest.approx(3.0 * point[:size][others])
    assert told[LOUDNESS] == pytest.approx(point[LOUDNESS])
    engine.style(point[:size].tolist(), {"emphasis": 3.0, "knob.loudness": 1.0})  # who asks for it is told so
    assert engine.context.z[LOUDNESS] > told[LOUDNESS] + 0.5


def test_an_answer_with_a_stand_repeats_from_its_seed() -> None:
    def played(far: float) -> list[Note]:
        engine = Engine(small_network())
        engine.style([0.0] * engine.config.latent, {"stand": far})
        engine.hear(0, scale(24))
        engine.seed(3)
        return list(engine.play(Span(5.0, 99.0, 9.0, 10.0)))

    assert played(2.0) == played(2.0)
    assert played(2.0) != played(0.0)


def struck(velocity: int) -> list[Note]:
    return [replace(n, velocity=velocity) for n in scale(24)]


def test_the_loudness_of_a_call_is_that_of_its_last_notes() -> None:
    usual = round(features.MEAN[LOUDNESS])
    assert random_style_offset.measure_loudness(struck(usual)) == pytest.approx(0.0)
    assert (
        random_style_offset.measure_loudness([*struck(usual), *struck(10)])
        == random_style_offset.measure_loudness(struck(10))
        < -1.0
    )
    assert random_style_offset.measure_loudness([replace(n, role=ANSWER) for n in struck(90)]) is None
    assert random_style_offset.measure_loudness([]) is None


def test_who_strikes_evenly_is_answered_evenly() -> None:
    rng = np.random.default_rng(0)

    def call(spread: float, count: int = 24) -> list[Note]:
        return [
            replace(n, velocity=round(64 + spread * x))
            for n, x in zip(scale(count), rng.normal(size=count), strict=True)
        ]

    least, most = random_style_offset.FREEDOM_RANGE
    assert (
        random_style_offset.velocity_freedom(call(0.0))
        == least
        < random_style_offset.velocity_freedom(call(6.0))
        < random_style_offset.velocity_freedom(call(14.0))
        < most
    )
    assert random_style_offset.velocity_freedom(call(30.0)) == most
    assert random_style_offset.velocity_freedom(call(0.0, 4)) == 1.0  # too few to tell
    point = np.zeros(24, np.float32)
    one, half = (
        random_style_offset.shift_style(point, 1.0, 5, 12),
        random_style_offset.shift_style(point, 1.0, 5, 12, 0.5),
    )
    assert half[LOUDNESS] == pytest.approx(0.5 * one[LOUDNESS])
    assert np.flatnonzero(half != one).tolist() == [LOUDNESS]
    assert (random_style_offset.shift_style(point, 1.0, 5, 12) == one).all()  # what was drawn stays as it was


def test_a_style_heeds_it_by_a_share() -> None:
    point = np.arange(24, dtype=np.float32) / 10
    half = random_style_offset.share_loudness(point, -1.0, 0.5)
    assert half[LOUDNESS] == pytest.approx((point[LOUDNESS] - 1.0) / 2)
    assert np.flatnonzero(half != point).tolist() == [LOUDNESS]
    assert random_style_offset.share_loudness(point, 2.0, 1.0)[LOUDNESS] == pytest.approx(2.0)
    for loud, share in ((None, 1.0), (2.0, 0.0)):
        assert (random_style_offset.share_loudness(point, loud, share) == point).all()


def test_soft_calls_have_soft_answers() -> None:
    def played(velocity: int, dynamics: float) -> float:
        found: list[int] = []
        for seed in range(6):
            engine = Engine(small_network())
            engine.style([0.0] * engine.config.latent, {"dynamics": dynamics})
            engine.hear(0, struck(velocity))
            engine.seed(seed)
            found += [n.velocity for n in engine.play(Span(5.0, 99.0, 12.0, 13.0))]
        return float(np.mean(found))

    soft, usual, loud = (played(velocity, 1.0) for velocity in (20, 64, 115))
    assert soft < usual - 3 < loud - 6
    assert abs(played(20, 0.0) - played(115, 0.0)) < 5
