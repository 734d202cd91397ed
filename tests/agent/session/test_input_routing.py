"""What becomes of a message: dropped, our own, passed on at once; and on the loop clock, control, music or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.control.bindings import Bindings, Trigger
from agent.midi.feedback_loop import LOOP
from agent.midi.keyboard_zones import KeyboardZones
from agent.midi.messages import MOST_SYSEX, Event, is_clock, is_whole
from agent.midi.ports import PAGE
from agent.session.input_routing import InputFilter, Route, Verdict

from ...support.synth import NOTES_OFF

ON, OFF = bytes((0x90, 60, 80)), bytes((0x80, 60, 0))
PAD, PAD_OFF = bytes((0x90, 36, 80)), bytes((0x80, 36, 0))
TICK = b"\xf8"


class FakeThru:
    """Holds what a test says."""

    def __init__(self, *held: bytes) -> None:
        self.held = held

    def holds(self, message: bytes) -> bool:
        return message in self.held


def a_filter(
    thru: FakeThru | None = None, zones: KeyboardZones | None = None, lines: tuple[str, ...] = ("note36=panic",)
) -> InputFilter:
    return InputFilter(zones or KeyboardZones(), Bindings.parse(list(lines)), thru)


def verdict(f: InputFilter, message: bytes, when: float = 1.0, port: str = "keys") -> Verdict:
    return f.check(Event(when, message), port).verdict


SYSEX = bytes((0xF0, 0x7F, 0x7F, 4, 1, 0, 64, 0xF7))  # master volume


def test_a_system_exclusive_message_goes_to_the_synth_and_nowhere_else() -> None:
    f = a_filter(FakeThru())
    assert verdict(f, SYSEX) is Verdict.THRU_ONLY
    assert verdict(a_filter(None), SYSEX) is Verdict.DROP
    assert verdict(f, bytes((0xF0, *[1] * (MOST_SYSEX - 2), 0xF7))) is Verdict.THRU_ONLY
    assert verdict(f, bytes((0xF0, *[1] * (MOST_SYSEX - 1), 0xF7))) is Verdict.DROP


def test_a_system_exclusive_message_that_comes_back_or_comes_twice_is_passed_on_once() -> None:
    f = a_filter(FakeThru())
    assert verdict(f, SYSEX, 1.0, "usb") is Verdict.THRU_ONLY
    assert verdict(f, SYSEX, 1.01, "din") is Verdict.DROP  # the same keyboard, through its other port
    f.sent(SYSEX, 1.0, "usb")
    assert verdict(f, SYSEX, 1.0 + LOOP / 2, "daw") is Verdict.FEEDBACK
    assert verdict(f, SYSEX, 1.0 + LOOP / 2, "usb") is Verdict.FEEDBACK
    assert verdict(f, SYSEX[:-2] + b"\x41\xf7", 1.0 + LOOP / 2, "usb") is Verdict.THRU_ONLY  # another volume
    assert verdict(f, SYSEX, 1.0 + 2 * LOOP, "usb") is Verdict.THRU_ONLY  # asked for again


@pytest.mark.parametrize("message", [b"", b"\x90", b"\x90\x3c", b"\x3c\x50", b"\x90\x3c\x80", b"\xf0\x01"])
def test_what_is_broken_is_dropped(message: bytes) -> None:
    assert verdict(a_filter(FakeThru()), message) is Verdict.DROP


def test_all_that_is_music_is_passed_on_and_no_control_is() -> None:
    f = a_filter(FakeThru())
    assert verdict(f, ON) is Verdict.PASS_ON
    assert verdict(f, bytes((0xE3, 1, 2))) is Verdict.PASS_ON
    assert verdict(f, PAD) is Verdict.ACCEPT
    assert verdict(f, PAD_OFF) is Verdict.ACCEPT
    assert verdict(a_filter(None), ON) is Verdict.ACCEPT


def test_the_end_of_what_sounds_is_passed_on_though_it_has_become_a_control() -> None:
    assert verdict(a_filter(FakeThru(PAD_OFF)), PAD_OFF) is Verdict.PASS_ON


def test_the_clock_goes_to_the_loop_alone_and_is_never_our_own() -> None:
    f = a_filter(FakeThru())
    f.sent(TICK, 1.0)
    assert verdict(f, TICK, 1.0) is Verdict.ACCEPT


def test_our_own_output_comes_back_as_feedback_but_not_from_the_page() -> None:
    f = a_filter(FakeThru())
    f.sent(ON, 1.0)
    assert verdict(f, ON, 1.0 + LOOP / 2) is Verdict.FEEDBACK
    assert verdict(f, ON, 1.0 + LOOP / 2, PAGE) is Verdict.PASS_ON
    assert verdict(f, ON, 1.0 + 2 * LOOP) is Verdict.PASS_ON


def test_others_see_the_time_as_a_take_has_it_and_the_velocity_on_the_curve() -> None:
    f = a_filter(FakeThru(), KeyboardZones(curve="soft"))
    event = f.check(Event(1.23456789, ON), "keys").event
    assert event.when == 1.234568
    assert event.message[:2] == ON[:2]
    assert event.message[2] > ON[2]


def test_a_stroke_that_was_passed_on_from_its_own_port_is_no_feedback() -> None:
    f = a_filter(FakeThru())
    for i in range(8):
        assert verdict(f, ON, 1.0 + 0.031 * i) is Verdict.PASS_ON
        f.sent(ON, 1.0 + 0.031 * i, "keys")
        assert verdict(f, OFF, 1.015 + 0.031 * i) is Verdict.PASS_ON
        f.sent(OFF, 1.015 + 0.031 * i, "keys")
    assert verdict(f, ON, 1.025 + 0.031 * 7, "other") is Verdict.FEEDBACK
    assert verdict(f, ON, 1.030 + 0.031 * 7) is Verdict.PASS_ON
    f.sent(ON, 1.030 + 0.031 * 7, "keys")
    assert verdict(f, ON, 1.033 + 0.031 * 7) is Verdict.FEEDBACK  # it has not come up


def test_what_another_port_has_just_brought_is_dropped() -> None:
    f = a_filter(FakeThru())
    assert verdict(f, ON, 1.0, "one") is Verdict.PASS_ON
    assert verdict(f, bytes((0x90, 60, 79)), 1.003, "two") is Verdict.DROP
    assert verdict(f, bytes((0x91, 60, 79)), 1.003, "two") is Verdict.PASS_ON  # a layer of its own
    assert verdict(f, OFF, 1.2, "two") is Verdict.DROP
    assert verdict(f, OFF, 1.2, "one") is Verdict.PASS_ON
    assert verdict(f, ON, 2.0, "two") is Verdict.PASS_ON
    assert verdict(f, ON, 2.1, "one") is Verdict.PASS_ON
    assert verdict(f, bytes((0xC0, 5)), 3.0, "one") is Verdict.PASS_ON
    assert verdict(f, bytes((0xC0, 5)), 3.001, "two") is Verdict.DROP
    assert verdict(f, bytes((0xC0, 5)), 3.002, "one") is Verdict.PASS_ON


def test_channel_10_is_drums_unless_it_is_asked_for_or_bent() -> None:
    f = a_filter()
    hit = bytes((0x99, 38, 80))
    assert f.route(hit, False) is Route.DRUMS
    assert f.route(bytes((0x89, 38, 0)), False) is Route.NOTHING
    assert f.route(bytes((0xB9, 64, 127)), False) is Route.NOTHING
    assert f.route(bytes((0xE9, 0, 64)), False) is Route.NOTHING
    assert f.route(hit, False) is Route.DRUMS
    assert f.route(bytes((0xE9, 1, 64)), False) is Route.MUSIC
    assert f.route(hit, False) is Route.MUSIC
    assert a_filter(zones=KeyboardZones(channel=9)).route(hit, False) is Route.MUSIC
    assert a_filter(zones=KeyboardZones(channel=0)).route(hit, False) is Route.NOTHING


def test_what_a_message_means_on_the_loop() -> None:
    f = a_filter(zones=KeyboardZones(channel=0, split=70))
    assert f.route(TICK, False) is Route.CLOCK
    assert f.route(PAD, False) is Route.CONTROL
    assert f.route(PAD_OFF, True) is Route.MUSIC  # it ends a key that was music when it went down
    assert f.route(ON, False) is Route.MUSIC
    assert f.route(bytes((0x90, 71, 80)), False) is Route.NOTHING  # it lies in the agent's zone
    assert f.route(bytes((0x91, 60, 80)), False) is Route.NOTHING
    assert f.route(bytes((0xB0, 64, 127)), False) is Route.MUSIC


def test_a_control_that_is_learnt_counts_from_then_on() -> None:
    bindings = Bindings()
    f = InputFilter(KeyboardZones(), bindings, FakeThru())
    assert verdict(f, PAD) is Verdict.PASS_ON
    assert f.route(PAD, False) is Route.MUSIC
    bindings.bind(Trigger("note", 36), "panic")
    assert verdict(f, PAD, 2.0) is Verdict.ACCEPT
    assert f.route(PAD, False) is Route.CONTROL


@given(st.binary(max_size=6), st.floats(0.0, 1e6), st.booleans(), st.booleans())
def test_whatever_arrives_what_is_broken_or_of_the_clock_is_never_passed_on(
    message: bytes, when: float, has_thru: bool, is_release: bool
) -> None:
    f = a_filter(FakeThru() if has_thru else None)
    found = f.check(Event(when, message), "keys")
    assert (found.verdict is Verdict.DROP) == (not is_whole(message))
    if found.verdict is Verdict.PASS_ON:
        assert has_thru
        assert not is_clock(message)
    if found.verdict is not Verdict.DROP:
        assert f.route(found.event.message, is_release) in Route
        assert f.check(Event(when, message), "keys").verdict is found.verdict  # asking changes nothing


@pytest.mark.parametrize("mode", NOTES_OFF)
def test_all_notes_off_that_comes_back_ends_nothing_on_a_port_that_is_in_a_loop(mode: int) -> None:
    f = a_filter(FakeThru())
    message = bytes((0xB0, mode, 0))
    f.sent(message, 1.0, "keys")
    assert verdict(f, message, 1.01) is Verdict.PASS_ON  # who says it twice is no loop
    f.sent(ON, 2.0)
    assert verdict(f, ON, 2.01) is Verdict.FEEDBACK  # what the agent played comes back: this port is in a loop
    f.sent(message, 3.0, "keys")
    assert verdict(f, message, 3.01) is Verdict.FEEDBACK
    assert verdict(f, message, 3.01, "other") is Verdict.PASS_ON
    assert verdict(f, message, 3.0 + 2 * LOOP) is Verdict.PASS_ON


def test_strokes_that_end_by_all_notes_off_are_no_echo() -> None:
    f = a_filter(FakeThru())
    for i in range(8):
        now = 1.0 + 0.03 * i
        assert verdict(f, ON, now) is Verdict.PASS_ON, i
        f.sent(ON, now, "keys")
        assert verdict(f, bytes((0xB0, 123, 0)), now + 0.01) is Verdict.PASS_ON
        f.sent(bytes((0xB0, 123, 0)), now + 0.01, "keys")
