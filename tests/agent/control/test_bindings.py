"""Bindings, MIDI learn, keyboard zones and feedback: which messages are music, commands, or our own output coming back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.arguments import parser
from agent.control.bindings import Bindings, Trigger, trigger_of
from agent.control.midi_learn import MidiLearn
from agent.control.parameters import PARAMETERS
from agent.errors import UserError
from agent.midi.feedback_loop import LOOP, FeedbackFilter
from agent.midi.keyboard_zones import KeyboardZones
from agent.turns.mode_settings import CALL, DUET, TRADE, BeatSettings, ModeSettings

from ...support.synth import Synth
from ...system.rigs.jack import ROOT
from ..cli.test_terminal_display import Screen
from ..session.test_session import AGENT_CHANNEL, Jam, jam


def test_a_trigger_acts_once_when_it_goes_down() -> None:
    controls = Bindings.parse(["cc20=duet", "note36=panic", "pc5=preset:ragtime"])
    assert controls.action_for(b"\xb0\x14\x10") is None
    assert controls.action_for(b"\xb0\x14\x7f") == "duet"
    assert controls.action_for(b"\xb0\x14\x70") is None
    assert controls.action_for(b"\xb0\x14\x00") is None
    assert controls.action_for(b"\xb0\x14\x40") == "duet"
    assert controls.action_for(b"\x9f\x24\x01") == "panic"
    assert controls.action_for(b"\x8f\x24\x40") is None
    assert controls.action_for(b"\x90\x24\x01") == "panic"
    assert controls.action_for(b"\xc3\x05") == "preset:ragtime"
    assert controls.is_bound(b"\x80\x24\x00")
    assert not controls.is_bound(b"\x90\x25\x40")
    assert not controls.is_bound(b"")


def test_a_trigger_with_a_channel_is_that_one_alone_and_goes_first() -> None:
    controls = Bindings.parse(
        ["note36@10=panic", "note36@2=tap", "cc20@16=duet", "cc20=trade", "pc5@1=hush", "cc7=call"]
    )
    assert controls.action_for(b"\x99\x24\x40") == "panic"
    assert controls.action_for(b"\x91\x24\x40") == "tap"
    assert controls.action_for(b"\x90\x24\x40") is None
    assert not controls.is_bound(b"\x90\x24\x40")  # the piano's own key
    assert not controls.is_bound(b"\x80\x24\x00")
    assert controls.is_bound(b"\x89\x24\x00")
    assert controls.action_for(b"\xbf\x14\x7f") == "duet"
    assert controls.action_for(b"\xb3\x14\x7f") == "trade"
    assert controls.action_for(b"\xc0\x05") == "hush"
    assert controls.action_for(b"\xc1\x05") is None
    assert controls.action_for(b"\xb8\x07\x7f") == "call"
    controls.remove("note36@10")
    assert not controls.is_bound(b"\x99\x24\x40")
    controls.remove("cc20")
    assert not controls.is_bound(b"\xb3\x14\x7f")
    assert controls.is_bound(b"\xbf\x14\x7f")


def test_a_wide_knob_may_have_a_channel() -> None:
    controls = Bindings.parse(["wide21@3=knob:density", "wide21=knob:swing"])
    controls.action_for(b"\xb2\x15\x7f")
    assert controls.action_for(b"\xb2\x35\x7f") == "knob:density=1.000"
    controls.action_for(b"\xb0\x15\x7f")
    assert controls.action_for(b"\xb0\x35\x7f") == "knob:swing=75.000"


@given(st.sampled_from(["note", "cc", "pc"]), st.integers(0, 127), st.none() | st.integers(0, 15))
def test_what_is_written_is_read_again(kind: str, number: int, channel: int | None) -> None:
    trigger = Trigger(kind, number, channel)
    assert Bindings.parse([f"{trigger.name}=panic"]).table == {trigger: "panic"}
    assert Bindings({trigger: "panic"}).lines() == [f"{trigger.name}=panic"]
    status = {"note": 0x90, "cc": 0xB0, "pc": 0xC0}[kind] | (channel or 0)
    message = bytes((status, number) if kind == "pc" else (status, number, 99))
    assert trigger_of(message) == trigger._replace(channel=channel or 0)
    assert Bindings({trigger: "panic"}).action_for(message) == "panic"


def test_a_pad_that_is_a_control_takes_no_key_of_the_piano() -> None:
    async def script(j: Jam) -> None:
        for channel in (0, 9):
            j.keys.play(0x90 | channel, 48, 80)
            await asyncio.sleep(0.2)
            j.keys.play(0x80 | channel, 48, 0)
        await j.play(50, 52)
        await asyncio.sleep(5)

    made, report = jam(script, controls=Bindings.parse(["note48@10=hush"]))
    assert [m[0] for _, m in made.output.sent if m[1] == 48] == [0x90, 0x80]
    assert [len(call) for call in report.calls] == [3]


def test_a_controller_sets_a_parameter() -> None:
    controls = Bindings.parse(["cc21=knob:density"])
    for value, turned in ((0, "-1.000"), (64, "0.000"), (127, "1.000")):
        assert controls.action_for(bytes((0xB0, 21, value))) == f"knob:density={turned}"


def test_a_knob_does_nothing_until_it_is_picked_up() -> None:
    controls, at = Bindings.parse(["cc21=knob:density"]), {"density": 0.5}

    def turn(value: int) -> str | None:
        action = controls.action_for(bytes((0xB0, 21, value)), at.__getitem__)
        if action is not None:
            at["density"] = float(action.partition("=")[2])
        return action

    assert turn(10) is None
    assert turn(40) is None
    assert controls.waiting == {Trigger("cc", 21): 0.5}  # as the page shows
    assert turn(100) == "knob:density=0.571"  # it has passed where the parameter was
    assert not controls.waiting
    assert turn(64) == "knob:density=0.000"
    at["density"] = -0.8  # turned on the page
    assert turn(70) is None
    assert turn(20) is None
    assert turn(14) == "knob:density=-0.794"  # near enough
    assert turn(127) == "knob:density=1.000"  # however far it leaps: it has it


def test_a_wide_knob_has_fourteen_bits() -> None:
    controls = Bindings.parse(["wide21=knob:tempo", "cc20=duet"])
    assert controls.is_bound(b"\xb0\x15\x00")
    assert controls.is_bound(b"\xb0\x35\x00")
    assert not controls.is_bound(b"\xb0\x36\x00")
    values = []
    for position in range(8000, 8300, 7):
        controls.action_for(bytes((0xB0, 21, position >> 7)))
        values.append(float(str(controls.action_for(bytes((0xB0, 53, position & 127)))).partition("=")[2]))
    steps = {round(b - a, 3) for a, b in pairwise(values)}
    assert max(steps) < 0.2  # beats a minute; of seven bits, one is 3
    assert values == sorted(values)
    coarse = Bindings.parse(["wide21=knob:density"])
    coarse.action_for(b"\xb0\x15\x7f")
    assert coarse.action_for(b"\xb0\x35\x7f") == "knob:density=1.000"


def test_every_parameter_can_be_turned_to_its_ends() -> None:
    for name, parameter in PARAMETERS.items():
        controls = Bindings.parse([f"cc1=knob:{name}"])
        ends = [str(controls.action_for(bytes((0xB0, 1, v)))).partition("=")[2] for v in (0, 127)]
        assert [float(e) for e in ends] == [parameter.low, parameter.high]
        assert parameter.clamp(1e9) == parameter.high


@pytest.mark.parametrize(
    "line",
    [
        "wide32=knob:density",
        "wide1=duet",
        "pc5=knob:density",
        "note21=knob:density",
        "cc21=knob:spice",
        "cc20",
        "cc200=duet",
        "cc20@0=duet",
        "cc20@17=duet",
        "cc20@=duet",
        "cc20@1@2=duet",
        "@1=duet",
        "knob1=duet",
        "cc20=dance",
        "note1=",
        "=duet",
    ],
)
def test_a_malformed_binding_is_refused(line: str) -> None:
    with pytest.raises(UserError) as caught:
        Bindings.parse([line])
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=4), st.binary(max_size=4))
def test_no_message_raises_an_error(one: bytes, two: bytes) -> None:
    controls, zone, feedback = (
        Bindings.parse(["cc20=duet", "note36=panic", "pc5=tap"]),
        KeyboardZones(0, 60, 5, "soft"),
        FeedbackFilter(),
    )
    for message in (one, two, one):
        controls.action_for(message)
        zone.listens_to(message)
        assert len(zone.apply_curve(message)) == len(message)
        feedback.record(message, 1.0)
        feedback.is_own(message, 1.01)


def test_feedback_is_told_from_the_player() -> None:
    feedback = FeedbackFilter()
    on, off = b"\x90\x40\x50", b"\x80\x40\x00"
    assert not feedback.is_own(on, 1.0)
    feedback.record(on, 1.0)
    assert not feedback.is_own(b"\x90\x40\x51", 1.01)  # as hard, but not exactly
    assert feedback.is_own(on, 1.02)
    assert not feedback.is_own(off, 1.2)  # we have ended nothing there: it is the player's own key coming up
    feedback.record(off, 1.3)
    assert feedback.is_own(off, 1.31)
    assert not feedback.is_own(off, 1.32)  # the player's own again
    feedback.record(on, 2.0)
    assert not feedback.is_own(on, 2.0 + LOOP + 0.01)
    assert feedback.returned == 1
    feedback.record(off, 3.0)  # of a key that was not down; then it is struck, and the stroke comes back
    feedback.record(on, 3.0)
    assert feedback.is_own(on, 3.01)
    assert not feedback.is_own(off, 3.02)  # the end before the stroke does not count: this is the player's


@pytest.mark.parametrize("number", [120, 121, 123, 124, 125, 126, 127])
def test_what_a_keyboard_says_by_itself_is_not_learnt(number: int) -> None:
    learning = MidiLearn(Bindings(), None)
    learning.pending = "answer"
    assert learning.receive(bytes((0xB0, number, 0))) is None
    assert learning.pending == "answer"
    assert learning.receive(bytes((0xB0, 119, 127))) is not None


def test_zones_choose_and_bend() -> None:
    zone = KeyboardZones(channel=2, split=60, transpose=24, curve="hard", program=4, bank=130)
    assert zone.listens_to(b"\x92\x3b\x40")
    assert not zone.listens_to(b"\x92\x3c\x40")
    assert not zone.listens_to(b"\x90\x3b\x40")
    assert zone.listens_to(b"\xb2\x40\x7f")
    assert not zone.listens_to(b"\xf8")
    assert zone.apply_curve(b"\x92\x3b\x40")[2] < 0x40 < KeyboardZones(curve="soft").apply_curve(b"\x92\x3b\x40")[2]
    assert zone.apply_curve(b"\x92\x3b\x00") == b"\x92\x3b\x00"
    assert zone.apply_curve(b"\x92\x3b\x01")[2] == 1
    assert [zone.transpose_pitch(p) for p in (60, 103, 108)] == [84, 127, 120]
    assert zone.sound(3) == [b"\xb3\x00\x01", b"\xb3\x20\x02", b"\xc3\x04"]
    assert zone.range({"highest": 70.0}) == {"lowest": 60.0, "highest": 84.0}
    assert KeyboardZones().range({"highest": 70.0}) == {"highest": 70.0}


@pytest.mark.parametrize(("text", "pitch"), [("C4", 60), ("f#3", 54), ("Bb2", 46), ("60", 60), ("C-1", 0)])
def test_keys_are_written_as_musicians_do(text: str, pitch: int) -> None:
    assert parser().parse_args(["play", "--split", text]).split == pitch


def test_our_own_voice_in_a_loop_is_ignored_and_said_once() -> None:
    """A DAW that sends all of our output back: neither thru nor the agent may feed on it."""

    async def script(j: Jam) -> None:
        send = j.output.send

        def loop_back(message: bytes) -> None:
            send(message)
            asyncio.get_running_loop().call_later(0.02, lambda: j.keys.play(*message))

        j.output.send = loop_back  # type: ignore[method-assign]
        await j.play(60, 62, 64)
        await asyncio.sleep(8)

    made, report = jam(script)
    assert [p for _, p in made.agent_ons()] == [72, 74, 76]
    assert sum(m[0] == 0x90 and m[2] > 0 for _, m in made.output.sent) == 3
    assert report.stats["answers"] == 1
    assert sum("come back" in s for s in made.said) == 1


def test_modes_change_in_the_middle_of_it_all_and_nothing_hangs() -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67, 69)
        await j.until_answered(2)
        j.keys.play(0xB0, 20, 127)  # to trade, in the middle of an answer
        await asyncio.sleep(0.5)
        assert j.session.partner.mode_settings.mode == TRADE
        assert j.session.transport.running
        await asyncio.sleep(6.0)
        j.keys.play(0xB0, 21, 127)
        await j.play(60, 62, 64, 65, gap=0.5)
        assert j.session.partner.mode_settings.mode == DUET
        j.keys.play(0xB0, 22, 127)
        await asyncio.sleep(0.1)
        assert j.session.partner.mode_settings.mode == CALL
        await j.play(60, 62)
        await asyncio.sleep(5)

    controls = Bindings.parse(["cc20=trade", "cc21=duet", "cc22=call"])
    made, _ = jam(script, controls=controls, mode_settings=ModeSettings(bars=1), beat=BeatSettings())
    assert [s for s in made.said if s.startswith("Mode")] == ["Mode: trade.", "Mode: duet.", "Mode: call."]
    assert not [m for _, m in made.output.sent if m[0] & 0xF0 == 0xB0 and m[1] in (20, 21, 22)]  # no music, no thru


def test_a_program_change_turns_fours_into_twos_in_mid_answer() -> None:
    async def script(j: Jam) -> None:
        for pitch in (60, 62, 64, 65):
            await j.play(pitch, gap=0.5)
        await asyncio.sleep(6.5)  # bars 5 and on are the agent's: it is in the middle
        assert j.agent_ons()
        j.keys.play(0xC0, 2)
        await asyncio.sleep(1.0)
        assert j.session.partner.mode_settings.bars == 2
        await asyncio.sleep(4.0)

    controls = Bindings.parse(["pc2=twos"])
    made, _ = jam(
        script, mode_settings=ModeSettings(TRADE, 4), beat=BeatSettings(tempo=120.0, count_in=0), controls=controls
    )  # judged, too
    assert "Trading twos." in made.said
    assert not any(m[0] & 0xF0 == 0xC0 for _, m in made.output.sent)  # a command is no music


def test_answer_now_panic_presets_and_taps() -> None:
    async def script(j: Jam) -> None:
        j.keys.play(0x90, 60, 80)
        j.keys.play(0x90, 64, 80)
        await asyncio.sleep(0.1)
        j.session.act("answer", j.loop.now())
        await asyncio.sleep(0.5)
        assert j.agent_ons()
        j.session.act("preset:ragtime", j.loop.now())
        j.session.act("preset:nonsense", j.loop.now())
        j.session.act("panic", j.loop.now())
        sounding = len(j.agent_ons())
        await asyncio.sleep(0.5)
        assert len(j.agent_ons()) == sounding
        for _ in range(4):
            j.session.act("tap", j.loop.now())
            await asyncio.sleep(0.4)
        assert j.session.transport.tempo == pytest.approx(150)
        j.keys.play(0x80, 60, 0)
        j.keys.play(0x80, 64, 0)
        j.session.act("hush", j.loop.now())
        j.session.act("next-mode", j.loop.now())
        assert j.session.partner.mode_settings.mode == TRADE
        j.session.act("knob:nonsense=1", j.loop.now())
        j.session.act("knob:groove=40", j.loop.now())
        assert j.session.partner.mode_settings.effective_groove == 0.4
        j.session.act("next-preset", j.loop.now())
        j.session.act("previous-preset", j.loop.now())
        assert j.session.partner.preset.name == "ragtime"
        j.session.act("stop", j.loop.now())

    made, _ = jam(script, judged=False)  # panic has ended the keys that come up after it
    Synth(m for _, m in made.output.sent).assert_silent()
    assert any("no knob 'nonsense'" in s for s in made.said)
    assert bytes((0xB0 | AGENT_CHANNEL, 123, 0)) in [m for _, m in made.output.sent]
    assert "Style: Ragtime." in made.said
    assert any("no preset 'nonsense'" in s for s in made.said)
    assert made.worker.styles[-1][1].get("density") == 16.0


def test_only_the_zone_is_answered_and_thru_passes_all() -> None:
    async def script(j: Jam) -> None:
        await j.play(72, 74, 76)  # above the split: a solo of the player's own
        await asyncio.sleep(3)
        assert not j.agent_ons()
        await j.play(48, 50, 52)
        await asyncio.sleep(4)

    made, _ = jam(script, zones=KeyboardZones(split=60, transpose=12, program=8))
    assert [p for _, p in made.agent_ons()] == [72, 74, 76]  # an octave above the call, and one more on the output
    assert made.worker.styles[0][1]["lowest"] == 60.0
    assert bytes((0xC0 | AGENT_CHANNEL, 8)) in [m for _, m in made.output.sent]
    assert sum(m[0] == 0x90 and m[2] > 0 for _, m in made.output.sent) == 6


def test_hotkeys_in_a_terminal(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("there are no letters there yet")
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agent", "demo", "--take", str(tmp_path / "take")]
    command += ["--mind", f"{sys.executable} -m models.worker --echo"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = ""
        while "ready" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        time.sleep(0.3)
        os.write(ours, b"q")
        rest, _ = process.communicate(timeout=20)
        said += rest
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert "q quit" in said
    assert "Every note is off" in said
    assert "answered with 0 notes" in said


def test_the_block_in_a_terminal(tmp_path: Path) -> None:
    """What a player on stage sees who has no page: lines that stay, and some that are drawn in place."""
    if sys.platform == "win32":
        pytest.skip("there are no such terminals there")
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agent", "demo", "--take", str(tmp_path / "take")]
    command += ["--mind", f"{sys.executable} -m models.worker --echo"]
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # the other end is closed: that is all
            while some := os.read(ours, 65536):
                seen += some
        os.close(ours)
    text = seen.decode(errors="replace")
    assert process.returncode == 0, text
    for words in (
        "● P L A Y ,   I T",
        "● Y O U R   T U R N",
        "● I T S   T U R N",
        "style     Pop ballad · call",
        "ports     ",
    ):
        assert words in text
    left = "\n".join(Screen(text).rows)
    assert "●" not in left  # the block goes, the lines stay
    assert "Every note is off" in left
    assert "answered with" in left
