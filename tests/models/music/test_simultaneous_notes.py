"""Chords: notes that are struck together, and how many the last one has."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.music.note_records import Note
from models.music.simultaneous_notes import CHORD_SECONDS, STROKE_SECONDS, chords_of, last_chord_size, stroke_numbers

onsets = st.lists(st.floats(0.0, 0.5), max_size=30).map(sorted)


def struck(*at: float) -> list[Note]:
    return [Note(onset, 0.2, 60 + i, 64) for i, onset in enumerate(at)]


@given(onsets, st.sampled_from((CHORD_SECONDS, STROKE_SECONDS)))
def test_a_chord_is_no_longer_than_it_may_be_and_the_next_is_later(at: list[float], within: float) -> None:
    notes = struck(*at)
    chords = chords_of(notes, within)
    assert [note for chord in chords for note in chord] == notes
    assert all(chord[-1].onset - chord[0].onset <= within for chord in chords)
    assert all(b[0].onset - a[0].onset > within for a, b in itertools.pairwise(chords))


@given(onsets)
def test_strokes_are_numbered_and_the_last_one_is_the_last_chord(at: list[float]) -> None:
    numbers = stroke_numbers(np.array(at)).tolist()
    if at:
        assert numbers[0] == 0
        assert numbers.count(numbers[-1]) == last_chord_size(struck(*at))
    for (a, b), (i, j) in zip(itertools.pairwise(at), itertools.pairwise(numbers), strict=True):
        assert j - i == (b - a > CHORD_SECONDS)


def test_the_last_chord_may_be_a_roll() -> None:
    assert last_chord_size([]) == 1
    assert last_chord_size(struck(0.0, 0.5)) == 1
    assert last_chord_size(struck(0.0, 0.5, 0.53, 0.56)) == 3  # each just after the one before
    assert [len(chord) for chord in chords_of(struck(0.5, 0.53, 0.56))] == [2, 1]
