"""The tracker turns any messages into notes, and tells the history only what changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.midi.messages import Event
from agent.turns.note_history import History
from agent.turns.note_tracker import LAYER_SECONDS, LONGEST_RING, NoteTracker
from models.music.note_records import HELD, Note

from ...support.synth import NOTES_OFF


def heard(*events: tuple[float, tuple[int, ...]]) -> NoteTracker:
    tracker = NoteTracker(History())
    for when, message in events:
        tracker.hear(Event(when, bytes(message)))
    return tracker


def lengths(tracker: NoteTracker) -> list[float]:
    return [round(n.duration, 6) for n in tracker.history.notes]


def test_a_key_down_and_up_is_a_note() -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.5, (0x80, 60, 0)))
    assert tracker.history.notes == [Note(1.0, 0.5, 60, 80)]
    assert (tracker.last_onset, tracker.last_release) == (1.0, 1.5)


def test_a_note_is_held_until_its_key_is_up() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)))) == [HELD]
    assert lengths(heard((1.0, (0x90, 60, 80)), (2.0, (0x90, 60, 0)))) == [1.0]


def test_the_pedal_holds_what_is_let_go() -> None:
    down, up = (0xB0, 64, 127), (0xB0, 64, 0)
    tracker = heard((0.0, down), (1.0, (0x90, 60, 80)), (1.2, (0x80, 60, 0)))
    assert lengths(tracker) == [HELD]
    assert tracker.pedal
    tracker.hear(Event(3.0, bytes(up)))
    assert lengths(tracker) == [2.0]
    assert not tracker.pedal


def test_a_key_held_when_the_pedal_rises_goes_on() -> None:
    assert lengths(heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (2.0, (0xB0, 64, 0)))) == [HELD]


def test_a_key_struck_again_ends_the_note_before() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)), (1.4, (0x90, 60, 80)))) == [0.4, HELD]
    pedalled = heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (1.1, (0x80, 60, 0)), (1.4, (0x90, 60, 80)))
    assert lengths(pedalled) == [0.4, HELD]


def test_a_string_dies_away_under_the_pedal() -> None:
    tracker = heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (1.1, (0x80, 60, 0)), (99.0, (0xB0, 64, 0)))
    assert lengths(tracker) == [LONGEST_RING]


@pytest.mark.parametrize("mode", NOTES_OFF)
def test_all_notes_off_lets_go(mode: int) -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.0, (0x91, 62, 80)), (2.0, (0xB0, mode, 0)))
    assert lengths(tracker) == [1.0, HELD]
    assert list(tracker.down) == [(1, 62)]
    assert tracker.last_release == 2.0


@pytest.mark.parametrize("mode", NOTES_OFF[1:])
def test_all_notes_off_after_each_last_key_leaves_what_the_pedal_holds(mode: int) -> None:
    events: list[tuple[float, tuple[int, ...]]] = [(0.0, (0xB0, 64, 127))]
    for i in range(4):
        events += [(1.0 + i, (0x90, 60 + i, 80)), (1.5 + i, (0x80, 60 + i, 0)), (1.51 + i, (0xB0, mode, 0))]
    tracker = heard(*events)
    assert lengths(tracker) == [HELD] * 4
    assert tracker.last_release == 4.5  # the message ended nothing
    tracker.hear(Event(6.0, bytes((0xB0, 64, 0))))
    assert lengths(tracker) == [5.0, 4.0, 3.0, 2.0]


def test_all_notes_off_again_and_again_is_no_release() -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.5, (0x80, 60, 0)), (2.0, (0xB0, 123, 0)), (3.0, (0xB0, 120, 0)))
    assert tracker.last_release == 1.5


def test_a_reset_of_the_controllers_lifts_pedals_and_no_keys() -> None:
    tracker = heard((0.0, (0xB0, 64, 127)), (1.0, (0x90, 60, 80)), (1.0, (0x90, 64, 80)), (1.5, (0x80, 64, 0)))
    tracker.hear(Event(2.0, bytes((0xB0, 121, 0))))
    assert lengths(tracker) == [HELD, 1.0]
    assert list(tracker.down) == [(0, 60)]
    assert not tracker.pedal


@pytest.mark.parametrize("pedal", [64, 66, 69])
def test_every_pedal_that_holds_notes_does(pedal: int) -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.1, (0xB0, pedal, 127)), (1.2, (0x80, 60, 0)))
    assert lengths(tracker) == [HELD]
    assert tracker.pedal
    tracker.hear(Event(3.0, bytes((0xB0, pedal, 0))))
    assert lengths(tracker) == [2.0]
    assert not tracker.pedal


def test_the_soft_pedal_holds_nothing() -> None:
    tracker = heard((1.0, (0xB0, 67, 127)), (1.0, (0x90, 60, 80)), (1.5, (0x80, 60, 0)))
    assert lengths(tracker) == [0.5]
    assert not tracker.pedal


def test_a_pedal_that_wavers_near_its_middle_is_down_and_ends_no_phrase() -> None:
    tracker = heard((0.0, (0xB0, 64, 66)), (1.0, (0x90, 60, 80)), (1.2, (0x80, 60, 0)))
    for i in range(80):
        tracker.hear(Event(2.0 + i / 40, bytes((0xB0, 64, (63, 64, 65, 64)[i % 4]))))
    assert lengths(tracker) == [HELD]
    assert tracker.last_release == 1.2


def test_a_foot_that_taps_is_no_release_where_it_ends_no_note() -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.2, (0x80, 60, 0)))
    for i in range(20):
        tracker.hear(Event(2.0 + i / 4, bytes((0xB0, 64, 127 * (i % 2)))))
    assert tracker.last_release == 1.2


def test_panic_lifts_what_never_came_up() -> None:
    tracker = heard((1.0, (0x90, 60, 80)), (1.0, (0x92, 62, 80)), (1.1, (0xB2, 66, 127)), (1.5, (0x80, 72, 0)))
    tracker.release_all(3.0)
    assert lengths(tracker) == [2.0, 2.0]
    assert not tracker.down
    assert not tracker.pedal
    assert tracker.last_release == 3.0
    tracker.release_all(4.0)
    assert tracker.last_release == 3.0  # there was nothing to let go of


def test_channels_do_not_mix() -> None:
    assert lengths(heard((1.0, (0x90, 60, 80)), (2.0, (0x81, 60, 0)))) == [HELD]


def test_a_pedal_that_ends_ten_notes_is_one_piece_of_news() -> None:
    events = [(0.0, (0xB0, 64, 127))]
    for i in range(10):
        events += [(1.0 + i, (0x90, 60 + i, 80)), (1.5 + i, (0x80, 60 + i, 0))]
    tracker = heard(*events)
    assert tracker.history.take_changes() == (0, tracker.history.notes)
    assert tracker.history.take_changes() is None
    tracker.hear(Event(20.0, bytes((0xB0, 64, 0))))
    at, notes = tracker.history.take_changes() or (None, [])
    assert at == 0
    assert all(n.duration != HELD for n in notes)
    assert tracker.history.take_changes() is None


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.binary(max_size=6)), max_size=60))
def test_any_bytes_at_all(stream: list[tuple[float, bytes]]) -> None:
    now, tracker = 0.0, NoteTracker(History())
    for wait, message in stream:
        now += wait
        tracker.hear(Event(now, message))
    tracker.release_all(now)
    assert not tracker.down
    assert not tracker.held.ringing
    assert all(0 < n.duration <= LONGEST_RING for n in tracker.history.notes)


A, B = 0, 1  # channels of two layers


def layered(first_up: int = A, second_on: float = 0.001, pedal: tuple[int, ...] = (), other: int = 60) -> NoteTracker:
    """One key on two channels, held for a second; `pedal`: the channels on which it is down from 0.5 to 2 s."""
    events: list[tuple[float, tuple[int, ...]]] = [(1.0, (0x90 | A, 60, 80)), (1.0 + second_on, (0x90 | B, other, 75))]
    events += [(1.5, (0xB0 | channel, 64, 127)) for channel in pedal]
    events += [(2.0, (0x80 | first_up, 60 if first_up == A else other, 0))]
    events += [(2.01, (0x80 | (1 - first_up), other if first_up == A else 60, 0))]
    return heard(*events, *[(3.0, (0xB0 | channel, 64, 0)) for channel in pedal])


@pytest.mark.parametrize("first_up", [A, B])
@pytest.mark.parametrize("second_on", [0.0, 0.001, 0.01, LAYER_SECONDS - 0.001])
@pytest.mark.parametrize(("pedal", "length"), [((), 1.01), ((A,), 2.0), ((B,), 2.0), ((A, B), 2.0)])
def test_one_key_on_two_channels_is_one_note(
    first_up: int, second_on: float, pedal: tuple[int, ...], length: float
) -> None:
    tracker = layered(first_up, second_on, pedal)
    assert lengths(tracker) == [length]
    assert tracker.history.notes[0].velocity == 80
    assert not tracker.down
    assert tracker.last_onset == 1.0


def test_two_keys_and_two_strokes_on_two_channels_are_two_notes() -> None:
    assert len(layered(other=72).history.notes) == 2
    assert len(layered(second_on=LAYER_SECONDS + 0.01).history.notes) == 2
    restruck = [
        (when, (kind | channel, 60, 80))
        for when, kind in ((1.0, 0x90), (1.015, 0x80), (1.031, 0x90))
        for channel in (A, B)
    ]
    assert len(heard(*restruck).history.notes) == 2
    assert len(heard((1.0, (0x90, 60, 80)), (1.015, (0x90, 60, 80))).history.notes) == 2  # one channel: a fast stroke


def test_four_layers_and_a_chord_are_as_many_notes_as_keys() -> None:
    chord = [
        (1.0 + 0.001 * i, (0x90 | channel, pitch, 80)) for i, pitch in enumerate((60, 64, 67)) for channel in range(4)
    ]
    tracker = heard(*chord)
    assert [n.pitch for n in tracker.history.notes] == [60, 64, 67]
    tracker.hear(Event(2.0, b"\xb0\x7b\x00"))  # all notes off on one channel: the others hold
    assert {n.duration for n in tracker.history.notes} == {HELD}
    tracker.release_all(3.0)
    assert lengths(tracker) == [2.0, 1.999, 1.998]


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 2), st.booleans(), st.floats(0.0, 0.05)), max_size=40)
)
def test_whatever_two_layers_do_no_note_hangs_and_none_ends_before_it_begins(
    events: list[tuple[int, int, bool, float]],
) -> None:
    now = 0.0
    tracker = NoteTracker(History())
    for channel, pitch, is_on, wait in events:
        now += wait
        tracker.hear(Event(now, bytes(((0x90 if is_on else 0x80) | channel, 60 + pitch, 70 if is_on else 0))))
    for channel in (A, B):
        for pitch in range(3):
            tracker.hear(Event(now + 1.0, bytes((0x80 | channel, 60 + pitch, 0))))
    assert not tracker.down
    assert all(0.0 < n.duration <= LONGEST_RING for n in tracker.history.notes)
    assert len(tracker.history.notes) <= sum(is_on for _, _, is_on, _ in events)
