"""The options of the command `charts`. Light, as every command builds the whole parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..user_folders import own_folder


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The parts of the command, and their options."""
    actions = command.add_subparsers(title="what to do", metavar="list | show | add | convert | render", dest="what")
    command.set_defaults(what="list", json=False)
    _add_json(actions.add_parser("list", help="all charts: those of the program and your own"))
    show = actions.add_parser(
        "show",
        help="one chart as text",
        description="Show a chart as text, in its own key or in another. With --form, its bars as they are played.",
    )
    _add_source(show)
    _add_transposition(show)
    show.add_argument(
        "--form", action="store_true", help="the bars as they are played: repeats, endings and jumps unfolded"
    )
    _add_json(show)
    add = actions.add_parser(
        "add",
        help="keep a chart, or a whole playlist, among your own",
        description=f"Keep charts as text in {own_folder('charts')}, where you can edit them. Nothing there is overwritten.",
    )
    add.add_argument(
        "sources",
        metavar="FILE|LINK",
        nargs="+",
        help="text, .musicxml, .mxl, .ls, a page or a link of iReal Pro; - reads the input",
    )
    _add_json(add)
    convert = actions.add_parser(
        "convert", help="write a chart as a file of another kind", description="Write a chart as text or MusicXML."
    )
    _add_source(convert)
    convert.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="FILE.txt or FILE.musicxml")
    _add_transposition(convert)

    _add_render(actions)


def _add_render(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    render = actions.add_parser(
        "render",
        help="the band over a chart, as a MIDI file or as sound",
        description="Write what bass, comping and drums play over a chart, after a bar that is counted in. The same seed, the same notes.",
    )
    _add_source(render)
    render.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="FILE.mid, or FILE.wav where FluidSynth is installed",
    )
    _add_transposition(render)
    render.add_argument("--tempo", type=float, metavar="BPM", help="beats a minute (default: the chart's)")
    render.add_argument("--choruses", type=int, default=2, metavar="N", help="how often the form is played (default 2)")
    render.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other notes (default 0)")
    render.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("bass", "comping", "drums"),
        help="leave a part out",
    )
    _add_json(render)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for programs")


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source", metavar="NAME|FILE|LINK", help="as the list has it, a file, or a link of iReal Pro; - reads the input"
    )


def _add_transposition(command: argparse.ArgumentParser) -> None:
    choice = command.add_mutually_exclusive_group()
    choice.add_argument("--transpose", type=int, default=0, metavar="N", help="so many semitones higher")
    choice.add_argument("--key", metavar="KEY", help="in this key, such as Bb; the nearest way")
