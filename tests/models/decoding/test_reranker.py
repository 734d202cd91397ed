"""The reranker: it hears how an answer goes, not where it lies, says so when it cannot tell, and learns what it is asked."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decoding import backend_choice, reranker
from models.decoding.reranker import LEAST_NOTES, CallProfile, Reranker
from models.music.note_records import Note
from models.training.reranker import Question, accuracy, cross_validated_accuracy, feature_mask, fit_reranker

from ...support.musicians import scale

NAMES = reranker.figure_names()
TICKS = 64  # a second: such times, and sums of them, are exact
KEYS = st.tuples(
    st.integers(0, TICKS).map(lambda t: t / TICKS),
    st.integers(1, 5 * TICKS).map(lambda t: t / TICKS),
    st.integers(21, 108),
    st.integers(1, 127),
)


def phrase(keys: list[tuple[float, float, int, int]]) -> list[Note]:
    """Notes from their waits, durations, pitches and velocities."""
    onset, notes = 0.0, []
    for wait, duration, pitch, velocity in keys:
        onset += wait
        notes.append(Note(onset, duration, pitch, velocity))
    return notes


phrases = st.lists(KEYS, min_size=LEAST_NOTES, max_size=40).map(phrase)


def indifferent() -> Reranker:
    return Reranker(np.zeros(len(NAMES)), np.ones(len(NAMES)), np.zeros(2 * len(NAMES)))


@given(phrases, phrases)
def test_all_that_can_be_played_has_figures(call: list[Note], answer: list[Note]) -> None:
    if len(reranker.scored_part(answer)) < LEAST_NOTES:
        assert indifferent().score(CallProfile.of(call), answer) is None
        return
    found = reranker.measure_figures(CallProfile.of(call), answer)
    assert found.shape == (len(NAMES),)
    assert np.isfinite(found).all()
    assert indifferent().score(CallProfile.of(call), answer) == 0.0


@given(phrases, phrases, st.integers(1, 500))
def test_when_it_was_played_is_no_matter(call: list[Note], answer: list[Note], later: int) -> None:
    if len(reranker.scored_part(answer)) < LEAST_NOTES:
        return
    there = CallProfile.of([n.shift(later) for n in call])
    moved = [n.shift(2 * later) for n in answer]
    assert reranker.measure_figures(CallProfile.of(call), answer) == pytest.approx(
        reranker.measure_figures(there, moved), abs=1e-9
    )


def test_the_figures_say_what_one_hears() -> None:
    steps = [0.2, 0.4, 0.2, 0.2, 0.6, 0.2, 0.8, 0.2, 0.4, 0.2, 0.2]
    even, uneven = scale(12), phrase([(0.0, 0.15, 60, 70), *((w, 0.15, 62 + i, 70) for i, w in enumerate(steps))])
    same, other = (
        dict(zip(NAMES, reranker.measure_figures(CallProfile.of(even), notes), strict=True)) for notes in (even, uneven)
    )
    assert same["even"] == 1.0 > other["even"]
    assert same["waits vary"] == pytest.approx(0.0, abs=1e-9)
    assert other["waits vary"] > 0.5
    assert other["silence"] > same["silence"]
    assert same["motif"] == 1.0
    assert same["call's key"] == 1.0
    assert all(same[name] == 0.0 for name in NAMES if name.endswith("beside the call"))


def questions(count: int, silent: np.ndarray) -> list[Question]:
    """People who play more evenly than the answers do, and more loudly."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        rows = rng.normal(size=(5, len(NAMES)))
        rows[0, NAMES.index("even")] += 3.0
        rows[0, NAMES.index("loudness")] += 3.0
        made.append(Question(rows, silent))
    return made


def test_it_learns_what_tells_a_person_and_nothing_of_what_says_nothing() -> None:
    pupil = fit_reranker(questions(200, feature_mask("loudness")))
    among, pair = accuracy(pupil, questions(60, feature_mask("loudness")))
    assert among > 0.7
    assert pair > 0.9
    assert NAMES[int(pupil.weights.argmax()) % len(NAMES)] == "even"
    assert pupil.weights[NAMES.index("even")] > 0.3
    silent = np.concatenate([feature_mask("loudness"), feature_mask("loudness")])
    assert np.abs(pupil.weights[silent]).max() < 0.1 * pupil.weights[NAMES.index("even")]


def test_who_is_told_apart_and_who_is_not() -> None:
    nobody = np.zeros(len(NAMES), bool)
    rng = np.random.default_rng(2)
    alike = [Question(rng.normal(size=(2, len(NAMES))), nobody) for _ in range(100)]
    assert cross_validated_accuracy(questions(100, nobody)) > 0.9
    assert 0.35 < cross_validated_accuracy(alike) < 0.65


def test_an_ear_is_read_as_it_was_written_and_anything_else_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mean, spread, worth = (rng.normal(size=n) for n in (len(NAMES), len(NAMES), 2 * len(NAMES)))
    was = Reranker(mean, np.abs(spread) + 0.1, worth)
    file = tmp_path / "reranker.safetensors"
    was.write(file, {"lessons": "3"})
    call, answer = scale(12), [replace(n, pitch=n.pitch + 2) for n in scale(14)]
    now, then = (e.score(CallProfile.of(call), answer) for e in (Reranker.read(file), was))
    assert now == pytest.approx(then, rel=1e-4)
    whole = file.read_bytes()
    for broken in (b"", whole[:200], whole.replace(reranker.fingerprint().encode(), b"0" * 12)):
        file.write_bytes(broken)
        with pytest.raises(ValueError, match="ear"):
            Reranker.read(file)
    with pytest.raises(ValueError, match="ear"):
        Reranker.read(tmp_path / "none.safetensors")


def test_the_shipped_ear_likes_a_phrase_that_breathes_better_than_a_machine() -> None:
    """The same pitches, after the same call: all notes alike, or in a rhythm that the call had, with rests."""
    shipped = Reranker.read(backend_choice.RERANKER_FILE)
    waits, lengths = [0.25, 0.25, 0.5, 0.25, 0.25, 1.0, 0.5], [0.2, 0.22, 0.45, 0.2, 0.2, 0.6, 0.4]
    degrees = [60, 62, 64, 67, 65, 64, 62, 64, 65, 67, 69, 67, 64, 60, 62, 59, 60]
    struck = [70, 78, 66, 84, 74, 62, 80]
    call = phrase([(waits[i % 7], lengths[i % 7], p, struck[i % 7]) for i, p in enumerate(degrees)])
    breathing = [
        n.shift(9.0)
        for n in phrase(
            [(waits[(i + 3) % 7], lengths[(i + 3) % 7], p + 2, struck[i % 7]) for i, p in enumerate(degrees)]
        )
    ]
    machine = [Note(9.0 + 0.12 * i, 0.11, p + 2, 74) for i, p in enumerate(3 * degrees)]
    human, even = (shipped.score(CallProfile.of(call), notes) for notes in (breathing, machine))
    assert human is not None
    assert even is not None
    assert math.isfinite(human)
    assert human > even + 1.0
