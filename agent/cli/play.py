"""The jam: the commands that play, `play` and `demo`.

Knows nothing of music; it finds ports and presets, starts a session with its sound and its page, and tells the user in plain sentences.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from .. import thread_priority
from ..audio.synth import open_sound
from ..clock import SystemClock
from ..control.bindings import HOTKEYS, Bindings
from ..control.midi_learn import MidiLearn, settings_folder
from ..demo import DemoInput, DemoOutput, written_call
from ..errors import UserError
from ..midi import ports
from ..midi.hotplug import HotplugWatcher
from ..midi.keyboard_zones import KeyboardZones
from ..midi.output_merge import OutputMerge
from ..midi.ports import InputPort, OutputPort
from ..playing.worker_client import WorkerClient, worker_command
from ..replay import take_replay
from ..session.config import Report, SessionConfig, SessionIO
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..styles import presets
from ..takes import library, postprocess
from ..takes.recorder import MIDI, PICTURE, Take
from ..timing import ableton_link
from ..timing.step_clock import Moments
from ..turns.modes import TRADE, BeatSettings, ModeSettings
from ..web.server import has_browser
from .arguments import TAKES
from .hotkeys import letters
from .services import Services
from .status_line import Status

LETTERS_SAID = (
    "Letters: c call, t trade, d duet, a answer now, h hush, n next style, p panic, space tap the tempo, q quit."
)
OWN_TEMPO = 100.0  # beats a minute, to trade without a clock


def jam(args: argparse.Namespace) -> int:
    """The main thing: play; where there is neither a MIDI system nor a browser to play in, the demo."""
    try:
        ports.find_api()
    except ports.NoMidiSystem as error:
        if not has_browser() and not args.lan:
            print(f"{error}\nThere is no browser to play in either; here is the demo instead.")
            return demo(args)
    return play(args)


def play(args: argparse.Namespace) -> int:
    """Jam on ports, on the page, or on both."""
    if args.lan and not args.page:
        raise UserError("--lan shows the page to other devices, and --no-page shows none; leave one of them out.")
    if args.link:
        ableton_link.library()  # a missing one is told before a port is opened
    api = _api(args)
    plugs = None if api is None else HotplugWatcher(api)
    inputs = [] if plugs is None else _inputs(args, plugs)
    output = None if plugs is None else _output(args, plugs)
    groove = None if args.groove is None else args.groove / 100
    manner = ModeSettings(args.mode, args.bars, groove, args.swing / 100, args.part, args.mirror / 100)
    tempo = args.tempo or (OWN_TEMPO if args.mode == TRADE and not (args.clock or args.link) else None)
    beat = BeatSettings(args.clock, tempo, args.beats, args.count_in, args.click, args.send_clock, args.link)
    listened = None if args.listen_channel is None else args.listen_channel - 1
    program = None if args.program is None else args.program - 1
    hammer = args.hammer[0] / 1000, args.hammer[1] / 1000
    zone = KeyboardZones(
        listened, args.split, args.transpose, args.velocity, program, args.bank, args.out_latency / 1000, hammer
    )
    more = {"manner": manner, "beat": beat, "zone": zone}
    report, _ = _run(args, inputs, output, shown=[p.name for p in inputs], plugs=plugs, **more)
    if args.json:
        print(json.dumps(report.stats))
    return 0


def _api(args: argparse.Namespace) -> str | None:
    """The MIDI system; None where there is none, and the page is there to play on."""
    try:
        return ports.find_api(args.api)
    except ports.NoMidiSystem:
        if not args.page or args.api or args.input or args.output:
            raise
        return None


def _inputs(args: argparse.Namespace, plugs: HotplugWatcher) -> list[InputPort]:
    name, api = args.input, plugs.api
    if name is not None:
        return [plugs.input(name)]
    plugs.takes_new = True
    own = [plugs.input(None)] if ports.has_virtual_ports(api) else []
    found = [*own, *(plugs.input(n) for n in ports.hardware(ports.list_ports(api)))]
    if not found and not args.page:
        raise UserError(
            "No MIDI input is connected: plug a keyboard in, or hear it without one: tradefours demo"
            + ports.loopback(api, [])
        )
    return list(found)


def _output(args: argparse.Namespace, plugs: HotplugWatcher) -> OutputPort | None:
    name, api = args.output, plugs.api
    if name is None and not ports.has_virtual_ports(api):
        there = ports.list_ports(api).outputs
        if not there and args.page:
            return None
        if not there:
            raise UserError(
                "No MIDI output is there: start a synth, or hear the demo: tradefours demo" + ports.loopback(api, there)
            )
        name = next((n for n in there if ports.is_loopback(n)), there[0])
    return plugs.output(name)


def demo(args: argparse.Namespace) -> int:
    """One written call, answered."""
    report, take = _run(args, [DemoInput(written_call())], DemoOutput(), shown=["a written call"], rounds=1)
    files = {"take": str(take.folder / MIDI)}
    if report.answers:
        from ..takes.piano_roll import piano_roll

        picture = take.folder / PICTURE
        piano_roll(picture, *_notes(report), title=f"tradefours demo · {args.preset or presets.DEFAULT}")
        files["picture"] = str(picture)
    if args.json:
        print(json.dumps({**report.stats, **files}))
    else:
        _tell_figures(report)
        for kind, path in files.items():
            print(f"{kind}: {path}")
    return 0


def _notes(report: Report) -> tuple[list[Any], list[Any]]:
    return [n for p in report.calls for n in p], [n for p in report.answers for n in p]


def _tell_figures(report: Report) -> None:
    first, on, late = (report.stats[f"{key}_ms"] for key in ("first_note", "first_on", "lateness"))
    print(f"answered with {report.stats['notes']} notes, {report.stats['misses']} missed")
    if first:
        print(f"decision to first note ready: p50 {first['p50']:.1f} ms, p99 {first['p99']:.1f}")
    if on:
        print(f"decision to first note played, its own rest included: p50 {on['p50']:.0f} ms, p99 {on['p99']:.0f}")
    if late:
        print(
            f"lateness of notes: p50 {late['p50']:.2f} ms, p95 {late['p95']:.2f}, p99 {late['p99']:.2f}, max {late['max']:.2f}"
        )


def _run(
    args: argparse.Namespace,
    inputs: list[InputPort],
    output: OutputPort | None,
    *,
    shown: list[str],
    plugs: HotplugWatcher | None = None,
    **more: Any,
) -> tuple[Report, Take]:
    """One session from start to end, with its take, its sound and its page."""
    preset = presets.load(args.preset, args.knob, args.settings, args.without)
    plays = args.command != "demo"  # which knows no controls
    learning = MidiLearn.load(args.control, settings_folder() / "controls.txt") if plays else None
    folder = args.take or TAKES / datetime.now().strftime(library.DATE)
    mended = [] if args.take else library.repair_all(TAKES, 3)
    seed = random.randrange(1 << 31) if args.seed is None else args.seed  # known, so that the take can be played again
    setting = {"channel": args.channel - 1, "thru": args.thru, "rounds": more.get("rounds"), **more}
    known = take_replay.setting(preset, args, learning.bindings if learning is not None else Bindings(), setting)
    take = Take(
        folder,
        preset=preset.name,
        seed=seed,
        weights=preset.player(args.weights),
        tempo=getattr(args, "tempo", None),
        setting=known,
    )
    clock = SystemClock()
    desk = OutputMerge(output, open_sound(args.sound, args.soundfont))
    ours = getattr(args, "output", None) is None and (plugs is None or ports.has_virtual_ports(plugs.api))
    bay = Patchbay(plugs, desk, ours=ours)
    with Status(plain=args.json) as status:
        opening = Services(desk, clock, bay, status.show if status.is_live else None, status.line)
        if learning is not None and args.page:
            opening.show_page(take, TAKES, learning, args.page_port, args.lan)

        def say(text: str) -> None:
            status.line(text)
            take.record_line(clock.now(), text)
            opening.say(text)

        heard = f"Listening to {', '.join(shown)}; playing to" if shown else "Play on the page; it is heard on"
        say(f"{heard} {desk.name} on channel {args.channel}; style {preset.title}.")
        if mended:
            say(f"The last session ended without warning; its take is whole: {', '.join(mended)}.")
        if not args.take and (gone := library.prune(TAKES, datetime.now())):
            say(f"{gone} of the oldest takes were removed: {library.BOUNDS}.")

        async def session() -> Report:
            helpers = ThreadPoolExecutor(4, "helper", thread_priority.request_once)
            asyncio.get_running_loop().set_default_executor(helpers)
            mind = WorkerClient(worker_command(preset.player(args.weights), args.engine, args.mind))
            if not args.weights and not args.mind:
                mind.others = partial(worker_command, engine=args.engine)
            moments = Moments(clock, take.record_row)
            mind.journal = moments.keep
            if learning is not None:
                learning.journal = mind.journal
            config = SessionConfig(
                preset,
                mode_settings=more.get("manner", ModeSettings()),
                beat=more.get("beat", BeatSettings()),
                zones=more.get("zone", KeyboardZones()),
                controls=learning.bindings if learning is not None else Bindings(),
                channel=args.channel - 1,
                thru=args.thru,
                seed=seed,
                seconds=args.seconds,
                rounds=more.get("rounds"),
            )
            io = SessionIO(
                inputs=[*inputs, *opening.inputs],
                output=desk.agent,
                thru_output=desk.player,
                worker=mind,
                clock=moments,
                take=opening.witness or take,
                say=say,
                show=opening.show,
                journal=take.record_row,
            )
            made = Session(config, io)
            take.report_error = made.tell
            _on_signals(made.stop)

            def pressed(letter: str) -> None:
                if letter in HOTKEYS:
                    made.act(HOTKEYS[letter], clock.now())

            with letters(asyncio.get_running_loop(), pressed) as there:
                if there:
                    say(LETTERS_SAID)
                return await made.run(partial(opening.beside, say=say))

        with thread_priority.realtime():
            report = asyncio.run(session())
        say(f"Every note is off. The take is kept in {folder}.")
        if plays:
            try:
                if (found := library.summarize(folder)).played + found.answered:
                    status.line(f"It holds {found}.")
            except UserError as error:  # the music is over, and kept
                status.line(str(error))
            postprocess.finish_in_background([folder, *library.without_picture(TAKES)])
    return report, take


def _on_signals(stop: Callable[[], None]) -> None:
    """Ctrl-C and the system's polite request end the session; asked again, they still do."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop())
