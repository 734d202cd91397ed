"""The addresses: one for all that a controller reaches, values clamped, releases of buttons and rubbish told apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.control.bindings import ACTIONS, Bindings
from agent.control.parameters import PARAMETERS
from agent.osc.addresses import FADER_ADDRESS, KNOB_ADDRESS, ROOT, Argument, action_of, incoming

from ...measure.osc_tables import README, with_tables

VALUES = st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats() | st.text(max_size=200)


def test_every_action_and_parameter_of_a_controller_has_an_address() -> None:
    for action in ACTIONS:
        Bindings.parse([f"cc20={action}"])  # a controller reaches it
        assert action_of(ROOT + action, []) == action
    for name in PARAMETERS:
        Bindings.parse([f"cc20=knob:{name}"])
        assert (action_of(KNOB_ADDRESS + name, [60.0]) or "").startswith(f"knob:{name}=")
    written = {row.address for row in incoming()}
    assert written >= {ROOT + action for action in ACTIONS} | {KNOB_ADDRESS + name for name in PARAMETERS}


def test_the_tables_of_the_document_are_these() -> None:
    text = README.read_text(encoding="utf8")
    assert text == with_tables(text)
    assert with_tables(text.replace("`/tradefours/panic` | none", "`/tradefours/panic` | some")) == text


@pytest.mark.parametrize(
    ("address", "arguments", "action"),
    [
        ("/tradefours/panic", [], "panic"),
        ("/tradefours/panic", [1.0], "panic"),
        ("/tradefours/panic", [1], "panic"),
        ("/tradefours/panic", [True], "panic"),
        ("/tradefours/panic", [0.0], ""),  # the button comes up
        ("/tradefours/panic", [False], ""),
        ("/tradefours/panic", ["now"], ""),
        ("/tradefours/knob/density", [0.25], "knob:density=0.250"),
        ("/tradefours/knob/density", [7], "knob:density=1.000"),
        ("/tradefours/knob/tempo", [-1e9], "knob:tempo=20.000"),
        ("/tradefours/knob/tempo", [96.5, 1.0], "knob:tempo=96.500"),
        ("/tradefours/fader/density", [0.5], "knob:density=0.000"),
        ("/tradefours/fader/tempo", [1.5], "knob:tempo=400.000"),
        ("/tradefours/preset", ["ragtime"], "preset:ragtime"),
        ("/tradefours/preset", ["Modern jazz"], "preset:Modern jazz"),
        ("/tradefours/preset/ragtime", [1.0], "preset:ragtime"),
        ("/tradefours/preset/ragtime", [0.0], ""),
        ("/tradefours/preset/ragtime", [], "preset:ragtime"),
        ("/tradefours/song", [2.0], "song:2"),
        ("/tradefours/song", [2], "song:2"),
        ("/tradefours/song", [0], None),
        ("/tradefours/song", [-1], None),
        ("/tradefours/song", [1e9], None),
        ("/tradefours/song", [], None),
        ("/tradefours/song", ["2"], None),
        ("/tradefours", [], None),
        ("/tradefours/", [], None),
        ("/tradefours/nothing", [1.0], None),
        ("/panic", [], None),
        ("panic", [], None),
        ("/tradefours/knob/density", [], None),
        ("/tradefours/knob/density", ["1"], None),
        ("/tradefours/knob/density", [True], None),
        ("/tradefours/knob/density", [math.nan], None),
        ("/tradefours/knob/density", [math.inf], None),
        ("/tradefours/knob/nobody", [0.0], None),
        ("/tradefours/knob/", [0.0], None),
        ("/tradefours/preset", [1.0], None),
        ("/tradefours/preset", [], None),
        ("/tradefours/preset", ["../../x.toml"], None),
        ("/tradefours/preset", ["a\nb"], None),
        ("/tradefours/preset", [".."], None),
        ("/tradefours/preset", ["a" * 101], None),
        ("/tradefours/preset/a/b", [1.0], None),
    ],
)
def test_what_a_message_asks_for(address: str, arguments: list[Argument], action: str | None) -> None:
    assert action_of(address, arguments) == action


@given(st.sampled_from([KNOB_ADDRESS, FADER_ADDRESS]), st.sampled_from(list(PARAMETERS)), VALUES)
def test_a_value_is_in_its_range_whatever_arrives(where: str, name: str, value: Argument) -> None:
    action = action_of(where + name, [value])
    if action is not None:
        number = float(action.partition("=")[2])
        assert PARAMETERS[name].low <= number <= PARAMETERS[name].high
