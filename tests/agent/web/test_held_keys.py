"""What pages hold, and what ends when one of them vanishes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.web.held_keys import PEDALS, HeldKeys

KEY, OTHER, OFF = b"\x90\x3c\x50", b"\x90\x40\x50", b"\x80\x3c\x00"
PEDAL, UP, HALF = b"\xb0\x40\x7f", b"\xb0\x40\x00", b"\xb0\x40\x20"


@pytest.mark.parametrize(
    ("heard", "ended"),
    [
        ([], []),
        ([KEY], [OFF]),
        ([KEY, OFF], []),
        ([KEY, b"\x90\x3c\x00"], []),  # a note-on with velocity 0 ends it, too
        ([KEY, KEY], [OFF]),
        ([PEDAL], [UP]),
        ([PEDAL, UP], []),
        ([PEDAL, HALF], [UP]),  # half down is not up
        ([KEY, PEDAL, OFF], [UP]),
        ([KEY, OTHER, PEDAL], [OFF, b"\x80\x40\x00", UP]),
        ([b"\xb5\x42\x7f", b"\xb5\x45\x01"], [b"\xb5\x42\x00", b"\xb5\x45\x00"]),
        ([b"\xb0\x01\x7f", b"\xe0\x00\x40", b"\xc0\x05"], []),  # what holds nothing
        ([b"\x95\x3c\x50", KEY], [OFF, b"\x85\x3c\x00"]),  # each channel its own
    ],
)
def test_who_vanishes_lets_go(heard: list[bytes], ended: list[bytes]) -> None:
    held = HeldKeys()
    assert all(held.hear("a", message) for message in heard)
    assert held.release("a") == ended
    assert held.release("a") == []
    assert not held.holds("a")


def test_a_key_of_another_is_not_ended() -> None:
    held = HeldKeys()
    assert held.hear("a", KEY)
    assert not held.hear("b", OFF)
    assert held.hear("b", KEY)
    assert not held.hear("a", OFF)
    assert held.hear("b", OFF)
    assert held.hear("b", UP)  # nobody holds it: it may go through


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from([0x80, 0x90, 0xB0, 0xB1]),
            st.sampled_from([60, 61, *PEDALS]),
            st.sampled_from([0, 30, 127]),
        ),
        max_size=60,
    )
)
def test_when_all_have_vanished_nothing_is_down(story: list[tuple[str, int, int, int]]) -> None:
    held = HeldKeys()
    down: dict[tuple[int, int], bool] = {}

    def pass_on(message: bytes) -> None:
        kind = message[0] & 0xF0
        if kind == 0xB0 and message[1] not in PEDALS:
            return
        down[0x90 if kind in (0x80, 0x90) else message[0], message[1]] = kind != 0x80 and message[2] > 0

    for who, status, number, value in story:
        message = bytes((status, number, value))
        if held.hear(who, message):
            pass_on(message)
    for who in "abc":
        for message in held.release(who):
            pass_on(message)
    assert not any(down.values())
