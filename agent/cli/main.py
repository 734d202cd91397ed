"""The command line: words in, a session or a file out.

Knows nothing but which room a command belongs to: `jam` plays, `library` lists and converts.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from .. import launcher
from ..errors import UserError
from . import commands, play
from .arguments import parser

MODELS = {"train": "models.training.train", "evaluate": "models.evaluation.evaluate", "export": "models.release.export"}
GET_TORCH = (
    "in the project's folder, `python3 -m agent train --help` installs it (elsewhere: pip install 'tradefours[train]')."
)


def main(argv: list[str] | None = None) -> int:
    """Run one command. 0: done, 2: something the user can mend."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] in MODELS:  # theirs is another room, with an interpreter of its own
        if arguments[0] != "export" and importlib.util.find_spec("torch") is None:
            print(f"tradefours: {arguments[0]} needs torch; {GET_TORCH}", file=sys.stderr)
            return 2
        return subprocess.call(launcher.command(MODELS[arguments[0]], *arguments[1:]))
    args = parser().parse_args(arguments)
    acts = {
        "play": play.play,
        "demo": play.demo,
        "answer": commands.answer,
        "bench": measured,
        "doctor": examined,
        "ports": commands.list_ports,
        "presets": commands.list_presets,
        "takes": commands.show_takes,
    }
    try:
        return acts.get(args.command, play.jam)(args)
    except UserError as error:
        print(f"tradefours: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def measured(args: argparse.Namespace) -> int:
    """Measure this machine."""
    if args.page:
        from ..bench.page_cost import page_cost

        return page_cost(args.weights, args.engine, args.seconds, args.json)
    from ..bench.bench import bench

    return bench(args)


def examined(args: argparse.Namespace) -> int:
    """Look whether all is there."""
    from .doctor import doctor

    return doctor(args)


if __name__ == "__main__":
    sys.exit(main())
