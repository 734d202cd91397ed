"""No note hangs, whatever happens: a whole session in virtual time, driven at random and checked whenever it rests.

`TRUST=20000 python -m tests tests/properties/test_sessions.py` tries more than the tests do by themselves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from agent.band.band import CHANNELS
from agent.band.chart_play import ChartPlay
from agent.charts.chart_library import load_chart
from agent.control.bindings import Bindings, Trigger
from agent.playing.metronome import ACCENT, CLICK, Metronome
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.turns.mode_settings import MODES, BeatSettings, ModeSettings
from models.music.note_records import CALL, HELD

from ..support.fakes import FakeInput, FakeOutput, FakeWorker, LoopPlayer, VirtualLoop
from ..support.synth import NOTES_OFF, PEDALS, Synth

CLICKS = {(Metronome.CHANNEL, pitch) for pitch in (ACCENT, CLICK)}
EXAMPLES = int(os.environ.get("TRUST", "1000"))
PLAYS_ON = {Metronome.CHANNEL, *CHANNELS.values()}  # clicks and the band, which do not rest
OVER = [ChartPlay(load_chart("blues-in-f")), ChartPlay(load_chart("four-chord-pop"), is_agent_first=True)]
CONTROLS = ["cc20=duet", "cc21=knob:density", "note100=panic", "pc5=answer", "pc6=twos"]

pitches = st.integers(56, 76)
channels = st.sampled_from([0, 0, 1, 3])
waits = st.sampled_from([0.0, 0.001, 0.03, 0.1, 0.35, 0.5, 1.3, 2.6])
keyboards = st.integers(0, 1)


class Room(RuleBasedStateMachine):
    """Two keyboards, a clock, a synth, and a musician that fails now and then."""

    @initialize(
        mode=st.sampled_from(MODES),
        follow=st.booleans(),
        tempo=st.sampled_from([None, 97.0]),
        note_takes=st.sampled_from([0.0, 0.004, 0.3]),
        wakes_after=st.sampled_from([0.0, 1.0]),
        channel=st.integers(0, 1),
        clicks=st.booleans(),
        over=st.sampled_from([None, None, *OVER]),
    )
    def enter(
        self,
        mode: str,
        follow: bool,
        tempo: float | None,
        note_takes: float,
        wakes_after: float,
        channel: int,
        clicks: bool,
        over: ChartPlay | None,
    ) -> None:
        self.loop, self.channel = VirtualLoop(), channel
        asyncio.set_event_loop(self.loop)
        self.worker = FakeWorker(note_takes=note_takes, wakes_after=wakes_after)
        self.output = FakeOutput(self.loop)
        self.keys = [FakeInput(self.loop, "one"), FakeInput(self.loop, "two")]
        self.controls = Bindings.parse(CONTROLS)
        self.ticking: asyncio.Task[None] | None = None
        self.said: list[str] = []
        self.hangs = False  # a key whose off never came

        async def begin() -> asyncio.Task[Any]:
            config = SessionConfig(
                Preset("plain"),
                mode_settings=ModeSettings(mode, bars=1),
                beat=BeatSettings(follow=follow, tempo=None if follow else tempo, click=clicks, send_clock=clicks),
                controls=self.controls,
                channel=channel,
                over=over,
            )
            io = SessionIO(
                inputs=self.keys,
                output=self.output,
                worker=self.worker,
                clock=self.loop,
                say=self.said.append,
                make_player=LoopPlayer,
            )
            self.session = Session(config, io)
            return asyncio.ensure_future(self.session.run())

        self.running = self.loop.run_until_complete(begin())
        self.wait(0.01)

    @rule(seconds=waits)
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        assert not self.running.done(), self.running

    # -- what the player does ----------------------------------------------------------------------------------------

    @rule(keyboard=keyboards, channel=channels, pitch=pitches, velocity=st.integers(0, 127))
    def key(self, keyboard: int, channel: int, pitch: int, velocity: int) -> None:
        """Down, down again, up, or up without ever having been down."""
        self.keys[keyboard].play(0x90 | channel, pitch, velocity)

    @rule(keyboard=keyboards, channel=channels, pitch=pitches)
    def release(self, keyboard: int, channel: int, pitch: int) -> None:
        self.keys[keyboard].play(0x80 | channel, pitch, 0)

    @rule(first=pitches, count=st.integers(2, 5), gap=st.sampled_from([0.02, 0.1, 0.3]), legato=st.booleans())
    def phrase(self, first: int, count: int, gap: float, legato: bool) -> None:
        for i in range(count):
            self.keys[0].play(0x90, first + 2 * i, 80)
            self.wait(gap)
            if not legato:
                self.keys[0].play(0x80, first + 2 * i, 0)
        for i in range(count if legato else 0):
            self.keys[0].play(0x80, first + 2 * i, 0)

    @rule(
        keyboard=keyboards,
        channel=channels,
        pedal=st.sampled_from([64, 64, *PEDALS]),
        value=st.sampled_from([0, 1, 40, 63, 64, 127]),
    )
    def pedal(self, keyboard: int, channel: int, pedal: int, value: int) -> None:
        self.keys[keyboard].play(0xB0 | channel, pedal, value)

    @rule(channel=channels, pedal=st.sampled_from(PEDALS), count=st.integers(1, 12))
    def pedal_wavers(self, channel: int, pedal: int, count: int) -> None:
        for i in range(count):
            self.keys[0].play(0xB0 | channel, pedal, (63, 64, 65, 64)[i % 4])
            self.wait(0.025)

    @rule(
        keyboard=keyboards,
        channel=channels,
        pitch=pitches,
        count=st.integers(2, 40),
        gap=st.sampled_from([0.01, 0.031, 0.058]),
        legato=st.booleans(),
    )
    def roll(self, keyboard: int, channel: int, pitch: int, count: int, gap: float, legato: bool) -> None:
        """One key, as hard each time, faster than a loop brings it back."""
        for _ in range(count):
            self.keys[keyboard].play(0x90 | channel, pitch, 100)
            self.wait(gap / 2)
            if not legato:
                self.keys[keyboard].play(0x80 | channel, pitch, 0)
            self.wait(gap / 2)
        self.keys[keyboard].play(0x80 | channel, pitch, 0)

    @rule(first=pitches, second_on=st.sampled_from([0.0, 0.003, 0.015]), second_off=st.booleans(), layers=st.booleans())
    def doubled_key(self, first: int, second_on: float, second_off: bool, layers: bool) -> None:
        """One key on two ports, or on two channels. Its second end may come later, or never."""
        other, channel = (self.keys[0], 3) if layers else (self.keys[1], 0)
        self.keys[0].play(0x90, first, 80)
        self.wait(second_on)
        other.play(0x90 | channel, first, 77)
        self.wait(0.1)
        self.keys[0].play(0x80, first, 0)
        if second_off:
            self.wait(second_on)
            other.play(0x80 | channel, first, 0)

    @rule(channel=channels, pitch=pitches, value=st.integers(0, 127), count=st.integers(1, 3))
    def velocity_prefix(self, channel: int, pitch: int, value: int, count: int) -> None:
        for _ in range(count):
            self.keys[0].play(0xB0 | channel, 88, value)
        self.keys[0].play(0x90 | channel, pitch, 80)

    @rule(hits=st.integers(1, 8), bent=st.booleans())
    def drums(self, hits: int, bent: bool) -> None:
        """On channel 10, where an MPE keyboard may play, too."""
        if bent:
            self.keys[0].play(0xE9, 1, 65)
        for i in range(hits):
            self.keys[0].play(0x99, 36 + i, 100)
            self.wait(0.05)
            self.keys[0].play(0x89, 36 + i, 0)

    @rule(channel=channels, control=st.sampled_from([121, *NOTES_OFF]))
    def channel_mode(self, channel: int, control: int) -> None:
        self.keys[0].play(0xB0 | channel, control, 0)

    @rule(first=pitches, count=st.integers(1, 4), control=st.sampled_from(NOTES_OFF))
    def all_notes_off_after_each_key(self, first: int, count: int, control: int) -> None:
        """As some keyboards say it: whenever the last key comes up."""
        for i in range(count):
            self.keys[0].play(0x90, first + i, 80)
            self.wait(0.1)
            self.keys[0].play(0x80, first + i, 0)
            self.keys[0].play(0xB0, control, 0)

    @rule(channel=channels, keys=st.sets(pitches, min_size=1, max_size=4), control=st.sampled_from(NOTES_OFF))
    def stop_of_a_daw(self, channel: int, keys: set[int], control: int) -> None:
        """All notes off in place of note-offs: these keys come up by nothing else."""
        for key in sorted(keys):
            self.keys[1].play(0x90 | channel, key, 80)
        self.wait(0.2)
        self.keys[1].play(0xB0 | channel, control, 0)
        self.wait(0.0)
        assert not {key for key in self.session.partner._tracker.down if key[0] == channel}
        if channel == self.channel:
            assert not self.session.player.schedule.claimed_pitches

    @rule(keyboard=keyboards, channel=channels, pitch=pitches, shift=st.sampled_from([-12, 12]))
    def octave_button(self, keyboard: int, channel: int, pitch: int, shift: int) -> None:
        """It is pressed while a key is down, and the off comes at another pitch: that key hangs until panic."""
        self.keys[keyboard].play(0x90 | channel, pitch, 80)
        self.keys[keyboard].play(0x80 | channel, pitch + shift, 0)
        self.keys[keyboard].down.discard((channel, pitch))
        self.hangs = True

    @rule(strike=st.booleans())
    @precondition(lambda self: self.session.player.schedule.sounding)
    def key_that_sounds(self, strike: bool) -> None:
        """A key that the agent sounds, on its channel: pressed, or released without having been pressed."""
        pitch = min(self.session.player.schedule.sounding)
        self.keys[0].play((0x90 if strike else 0x80) | self.channel, pitch, 90)

    @rule(message=st.binary(max_size=5))
    def malformed_message(self, message: bytes) -> None:
        if message and not 0xF8 <= message[0] <= 0xFC:  # the clock has rules of its own
            self.keys[1].play(*message)

    # -- what is asked for -------------------------------------------------------------------------------------------

    @rule(
        action=st.sampled_from(
            [*MODES, "twos", "answer", "panic", "tap", "preset:ragtime", "knob:density=0.5", "knob:tempo=150"]
        )
    )
    def act(self, action: str) -> None:
        self.loop.call_soon(self.session.act, action, self.loop.now())
        self.wait(0.0)

    @rule(
        message=st.sampled_from([(0xB0, 20, 127), (0xB0, 20, 0), (0xB0, 21, 90), (0x90, 100, 9), (0xC0, 5), (0xC0, 6)])
    )
    def control(self, message: tuple[int, ...]) -> None:
        self.keys[0].play(*message)

    @rule(pitch=pitches)
    def learn_a_held_key(self, pitch: int) -> None:
        """A pad becomes a control while it is down, and its off arrives as a control's."""
        self.keys[0].play(0x90, pitch, 80)
        self.wait(0.01)
        self.controls.bind(Trigger("note", pitch, 0), "answer")
        self.keys[0].play(0x80, pitch, 0)
        self.wait(0.0)
        self.controls.remove(f"note{pitch}@1")

    @rule()
    def end_answer(self) -> None:
        self.session.partner.leave()
        self.session.player.cut()

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    @rule(after=st.integers(0, 3))
    def musician_fails(self, after: int) -> None:
        """In one of its next answers, or just now."""
        if after:
            self.worker.fails.add(self.worker.plays + after)
        else:
            self.worker.gone.set()

    @rule(seconds=st.sampled_from([0.0, 0.004, 0.3, 3.0]))
    def musician_slows(self, seconds: float) -> None:
        self.worker.note_takes = seconds

    @rule(beats=st.integers(0, 3), tempo=st.sampled_from([60.0, 140.0, 390.0]), start=st.booleans())
    def clock_ticks(self, beats: int, tempo: float, start: bool) -> None:
        if self.ticking is not None:
            self.ticking.cancel()

        async def tick() -> None:
            if start:
                self.keys[1].play(0xFA)
            for _ in range(24 * beats):
                self.keys[1].play(0xF8)
                await asyncio.sleep(60 / tempo / 24)

        self.ticking = self.loop.create_task(tick())

    @rule(word=st.sampled_from([(0xFC,), (0xFB,), (0xFA,), (0xF2, 0, 0), (0xF2, 17, 3), (0xFE,)]))
    def clock_says(self, word: tuple[int, ...]) -> None:
        self.keys[1].play(*word)

    @rule()
    def loop_back(self) -> None:
        """What was sent last comes back through a DAW."""
        for _, message in self.output.sent[-3:]:
            self.keys[1].play(*message)

    # -- the end -----------------------------------------------------------------------------------------------------

    @rule()
    def rests(self) -> None:
        """Hands off, and time for all to ring out: then nothing sounds, and no pedal is down."""
        for keyboard in self.keys:
            for channel, pitch in sorted(keyboard.down):
                keyboard.play(0x80 | channel, pitch, 0)
            for channel, pedal in sorted(keyboard.pedals):
                keyboard.play(0xB0 | channel, pedal, 0)
        self.wait(0.0)
        if self.hangs:
            self.hangs = False
            self.session.act("panic", self.loop.now())
        self.session.act("call", self.loop.now())
        self.worker.note_takes = min(self.worker.note_takes, 0.004)  # a roll is answered with as many notes
        self.wait(12.0)
        assert self.session.player.schedule.empty
        assert not self.session.player.schedule.claimed_pitches
        assert not self.session.partner.keys_down
        assert not self.session.partner._tracker.pedal
        assert all(n.duration != HELD for n in self.session.partner.history.notes if n.role == CALL)
        judge(m for _, m in self.output.sent if m[0] & 0x0F not in PLAYS_ON)

    def is_sound(self) -> None:
        """Nothing went wrong inside that was only said."""
        assert not [line for line in self.said if "went wrong" in line], self.said

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        if self.ticking is not None:
            self.ticking.cancel()
        self.session.stop()
        self.loop.run_until_complete(self.running)
        judge(m for _, m in self.output.sent)
        self.is_sound()
        assert self.worker.closed
        assert self.output.closed
        assert all(k.closed for k in self.keys)
        self.loop.close()


def judge(sent: Iterable[bytes]) -> None:
    """Each on has one off, none kills a newer note, all notes off cuts nothing, no pedal is down, and nothing sounds.

    A click of the metronome may be cut: panic on its channel ends it, and its own end comes all the same.
    """
    synth = Synth(sent)
    cut = [key for key in synth.cut if key not in CLICKS]
    assert not cut, f"cut by all notes off: {cut}"
    synth.assert_silent()


TestRoom = Room.TestCase
TestRoom.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
)
