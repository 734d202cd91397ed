"""OSC that arrives: acts like a page's request, at a bounded rate, is recorded, and whatever else arrives changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.control.bindings import ACTIONS
from agent.control.parameters import PARAMETERS
from agent.osc.addresses import FADER_ADDRESS, KNOB_ADDRESS, PRESET_ADDRESS, ROOT
from agent.osc.datagrams import BUNDLE, write_message
from agent.osc.osc_input import A_SECOND, AT_ONCE, OscInput
from agent.replay.verify_take import replay
from agent.session.session import Session
from agent.takes.recorder import JSONL, rows

from ...measure.record_golden import ECHO, jam
from ..session.test_session import Jam
from ..session.test_session import jam as jam_in_virtual_time

OTHER_ADDRESSES = st.sampled_from(["/", "/tradefours", f"{KNOB_ADDRESS}nobody", f"{PRESET_ADDRESS}/a/b", "/1/fader1"])
ADDRESSES = (
    st.sampled_from([ROOT + action for action in ACTIONS])
    | st.sampled_from([where + name for where in (KNOB_ADDRESS, FADER_ADDRESS) for name in PARAMETERS])
    | st.just(PRESET_ADDRESS)
    | OTHER_ADDRESSES
)
VALUES = st.lists(st.integers(-2, 500) | st.floats(width=32) | st.text(max_size=8), max_size=2)
MESSAGES = st.builds(lambda address, values: write_message(address, *values), ADDRESSES, VALUES)
DATAGRAMS = MESSAGES | st.binary(max_size=120) | st.binary(max_size=60).map(lambda rest: BUNDLE + rest)


class Desk:
    """A receiver, and what it did and said."""

    def __init__(self) -> None:
        self.now = 100.0
        self.done: list[str] = []
        self.said: list[str] = []
        self.receiver = OscInput(lambda action, when: self.done.append(action), lambda: self.now, self.said.append)


def test_messages_act_and_releases_do_not() -> None:
    desk = Desk()
    for address, value in (("knob/density", 0.5), ("panic", 1.0), ("panic", 0.0), ("trade", 1)):
        desk.receiver.receive(write_message(ROOT + address, value))
    assert desk.done == ["knob:density=0.500", "panic", "trade"]
    assert desk.said == []
    assert desk.receiver.summary() == ""


def test_rubbish_is_counted_and_said_once() -> None:
    desk = Desk()
    for datagram in (write_message("/1/fader\x1b[31m", 0.5), b"hello", b"", write_message("/2/push", 1)):
        desk.receiver.receive(datagram)
    assert desk.done == []
    assert len(desk.said) == 1
    assert "(/1/fader?[31m) and is ignored" in desk.said[0]
    assert desk.receiver.summary() == "OSC: 0 messages done, 4 not understood, 0 left out."


def test_a_flood_is_bounded_also_inside_of_one_datagram() -> None:
    desk = Desk()
    message = write_message(f"{ROOT}tap")
    many = BUNDLE + b"\0" * 8 + (len(message).to_bytes(4, "big") + message) * 60
    for number in range(3000):
        desk.now = 100.0 + number / 1000
        desk.receiver.receive(many)
    assert AT_ONCE <= len(desk.done) <= AT_ONCE + 3 * A_SECOND + 1
    assert desk.receiver.counts.left_out >= 3000 - AT_ONCE - 3 * A_SECOND
    assert len(desk.said) == 1
    desk.now += 10.0
    desk.receiver.receive(message)
    assert desk.done[-1] == "tap"
    assert "left out" in desk.receiver.summary()


@settings(deadline=None)
@given(st.lists(DATAGRAMS, max_size=30))
def test_whatever_arrives_a_session_plays_on(datagrams: list[bytes]) -> None:
    async def script(j: Jam) -> None:
        receiver = OscInput(j.session.act, j.loop.now, j.said.append)
        for number, datagram in enumerate(datagrams):
            receiver.receive(datagram)
            if number % 5 == 0:
                await j.play(60, 64)
        assert sum("not understood" in line for line in j.said) <= 1
        for name, parameter in PARAMETERS.items():
            assert parameter.low - 1e-6 <= j.session.actions.parameter(name) <= parameter.high + 1e-6

    jam_in_virtual_time(script, judged=False)  # panic ends keys that come up after it


def test_a_fader_that_can_do_nothing_is_told_so_once() -> None:
    async def script(j: Jam) -> None:
        receiver = OscInput(j.session.act, j.loop.now, j.said.append)
        for number in range(40):
            receiver.receive(write_message(PRESET_ADDRESS, "nonsense"))
            await asyncio.sleep(0.01 + number * 0)
        assert sum("no preset 'nonsense'" in line for line in j.said) == 1
        await asyncio.sleep(3.0)
        receiver.receive(write_message(PRESET_ADDRESS, "nonsense"))
        assert sum("no preset 'nonsense'" in line for line in j.said) == 2

    jam_in_virtual_time(script)


def test_a_take_with_osc_is_replayed_bit_for_bit(tmp_path: Path) -> None:
    """In a jam that keys and OSC share; what OSC did is in the take as from a page."""
    plan = [
        write_message(f"{FADER_ADDRESS}density", 0.9),
        write_message(f"{ROOT}trade", 1.0),
        b"rubbish",
        write_message(f"{KNOB_ADDRESS}tempo", 140),
        write_message(f"{PRESET_ADDRESS}/ragtime", 1.0),
        write_message(f"{ROOT}panic"),
        write_message(f"{ROOT}call"),
        write_message(f"{ROOT}answer"),
    ]
    receivers: list[OscInput] = []

    def desk(session: Session) -> None:
        if not receivers:
            receivers.append(OscInput(session.act, session.clock.now, lambda line: None))
        if plan:
            receivers[0].receive(plan.pop(0))

    jam("call", tmp_path, seconds=30.0, exact=True, after_phrase=desk)
    assert plan == []
    told = list(rows(tmp_path / JSONL))
    acts = [row["act"] for row in told if "act" in row]
    assert {"knob:density=0.800", "knob:tempo=140.000", "preset:ragtime", "trade", "panic"} <= set(acts)
    report = replay(tmp_path, ECHO[1:])
    assert report["same"], report
    assert report["sent"] > 20
