"""The session: one jam, from the first key to the last off. Wiring only: everything that decides is elsewhere.

Knows nothing of the command line.

Threads: input ports call `_on_event` on theirs, the player calls `_on_sent` on its own; both hand over to the event loop, where all
the rest happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from models.music.note import Phrase

from ..clock import Clock
from ..control.bindings import Bindings
from ..errors import UserError
from ..midi.errors import PortLost
from ..midi.feedback import FeedbackFilter
from ..midi.keyboard_zones import KeyboardZones
from ..midi.messages import CHANNEL, KIND, NOTE_ON, Event, is_clock, is_whole
from ..midi.ports import PAGE, InputPort, OutputPort
from ..playing.metronome import Metronome
from ..playing.partner import Partner
from ..playing.player import Player
from ..playing.schedule import Sent
from ..playing.thru import Thru
from ..playing.timing_stats import TimingStats
from ..playing.worker_client import WorkerClient
from ..styles.presets import Preset
from ..takes.recorder import SessionRecorder
from ..timing.ableton_link import LinkFollower
from ..timing.garbage_collection import GarbageCollection
from ..timing.midi_clock import MidiClockFollower
from ..timing.step_clock import Moments, stepwise
from ..timing.transport import Transport
from ..turns.modes import BeatSettings, ModeSettings
from . import actions

RINGING = 2.0  # seconds in which the last notes ring out when the session ends by itself
WATCH = 0.25  # seconds between looks at whether the clock is still there


@dataclass(frozen=True)
class Report:
    """What came of a session. Phrases are in seconds from its start."""

    meters: dict[str, Any]
    calls: list[Phrase]
    answers: list[Phrase]


class Session:
    """One jam. `say` takes lines for the user, `show` the state in a word or two.

    It ends when stopped, after `seconds`, or after `rounds` answers. `channel` counts from 0. The player's own
    messages go to `own`, where that is not the `output`. What runs `beside` the session lasts as long as it. Tests make another player.
    """

    def __init__(
        self,
        *,
        inputs: Sequence[InputPort],
        output: OutputPort,
        mind: WorkerClient,
        preset: Preset,
        take: SessionRecorder | None,
        say: Callable[[str], None],
        clock: Clock,
        show: Callable[[str], None] = lambda state: None,
        manner: ModeSettings | None = None,
        beat: BeatSettings | None = None,
        zone: KeyboardZones | None = None,
        controls: Bindings | None = None,
        channel: int = 0,
        thru: bool = True,
        seconds: float | None = None,
        seed: int | None = None,
        rounds: int | None = None,
        own: OutputPort | None = None,
        journal: Callable[[float, dict[str, Any]], None] = lambda when, row: None,
        beside: Callable[[Session], Coroutine[Any, Any, None]] | None = None,
        make_player: Callable[..., Player] = Player,
    ) -> None:
        self.inputs, self.output, self.mind, self.take = inputs, output, mind, take
        self.say, self.clock, self.seconds, self.rounds = say, clock, seconds, rounds
        self.beat = beat or BeatSettings()
        self.zone, self.controls, self.echoes = zone or KeyboardZones(), controls or Bindings(), FeedbackFilter()
        self.meters = TimingStats()
        self.transport = Transport(self.beat.beats, self.beat.tempo or 120.0)
        self.follower = MidiClockFollower(self.transport) if self.beat.follow else None
        self.player = make_player(output, clock, channel, self._on_sent)
        self.metronome = Metronome(make_player(output, clock, Metronome.CHANNEL, self._on_sent), self.transport)
        self.thru = Thru(own or output, self.player) if thru else None
        self.beside, self.journal = beside, journal
        self.partner = Partner(
            mind=mind,
            player=self.player,
            clock=clock,
            preset=replace(preset, sampling=self.zone.range(preset.sampling)),
            meters=self.meters,
            manner=manner or ModeSettings(),
            transport=self.transport,
            say=say,
            show=show,
            seed=seed,
            done=self._answered,
            hopeful=rounds is None,
        )
        self.partner.improviser.zone = self.zone
        self.load: Callable[[Callable[[], Preset]], Preset] = self._loaded  # how a style comes from the shelf
        if isinstance(clock, Moments):
            self.player.journal = lambda when, row: self._later(journal, when, row)
        self._failure: UserError | None = None
        self._stumbled = False
        self._tidy: GarbageCollection | None = None
        self._listening: list[InputPort] = []
        self._stopping = self._looping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> Report:
        """Play until stopped. Raises UserError where the session cannot go on; whatever happens, every note is ended."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._stumble)
        self._over = asyncio.Event()
        if self._stopping:
            self._over.set()
        sys.setswitchinterval(0.0001)  # a thread that keeps time must not wait 5 ms for its turn
        tidy: GarbageCollection | None = None
        try:
            for port in self.inputs:  # which may take a while, and then the clock begins
                self.listen(port)
            tidy = self._begin(self._loop)
            more = () if self.beside is None else (self.beside(self),)
            work = stepwise(self.clock, self.partner.play(), "partner"), stepwise(self.clock, self._watch(), "watch")
            await self._until_over(*work, *more)
        finally:
            if tidy is not None:
                tidy.end()
            self.journal(self.clock.now(), {"ends": True})
            for port in self._listening:
                port.close()
            self.metronome.end(self.clock.now())
            self.player.stop()
            if self.thru is not None:
                with contextlib.suppress(PortLost):
                    self.thru.close()
            await self.mind.close()
            self.output.close()
            self.meters.misses = self.player.schedule.misses
            if self.take is not None:
                await asyncio.sleep(0)  # the last messages that other threads handed over
                self.take.close()
        if self._failure is not None:
            raise self._failure
        return Report(self.meters.summary(), self.partner.calls, self.partner.answers)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> GarbageCollection:
        """The first moment of the session."""
        if isinstance(self.clock, Moments):
            self.clock.follow()
        now = self.partner.start = self.clock.now()
        self.journal(now, {"begins": True})
        tidy = self._tidy = GarbageCollection(now)
        if self.seconds is not None:
            loop.call_later(self.seconds, self.stop)
        self.player.start()
        for message in self.zone.sound(self.player.schedule.channel):
            self.player.send_at(now, message)
        if self.beat.tempo is not None:
            self.metronome.begin(now, self.beat)
        return tidy

    def listen(self, port: InputPort) -> None:
        """Hear one more port. Raises PortLost."""
        port.open(self._ear(port.name))
        self._listening.append(port)

    def leave(self, port: InputPort) -> None:
        """Hear this input no more."""
        self._listening.remove(port)
        port.close()

    def stop(self) -> None:
        """End the session. From any thread or signal handler, also before it has begun."""
        self._stopping = True
        self._later(self._end, None)

    def tell(self, text: str) -> None:
        """A line for the user, from any thread."""
        self._later(self.say, text)

    # -- what other threads call -------------------------------------------------------------------------------------

    def _ear(self, name: str) -> Callable[[Event], None]:
        def on_event(event: Event) -> None:
            message = event.message
            if not is_whole(message):
                return
            event = Event(round(event.when, 6), message)  # as the take has it: a replay must see the same
            if not is_clock(message):
                if name != PAGE and self.echoes.is_own(message, event.when):
                    self._later(self._looped, name)
                    return
                event = Event(event.when, self.zone.felt(message))
                if self.thru is not None and (self.thru.holds(message) or not self.controls.is_bound(message)):
                    try:
                        if self.thru.pass_on(event.message, name):
                            self.echoes.record(event.message, event.when)
                    except PortLost as error:
                        self._later(self._end, error)
            self._later(self._arrived, event, name)

        return on_event

    def _on_sent(self, sent: Sent, actual: float) -> None:
        self.echoes.record(sent.message, actual)
        self._later(self._left, sent, actual)

    def _moment(self) -> bool:
        """Something comes from without: a moment begins, where the clock tells the take of them. Returns whether it does."""
        if isinstance(self.clock, Moments):
            self.clock.begin()
            return True
        return False

    def _later(self, act: Callable[..., None], *args: Any) -> None:
        """Have the event loop do something; after its end, nothing is done."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(act, *args)

    # -- on the loop -------------------------------------------------------------------------------------------------

    def _end(self, failure: UserError | None) -> None:
        if self._moment():
            self.journal(self.clock.now(), {"over": True})
        self._failure = self._failure or failure
        self._over.set()

    def _stumble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A message that we could not digest is a fault of ours, but no reason to stop playing; it is said once."""
        if not self._stumbled:
            self._stumbled = True
            what = context.get("exception") or context.get("message")
            self.say(f"Something went wrong inside ({what!r}); the music goes on. Please report it, with the take.")

    def _arrived(self, event: Event, port: str) -> None:
        self._moment()
        if self.take is not None:
            self.take.record_input(event, port)
        if is_clock(event.message):
            self._ticked(event)
            return
        message = event.message
        if self.controls.is_bound(message) and not self.partner.listener.holds(message):
            if (action := self.controls.action_for(message, partial(actions.position, self))) is not None:
                actions.act(self, action, event.when)
            return
        if not self.zone.hears(message):
            return
        if message[0] & KIND == NOTE_ON and message[-1] > 0:
            self.partner.improviser.key(event.when)
        self.partner.listener.hear(event)
        self.partner.improviser.changed()

    def act(self, action: str, when: float) -> None:
        """Do what page or letter asks for: see `agent.session.actions`. On the loop."""
        self.journal(when, {"act": action} if not self._moment() else {"act": action, "when": when})
        actions.act(self, action, when)

    def use(self, preset: Preset) -> None:
        """Play in this style from the next note on. Raises UserError."""
        self._moment()
        self.journal(self.clock.now(), {"preset": preset.row()})
        self.partner.take_style(replace(preset, sampling=self.zone.range(preset.sampling)))

    def _loaded(self, find: Callable[[], Preset]) -> Preset:
        """A style from the shelf, which the take is told: there may be another of that name there some day. Raises UserError."""
        try:
            preset = find()
        except UserError:
            self.journal(self.clock.now(), {"loads": None})
            raise
        self.journal(self.clock.now(), {"loads": preset.row()})
        return preset

    def _looped(self, port: str) -> None:
        if not self._looping:
            self._looping = True
            self.say(f"Our own notes come back on {port}: they are ignored, but look for a loop in your connections.")

    def _ticked(self, event: Event) -> None:
        news = None if self.follower is None else self.follower.hear(event.when, event.message)
        if news is not None:
            words = {"start": "The clock runs.", "stop": "The clock has stopped.", "back": "The clock is back."}
            if news in words:
                self.say(words[news])
            self.partner.resettle(free=False)
        self.partner.keep_time()

    def _left(self, sent: Sent, actual: float) -> None:
        if is_clock(sent.message) or sent.message[0] & CHANNEL != self.player.schedule.channel:
            return  # ticks and clicks are no music
        if self.take is not None:
            self.take.record_output(sent.planned, actual, sent.message)
        if sent.number >= 0:
            self.meters.lateness.append(actual - sent.planned)
            self.meters.notes += sent.is_on
            if sent.is_on:
                self.partner.improviser.sounded(sent.number, actual)
        if self.player.lost is not None:
            self._end(self.player.lost)

    def _answered(self, answers: int) -> None:
        if self.rounds is not None and answers >= self.rounds and self._loop is not None:
            self._loop.call_later(RINGING, self._end, None)

    async def _watch(self) -> None:
        """Now and then: is the clock still there, and has the metronome enough to do?"""
        link = LinkFollower(self.transport) if self.beat.link else None
        while True:
            now = self.clock.now()
            if link is not None:
                link.follow(now)
            if self.follower is not None and self.follower.check(now):
                self.say("The clock is gone; in free time until it is back.")
                self.partner.resettle(free=True)
            self.metronome.plan(now)
            if self._tidy is not None and self.partner.improviser.solo is None:
                self._tidy.collect_when_idle(now, now - self.partner.listener.last_onset)
            self.partner.keep_time()
            await asyncio.sleep(WATCH)

    async def _until_over(self, *work: Coroutine[Any, Any, None]) -> None:
        """Work until someone ends it, or it cannot go on."""
        over = asyncio.create_task(self._over.wait())
        tasks = [asyncio.create_task(w) for w in work]
        await asyncio.wait((*tasks, over), return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, BaseException) and not isinstance(done, asyncio.CancelledError):
                raise done
