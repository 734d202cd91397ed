"""Examples are what they say: repeatable, in time order, honest about what was known when."""

from __future__ import annotations

import numpy as np
import pytest

from models.data import examples, passage_operations
from models.data.corpus import Piece, apply_pedal, bar_places
from models.encoding import codec, longest_match_features
from models.music.note_records import CALL


def piece(seed: int, count: int = 400, *, human: bool = True, dynamics: bool = True, chordal: bool = False) -> Piece:
    rng = np.random.default_rng(seed)
    since = rng.choice([0.0, 0.25] if chordal else [0.125, 0.25, 0.5], count)
    onset = np.cumsum(since) - since[0]
    return Piece(
        onset=onset,
        duration=rng.uniform(0.1, 1.0, count),
        pitch=rng.integers(40, 84, count),
        velocity=rng.integers(30, 100, count) if dynamics else np.full(count, 80),
        part=rng.integers(0, 2, count),
        place=onset / 2.0 % 1.0,
        source=f"source {seed % 3}",
        name=str(seed),
        human=human,
        dynamics=dynamics,
    )


@pytest.fixture(scope="module")
def stream() -> examples.ExampleStream:
    return examples.ExampleStream(
        [piece(i, human=i % 2 == 0, dynamics=i % 3 > 0) for i in range(9)], window=64, style_notes=32
    )


def test_an_example_depends_on_seed_step_and_number_alone(stream: examples.ExampleStream) -> None:
    again = examples.ExampleStream(stream.pieces, window=64, style_notes=32)
    other = examples.ExampleStream(stream.pieces, window=64, style_notes=32, seed=1)
    a, b, c = stream.example(7, 3), again.example(7, 3), other.example(7, 3)
    assert all(
        np.array_equal(getattr(a, f), getattr(b, f), equal_nan=f == "features") for f in examples.Example.__slots__
    )
    assert not np.array_equal(a.steps, c.steps)


def test_every_field_stays_in_range_and_targets_are_the_next_steps(stream: examples.ExampleStream) -> None:
    held = forgotten = 0
    for k in range(200):
        example = stream.example(0, k)
        assert example.target.shape == (64, len(codec.FIELDS))
        assert np.array_equal(
            example.steps, longest_match_features.add_recall(example.steps[:, : len(codec.FIELDS)], 64)
        )
        assert (example.steps >= 0).all()
        assert (example.target[:, : len(codec.SIZES)] <= np.array(codec.SIZES)).all()
        asked = example.target[:-1, codec.PITCH] != codec.NO_PITCH
        last = asked & (example.steps[1:, codec.PITCH] == codec.NO_PITCH)  # what comes after all that was heard
        assert last.sum() <= 1
        asked &= ~last
        same = [codec.ROLE, codec.PITCH, codec.VELOCITY]
        assert np.array_equal(example.target[:-1][asked][:, same], example.steps[1:][asked][:, same])
        # A held note's length is hidden from the input and known to the target: it is what must be learned.
        open_ = (example.steps[1:, codec.DURATION] == codec.HELD_STEP) & asked
        held += int(open_.sum())
        assert (example.target[:-1][open_][:, codec.DURATION] < codec.HELD_STEP).all()
        forgotten += int(not example.style_known[0].any())
    assert held > 50
    assert 0 < forgotten < 200


def test_what_sounded_at_a_moment_is_held(stream: examples.ExampleStream) -> None:
    open_examples = earlier = 0
    for k in range(200):
        example = stream.example(1, k)
        here = np.flatnonzero(example.steps[1:, codec.PITCH] != codec.NO_PITCH) + 1
        rows, length = example.steps[here], example.target[here - 1, codec.DURATION]  # what was asked for a step before
        onset = np.cumsum(codec.TIMES[np.where(rows[:, codec.TIME] < codec.START, rows[:, codec.TIME], 0)])
        end = onset + codec.DURATIONS[length]
        held = rows[:, codec.DURATION] == codec.HELD_STEP
        assert np.array_equal(example.full_duration[here], length)  # a teacher may know
        assert np.array_equal(rows[~held][:, codec.DURATION], length[~held])
        if not held.any():
            continue
        open_examples += 1
        # Times are rounded by up to 5 ms a note (more past half a second), so the far end has some slack.
        beyond = onset + 0.9 * (end - onset) > onset[-1] + 0.2
        assert held[beyond & (rows[:, codec.ROLE] == examples.CALL)].all()
        earlier += bool((held & (end < onset[-1] - 1.5)).any())
    assert open_examples > 60  # in about half of the examples
    assert 0.5 < earlier / open_examples < 1.0  # at moments before the last one, too, as live


def test_roles_change_at_phrase_ends() -> None:
    onset = np.cumsum([0.2] * 15 + [1.0] + [0.2] * 15 + [1.2] + [0.2] * 20)
    assert passage_operations.phrase_starts(onset, 2.0, 5.0).tolist() == [15, 31]


def test_repeats_repeat() -> None:
    p = piece(1)
    passage = passage_operations.Passage(
        p.onset, p.duration, p.pitch, p.velocity, p.part, p.place, np.zeros(len(p), bool)
    )
    rng = np.random.default_rng(0)
    for _ in range(50):
        out = passage_operations.repeat_motif(rng, passage)
        count = len(out) - len(passage)
        assert 6 <= count < 49
        assert (np.diff(out.onset) >= 0).all()
        intervals = np.diff(out.pitch)
        starts = [
            s
            for s in range(1, len(passage))
            if np.array_equal(intervals[s : s + count - 1], intervals[s + count :][: count - 1])
        ]
        assert starts
        assert np.isnan(out.place).all()


def test_styles_of_a_spliced_example_follow_the_splice(stream: examples.ExampleStream) -> None:
    changed = [example.passage for example in (stream.example(2, k) for k in range(200)) if example.passage.any()]
    assert 40 < len(changed) < 120
    assert all((np.diff(w) >= 0).all() for w in changed)


def test_the_pedal_lengthens_until_it_rises_or_the_key_is_struck_again() -> None:
    onset, down = np.array([0.0, 1.0, 2.0]), np.array([0.2, 0.2, 0.2])
    pedal = np.array([[0.1, 3.0]])
    assert apply_pedal(onset, down, np.array([60, 62, 60]), pedal).tolist() == [2.0, 2.0, 1.0]
    assert np.allclose(apply_pedal(onset, down, np.array([60, 62, 60]), np.empty((0, 2))), down)


def test_places_are_shares_of_the_bar() -> None:
    beat, number = np.arange(9) * 0.5, np.arange(9) % 4
    found = bar_places(np.array([-0.1, 0.0, 0.5, 1.75, 2.0, 3.99, 4.2]), beat, number)
    assert np.allclose(found, [np.nan, 0.0, 0.25, 0.875, 0.0, 0.995, np.nan], equal_nan=True)


def test_one_player_alone_is_one_role() -> None:
    p = piece(2)
    passage = passage_operations.Passage(
        p.onset, p.duration, p.pitch, p.velocity, p.part, p.place, np.zeros(len(p), bool)
    )
    kinds = {tuple(np.unique(passage_operations.draw_roles(np.random.default_rng(s), passage))) for s in range(200)}
    assert kinds == {(CALL,), (1,), (0, 1)}
