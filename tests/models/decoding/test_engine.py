"""The engine hears, plays, takes back and closes a phrase, and never forgets what a fresh engine would know."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.decoding.engine import Engine
from models.encoding import longest_match_features
from models.evaluation import endurance
from models.music.note_records import ANSWER, HELD, Note, Span
from models.music.simultaneous_notes import SAME_STROKE_SECONDS
from models.steering.sampling import Sampling

from ...support.musicians import SMALL, RecordingBackend, scale, small_network


def engine(seed: int = 0) -> Engine:
    e = Engine(small_network())
    e.seed(seed)
    return e


def hidden(e: Engine) -> NDArray[np.float32]:
    return e.context.hidden[-1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=12))
def test_hearing_in_pieces_with_revisions_is_hearing_once(edits: list[tuple[int, int]]) -> None:
    revised, line = engine(), scale(200)
    heard: list[Note] = []
    for back, count in edits:
        at = max(0, len(heard) - back)
        new = [n.shift(0.01 * back) for n in line[at : at + back + count]]
        heard[at:] = new
        revised.hear(at, new)
    fresh = engine()
    fresh.hear(0, heard)
    assert revised.notes == fresh.notes
    assert np.allclose(hidden(revised), hidden(fresh), atol=1e-4)


def test_a_long_session_equals_a_fresh_one_given_the_same_past() -> None:
    long, line = engine(), scale(3000)
    for i in range(0, 3000, 10):
        long.hear(i, line[i : i + 10])
    assert len(long.notes) < 4 * long.ring.size  # memory is flat
    # Layers look back one window each, and recall another, so a fresh engine needs one window more than layers.
    fresh = engine()
    fresh.hear(0, line[3000 - SMALL.layers * SMALL.window - longest_match_features.lookback(SMALL.window) - 2 :])
    assert np.allclose(hidden(long), hidden(fresh), atol=1e-3)


def test_after_hours_of_call_and_answer_it_plays_what_a_fresh_one_would() -> None:
    long, told = engine(), list[Note]()
    parts = list(endurance.run_session(long, 2500, told))
    assert len(parts) == 10
    assert len(long.notes) < 4 * long.ring.size
    assert len(long.context.rows) < 4 * long.ring.size + 3
    assert len(told) == endurance.receptive_field(long)
    fresh = engine()
    assert endurance.correlation_with_fresh(long, fresh, told) > 0.99999
    span = Span(told[-1].onset + 0.5, 1e9, 1e9, 1e9)
    answers = []
    for e in (long, fresh):
        e.seed(7)
        answers.append(list(itertools.islice(e.play(span), 12)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("back_to", "known"), [(1200, SMALL.window), (900, 0)])
def test_going_back_further_than_the_ring_hears_what_is_known_again(back_to: int, known: int) -> None:
    e, line = engine(), scale(1500)
    e.hear(0, line)
    new = scale(10, start=line[back_to].onset + 0.05)
    e.hear(back_to, new)
    assert e.context.offset + len(e.notes) == back_to + 10
    fresh = engine()
    fresh.hear(0, [*line[back_to - known : back_to], *new])
    assert np.allclose(hidden(e), hidden(fresh), atol=1e-4)


def test_a_release_feeds_the_tail_only() -> None:
    backend = RecordingBackend()
    e, line = Engine(backend), scale(40)
    held = [*line[:38], Note(line[38].onset, HELD, 60, 70), line[39]]
    e.hear(0, held)
    backend.fed.clear()
    e.hear(30, line[30:])
    assert backend.fed == [2]


@pytest.mark.parametrize("seed", range(6))
def test_an_answer_keeps_its_bounds(seed: int) -> None:
    e = engine(seed)
    e.style([0.3] * SMALL.latent, {"lowest": 48, "highest": 84, "density": 9, "temperature": 1.3})
    e.hear(0, scale(20))
    notes = list(e.play(Span(earliest=5.0, until=99.0, close=9.0, stop=12.0)))
    assert notes
    assert all(n.role == ANSWER and 48 <= n.pitch <= 84 and n.duration < 4 for n in notes)
    assert notes[0].onset >= 5.0
    assert notes[-1].onset <= 12.0
    for a, b in itertools.pairwise(notes):
        assert a.onset <= b.onset
        assert not (a.pitch == b.pitch and b.onset - a.onset <= SAME_STROKE_SECONDS)
    for i in range(len(notes) - 9):
        assert notes[i + 9].onset - notes[i].onset >= 0.99


def test_the_same_seed_plays_the_same_and_playing_on_is_playing() -> None:
    def play(horizons: list[float]) -> list[Note]:
        e = engine(5)
        e.hear(0, scale(12))
        return [n for until in horizons for n in e.play(Span(3.0, until, 6.0, 8.0))]

    whole = play([99.0])
    assert whole == play([99.0])
    assert whole == play([3.5, 4.5, 99.0])


def test_an_answer_taken_back_was_never_played() -> None:
    e, line = engine(), scale(12)
    e.hear(0, line)
    before = hidden(e)
    played = list(e.play(Span(3.0, 5.0, 6.0, 8.0)))
    e.hear(len(line) + 2, [])
    assert e.notes == [*line, *played[:2]]
    e.hear(len(line), [])
    assert np.array_equal(hidden(e), before)


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    e = engine()
    e.hear(0, scale(5))
    with pytest.raises(ValueError, match="8 numbers"):
        e.style([0.0] * 3, {})
    with pytest.raises(ValueError, match="no sampling setting"):
        e.style(None, {"spice": 1.0})
    with pytest.raises(ValueError, match="hear at 9"):
        e.hear(9, [])
    with pytest.raises(ValueError, match="at least 4"):
        e.encode(scale(3))
    assert e.generation.sampling == Sampling()
    assert len(e.notes) == 5
    assert len(e.encode(scale(40))) == SMALL.latent
