"""Dynamics: a note is moved as a whole, so that what is softer is the same, softer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.styles import presets
from models.decoding import backend_choice
from models.encoding import codec
from models.evaluation import answers
from models.music.features import LOUDNESS, MEAN, SPREAD
from models.music.note_records import ANSWER, Note
from models.steering import velocity_distribution_shift
from models.steering.base import Step
from models.steering.sampling import softmax
from models.steering.velocity_distribution_shift import Level

from ...support.steering import SPAN

VALUES = np.arange(codec.SIZES[codec.VELOCITY])


def bell(middle: float, spread: float = 2.0) -> np.ndarray:
    return -0.5 * ((VALUES - middle) / spread) ** 2


def at_level(logits: np.ndarray, level: Level, struck: list[int]) -> np.ndarray:
    """The logits, after an answer with these velocities."""
    step = Step.after([Note(0.1 * i, 0.1, 60, velocity, ANSWER) for i, velocity in enumerate(struck)], SPAN)
    step.prepared = level, 0
    return velocity_distribution_shift.Dynamics()(logits, step, 1.0)


def mean_of(logits: np.ndarray) -> float:
    return float(softmax(logits) @ VALUES)


@given(st.floats(10.0, 20.0), st.floats(-6.0, 6.0))
def test_what_is_expected_keeps_its_form(middle: float, by: float) -> None:
    moved = velocity_distribution_shift.shift_logits(bell(middle), by)
    assert mean_of(moved) == pytest.approx(middle + by, abs=0.1)
    p = softmax(moved)
    assert np.sqrt(p @ (VALUES - mean_of(moved)) ** 2) == pytest.approx(2.0, abs=0.1)


def test_whole_steps_are_exact() -> None:
    logits = np.random.default_rng(0).normal(size=len(VALUES))
    assert np.allclose(velocity_distribution_shift.shift_logits(logits, 3.0)[3:], logits[:-3])
    assert np.allclose(velocity_distribution_shift.shift_logits(logits, -3.0)[:-3], logits[3:])
    assert (velocity_distribution_shift.shift_logits(logits, 0.0) == logits).all()


@given(st.integers(0, 2**32 - 1), st.floats(-1e6, 1e6))
def test_however_far_it_is_something_that_can_be_struck(seed: int, by: float) -> None:
    moved = velocity_distribution_shift.shift_logits(np.random.default_rng(seed).normal(0.0, 5.0, len(VALUES)), by)
    assert np.isfinite(moved).all()
    assert softmax(moved).sum() == pytest.approx(1.0)


def test_a_soft_answer_of_one_who_expects_a_loud_one_or_a_whisper_is_soft() -> None:
    """A tilt would have taken the whisper."""
    loud_or_ghost = np.logaddexp(bell(26.0), bell(1.0) - 3.0)
    p = softmax(at_level(loud_or_ghost, Level(60.0, 1.0), []))
    assert 4 * VALUES[p.argmax()] == pytest.approx(60.0, abs=4.0)
    assert p[:4].sum() < 0.1


def test_a_level_is_reached_within_a_few_notes_and_kept() -> None:
    """A musician that expects to go on as loudly as its last note was."""
    for wanted in (30.0, 100.0):
        mine: list[int] = []
        for _ in range(24):
            last = mine[-1] / velocity_distribution_shift.STEP_VELOCITY if mine else 16.0
            leaned = at_level(bell(last), Level(wanted, 0.35), mine)
            mine.append(round(velocity_distribution_shift.STEP_VELOCITY * mean_of(leaned)))
        assert np.mean(mine[8:]) == pytest.approx(wanted, abs=8.0)
        assert mine[-1] == pytest.approx(wanted, abs=6.0)


def test_nothing_asked_is_nothing_changed() -> None:
    logits = bell(12.0)
    assert at_level(logits, Level(100.0, 0.0), [20] * 8) is logits


def test_style_and_knob_ask_for_a_level() -> None:
    usual, spread = MEAN[LOUDNESS], SPREAD[LOUDNESS]
    assert Level.of(0.0, 0.0, has_style=False) == Level(usual, 0.0)
    assert Level.of(1.0, 0.0, has_style=True) == Level(
        pytest.approx(usual + spread), velocity_distribution_shift.STYLE_SHARE
    )
    soft, loud = (Level.of(1.0, knob, has_style=True) for knob in (-1.0, 1.0))
    assert soft.target < usual - spread < usual + spread < loud.target
    assert soft.share == loud.share == 1.0  # who asks is obeyed
    assert Level.of(3.0, 1.0, has_style=True).target <= usual + velocity_distribution_shift.FARTHEST_SPREADS * spread


def test_the_shipped_musician_does_not_shout_at_one_who_plays_softly() -> None:
    """In a style that is loud by itself, and knows ghost notes: of those there are a few, and not one in four."""
    preset, engine = presets.load("bebop-line"), backend_choice.load("open")
    call = [Note(0.25 * i, 0.2, p, 36) for i, p in enumerate((60, 62, 63, 67, 70, 67, 65, 63) * 2)]
    found = [answers.answer_call(engine, call, preset.z, preset.sampling, seed, preset.vamp) for seed in range(6)]
    velocities = [n.velocity for notes in found for n in notes]
    assert len(velocities) > 100
    assert 50 < np.mean(velocities) < 85
    assert np.mean([abs(v - np.mean(velocities)) > 45 for v in velocities]) < 0.08
