"""Draft rows: the same answers as one after another, chosen from at any moment, and kept when a key is released."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding.candidate_pool import MOST, SCORED_LENGTHS
from models.decoding.engine import Engine
from models.music.note_records import ANSWER, HELD, Bar, Note, Span
from models.runtime.torch_backend import TorchBackend

from ...support.musicians import RecordingBackend, scale, small_musician, small_network

SPAN = Span(3.0, 9.0, 6.0, 8.0)
BEAT = replace(SPAN, bar=Bar(0.0, 0.5, 1), on_beat=True)


def engine(seed: int = 3, settings: dict[str, float] | None = None) -> Engine:
    e = Engine(small_network())
    e.style([0.3] * e.config.latent, settings or {})
    e.seed(seed)
    e.hear(0, scale(12))
    return e


def drafted(e: Engine, steps: int | None = None) -> Engine:
    """Work in spare time, to the end or so many steps."""
    for _ in itertools.count() if steps is None else range(steps):
        if not e.spare():
            break
    return e


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    span=st.sampled_from([SPAN, BEAT, replace(SPAN, bar=Bar(0.0, 2.0, 4, 0.5))]),
    vamp=st.booleans(),
    hot=st.booleans(),
)
def test_side_by_side_are_the_answers_that_come_one_after_another(seed: int, span: Span, vamp: bool, hot: bool) -> None:
    found = []
    for side_by_side in (False, True):
        e = engine(seed, {"temperature": 1.3, "habit.wait.2": 1.0} if hot else {})
        e.vamp(scale(10) if vamp else [])
        e.draft(span, 5, side_by_side)
        drafted(e)
        found.append({candidate.notes: candidate for candidate in e.candidates.candidates})
    assert set(found[0]) == set(found[1])
    for notes, candidate in found[0].items():
        assert found[1][notes].end == candidate.end
        assert found[1][notes].fit == pytest.approx(candidate.fit)


def test_the_context_is_left_as_it_was() -> None:
    e = engine()
    length = e.context.ring.length
    rows = e.context.rows.copy()
    drafted(e)
    e.draft(SPAN, 4)
    drafted(e)
    assert e.context.ring.length == length
    assert np.array_equal(e.context.rows, rows)
    assert len(e.candidates.candidates) == 4
    assert not e.spare()


@pytest.mark.parametrize("notes", [1, 3, SCORED_LENGTHS[0] + 1])
def test_an_answer_that_is_asked_for_early_is_the_best_of_what_there_is(notes: int) -> None:
    e = engine()
    e.draft(SPAN, MOST)
    scored = MOST if notes > SCORED_LENGTHS[0] else 0
    drafted(e, 2 * notes - 1 + scored)  # each note but the first is one step to feed and one to draw
    assert e.candidates.candidate_count == 0
    played = list(e.play(SPAN))
    assert e.counts()["chosen_from"] == MOST
    assert len(played) > notes
    assert all(a.onset <= b.onset for a, b in itertools.pairwise(played))
    assert e.notes[12:] == played


def test_what_a_row_has_is_played_and_goes_on_from_there() -> None:
    backend = RecordingBackend()
    e = Engine(backend)
    e.seed(3)
    e.hear(0, scale(12))
    e.draft(SPAN, 4)
    drafted(e, 9)  # five notes of each
    backend.fed.clear()
    playing = e.play(SPAN)
    first = list(itertools.islice(playing, 5))
    assert not backend.fed  # nothing is computed before the notes that are there are told
    assert len(first) == 5
    assert next(playing).onset >= first[-1].onset
    assert backend.fed


def held(duration: float) -> list[Note]:
    return [*scale(11), replace(scale(12)[-1], duration=duration)]


def test_a_key_that_is_released_meanwhile_changes_nothing_that_is_drafted() -> None:
    e = Engine(small_network())
    e.seed(3)
    e.hear(0, held(HELD))
    e.draft(SPAN, 4)
    drafted(e, 7)
    begun = [list(row.notes) for row in e.candidates._rows.open] if e.candidates._rows else []
    assert begun
    e.hear(11, held(0.4)[-1:])
    e.draft(replace(SPAN, earliest=SPAN.earliest - 0.3), 4)
    drafted(e)
    whole = [c.notes for c in e.candidates.candidates]
    assert len(whole) == 4
    assert all(any(list(notes[: len(b)]) == b for notes in whole) for b in begun)
    assert e.context.is_fed
    played = list(e.play(replace(SPAN, earliest=SPAN.earliest - 0.3)))
    assert e.counts()["chosen_from"] == 4
    assert played[0].onset >= SPAN.earliest - 0.3
    plain = Engine(small_network())
    plain.hear(0, [*held(0.4), *played])
    e.context.feed()
    assert np.allclose(e.state, plain.state, atol=1e-5)  # the context knows the key's true length


def test_a_key_that_is_struck_drops_them_within_a_step() -> None:
    e = engine()
    e.draft(SPAN, MOST)
    drafted(e, 5)
    e.hear(12, [Note(2.7, 0.2, 70, 60)])
    assert not e.candidates.is_reading_context
    assert not e.spare()
    assert list(e.play(SPAN))
    assert e.counts()["chosen_from"] == 0


@pytest.mark.parametrize("beats", [1, 2])
def test_with_a_pulse_an_answer_may_begin_a_beat_later(beats: int) -> None:
    e = engine()
    e.draft(BEAT, 3)
    drafted(e)
    later = replace(BEAT, earliest=BEAT.earliest + 0.5 * beats, stop=BEAT.stop + 0.5 * beats)
    expected = {c.notes[0].onset + 0.5 * beats for c in e.candidates.candidates}
    first = next(e.play(later))
    assert e.candidates.use_count == 1
    assert min(abs(first.onset - onset) for onset in expected) < 1e-6


def test_a_runtime_without_branches_drafts_one_after_another() -> None:
    e = Engine(TorchBackend(small_musician()))
    e.seed(3)
    e.hear(0, scale(12))
    e.draft(SPAN, 2)
    drafted(e)
    assert len(e.candidates.candidates) == 2
    assert all(n.role == ANSWER for n in e.play(SPAN))


def test_a_row_of_more_notes_than_there_is_room_for_is_paused() -> None:
    e = engine(settings={"density": 30.0, "time": 0.1})
    span = Span(3.0, 400.0, 390.0, 400.0)
    e.draft(span, 2)
    drafted(e)
    assert {c.end for c in e.candidates.candidates} <= {"more", "end"}
    assert all(len(c.notes) <= 192 for c in e.candidates.candidates)
