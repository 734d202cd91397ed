"""The command line's parser: one function for each command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from .. import __version__
from ..charts.charts_arguments import add_arguments as add_chart_arguments
from ..errors import hint
from ..midi.rtmidi_backend import APIS
from ..user_config.config_file import config_path, read_defaults
from .argument_types import answer_length, channel, number
from .option_groups import (
    add_beat_options,
    add_chart_options,
    add_engine_option,
    add_mode_options,
    add_musician_options,
    add_osc_options,
    add_page_options,
    add_session_options,
    add_sound_options,
    add_zone_options,
)

PROGRAM = "tradefours "
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser(arguments: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """All commands. With the arguments that it is to read, the user's own defaults for `play` hold. Raises ConfigError."""
    top = argparse.ArgumentParser(
        prog="tradefours",
        description="An improvising partner for anyone with a keyboard. Play a phrase, take your hands off, and it answers.",
        epilog="Without a command: play.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    play = _add_play(commands)
    if arguments is not None and _is_play(arguments):
        play.set_defaults(**read_defaults(config_path(), play, arguments))
    for name, value in vars(play.parse_args([])).items():  # without a command, the defaults of `play` hold
        top.set_defaults(**{name: value})
    _add_demo(commands)
    _add_answer(commands)
    _add_bench(commands)
    _add_doctor(commands)
    _add_ports(commands)
    _add_takes(commands)
    _add_presets(commands)
    _add_charts(commands)
    _add_config(commands, play)
    _add_model_commands(commands)
    return top


def _is_play(arguments: Sequence[str]) -> bool:
    """Whether these arguments start a session: the command `play`, or none."""
    return not arguments or arguments[0] == "play"


def _add(commands: Commands, name: str, about: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=about, description=about, epilog=f"Example: {hint()} {example.removeprefix(PROGRAM)}"
    )


def _add_play(commands: Commands) -> argparse.ArgumentParser:
    play = _add(commands, "play", "Jam live on your ports.", "tradefours play --in Keystation --preset ragtime")
    play.add_argument(
        "--in", dest="input", metavar="NAME", help="input port (default: a virtual one, and all instruments)"
    )
    play.add_argument("--out", dest="output", metavar="NAME", help="output port (default: a virtual one)")
    _add_api_option(play)
    play.add_argument(
        "--channel", type=channel, default=1, metavar="N", help="the agent's channel, 1 to 16 (default 1)"
    )
    play.add_argument(
        "--thru", action=argparse.BooleanOptionalAction, default=True, help="pass your own notes on to the output"
    )
    play.add_argument("--seconds", type=float, metavar="S", help="end by itself after so long")
    add_page_options(play)
    add_osc_options(play)
    add_mode_options(play)
    add_beat_options(play)
    add_chart_options(play)
    add_zone_options(play)
    add_session_options(play)
    add_sound_options(play)
    play.set_defaults(play=play)  # a set list reads its songs with it
    play.add_argument("--json", action="store_true", help="at the end, print how well time was kept as JSON")
    return play


def _add_demo(commands: Commands) -> None:
    demo = _add(commands, "demo", "Hear a call answered, with no MIDI at all.", "tradefours demo --take first-jam")
    add_session_options(demo)
    add_sound_options(demo)
    demo.add_argument("--no-page", action="store_false", dest="page", help="as it is: the demo shows no page")
    demo.set_defaults(channel=1, thru=True, seconds=None, page=False, control=[])
    demo.add_argument("--json", action="store_true", help="print the figures as JSON")


def _add_answer(commands: Commands) -> None:
    answer = _add(
        commands, "answer", "Answer a .mid file.", "tradefours answer call.mid -o both.mid --picture both.png"
    )
    answer.add_argument("call", type=Path, metavar="CALL.mid")
    answer.add_argument(
        "-o", "--out", dest="result", type=Path, required=True, metavar="OUT.mid", help="call and answer, a track each"
    )
    answer.add_argument(
        "--seconds", type=answer_length, default=8.0, metavar="S", help="about how long the answer is (default 8)"
    )
    answer.add_argument("--picture", type=Path, metavar="FILE.png", help="draw a piano roll, too")
    answer.add_argument("--json", action="store_true", help="print what was played as JSON")
    add_musician_options(answer)


def _add_bench(commands: Commands) -> None:
    bench = _add(commands, "bench", "Measure whether this machine keeps what is promised.", "tradefours bench --json")
    bench.add_argument(
        "--seconds", type=number(4, 86400), default=40.0, metavar="S", help="of playing, in all (default 40)"
    )
    _add_weights_option(bench)
    bench.add_argument("--page", action="store_true", help="instead: does an open page cost the notes anything?")
    _add_json_option(bench)
    add_engine_option(bench)


def _add_doctor(commands: Commands) -> None:
    doctor = _add(
        commands,
        "doctor",
        "Is all there that playing needs? With what to do where it is not.",
        "tradefours doctor --json",
    )
    _add_weights_option(doctor)
    _add_json_option(doctor)
    _add_hidden_worker_option(doctor)
    add_engine_option(doctor)


def _add_ports(commands: Commands) -> None:
    command = _add(commands, "ports", "List the MIDI ports.", "tradefours ports --json")
    _add_api_option(command)
    _add_json_option(command)


def _add_takes(commands: Commands) -> None:
    takes = _add(commands, "takes", "What was played and kept.", "tradefours takes export last")
    actions = takes.add_subparsers(title="what to do", metavar="list | show | export | replay", dest="what")
    takes.set_defaults(what="list", json=False, name="last", folder=Path("."))
    list_ = actions.add_parser("list", help="all of them, the newest first")
    _add_json_option(list_)
    show = actions.add_parser("show", help="one of them, in a few words")
    _add_take_name(show, "as the list has it (default: the newest)")
    _add_json_option(show)
    export = actions.add_parser("export", help="its .mid, and a picture; or its sound, with -o x.wav")
    _add_take_name(export, "as the list has it (default: the newest)")
    export.add_argument(
        "-o",
        "--out",
        dest="folder",
        type=Path,
        default=Path("."),
        metavar="DIR",
        help="where to: a folder, or a file FILE.mid or FILE.png (default: here)",
    )
    replay = actions.add_parser(
        "replay",
        help="play it again in virtual time: are decisions and notes the same?",
        description="Give the same session what was heard then, and compare what it decides; ask the same musician, and compare each note. "
        "Where something differs, the first difference is shown, and the exit code is 1.",
    )
    _add_take_name(replay, "as the list has it (default: the newest), or a folder")
    _add_json_option(replay)


def _add_presets(commands: Commands) -> None:
    command = _add(
        commands, "presets", "List the styles, or make one.", "tradefours presets learn mine one.mid two.mid"
    )
    _add_json_option(command)
    command.set_defaults(make=None)
    make = command.add_subparsers(title="making one", metavar="learn | blend | vamp", dest="make")
    learn = make.add_parser(
        "learn", help="a style from MIDI files", description="Make a preset from MIDI files: their style."
    )
    learn.add_argument("name", metavar="NAME")
    learn.add_argument("files", metavar="FILE.mid", type=Path, nargs="+")
    _add_preset_making_options(learn)
    blend = make.add_parser("blend", help="a style between two", description="Make a preset between two others.")
    blend.add_argument("a", metavar="A")
    blend.add_argument("b", metavar="B")
    blend.add_argument("share", metavar="SHARE", type=number(0, 1), help="0 is A, 1 is B")
    _add_preset_making_options(blend)
    vamp = make.add_parser(
        "vamp",
        help="the bars that a style has in the ear",
        description="Write the bars that a style has in the ear before it answers, as a MIDI file. With a MIDI file of your own: make the "
        "style yours, with those bars instead; four or eight are enough, in any key.",
    )
    vamp.add_argument("name", metavar="PRESET")
    vamp.add_argument("file", metavar="FILE.mid", type=Path, nargs="?", help="the bars that it is to have")
    vamp.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write the .mid (default: PRESET-vamp.mid), or the .toml (default: among your own)",
    )


