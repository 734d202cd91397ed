"""The commands that play: `play` and `demo`, and what runs without a command."""

from __future__ import annotations

import argparse
import json

from ..errors import UserError, hint
from ..midi.port_errors import NoMidiSystem
from ..midi.ports import find_api
from ..session.config import Report
from ..styles.presets import DEFAULT
from ..takes.recorder import MIDI, PICTURE
from ..timing import ableton_link
from ..web.server import has_browser
from .play_settings import PlaySettings, play_settings
from .port_setup import demo_ports, open_ports
from .run_session import SessionRunner


def play_or_demo(args: argparse.Namespace) -> int:
    """Play; where there is neither a MIDI system nor a browser to play in, the demo."""
    try:
        find_api()
    except NoMidiSystem as error:
        if not has_browser() and not args.lan:
            print(
                f"{error}\nThere is no browser to play in either; here is the demo instead: a written call and its answer.\n"
                f"To play on a tablet or a phone of this house: {hint('play', '--lan')}"
            )
            return demo(argparse.Namespace(**{**vars(args), "command": "demo", "page": False}))
    return play(args)


def play(args: argparse.Namespace) -> int:
    """Jam on ports, on the page, or on both. Raises UserError."""
    if args.lan and not args.page:
        raise UserError("--lan shows the page to other devices, and --no-page shows none; leave one of them out.")
    if args.link:
        ableton_link.library()  # a missing one is told before a port is opened
    settings = play_settings(args)  # first: it may change the arguments, or find a set list wanting
    report = SessionRunner(args, open_ports(args), settings).run()
    if args.json:
        print(json.dumps(report.stats))
    return 0


def demo(args: argparse.Namespace) -> int:
    """One written call, answered. Raises UserError."""
    runner = SessionRunner(args, demo_ports(), PlaySettings(rounds=1))
    report = runner.run()
    files = {"take": str(runner.take.folder / MIDI)}
    if report.answers:
        from ..takes.piano_roll import piano_roll

        picture = runner.take.folder / PICTURE
        calls = [note for phrase in report.calls for note in phrase]
        answers = [note for phrase in report.answers for note in phrase]
        piano_roll(picture, calls, answers, title=f"tradefours demo · {args.preset or DEFAULT}")
        files["picture"] = str(picture)
    if args.json:
        print(json.dumps({**report.stats, **files}))
    else:
        _print_figures(report)
        for kind, path in files.items():
            print(f"{kind}: {path}")
    return 0


def _print_figures(report: Report) -> None:
    """How the answer was played: figures in milliseconds, each where there is one."""
    ready = report.stats["first_note_ms"]
    played = report.stats["first_on_ms"]
    late = report.stats["lateness_ms"]
    print(f"answered with {report.stats['notes']} notes, {report.stats['misses']} missed")
    if ready:
        print(f"decision to first note ready: p50 {ready['p50']:.1f} ms, p99 {ready['p99']:.1f}")
    if played:
        print(
            f"decision to first note played, its own rest included: p50 {played['p50']:.0f} ms, p99 {played['p99']:.0f}"
        )
    if late:
        print(
            f"lateness of notes: p50 {late['p50']:.2f} ms, p95 {late['p95']:.2f}, p99 {late['p99']:.2f}, max {late['max']:.2f}"
        )
