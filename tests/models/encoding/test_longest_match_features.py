"""Recall finds what a patient reader would find, and nothing that lies ahead or too far back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoding import codec, longest_match_features
from models.music.note_records import Note

INTERVAL, TIME, VELOCITY, DURATION, LENGTH, RHYTHM, SHIFT = range(len(codec.FIELDS), longest_match_features.STEP_WIDTH)

tunes = st.lists(
    st.builds(
        Note,
        onset=st.sampled_from((0.1, 0.11, 0.3, 0.6)),  # here: since the note before
        duration=st.just(0.2),
        pitch=st.integers(60, 63) | st.integers(21, 108),
        velocity=st.integers(1, 127),
    ),
    min_size=1,
    max_size=40,
)


def steps(tune: list[Note]) -> codec.Steps:
    """A tune whose onsets are distances, as steps after silence."""
    at, notes = 0.0, []
    for note in tune:
        at += note.onset
        notes.append(Note(at, note.duration, note.pitch, note.velocity))
    return np.concatenate([codec.SILENCE[None], codec.encode(notes)])


def patiently(rows: codec.Steps, window: int) -> codec.Steps:
    """The same, note by note."""

    def interval(i: int) -> int | None:
        pair = rows[max(i - 1, 0) : i + 1, codec.PITCH].tolist()
        return None if len(pair) < 2 or codec.NO_PITCH in pair else pair[1] - pair[0]

    def wait(i: int) -> float:
        return float(codec.TIMES[min(rows[i, codec.TIME], len(codec.TIMES) - 1)])

    found = []
    for now in range(len(rows)):
        best = (0, 0, 0, 0)
        for then in range(max(now - window + 1, 0), now):
            length = rhythm = 0
            while length < min(longest_match_features.DEPTH, then + 1):
                here = interval(now - length)
                if here is None or here != interval(then - length):
                    break
                in_time = abs(
                    wait(now - length) - wait(then - length)
                ) <= longest_match_features.SLACK_SECONDS + longest_match_features.SLACK_SHARE * wait(then - length)
                rhythm += in_time and rhythm == length
                length += 1
            if length:
                same_key = int(rows[now, codec.PITCH] == rows[then, codec.PITCH])
                best = max(best, (2 * (length + rhythm) + same_key, then, length, rhythm))
        if best[0] == 0:
            found.append(longest_match_features.NO_MATCH)
            continue
        _, then, length, rhythm = best
        came, p = rows[then + 1], rows[then, codec.PITCH]
        up = (
            np.clip(came[codec.PITCH] - p, -longest_match_features.MAX_INTERVAL, longest_match_features.MAX_INTERVAL)
            + longest_match_features.MAX_INTERVAL
        )
        shift = (
            np.clip(rows[now, codec.PITCH] - p, -longest_match_features.MAX_SHIFT, longest_match_features.MAX_SHIFT)
            + longest_match_features.MAX_SHIFT
        )
        found.append(
            np.array([up, came[codec.TIME], came[codec.VELOCITY], came[codec.DURATION], length, rhythm, shift])
        )
    return np.concatenate([rows, np.stack(found)], axis=1)


@settings(max_examples=150, deadline=None)
@given(tunes, st.integers(2, 50))
def test_it_finds_what_a_patient_reader_finds(tune: list[Note], window: int) -> None:
    rows = steps(tune)
    found = patiently(rows, window)
    assert np.array_equal(longest_match_features.add_recall(rows, window), found)
    for count in range(1, len(rows) + 1):
        assert np.array_equal(longest_match_features.add_recall_to_last(rows[:count], window), found[count - 1])


@given(tunes, st.integers(2, 12), st.data())
def test_it_depends_on_its_history_alone(tune: list[Note], window: int, data: st.DataObject) -> None:
    rows = steps(tune)
    first = data.draw(st.integers(0, len(rows) - 1))
    past = max(first - longest_match_features.lookback(window), 0)
    whole = longest_match_features.add_recall(rows, window)
    assert np.array_equal(longest_match_features.add_recall(rows[past:], window, first - past), whole[first:])
    assert np.array_equal(
        longest_match_features.add_recall(rows[: first + 1], window), whole[: first + 1]
    )  # nothing from ahead


def test_a_motif_in_another_key_is_known_again() -> None:
    motif = [Note(0.3, 0.2, p, v) for p, v in ((60, 50), (64, 60), (62, 70), (67, 80), (65, 90))]
    again = [Note(0.3, 0.2, n.pitch + 5, 64) for n in motif[:4]]
    row = longest_match_features.add_recall(steps([*motif, *again]), 64)[-1]
    assert row[INTERVAL] - longest_match_features.MAX_INTERVAL == -2
    assert row[VELOCITY] == 90 // 4
    assert (row[LENGTH], row[RHYTHM]) == (3, 3)
    assert row[SHIFT] - longest_match_features.MAX_SHIFT == 5
    assert row[DURATION] == codec.duration_bins(np.array([0.2]))[0]
    assert row[TIME] == codec.time_bins(np.array([0.3]))[0]


def test_every_value_fits() -> None:
    rng = np.random.default_rng(0)
    rows = np.tile(codec.SILENCE, (300, 1))
    rows[5:, codec.PITCH] = rng.integers(0, 88, 295)
    rows[5:, codec.TIME] = rng.integers(0, codec.SIZES[codec.TIME] + 1, 295)
    found = longest_match_features.add_recall(rows, 256)[:, len(codec.FIELDS) :]
    assert (found >= 0).all()
    assert (found < np.array(longest_match_features.SIZES)).all()
    assert (found[:5] == longest_match_features.NO_MATCH).all()


@given(tunes, st.integers(3, 30), st.integers(0, 40))
def test_steps_that_are_added_are_found_as_if_they_had_always_been_there(
    tune: list[Note], window: int, begin: int
) -> None:
    rows = steps(tune)
    begin = min(begin, len(rows) - 1)
    history = longest_match_features.StepHistory(rows[: begin + 1], window)
    kept = history.copy()
    before = kept.recall()
    for end in range(begin + 1, len(rows)):
        history.add(rows[end].tolist())
        assert [*rows[end].tolist(), *history.recall()] == longest_match_features.add_recall(
            rows[: end + 1], window, end
        )[0].tolist()
    assert kept.recall() == before
