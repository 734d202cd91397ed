"""One jam, from the first key to the last note-off. Wiring only: everything that decides is elsewhere.

Threads: input ports call `receive` on theirs, the player calls `_sent` on its own; both hand over to the event loop, where all the rest
happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ..errors import UserError
from ..midi.messages import Event, is_clock
from ..midi.port_errors import PortLost
from ..midi.ports import InputPort
from ..playing.metronome import Metronome
from ..playing.note_schedule import SentMessage
from ..playing.partner import Partner
from ..playing.thru import Thru
from ..styles.presets import Preset
from ..timing.garbage_collection import GarbageCollection
from ..timing.replayable_clock import Moments, stepwise
from ..timing.timing_stats import TimingStats
from ..timing.transport import Transport
from .actions import Actions
from .beat_follower import BeatWatch
from .config import Report, SessionConfig, SessionIO
from .input_routing import DRUMS_LINE, FEEDBACK_LINE, InputFilter, Route, Verdict
from .session_band import open_band, work_until

RINGING = 2.0  # seconds in which the last notes ring out when the session ends by itself
SWITCH_INTERVAL = 0.0001  # seconds: a thread that keeps time must not wait for its turn as long as the usual 5 ms
USUAL_TEMPO = 120.0  # beats a minute
Companion = Callable[["Session"], Coroutine[Any, Any, None]]


class Session:
    """One jam, with the settings `config` and connected to `io`."""

    def __init__(self, config: SessionConfig, io: SessionIO) -> None:
        self.config = config
        self.io = io
        self.worker = io.worker
        self.clock = io.clock
        self.stats = TimingStats()
        self.transport = Transport(config.beat.beats, config.beat.tempo or USUAL_TEMPO)
        self.player = io.make_player(io.output, io.clock, config.channel, self._sent)
        band = open_band(config, io, self.transport, self._sent, lambda: self.partner.mode_settings, self.stop)
        clicks = io.make_player(io.output, io.clock, Metronome.CHANNEL, self._sent)
        self.metronome = Metronome(clicks, self.transport, band)
        others = () if band is None else band.players.values()
        self.thru = Thru(io.thru_output or io.output, self.player, others) if config.thru else None
        self.input_filter = InputFilter(config.zones, config.controls, self.thru)
        self.partner = Partner(
            worker=io.worker,
            player=self.player,
            clock=io.clock,
            preset=config.preset,
            stats=self.stats,
            mode_settings=config.mode_settings,
            zones=config.zones,
            transport=self.transport,
            say=io.say,
            show=io.show,
            seed=config.seed,
            most_candidates=config.most_candidates,
            on_answer=self._count_answer,
            keeps_restarting=config.rounds is None,
            over=config.over,
        )
        self.actions = Actions(
            partner=self.partner,
            player=self.player,
            transport=self.transport,
            metronome=self.metronome,
            thru=self.thru,
            beat=config.beat,
            io=io,
            stop=self.stop,
            load=self._load,
            set_list=config.set_list,
            has_chart=config.over is not None,
        )
        if isinstance(io.clock, Moments):
            self.player.journal = lambda when, row: self._call_on_loop(io.journal, when, row)
        self._beat_watch = BeatWatch(config.beat, self.transport, self.metronome, self.partner, io)
        self._inputs: list[InputPort] = []
        self._failure: UserError | None = None
        self._checking = threading.Lock()  # two ports may bring the same key at once
        self._said: set[str] = set()  # what is said no second time
        self._is_stopping = False
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, companion: Companion | None = None) -> Report:
        """Play until stopped; the `companion` lasts as long. Raises UserError where it cannot go on; every note is ended all the same."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._say_error)
        self._over = asyncio.Event()
        if self._is_stopping:
            self._over.set()
        sys.setswitchinterval(SWITCH_INTERVAL)
        garbage_collection: GarbageCollection | None = None
        try:
            for port in self.io.inputs:  # which may take a while, and then the clock begins
                self.listen(port)
            start = self._begin_clock()
            garbage_collection = GarbageCollection(start)
            self._begin(self._loop, start)
            work = [
                stepwise(self.clock, self.partner.run(start), "partner"),
                stepwise(self.clock, self._beat_watch.run(garbage_collection), "watch"),
            ]
            if companion is not None:
                work.append(companion(self))
            await work_until(work, self._over)
        finally:
            if garbage_collection is not None:
                garbage_collection.end()
            await self._close()
        if self._failure is not None:
            raise self._failure
        return Report(self.stats.summary(), self.partner.calls, self.partner.answers)

    def _begin_clock(self) -> float:
        """The first moment of the session, in seconds."""
        if isinstance(self.clock, Moments):
            self.clock.follow()
        start = self.clock.now()
        self.io.journal(start, {"begins": True})
        return start

    def _begin(self, loop: asyncio.AbstractEventLoop, start: float) -> None:
        """What is to be done at the first moment."""
        if self.config.seconds is not None:
            loop.call_later(self.config.seconds, self.stop)
        self.player.start()
        for message in self.config.zones.sound(self.config.channel):
            self.player.send_at(start, message)
        if self.config.beat.tempo is not None:
            self.metronome.begin(start, self.config.beat)

    def listen(self, port: InputPort) -> None:
        """Hear one more port. Raises PortLost."""
        name = port.name
        port.open(lambda event: self.receive(event, name))
        self._inputs.append(port)

    def leave(self, port: InputPort) -> None:
        """Hear this port no more."""
        self._inputs.remove(port)
        port.close()

    def stop(self) -> None:
        """End the session. From any thread or signal handler, also before it has begun."""
        self._is_stopping = True
        self._call_on_loop(self._end, None)

    def tell(self, text: str) -> None:
        """A line for the user, from any thread."""
        self._call_on_loop(self.io.say, text)

    def act(self, action: str, when: float) -> None:
        """Do what a page or a hotkey asks for: see `agent.session.actions`. On the loop."""
        self.io.journal(when, {"act": action, "when": when} if self._begin_moment() else {"act": action})
        self.actions.act(action, when)

    def set_style(self, preset: Preset) -> None:
        """Play in this style from the next note on. Raises UserError."""
        self._begin_moment()
        self.io.journal(self.clock.now(), {"preset": preset.row()})
        self.partner.set_style(preset)

    # -- what other threads call -------------------------------------------------------------------------------------

    def receive(self, event: Event, port: str) -> None:
        """A message from the input port of that name."""
        with self._checking:
            checked = self.input_filter.check(event, port)
        event = checked.event
        if checked.verdict is Verdict.DROP:
            return
        if checked.verdict is Verdict.FEEDBACK:
            self._call_on_loop(self._say_once, "feedback", FEEDBACK_LINE.format(port=port))
            return
        if checked.verdict in (Verdict.PASS_ON, Verdict.THRU_ONLY) and self.thru is not None:
            try:
                if self.thru.pass_on(event.message, port):
                    self.input_filter.sent(event.message, event.when, port)
            except PortLost as error:
                self._call_on_loop(self._end, error)
        if checked.verdict is not Verdict.THRU_ONLY:
            self._call_on_loop(self._arrived, event, port)

    def _sent(self, sent: SentMessage, actual: float) -> None:
        self.input_filter.sent(sent.message, actual)
        self._call_on_loop(self._left, sent, actual)

    def _call_on_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Have the event loop call it; after the loop's end, nothing is done."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function, *args)

    # -- on the loop -------------------------------------------------------------------------------------------------

    def _begin_moment(self) -> bool:
        """Something comes from without: a moment begins, where the clock tells the take of them. Returns whether it does."""
        if isinstance(self.clock, Moments):
            self.clock.begin()
            return True
        return False

    def _load(self, find: Callable[[], Preset]) -> Preset:
        """Load a preset and tell the take: there may be another of that name some day. Raises UserError."""
        try:
            preset = self.io.load(find)
        except UserError:
            self.io.journal(self.clock.now(), {"loads": None})
            raise
        self.io.journal(self.clock.now(), {"loads": preset.row()})
        return preset

    def _arrived(self, event: Event, port: str) -> None:
        self._begin_moment()
        if self.io.take is not None:
            self.io.take.record_input(event, port)
        route = self.input_filter.route(event.message, self.partner.is_release(event.message))
        if route is Route.CLOCK:
            self._beat_watch.hear(event)
        elif route is Route.CONTROL:
            action = self.config.controls.action_for(event.message, self.actions.parameter)
            if action is not None:
                self.actions.act(action, event.when)
        elif route is Route.MUSIC:
            self.partner.hear(event)
        elif route is Route.DRUMS:
            self._say_once("drums", DRUMS_LINE)

    def _left(self, sent: SentMessage, actual: float) -> None:
        if is_clock(sent.message) or sent.message[0] & 0x0F != self.config.channel:
            return  # ticks and clicks are no music
        if self.io.take is not None:
            self.io.take.record_output(sent.planned, actual, sent.message)
        if sent.number >= 0:
            self.stats.lateness.append(actual - sent.planned)
            self.stats.notes += sent.is_on
            if sent.is_on:
                self.partner.note_sent(sent.number, actual)
        if self.player.port_error is not None:
            self._end(self.player.port_error)

    def _count_answer(self, answers: int) -> None:
        if self.config.rounds is not None and answers >= self.config.rounds and self._loop is not None:
            self._loop.call_later(RINGING, self._end, None)

    def _end(self, failure: UserError | None) -> None:
        if self._begin_moment():
            self.io.journal(self.clock.now(), {"over": True})
        self._failure = self._failure or failure
        if self._over is not None:
            self._over.set()

    def _say_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A message that we could not digest is a fault of ours, but no reason to stop playing; it is said once."""
        what = context.get("exception") or context.get("message")
        line = f"Something went wrong inside ({what!r}); the music goes on. Please report it, with the take."
        self._say_once("error", line)

    def _say_once(self, what: str, line: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.io.say(line)

    async def _close(self) -> None:
        """Close the inputs, end every note, close the worker, the output and the take."""
        self.io.journal(self.clock.now(), {"ends": True})
        for port in self._inputs:
            port.close()
        if self.thru is not None:
            with contextlib.suppress(PortLost):
                self.thru.close()
        self.metronome.end(self.clock.now())
        self.player.stop()
        await self.worker.close()
        self.io.output.close()
        self.stats.misses = self.player.schedule.misses
        if self.io.take is not None:
            await asyncio.sleep(0)  # the last messages that other threads handed over
            self.io.take.close()
