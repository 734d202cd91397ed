"""The ledger of a port, and the watchdog that keeps it in a second place: what is down is ended, and nothing is forgotten."""

from __future__ import annotations

import io
import json

import pytest

from agent.midi.keys_down_ledger import Ledger
from agent.midi.note_off_watchdog import WATCHED, read_messages

from ...support.synth import NOTES_OFF, PEDALS, Synth

ON, OFF = b"\x90\x3c\x50", b"\x80\x3c\x00"


def ledger(*messages: bytes, now: float = 0.0) -> Ledger:
    made = Ledger()
    for message in messages:
        made.record(message, now)
    return made


@pytest.mark.parametrize("mode", NOTES_OFF)
def test_all_notes_off_lifts_the_keys_of_its_channel(mode: int) -> None:
    made = ledger(ON, b"\x91\x3c\x50", b"\xb0\x40\x7f", bytes((0xB0, mode, 0)))
    assert made.keys == {(1, 60)}
    assert made.ends() == [b"\x81\x3c\x00", b"\xb0\x40\x00"]


@pytest.mark.parametrize("pedal", PEDALS)
@pytest.mark.parametrize("value", [1, 63, 127])
def test_a_pedal_that_is_not_at_rest_is_lifted(pedal: int, value: int) -> None:
    made = ledger(bytes((0xB3, pedal, value)))
    assert made.ends() == [bytes((0xB3, pedal, 0))]
    assert made.channels == {3}
    made.record(bytes((0xB3, pedal, 0)))
    assert made.ends() == []


def test_a_reset_lifts_the_pedals_of_its_channel_and_no_key() -> None:
    made = ledger(ON, *(bytes((0xB0, pedal, 127)) for pedal in PEDALS), b"\xb1\x40\x7f", b"\xb0\x79\x00")
    assert made.ends() == [OFF, b"\xb1\x40\x00"]


def test_what_was_ended_just_now_is_ended_once_more() -> None:
    made = ledger(ON, b"\xb0\x42\x7f", now=1.0)
    made.record(b"\xb0\x7b\x00", 2.0)
    made.record(b"\xb0\x79\x00", 2.0)
    assert made.ends() == []
    assert made.ends(1.5) == [OFF, b"\xb0\x42\x00"]
    assert made.ends(2.5) == []


@pytest.mark.parametrize("pedal", PEDALS)
def test_the_watchdog_learns_of_every_pedal_on_a_channel_without_notes(pedal: int) -> None:
    assert {*PEDALS, *NOTES_OFF, 121} <= set(WATCHED)
    targets = b"\0" + json.dumps({"api": "jack", "to": ["synth:midi"]}).encode() + b"\n"
    api, to, made = read_messages(io.BytesIO(targets + bytes((0xB2, pedal, 90))))
    assert (api, to) == ("jack", ["synth:midi"])
    assert made.ends() == [bytes((0xB2, pedal, 0))]
    assert made.channels == {2}


def test_a_synth_that_hears_the_ends_is_silent() -> None:
    messages = [ON, b"\x95\x20\x10", *(bytes((0xB0 | pedal % 5, pedal, 3)) for pedal in PEDALS), b"\xb1\x7b\x00"]
    synth = Synth([*messages, *ledger(*messages).ends()])
    synth.assert_silent()
