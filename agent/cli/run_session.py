"""One session, run from the command line: its musician, ports, sound, page, hotkeys, and what the user is told."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ..audio.sound_output import open_sound_or_another
from ..clock import SystemClock
from ..control.bindings import Bindings
from ..control.midi_learn import MidiLearn
from ..midi.output_merge import OutputMerge
from ..playing.worker_client import WorkerClient, worker_command
from ..session.config import Report, SessionConfig, SessionIO
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..styles.presets import load, survey
from ..takes.library import BOUNDS
from ..thread_priority import realtime, request_once
from ..timing.replayable_clock import Moments
from .hotkeys import Letters, read_hotkeys, stay_in_background
from .option_groups import CONTROLS, TAKES
from .play_settings import PlaySettings, about_chart
from .port_setup import PortSetup
from .sound_and_page import Services
from .take_lifecycle import finish_take, open_take, remove_oldest_takes, repair_takes
from .terminal_display import StatusLine

HOTKEY_HELP = "Letters: c call, t trade, d duet, a answer now, h hush, n next style, p panic, space tap the tempo, ? what they do, q quit."
HELPER_THREADS = 4  # for what blocks, such as opening a port
SEEDS = 1 << 31  # so many different ones, where none is asked for


class SessionRunner:
    """Prepares one session and runs it. Raises UserError where something that was asked for is not there."""

    def __init__(self, args: argparse.Namespace, ports: PortSetup, settings: PlaySettings) -> None:
        self._args = args
        self._ports = ports
        self._settings = settings
        self._is_demo = args.command == "demo"
        self._preset = load(args.preset, args.knob, args.settings, args.without)
        self._midi_learn = self._load_controls()
        self._repaired = repair_takes(args)
        # Known, so that the take can be played again.
        self._seed = random.randrange(SEEDS) if args.seed is None else args.seed
        self._bindings = Bindings() if self._midi_learn is None else self._midi_learn.bindings
        self.take = open_take(args, settings, preset=self._preset, bindings=self._bindings, seed=self._seed)
        self._clock = SystemClock()
        sound, self._sound_trouble = open_sound_or_another(args.sound, args.soundfont)
        self._outputs = OutputMerge(ports.output, sound)
        self._status = StatusLine(plain=args.json)
        self._services = Services(
            self._outputs,
            self._clock,
            Patchbay(ports.watcher, self._outputs, ours=ports.is_own),
            self._status.show if self._status.is_live else None,
            self._status.line,
            "look at the picture, and play the file." if self._is_demo else "connect the output to a synth.",
        )

    def run(self) -> Report:
        """Play until the session is over, and keep its take. Raises UserError."""
        stay_in_background()
        with self._status:
            if self._midi_learn is not None and self._args.page:
                args = self._args
                self._services.show_page(self.take, TAKES, self._midi_learn, args.page_port, args.lan, args.soundfont)
            if not self._is_demo:
                self._services.open_osc(self._args.osc, self._args.osc_out)
            self._say_what_is_open()
            with realtime():
                report = asyncio.run(self._play())
            self._say(f"Every note is off. The take is kept in {self.take.folder}.")
            if not self._is_demo:
                finish_take(self.take, self._status.line)
        return report

    def _load_controls(self) -> MidiLearn | None:
        """The controls that were learnt, and those of the command line; the demo has none. Raises UserError."""
        if self._is_demo:
            return None
        return MidiLearn.load(self._args.control, CONTROLS)

    def _say(self, text: str) -> None:
        """A line for the terminal, the take and the page."""
        self._status.line(text)
        self.take.record_line(self._clock.now(), text)
        self._services.say(text)

    def _say_what_is_open(self) -> None:
        sources = ", ".join(self._ports.sources)
        opening = f"Listening to {sources}; playing to" if sources else "Play on the page; it is heard on"
        self._say(f"{opening} {self._outputs.name} on channel {self._args.channel}; style {self._preset.title}.")
        if self._settings.over is not None:
            self._say(about_chart(self._settings.over, self._settings.mode.bars))
        learnt = [] if self._midi_learn is None else [*self._midi_learn.problems, *survey()[1]]
        for problem in [*learnt, *self._settings.problems]:
            self._say(problem)
        if self._sound_trouble:
            self._say(self._sound_trouble)
        if self._repaired:
            self._say(f"The last session ended without warning; its take is whole: {', '.join(self._repaired)}.")
        removed = remove_oldest_takes(self._args)
        if removed:
            self._say(f"{removed} of the oldest takes were removed: {BOUNDS}.")

    async def _play(self) -> Report:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(HELPER_THREADS, "helper", request_once))
        moments = Moments(self._clock, self.take.record_row)
        if self._midi_learn is not None:
            self._midi_learn.journal = moments.keep
        session = self._make_session(self._make_worker(moments), moments)
        self.take.report_error = session.tell
        call_on_signals(session.stop)

        def be_silent() -> None:
            """A shell is about to stop us: what sounds would sound until it lets us go on."""
            session.act("panic", self._clock.now())
            self._status.hide()

        schedule = session.player.schedule
        letters = Letters(
            session.act, self._clock.now, lambda: bool(schedule.sounding), self._status.note, self._status.line
        )
        with read_hotkeys(loop, letters.press, be_silent) as has_terminal:
            if has_terminal:
                self._say(HOTKEY_HELP)
            return await session.run(partial(self._services.run, say=self._say))

    def _make_worker(self, moments: Moments) -> WorkerClient:
        args = self._args
        worker = WorkerClient(worker_command(self._preset.player(args.weights), args.engine, args.mind))
        if not args.weights and not args.mind:
            worker.others = partial(worker_command, engine=args.engine)
        worker.journal = moments.keep
        return worker

    def _make_session(self, worker: WorkerClient, moments: Moments) -> Session:
        config = SessionConfig(
            self._preset,
            mode_settings=self._settings.mode,
            beat=self._settings.beat,
            zones=self._settings.zones,
            controls=self._bindings,
            channel=self._args.channel - 1,
            thru=self._args.thru,
            seed=self._seed,
            seconds=self._args.seconds,
            rounds=self._settings.rounds,
            set_list=self._settings.set_list,
            over=self._settings.over,
        )
        io = SessionIO(
            inputs=[*self._ports.inputs, *self._services.inputs],
            output=self._outputs.agent,
            thru_output=self._outputs.player,
            worker=worker,
            clock=moments,
            take=self._services.recorder(self.take),
            say=self._say,
            show=self._services.show,
            journal=self.take.record_row,
        )
        return Session(config, io)


def call_on_signals(stop: Callable[[], None]) -> None:
    """Ctrl-C and the system's polite request end the session; asked again, they still do.

    Signals that were ignored when we were started stay so: `nohup` and scripts ask for that.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop())
