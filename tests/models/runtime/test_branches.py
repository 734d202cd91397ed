"""Branches: each row is what one sequence alone would be, whatever the others do, and the past is left as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoding import codec
from models.release import int8_selection
from models.runtime import quantization
from models.runtime.backend import Backend, Floats
from models.runtime.numpy_backend import NumpyBackend
from models.runtime.onnx_backend import OnnxBackend

from ...support.musicians import SMALL, small_weights
from .test_onnx_backend import some_steps

WEIGHTS = small_weights()
EIGHT_BITS = {
    name: quantization.quantize(WEIGHTS[name]) for group in int8_selection.matrix_groups(SMALL)[2:] for name in group
}
BACKENDS = {"numpy": lambda: NumpyBackend(WEIGHTS, SMALL), "onnx": lambda: OnnxBackend(WEIGHTS, SMALL)}
STYLE = np.linspace(-1.0, 1.0, SMALL.latent).astype(np.float32)


def wide(steps: codec.Steps) -> codec.Steps:
    """The (7,) numbers of all steps, and of the two before the first."""
    return np.concatenate([np.tile(codec.SILENCE, (2, 1)), steps[:, : len(codec.FIELDS)]])


def feed(backend: Backend, steps: codec.Steps, first: int, last: int) -> Floats:
    """Feed some of the steps, ten at a time. Returns the last hidden state."""
    hidden = np.zeros((1, SMALL.width), np.float32)
    for at in range(first, last, 10):
        hidden = backend.feed(steps[at : min(at + 10, last)], wide(steps)[at : at + 2], STYLE)
    return hidden[-1]


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=15, deadline=None)
@given(past=st.integers(1, 70), lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_a_row_is_what_it_would_be_alone(name: str, past: int, lengths: list[int], seed: int) -> None:
    """Rows of all lengths, more than the window and the first room for a tail; each is dropped when it is long enough."""
    backend = BACKENDS[name]()
    shared = some_steps(past, seed)
    feed(backend, shared, 0, past)
    tails = [some_steps(length, 100 * seed + i) for i, length in enumerate(lengths)]
    branches = backend.branches()
    assert branches is not None
    branches.start(len(tails))
    found: list[Floats | None] = [None] * len(tails)
    rows = list(range(len(tails)))
    done = 0
    while True:
        for row in [row for row in rows if lengths[row] == done]:
            place = rows.index(row)
            branches.drop(place)
            rows[place] = rows[-1]
            rows.pop()
        if not rows:
            break
        before = np.stack([wide(np.concatenate([shared, tails[row]]))[past + done :][:2] for row in rows])
        hidden = branches.feed(np.stack([tails[row][done] for row in rows]), before, STYLE)
        for place, row in enumerate(rows):
            found[row] = hidden[place]
        done += 1
    assert branches.count == 0
    assert backend.ring.length == past
    for tail, length, last in zip(tails, lengths, found, strict=True):
        if last is not None:
            alone = BACKENDS[name]()
            whole = np.concatenate([shared, tail])
            assert np.allclose(last, feed(alone, whole, 0, past + length), atol=2e-4)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_was_taken_back_but_not_written_over_is_still_read(name: str) -> None:
    """The length of a key is known only once it is released; until the rows are done, they read what was fed before."""
    steps = some_steps(30, 1)
    own = some_steps(3, 2)
    hidden = []
    for rewinds in (False, True):
        backend = BACKENDS[name]()
        feed(backend, steps, 0, 30)
        branches = backend.branches()
        assert branches is not None
        branches.start(2)
        if rewinds:
            backend.ring.rewind(25)
        before = np.stack([wide(steps)[-2:]] * 2)
        hidden.append(branches.feed(own[:2], before, STYLE))
    assert np.array_equal(hidden[0], hidden[1])


def test_eight_bits_are_nearly_the_same_in_rows() -> None:
    backend = OnnxBackend(WEIGHTS, SMALL, EIGHT_BITS)
    steps = some_steps(20, 3)
    feed(backend, steps, 0, 19)
    branches = backend.branches()
    branches.start(7)
    rows = branches.feed(np.tile(steps[19], (7, 1)), np.stack([wide(steps)[19:21]] * 7), STYLE)
    alone = feed(backend, steps, 19, 20)
    assert np.abs(rows - alone).max() < 0.05 * np.abs(alone).max()


@pytest.mark.parametrize("name", BACKENDS)
def test_heads_say_of_each_row_what_they_say_of_it_alone(name: str) -> None:
    backend = BACKENDS[name]()
    branches = backend.branches()
    assert branches is not None
    rng = np.random.default_rng(0)
    states = rng.normal(0.0, 1.0, (4, SMALL.width)).astype(np.float32)
    pitches = np.array([[codec.NO_PITCH, codec.NO_PITCH], [40, codec.NO_PITCH], [0, 87], [33, 34]])
    for field, size in enumerate(codec.SIZES):
        rows = branches.logits(states, field, pitches)
        each = np.stack([backend.logits(s, field, p) for s, p in zip(states, pitches, strict=True)])
        assert rows.shape == (4, size)
        assert np.allclose(rows, each, atol=1e-4)
        if field < codec.DURATION:
            values = rng.integers(0, size, 4)
            alone = np.stack([backend.condition(s, field, int(v)) for s, v in zip(states, values, strict=True)])
            assert np.array_equal(branches.condition(states, field, values), alone)
