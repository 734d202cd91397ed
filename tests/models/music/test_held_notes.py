"""Notes end when neither a key nor a pedal holds them, whatever comes in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.held_notes import ALL_SOUND_OFF, HOLD_2, NOTES_OFF_MODES, RESET_CONTROLS, SOFT, SOSTENUTO, SUSTAIN
from models.music.held_notes import HeldNotes as Held

KEY, OTHER = (0, 60), (0, 64)


def held(*pressed: tuple[int, int]) -> Held[tuple[int, int]]:
    made: Held[tuple[int, int]] = Held()
    for key in pressed:
        assert made.press(key, key) == []
    return made


@pytest.mark.parametrize("mode", NOTES_OFF_MODES)
def test_all_notes_off_lifts_the_keys_of_its_channel(mode: int) -> None:
    notes = held(KEY, OTHER, (1, 60))
    assert notes.control(0, mode, 0) == [KEY, OTHER]
    assert list(notes.down) == [(1, 60)]


@pytest.mark.parametrize("mode", NOTES_OFF_MODES)
@pytest.mark.parametrize("pedal", [SUSTAIN, HOLD_2, SOSTENUTO])
def test_a_pedal_has_priority_over_all_notes_off(mode: int, pedal: int) -> None:
    notes = held(KEY)
    assert notes.control(0, pedal, 127) == []
    assert notes.control(0, mode, 0) == []
    assert not notes.down
    assert list(notes.ringing) == [KEY]
    assert notes.control(0, pedal, 0) == [KEY]


def test_all_sound_off_ends_what_a_pedal_holds_and_leaves_the_pedal() -> None:
    notes = held(KEY, OTHER)
    notes.control(0, SUSTAIN, 127)
    notes.release(KEY)
    assert sorted(notes.control(0, ALL_SOUND_OFF, 0)) == [KEY, OTHER]
    notes.press(KEY, KEY)
    assert notes.release(KEY) == []  # the pedal is down still


@pytest.mark.parametrize("pedal", [SUSTAIN, HOLD_2, SOSTENUTO])
def test_a_reset_lifts_pedals_and_no_keys(pedal: int) -> None:
    notes = held(KEY, OTHER)
    notes.control(0, pedal, 127)
    notes.release(KEY)
    assert notes.control(0, RESET_CONTROLS, 0) == [KEY]
    assert list(notes.down) == [OTHER]
    assert not notes.pedals


def test_the_sostenuto_pedal_holds_only_what_was_down() -> None:
    notes = held(KEY)
    notes.control(0, SOSTENUTO, 127)
    notes.press(OTHER, OTHER)
    notes.control(0, SOSTENUTO, 90)  # it is down already, and catches nothing more
    assert notes.release(OTHER) == [OTHER]
    assert notes.release(KEY) == []
    assert notes.press(KEY, KEY) == [KEY]
    assert notes.release(KEY) == []  # its string is free still
    assert notes.control(0, SOSTENUTO, 0) == [KEY]


def test_the_soft_pedal_holds_nothing() -> None:
    notes = held(KEY)
    notes.control(0, SOFT, 127)
    assert notes.release(KEY) == [KEY]


def test_two_pedals_hold_until_the_last_is_up() -> None:
    notes = held(KEY)
    for pedal in (SUSTAIN, HOLD_2):
        notes.control(0, pedal, 127)
    notes.release(KEY)
    assert notes.control(0, SUSTAIN, 0) == []
    assert notes.control(0, HOLD_2, 0) == [KEY]


def test_a_pedal_near_its_middle_wavers_and_is_down() -> None:
    notes: Held[int] = Held(lifted_below=48)
    notes.control(0, SUSTAIN, 64)
    notes.press(KEY, 1)
    notes.release(KEY)
    assert not any(notes.control(0, SUSTAIN, value) for value in (63, 65, 60, 70, 48))
    assert notes.control(0, SUSTAIN, 47) == [1]
    notes.press(KEY, 2)
    notes.control(0, SUSTAIN, 63)  # not down before it has been at 64
    assert notes.release(KEY) == [2]


steps = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 1), st.integers(60, 62)),
    st.tuples(st.just("release"), st.integers(0, 1), st.integers(60, 62)),
    st.tuples(
        st.sampled_from(["up", "down", "half"]),
        st.integers(0, 1),
        st.sampled_from([SUSTAIN, SOSTENUTO, SOFT, HOLD_2, RESET_CONTROLS, ALL_SOUND_OFF, *NOTES_OFF_MODES, 1, 122]),
    ),
)


@given(st.lists(steps, max_size=60))
def test_each_note_ends_once_and_only_when_nothing_holds_it(stream: list[tuple[str, int, int]]) -> None:
    notes: Held[int] = Held()
    begun = 0
    ended: list[int] = []
    for what, channel, number in stream:
        key = (channel, number)
        if what == "press":
            ended += notes.press(key, begun)
            begun += 1
        elif what == "release":
            ended += notes.release(key)
            assert key not in notes.down
        else:
            ended += notes.control(channel, number, {"up": 0, "half": 63, "down": 127}[what])
        sounding = [*notes.down.values(), *notes.ringing.values()]
        assert sorted(ended + sounding) == list(range(begun))
        assert not notes.down.keys() & notes.ringing.keys()
        holding = {c for c, controller in notes.pedals if controller != SOFT}
        assert {c for c, _ in notes.ringing} <= holding
    ended += notes.release_all()
    assert sorted(ended) == list(range(begun))
    assert not notes.pedals
