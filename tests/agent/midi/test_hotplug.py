"""Cables pulled out and put in again, under other numbers, in mid-note: nothing hangs, and the same thing is taken again."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import UserError
from agent.midi.hotplug import HotplugInput, HotplugOutput, HotplugWatcher
from agent.midi.keys_down_ledger import Ledger
from agent.midi.port_names import stable_name
from agent.midi.ports import PortList

from ...support.fakes import FakeInput, FakeOutput, assert_no_hung_notes
from ...support.synth import PEDALS, Synth

ON, OFF, DOWN = b"\x90\x40\x50", b"\x80\x40\x00", b"\xb0\x40\x7f"
PLAYED = {
    **{"on": ON, "off": OFF, "other": b"\x93\x20\x01", "all off": b"\xb0\x7b\x00", "reset": b"\xb4\x79\x00"},
    **{f"{pedal} at {value}": bytes((0xB4, pedal, value)) for pedal in (64, 66, 67, 69) for value in (0, 30, 127)},
}


class Cables:
    """What is plugged in, by name, and all that was ever opened."""

    def __init__(self) -> None:
        self.inputs, self.outputs = ["Keys 20:0"], ["Synth 24:0"]
        self.gone = False
        self.opened: list[Any] = []
        self.clock = self

    def now(self) -> float:
        return 0.0

    def names(self) -> PortList | None:
        return None if self.gone else PortList("alsa", list(self.inputs), list(self.outputs))

    def take(self, name: str | None, there: list[str], make: Any) -> Any:
        if name not in there:
            raise UserError(f"{name} is not there")
        port = make(self.clock)
        port.name = name
        self.opened.append(port)
        return port

    def input(self, name: str | None, api: str) -> FakeInput:
        return self.take(name, self.inputs, FakeInput)  # type: ignore[no-any-return]

    def output(self, name: str | None, api: str) -> FakeOutput:
        return self.take(name, self.outputs, FakeOutput)  # type: ignore[no-any-return]


@pytest.fixture
def cables(monkeypatch: pytest.MonkeyPatch) -> Cables:
    made = Cables()
    monkeypatch.setattr("agent.midi.hotplug_ports.SETTLING", 0.0)
    monkeypatch.setattr("agent.midi.ports.open_input", made.input)
    monkeypatch.setattr("agent.midi.ports.open_output", made.output)
    return made


def test_numbers_move_and_names_stay() -> None:
    assert stable_name("Keystation 49:Keystation 49 MIDI 1 20:0", "alsa") == "Keystation 49:Keystation 49 MIDI 1"
    assert stable_name("loopMIDI Port 1", "winmm") == "loopMIDI Port"
    assert stable_name("a2j:Keys [20] (capture): MIDI 1", "jack") == "a2j:Keys (capture): MIDI 1"
    assert stable_name("Keys 1", "coremidi") == "Keys 1"


def test_an_output_that_goes_is_said_and_owed_its_ends(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    out = watcher.open_output("Synth 24:0")
    for message in (ON, b"\x91\x30\x50", b"\x81\x30\x00", DOWN):
        out.send(message)
    cables.outputs = []
    lines, _ = watcher.check()
    assert lines == ["Synth 24:0 is gone; play on, it is taken again when it is back."]
    out.send(OFF)  # nobody is there to hear it
    assert watcher.check() == ([], [])
    cables.outputs = ["Other 20:0", "Synth 28:0"]
    assert watcher.check()[0] == ["Synth 28:0 is back."]
    assert [m for _, m in cables.opened[-1].sent] == [
        *(OFF, b"\x81\x30\x00", b"\xb0\x40\x00"),  # what had been ended just before may not have arrived
        *(b"\xb0\x7b\x00", b"\xb1\x7b\x00"),
    ]
    out.send(ON)
    watcher.check()  # once more, as it may have been passed over; but what has begun since goes on
    assert [m for _, m in cables.opened[-1].sent[5:]] == [ON, b"\x81\x30\x00", b"\xb0\x40\x00"]
    out.send(OFF)
    watcher.check()
    assert len(cables.opened[-1].sent) == 9
    out.close()
    out.close()
    assert all(port.closed for port in cables.opened)
    assert watcher.check() == ([], [])


def test_an_input_that_goes_lets_its_keys_go(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    keys, heard = watcher.open_input("Keys 20:0"), []
    keys.open(lambda event: heard.append(event.message))
    cables.opened[-1].play(*ON)
    cables.opened[-1].play(*DOWN)
    cables.inputs = []
    assert "is gone" in watcher.check()[0][0]
    assert heard == [ON, DOWN, OFF, b"\xb0\x40\x00"]
    cables.inputs = ["Keys 32:0"]
    assert watcher.check()[0] == ["Keys 32:0 is back."]
    cables.opened[-1].play(*ON)
    assert heard[-1] == ON
    keys.close()
    assert heard[-1] == ON  # what is held when all ends is let go by those who passed it on
    assert all(port.closed for port in cables.opened)


@pytest.mark.parametrize("pedal", PEDALS)
@pytest.mark.parametrize("value", [30, 127])
def test_an_input_that_goes_lifts_its_pedals_and_not_what_came_up_before(
    cables: Cables, pedal: int, value: int
) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    keys, heard = watcher.open_input("Keys 20:0"), []
    keys.open(lambda event: heard.append(event.message))
    for message in (ON, b"\xb0\x7c\x00", bytes((0xB0, pedal, value))):
        cables.opened[-1].play(*message)
    cables.inputs = []
    watcher.check()
    assert heard[3:] == [bytes((0xB0, pedal, 0))]


@pytest.mark.parametrize("pedal", PEDALS)
def test_a_pedal_is_lifted_where_the_output_comes_back_and_once_more(cables: Cables, pedal: int) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    out = watcher.open_output("Synth 24:0")
    up = bytes((0xB3, pedal, 0))
    out.send(bytes((0xB3, pedal, 90)))
    cables.outputs = []
    watcher.check()
    cables.outputs = ["Synth 28:0"]
    watcher.check()
    watcher.check()
    assert [m for _, m in cables.opened[-1].sent].count(up) == 2


def test_the_whole_midi_system_may_go(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    watcher.open_input("Keys 20:0")
    watcher.open_output("Synth 24:0")
    cables.gone = True
    assert len(watcher.check()[0]) == 2
    cables.gone = False
    assert len(watcher.check()[0]) == 2
    assert all(plug.is_there for plug in watcher.ports)


def test_a_port_that_cannot_be_taken_yet_is_tried_again(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    out = watcher.open_output("Synth 24:0")
    cables.outputs = []
    watcher.check()
    listed, cables.outputs = PortList("alsa", [], ["Synth 24:0"]), []
    assert out.check(listed.outputs) is None
    cables.outputs = ["Synth 24:0"]
    assert out.check(listed.outputs) == "Synth 24:0 is back."


def test_a_send_that_fails_is_a_port_that_is_gone(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    out = watcher.open_output("Synth 24:0")
    out.send(ON)
    cables.opened[-1].lost = True
    out.send(OFF)
    assert "is gone" in watcher.check()[0][0]
    assert "is back" in watcher.check()[0][0]
    assert cables.opened[-1].sent[0][1] == OFF


def test_an_instrument_that_is_new_is_heard_where_all_are(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    watcher.open_input("Keys 20:0")
    cables.inputs.append("Pads 28:0")
    assert watcher.check() == ([], [])  # one was named: no other
    watcher.opens_new = True
    assert [p.name for p in watcher.check()[1]] == ["Pads 28:0"]
    assert watcher.check() == ([], [])
    cables.inputs = ["Keys 20:0", "Pads 36:0"]
    assert "is gone" in watcher.check()[0][0]  # out and in again, so quick that nobody saw it
    assert watcher.check() == (["Pads 36:0 is back."], [])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["pull", "put", "look", "fail", *PLAYED]), max_size=30))
def test_however_a_cable_is_pulled_the_synth_is_left_silent(moves: list[str]) -> None:
    cables = Cables()
    out = HotplugOutput("Synth 24:0", "alsa", cables.output)
    number = 24
    for move in [*moves, "put", "look", "look"]:
        if move == "pull":
            cables.outputs = []
        elif move == "put":
            number += 4
            cables.outputs = [f"Synth {number}:0"]
        elif move == "fail":
            cables.opened[-1].lost = True
        elif move == "look":
            out.check(list(cables.outputs))
        else:
            out.send(PLAYED[move])
    for message in out.ledger.ends():
        out.send(message)
    for _ in range(2):  # a port that has failed is found out when it is sent to
        out.check(list(cables.outputs))
    synth = Synth(again=True)
    for _, message in [entry for port in cables.opened for entry in port.sent]:
        synth.hear(message)
    synth.assert_silent()


def test_what_an_input_owes_is_judged_like_any_playing() -> None:
    cables = Cables()
    keys, heard = HotplugInput("Keys 20:0", "alsa", cables.input), []
    keys.open(lambda event: heard.append((event.when, event.message)))
    for message in (ON, b"\x90\x41\x50", OFF, b"\x95\x41\x50"):
        cables.opened[-1].play(*message)
    keys.check([])
    assert_no_hung_notes(heard)


def test_one_may_note_while_another_looks() -> None:
    """Threads change at every turn for half a second; before, hundreds of looks met a set that changed under them."""
    ledger, done, interval = Ledger(), threading.Event(), sys.getswitchinterval()

    def note() -> None:
        i = 0
        while not done.is_set():
            i += 1
            ledger.record(bytes((0x90 | i % 16, 7 * i % 128, i % 3)), float(i))
            ledger.record(bytes((0xB0 | i % 16, (64, 66, 67, 69, 121, 123)[i % 6], i % 2)), float(i))

    noting, looked = [threading.Thread(target=note) for _ in range(2)], 0
    sys.setswitchinterval(1e-6)
    try:
        for thread in noting:
            thread.start()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert len(ledger.ends(0.0)) <= 16 * (128 + 4)
            looked += 1
    finally:
        done.set()
        for thread in noting:
            thread.join()
        sys.setswitchinterval(interval)
    assert looked > 10


def test_two_of_a_kind_each_wait_for_their_own_place(cables: Cables) -> None:
    cables.inputs = ["CH345:CH345 MIDI 1 24:0", "CH345:CH345 MIDI 1 28:0"]
    watcher = HotplugWatcher("alsa", cables.names)
    first, second = (watcher.open_input(name) for name in list(cables.inputs))
    cables.inputs = cables.inputs[1:]
    assert watcher.check()[0] == ["CH345:CH345 MIDI 1 24:0 is gone; play on, it is taken again when it is back."]
    assert watcher.check() == ([], [])
    assert len(cables.opened) == 2  # nobody is heard twice
    cables.inputs = []
    watcher.check()
    cables.inputs = ["CH345:CH345 MIDI 1 28:0"]
    watcher.check()
    assert [first.is_there, second.is_there] == [False, True]
    cables.inputs += ["CH345:CH345 MIDI 1 36:0"]
    assert watcher.check()[0] == ["CH345:CH345 MIDI 1 36:0 is back."]
    assert first.name == "CH345:CH345 MIDI 1 36:0"


@pytest.mark.parametrize("second", ["CH345:CH345 MIDI 1 28:0", "CH345:CH345 MIDI 1 20:0"])
def test_a_second_one_of_a_kind_is_heard_too(cables: Cables, second: str) -> None:
    cables.inputs = ["CH345:CH345 MIDI 1 24:0"]
    watcher = HotplugWatcher("alsa", cables.names)
    watcher.opens_new = True
    watcher.open_input(cables.inputs[0])
    cables.inputs.append(second)
    assert [port.name for port in watcher.check()[1]] == [second]
    assert watcher.check() == ([], [])


def test_windows_moves_the_numbers_of_two_of_a_kind(cables: Cables) -> None:
    """Nobody knows which one went: so what is left is opened anew."""
    cables.inputs = ["CH345 0", "CH345 1"]
    watcher = HotplugWatcher("winmm", lambda: PortList("winmm", list(cables.inputs), []))
    watcher.opens_new = True
    ports = [watcher.open_input(name) for name in list(cables.inputs)]
    cables.inputs = ["CH345 0"]
    watcher.check()
    watcher.check()
    assert [port.is_there for port in ports] == [True, False]
    assert [p.name for p in cables.opened] == ["CH345 0", "CH345 1", "CH345 0"]
    assert all(port.closed for port in cables.opened[:2])


def test_an_input_is_awaited_before_it_is_plugged_in(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    port, heard = watcher.open_input("digital", waits=True), []
    port.open(lambda event: heard.append(event.message))
    assert not port.is_there
    (line,), _ = watcher.check()
    assert "digital is not there yet: plug it in" in line
    assert watcher.check() == ([], [])
    cables.inputs.append("Digital Piano:Digital Piano MIDI 1 24:0")
    assert watcher.check()[0] == ["Digital Piano:Digital Piano MIDI 1 24:0 is heard now."]
    cables.opened[-1].play(*ON)
    assert heard == [ON]
    cables.inputs.pop()
    watcher.check()
    cables.inputs.append("Digital Stage:Digital Stage MIDI 1 28:0")  # another one that the name would fit
    assert watcher.check() == ([], [])
    cables.inputs.append("Digital Piano:Digital Piano MIDI 1 32:0")
    assert watcher.check()[0] == ["Digital Piano:Digital Piano MIDI 1 32:0 is back."]


def test_a_keyboard_that_another_program_has_is_awaited_and_said_once(
    cables: Cables, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {"Keys 0"}

    def refuse(name: str, api: str) -> Any:
        if name in taken:
            raise UserError(f"{name} cannot be opened: is another program using it, or was it unplugged?")
        return cables.input(name, api)

    cables.inputs = ["Keys 0", "Pads 1"]
    monkeypatch.setattr("agent.midi.ports.open_input", refuse)
    watcher = HotplugWatcher("winmm", lambda: PortList("winmm", list(cables.inputs), []))
    watcher.opens_new = True
    _, new = watcher.check()
    assert [(port.name, port.is_there) for port in new] == [("Keys 0", False), ("Pads 1", True)]
    said = [line for _ in range(5) for line in watcher.check()[0]]
    assert said == ["Keys 0 cannot be opened: is another program using it, or was it unplugged? It is tried again."]
    taken.clear()
    assert watcher.check() == (["Keys 0 is heard now."], [])


def test_an_instrument_that_was_sent_away_stays_away(cables: Cables) -> None:
    cables.inputs = ["CH345:CH345 MIDI 1 24:0", "CH345:CH345 MIDI 1 28:0"]
    watcher = HotplugWatcher("alsa", cables.names)
    watcher.opens_new = True
    first, _ = watcher.check()[1]
    watcher.close_port(first)
    assert watcher.check() == ([], [])
    cables.inputs[0] = "CH345:CH345 MIDI 1 40:0"  # it was plugged in again
    assert watcher.check() == ([], [])
    watcher.open_input("CH345:CH345 MIDI 1 40:0")  # and is wanted again
    assert len([port for port in cables.opened if not port.closed]) == 2


def test_what_our_output_leads_back_to_is_not_heard(cables: Cables) -> None:
    names = ["loopMIDI A 0", "loopMIDI B 1", "Keys 2"]
    cables.inputs, cables.outputs = list(names), list(names)
    watcher = HotplugWatcher("winmm", lambda: PortList("winmm", list(cables.inputs), list(cables.outputs)))
    watcher.opens_new = True
    watcher.open_output("loopMIDI A 0")
    assert [port.name for port in watcher.check()[1]] == ["loopMIDI B 1", "Keys 2"]


def test_a_process_that_reads_for_an_input_may_die(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    keys, heard = watcher.open_input("Keys 20:0"), []
    keys.open(lambda event: heard.append(event.message))
    cables.opened[-1].play(*ON)
    cables.opened[-1].is_alive = False
    assert "is gone" in watcher.check()[0][0]
    assert heard == [ON, OFF]
    assert watcher.check()[0] == ["Keys 20:0 is back."]


SOUND = (b"\xb1\x00\x00", b"\xb1\x20\x02", b"\xc1\x05")  # bank and program of channel 2


def test_a_synth_that_is_connected_later_or_again_hears_program_and_bank(
    cables: Cables, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[str] = []
    monkeypatch.setattr("agent.midi.hotplug_ports.subscribers", lambda api, name: list(there))
    out = HotplugOutput(None, "alsa", lambda name, api: FakeOutput())
    for message in SOUND:
        out.send(message)
    sent = out._port.sent
    sent.clear()
    out.check([])
    assert not sent
    for names in (["synth"], ["synth", "other"], [], ["synth"]):
        there[:] = names
        out.check([])
        out.check([])
    assert [m for _, m in sent] == [*SOUND] * 3
    out.send(b"\xc1\x07")  # another program meanwhile
    sent.clear()
    there[:] = []
    out.check([])
    there[:] = ["synth"]
    out.check([])
    assert [m for _, m in sent] == [*SOUND[:2], b"\xc1\x07"]


def test_a_synth_that_is_back_hears_program_and_bank(cables: Cables) -> None:
    watcher = HotplugWatcher("alsa", cables.names)
    out = watcher.open_output("Synth 24:0")
    for message in SOUND:
        out.send(message)
    cables.outputs = []
    watcher.check()
    out.send(b"\xc0\x03")  # chosen while nobody was there
    cables.outputs = ["Synth 28:0"]
    watcher.check()
    assert [m for _, m in cables.opened[-1].sent] == [b"\xc0\x03", *SOUND]
    cables.outputs.append("Other 32:0")
    other = watcher.open_output("Other 32:0")
    other.take_over(out)
    assert [m for _, m in cables.opened[-1].sent] == [b"\xc0\x03", *SOUND]