def _add_charts(commands: Commands) -> None:
    add_chart_arguments(
        _add(commands, "charts", "Chord charts: see, keep and convert them.", "tradefours charts show blues-in-f")
    )


def _add_config(commands: Commands, play: argparse.ArgumentParser) -> None:
    command = _add(
        commands,
        "config",
        "Your own defaults: options of play in a file. And your set lists.",
        "tradefours config --edit",
    )
    command.add_argument("--edit", action="store_true", help="open the file in your editor (VISUAL or EDITOR)")
    command.add_argument("--path", action="store_true", help="only print where the file is")
    command.add_argument("--set-lists", action="store_true", help="instead: your set lists, for play --set-list NAME")
    _add_json_option(command)
    command.set_defaults(play=play)


def _add_model_commands(commands: Commands) -> None:
    """Names and one line of help only: `models` reads their arguments itself."""
    for name, about in (
        ("train", "Teach a musician from a corpus."),
        ("evaluate", "Measure a musician on pieces it has not seen."),
        ("export", "Make the compact weights that the live engine plays from."),
    ):
        commands.add_parser(name, help=about, add_help=False)


def _add_api_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--api", choices=tuple(APIS), help="MIDI system (default: the first that works)")


def _add_json_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for programs")


def _add_weights_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--weights", default="open", metavar="W", help="a name or a .safetensors file")


def _add_hidden_worker_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--mind", metavar="COMMAND", help=argparse.SUPPRESS)


def _add_take_name(command: argparse.ArgumentParser, about: str) -> None:
    command.add_argument("name", metavar="NAME", nargs="?", default="last", help=about)


def _add_preset_making_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o", "--out", type=Path, metavar="FILE.toml", help="where to write it (default: among your own)"
    )
    command.add_argument(
        "--weights", metavar="W", help="the musician's weights: a name or a .safetensors file (default: open)"
    )
    add_engine_option(command)
    _add_hidden_worker_option(command)
