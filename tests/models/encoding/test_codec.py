"""Notes survive the codec, as finely as it tells things apart."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from models.encoding import codec
from models.music.note_records import ANSWER, HELD, Note

notes = st.builds(
    Note,
    onset=st.just(0.0),
    duration=st.one_of(st.just(HELD), st.floats(0.0, 20.0)),
    pitch=st.integers(21, 108),
    velocity=st.integers(0, 127),
    role=st.integers(0, 1),
    place=st.one_of(st.none(), st.floats(0.0, 1.0, exclude_max=True)),
)


@example(Note(0.0, 0.1, 60, 64, place=0.9999999999999))
@given(notes)
def test_a_note_comes_back(note: Note) -> None:
    step = codec.encode([note])[0]
    back = codec.decode(step.tolist(), note.onset)
    assert (back.pitch, back.role, back.onset) == (note.pitch, note.role, note.onset)
    assert abs(back.velocity - note.velocity) <= 2
    if note.duration == HELD:
        assert back.duration == HELD
    elif 0.025 <= note.duration <= 3.0:
        assert 0.93 <= back.duration / note.duration <= 1.075
    assert (back.place is None) == (note.place is None)
    if note.place is not None:
        assert back.place is not None
        assert -1e-6 <= note.place - back.place <= 1 / codec.PLACES


@given(st.floats(0.0, 12.0))
def test_time_is_told_apart_finely(seconds: float) -> None:
    back = float(codec.TIMES[int(codec.time_bins(np.array([seconds]))[0])])
    if seconds <= 0.495:
        assert abs(back - seconds) <= 0.005 + 1e-9
    elif seconds <= 10.0:
        assert 0.94 <= back / seconds <= 1.06
    else:
        assert back == codec.TIMES[-1]


@given(st.lists(notes, min_size=2, max_size=12), st.integers(1, 11))
def test_steps_do_not_depend_on_how_notes_are_dealt_out(played: list[Note], cut: int) -> None:
    line = [n.shift(0.1 * i) for i, n in enumerate(played)]
    cut = min(cut, len(line) - 1)
    apart = np.concatenate([codec.encode(line[:cut]), codec.encode(line[cut:], line[cut - 1])])
    assert np.array_equal(codec.encode(line), apart)


def test_every_value_fits_its_field() -> None:
    extremes = [Note(0.0, 0.0, 21, 0), Note(99.0, HELD, 108, 127, ANSWER, 0.9999)]
    rows = codec.encode(extremes)
    assert (rows >= 0).all()
    assert (rows[:, : len(codec.SIZES)] <= np.array(codec.SIZES)).all()
    assert rows[1, codec.PLACE] == codec.PLACES


def test_a_long_wait_for_the_other_player_is_no_rest_in_the_music() -> None:
    played = [Note(0.0, 0.2, 60, 64), Note(5.0, 0.2, 62, 64, ANSWER), Note(10.0, 0.2, 64, 64, ANSWER)]
    rows = codec.encode(played)
    assert rows[1, codec.TIME] == codec.time_bins(np.array([codec.MAX_TURN_GAP]))[0]
    assert rows[2, codec.TIME] == codec.time_bins(np.array([5.0]))[0]
    assert np.array_equal(codec.encode(played[1:], played[0]), rows[1:])
