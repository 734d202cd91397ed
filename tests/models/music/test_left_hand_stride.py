"""The left hand: what it strikes, how many chords lie between its basses, and that a style may ask for as many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoding import codec
from models.music import left_hand_stride
from models.music.note_records import LOWEST, Note
from models.steering import style_habits
from models.steering.sampling import Habits, Sampling
from models.steering.style_habits import StyleHabits

from ...support.steering import steered

BEAT = 0.4


def figure(pitches: str, beats: int) -> list[Note]:
    """B is a bass, C a chord, a dot a rest of a second and a half, over and over, under a line of the right hand."""
    notes: list[Note] = []
    at = 0.0
    for i in range(beats):
        what = pitches[i % len(pitches)]
        if what == ".":
            at += left_hand_stride.REST_SECONDS
        struck = {"B": (36,), "C": (52, 55, 59), ".": ()}[what]
        notes += [Note(at, 0.3, pitch, 64) for pitch in (*struck, 72 + i % 5)]
        at += BEAT
    return notes


STRIDE, WALTZ = figure("BC", 80), figure("BCC", 80)


def test_a_strike_is_what_sounds_at_once_below_middle_c() -> None:
    struck = left_hand_stride.left_hand_strokes(figure("BC", 3))
    assert [low for _, low in struck] == [36, 52, 36]
    assert [when for when, _ in struck] == pytest.approx([0.0, BEAT, 2 * BEAT])
    assert left_hand_stride.left_hand_strokes([Note(0.0, 1.0, 60, 64)]) == []
    assert left_hand_stride.left_hand_strokes([Note(0.0, 1.0, 50, 64), Note(0.03, 1.0, 40, 64)]) == [(0.0, 40)]


@pytest.mark.parametrize(("pitches", "chords"), [("B", 0), ("BC", 1), ("BCC", 2), ("BCCCCC", 5)])
def test_chords_between_basses_are_counted(pitches: str, chords: int) -> None:
    assert set(left_hand_stride.chords_between_basses(figure(pitches, 24))) == {chords}


def test_after_a_rest_the_hand_begins_anew() -> None:
    assert left_hand_stride.chords_between_basses(figure("BC.", 24)) == []
    assert left_hand_stride.chords_between_basses(figure("CCC", 24)) == []  # no bass, so nothing between two
    resting = figure("BC", 4)
    assert left_hand_stride.chords_since_bass(resting, 4 * BEAT) == 1
    assert left_hand_stride.chords_since_bass(resting, 4 * BEAT + left_hand_stride.REST_SECONDS) is None


def test_it_is_known_how_long_ago_the_bass_was() -> None:
    for beats, chords in ((1, 0), (2, 1), (3, 2), (4, 0)):
        assert left_hand_stride.chords_since_bass(figure("BCC", beats), beats * BEAT) == chords
    assert left_hand_stride.chords_since_bass(figure("BCC", 2), BEAT) is None  # it strikes at that moment already
    assert left_hand_stride.chords_since_bass(figure("C", 3), 3 * BEAT) is None
    assert left_hand_stride.chords_since_bass([], 1.0) is None


notes = st.lists(
    st.builds(Note, st.floats(0, 20), st.floats(0.02, 4), st.integers(21, 108), st.integers(1, 127)), max_size=60
).map(lambda found: sorted(found, key=lambda n: n.onset))


@given(notes)
def test_what_was_said_before_each_bass_is_what_is_counted(found: list[Note]) -> None:
    """Counting afterwards and asking at each bass agree."""
    struck = left_hand_stride.left_hand_strokes(found)
    asked = []
    for when, low in struck:
        if low < left_hand_stride.BASS_BELOW:
            known = [n for n in found if n.onset < when and not (n.onset >= when - 1e-9)]
            asked.append(left_hand_stride.chords_since_bass(known, when))
    assert [chords for chords in asked if chords is not None] == left_hand_stride.chords_between_basses(found)


def kept(habits: Habits, sounding: list[Note], beats: int) -> np.ndarray:
    """What habits add to the logits of the pitch, so many beats in."""
    flat = np.zeros(codec.SIZES[codec.PITCH])
    return steered(StyleHabits(), flat, codec.PITCH, 1.0, sounding, beats * BEAT, sampling=Sampling(habits=habits))


def hand(style: list[Note], sounding: list[Note], beats: int) -> tuple[float, float, float]:
    """What a style adds to the logits of a bass, of a chord's note and of one of the right hand, so many beats in."""
    out = kept({"stride": style_habits.log_odds(style_habits.count_bands([style]))["stride"]}, sounding, beats)
    return float(out[36 - LOWEST]), float(out[52 - LOWEST]), float(out[72 - LOWEST])


def test_stride_wants_a_chord_and_then_a_bass_and_a_waltz_two() -> None:
    for style, turns in ((STRIDE, "CB"), (WALTZ, "CCB")):
        for beats, wanted in enumerate(turns, 1):
            bass, chord, right = hand(style, figure("BCC", beats), beats)
            assert right == 0.0
            assert (bass > 0.5 > 0.0 > chord) if wanted == "B" else (chord > 0.3 > 0.0 > bass)


def test_music_at_large_asks_for_nothing() -> None:
    for beats in range(1, 8):
        sounding = figure("BCCCCCC", beats)
        assert kept({"stride": np.zeros(5)}, sounding, beats) == pytest.approx(np.zeros(88), abs=1e-12)


def test_a_style_without_a_left_hand_has_no_such_habit() -> None:
    line = [Note(0.2 * i, 0.2, 72 + i % 7, 64) for i in range(60)]
    assert style_habits.log_odds(style_habits.count_bands([line]))["stride"] == pytest.approx(np.zeros(5), abs=0.01)
