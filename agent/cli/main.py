"""The entry point: reads the command line and runs one command."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from .. import isolated_launcher, standard_streams
from ..errors import UserError
from ..user_config.config_command import config
from . import commands, play
from .arguments import parser

MODELS = {
    "train": "models.training.train",
    "evaluate": "models.evaluation.evaluate",
    "export": "models.release.export_weights",
}
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP")  # signals that a child process gets, too
GET_TORCH = (
    "in the project's folder, `python3 -m agent train --help` installs it (elsewhere: pip install 'tradefours[train]')."
)


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0: done, 2: something the user can mend."""
    standard_streams.prepare()
    try:
        code = run(sys.argv[1:] if argv is None else argv)
    except SystemExit as done:  # of argparse, which has written help
        raise SystemExit(standard_streams.finish(int(done.code or 0))) from None
    return standard_streams.finish(code)


def run(arguments: list[str]) -> int:
    """Run one command; whatever the user can mend is told in a sentence."""
    if arguments and arguments[0] in MODELS:
        return run_model_command(arguments[0], arguments[1:])
    functions = {
        "play": play.play,
        "demo": play.demo,
        "answer": commands.answer,
        "bench": run_bench,
        "doctor": run_doctor,
        "ports": commands.list_ports,
        "presets": commands.list_presets,
        "takes": commands.show_takes,
        "charts": run_charts,
        "config": config,
    }
    try:
        args = parser(arguments).parse_args(arguments)
        return functions.get(args.command, play.play_or_demo)(args)
    except UserError as error:
        standard_streams.complain(f"tradefours: {error}")
        return 2
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever read our output has gone
        standard_streams.abandon(sys.stdout)
        return 0
    except OSError as error:  # the output itself, or a file that nobody thought of
        if not error.filename:
            standard_streams.abandon(sys.stdout)
        what = f"{error.filename} cannot be used" if error.filename else standard_streams.CANNOT_WRITE
        standard_streams.complain(f"tradefours: {what} ({error.strerror or error}); mend that, and try again.")
        return 2


def run_model_command(name: str, arguments: list[str]) -> int:
    """Run a command of `models` in a process of its own: it may want torch, which this process never loads."""
    if name != "export" and importlib.util.find_spec("torch") is None:
        standard_streams.complain(f"tradefours: {name} needs torch; {GET_TORCH}")
        return 2
    return run_child(isolated_launcher.command(MODELS[name], *arguments))


def run_child(command: Sequence[str]) -> int:
    """Run a process and wait for it. It gets our signals, and ends in its own time: training writes what it has learned.

    Returns its exit code, as a shell has it.
    """
    child = subprocess.Popen(command)
    has_terminal = sys.stdin is not None and sys.stdin.isatty()

    def pass_on(number: int, frame: FrameType | None) -> None:
        if os.name == "posix" and not (has_terminal and number == signal.SIGINT):
            child.send_signal(number)  # a Ctrl-C of a terminal has come to it already

    numbers = [getattr(signal, name) for name in PASSED_ON if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def run_bench(args: argparse.Namespace) -> int:
    """Measure this machine."""
    if args.page:
        from ..bench.web_page_cost import page_cost

        return page_cost(args.weights, args.engine, args.seconds, args.json)
    from ..bench.bench import bench

    return bench(args)


def run_charts(args: argparse.Namespace) -> int:
    """See, keep and convert chord charts, and hear the band over one."""
    if args.what == "render":
        from ..band.render_command import render

        return render(args)
    from ..charts.charts_command import charts

    return charts(args)


def run_doctor(args: argparse.Namespace) -> int:
    """Look whether all is there."""
    from .doctor import doctor

    return doctor(args)


if __name__ == "__main__":
    sys.exit(main())
