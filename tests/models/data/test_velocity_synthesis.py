"""A hand that plays a score: how loud its notes are, and that nobody is asked to guess what is made up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.data import examples
from models.data.velocity_synthesis import synthesize_velocities
from models.encoding import codec
from models.network import losses

from ...support.musicians import small_musician
from .test_examples import piece

ONSET = np.repeat(np.arange(40) * 0.5, 3)
PITCH = np.tile([48, 55, 72], 40)
NOBODY = np.zeros(len(ONSET), bool)


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_whatever_is_struck_can_be_struck(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    onset, pitch = np.sort(rng.uniform(0, 9, count)), rng.integers(21, 109, count)
    found = synthesize_velocities(rng, onset, pitch, rng.random(count) < 0.3)
    assert found.shape == (count,)
    assert ((found >= 2) & (found <= 126)).all()


def test_hands_differ_and_some_are_even() -> None:
    hands = [synthesize_velocities(np.random.default_rng(seed), ONSET, PITCH, NOBODY) for seed in range(200)]
    assert 0.05 < np.mean([len(set(h.tolist())) == 1 for h in hands]) < 0.25
    assert np.std([h.mean() for h in hands]) > 10


@pytest.mark.parametrize("voice", [0, 1, 2])
def test_the_tune_stands_out_wherever_it_lies(voice: int) -> None:
    tune = np.tile(np.arange(3) == voice, 40)
    over = []
    for seed in range(100):
        found = synthesize_velocities(np.random.default_rng(seed), ONSET, PITCH, tune)
        over.append(found[tune].mean() - found[~tune].mean())
    assert 4 < np.mean(over) < 10


def test_where_nobody_says_which_it_is_the_tune_lies_on_top() -> None:
    for told in (NOBODY, ~NOBODY):
        found = np.mean(
            [synthesize_velocities(np.random.default_rng(s), ONSET, PITCH, told) for s in range(100)], axis=0
        )
        assert found[PITCH == 72].mean() > found[PITCH < 72].mean() + 4


def test_music_without_velocities_is_heard_played_and_bare_and_never_asked_for() -> None:
    stream = examples.ExampleStream([piece(i, dynamics=False) for i in range(3)], window=64, style_notes=32)
    played = told = 0
    for k in range(100):
        example = stream.example(0, k)
        velocity = example.target[:, codec.VELOCITY]
        assert (
            (velocity == codec.UNKNOWN)
            | example.synthetic_velocity
            | (example.target[:, codec.PITCH] == codec.NO_PITCH)
        ).all()
        played += int(example.synthetic_velocity.any())
        told += int(example.synthetic_velocity.any() and (example.style[0, 0, codec.VELOCITY] != codec.UNKNOWN))
    assert 60 < played < 100
    assert 0 < told < played


def test_music_that_has_velocities_keeps_them() -> None:
    stream = examples.ExampleStream([piece(i) for i in range(3)], window=64, style_notes=32)
    assert not any(stream.example(0, k).synthetic_velocity.any() for k in range(30))


def test_what_is_made_up_costs_nothing() -> None:
    stream = examples.ExampleStream([piece(i, dynamics=False) for i in range(3)], window=64, style_notes=32)
    batch = {k: torch.from_numpy(v) for k, v in examples.make_batch(stream, 0, range(6)).items()}
    batch = {k: v.float() if v.is_floating_point() else v for k, v in batch.items()}
    musician = small_musician()
    torch.manual_seed(0)
    _, report = losses.training_loss(musician, batch, losses.LossWeights())
    assert report[codec.VELOCITY] == 0.0
    torch.manual_seed(0)
    batch["synthetic_velocity"] = torch.zeros_like(batch["synthetic_velocity"])
    _, report = losses.training_loss(musician, batch, losses.LossWeights())
    assert report[codec.VELOCITY] > 0.0
