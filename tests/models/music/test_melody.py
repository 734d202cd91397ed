"""The tune is what one would sing: a single line is itself, a chord its top, and what goes on under a long note is not it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoding import codec
from models.music import melody
from models.music.note_records import ANSWER, CALL, LOWEST, Note
from models.steering import motif
from models.steering.sampling import Sampling

from ...support.steering import called, steered

TUNE = (72, 74, 76, 72, 79, 77, 76)


def taken_up(notes: list[Note]) -> motif.Continuation | None:
    return motif.find_continuation(notes, motif.find_theme(called(notes)))


def chorale(shift: int = 0, role: int = CALL, start: float = 0.0, count: int = len(TUNE)) -> list[Note]:
    """The tune, half a second a note, with three notes under each, the lowest first, and one between that is lower still."""
    notes = []
    for i, top in enumerate(TUNE[:count]):
        at = start + 0.5 * i
        notes += [Note(at, 0.4, top + shift - below, 70, role) for below in (24, 15, 7, 0)]
        notes.append(Note(at + 0.25, 0.2, 52 + shift, 60, role))
    return notes


def test_of_a_thick_texture_the_top_is_the_tune() -> None:
    notes = chorale()
    assert melody.is_chordal(notes)
    assert tuple(n.pitch for n in melody.skyline(notes)) == TUNE


def test_a_single_line_is_its_own_tune_wherever_it_leaps() -> None:
    line = [Note(0.2 * i, 0.2, p, 70) for i, p in enumerate((60, 84, 48, 72, 40, 90))]
    assert not melody.is_chordal(line)
    assert motif.find_theme(called(line)).tune == line


@given(st.lists(st.tuples(st.integers(LOWEST, 108), st.floats(0.0, 1.0)), max_size=60))
def test_a_tune_is_one_note_at_a_time_and_holds_the_highest(drawn: list[tuple[int, float]]) -> None:
    onsets = np.cumsum([wait for _, wait in drawn])
    notes = [Note(float(t), 0.2, p, 64) for t, (p, _) in zip(onsets, drawn, strict=True)]
    found = melody.skyline(notes)
    assert all(n in notes for n in found)
    assert [n.onset for n in found] == sorted(n.onset for n in found)
    if notes:
        assert max(n.pitch for n in found) == max(n.pitch for n in notes)


@given(st.lists(st.tuples(st.integers(LOWEST, 108), st.sampled_from((0.0, 0.01, 0.034, 0.2, 0.45))), max_size=60))
def test_a_melody_that_grows_is_what_is_found_anew(drawn: list[tuple[int, float]]) -> None:
    growing = melody.GrowingMelody()
    notes: list[Note] = []
    onset = 0.0
    for pitch, wait in drawn:
        onset += wait
        notes.append(Note(onset, 0.2, pitch, 64))
        growing.add(notes[-1])
        assert growing.skyline() == melody.skyline(notes)
        assert growing.is_chordal == melody.is_chordal(notes)


def test_an_answer_takes_up_the_tune_and_leaves_what_goes_with_it() -> None:
    heard = [*chorale(), *chorale(5, ANSWER, 6.0, count=3)]
    found = taken_up(heard)
    assert found is not None
    assert (found.pitch, found.wait, found.at) == (TUNE[3] + 5, None, 7.5)
    every_key = Sampling(key=4095.0)

    def leaned(field: int, onset: float) -> np.ndarray:
        flat = np.zeros(codec.SIZES[field])
        return steered(motif.Motif(), flat, field, 2.0, heard, onset, sampling=every_key)

    assert leaned(codec.PITCH, 7.5)[found.pitch - LOWEST] == 2.0 * motif.THICK_WEIGHT
    assert not leaned(codec.PITCH, 7.25).any()  # what goes between
    assert not leaned(codec.TIME, 0.0).any()  # it is far off
    due = leaned(codec.TIME, 7.25)
    assert due[codec.time_bin(0.25)] == 2.0 * motif.THICK_WEIGHT
    assert not due[
        np.abs(7.25 + codec.TIMES - 7.5) > motif.TOLERANCE_SECONDS
    ].any()  # what is struck sooner is not asked for, nor hindered


def test_a_line_is_taken_up_in_chords_and_a_tune_over_chords_in_a_line() -> None:
    """It is the answer's own texture that says where its tune lies."""
    line = [Note(0.5 * i, 0.4, top, 70) for i, top in enumerate(TUNE)]
    found = taken_up([*line, *chorale(5, ANSWER, 6.0, count=3)])
    assert found == motif.Continuation(TUNE[3] + 5, None, motif.THICK_WEIGHT, 7.5)
    alone = [Note(6.0 + 0.5 * i, 0.4, top - 5, 70, ANSWER) for i, top in enumerate(TUNE[:4])]
    found = taken_up([*chorale(), *alone])
    assert found == motif.Continuation(TUNE[4] - 5, 0.5, motif.LINE_WEIGHT)
