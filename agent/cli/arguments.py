"""The command line's grammar: which words there are, and what they default to.

Knows nothing of what they do.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from models.music.setting_options import add_options
from models.music.settings import KNOBS

from .. import __version__
from ..audio.synth import AUTO, CHOICES
from ..demo import SEMITONES as NAMES
from ..midi import ports
from ..midi.keyboard_zones import CURVES
from ..turns.modes import CALL, MODES, PARTS

TAKES = Path.home() / "tradefours" / "takes"


def parser() -> argparse.ArgumentParser:
    """All commands."""
    top = argparse.ArgumentParser(
        prog="tradefours",
        description="An improvising partner for anyone with a keyboard. Play a phrase, take your hands off, and it answers.",
        epilog="Without a command: play.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def command(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help_, description=help_, epilog=f"Example: {example}")

    c = command("play", "Jam live on your ports.", "tradefours play --in Keystation --preset ragtime")
    c.add_argument(
        "--in", dest="input", metavar="NAME", help="input port (default: a virtual one, and all instruments)"
    )
    c.add_argument("--out", dest="output", metavar="NAME", help="output port (default: a virtual one)")
    c.add_argument("--api", choices=tuple(ports.APIS), help="MIDI system (default: the first that works)")
    c.add_argument("--channel", type=_channel, default=1, metavar="N", help="the agent's channel, 1 to 16 (default 1)")
    c.add_argument(
        "--thru", action=argparse.BooleanOptionalAction, default=True, help="pass your own notes on to the output"
    )
    c.add_argument("--seconds", type=float, metavar="S", help="end by itself after so long")
    c.add_argument(
        "--page", action=argparse.BooleanOptionalAction, default=True, help="show a page to play on in the browser"
    )
    c.add_argument(
        "--page-port", type=_number(0, 65535, int), default=4404, metavar="N", help="where the page is (default 4404)"
    )
    c.add_argument(
        "--lan",
        action="store_true",
        help="show the page to other devices of the house, too, such as a tablet on the music stand: prints an address with a token "
        "that is good until the end (default: this computer only)",
    )
    _of_manners(c)
    _of_zones(c)
    _of_sessions(c)
    _of_sounds(c)
    c.add_argument("--json", action="store_true", help="at the end, print how well time was kept as JSON")
    for name, value in vars(c.parse_args([])).items():  # without a command, play as it plays by itself
        top.set_defaults(**{name: value})
    c = command("demo", "Hear a call answered, with no MIDI at all.", "tradefours demo --take first-jam")
    _of_sessions(c)
    _of_sounds(c)
    c.set_defaults(channel=1, thru=True, seconds=None, page=False, control=[])
    c.add_argument("--json", action="store_true", help="print the figures as JSON")
    c = command("answer", "Answer a .mid file.", "tradefours answer call.mid -o both.mid --picture both.png")
    c.add_argument("call", type=Path, metavar="CALL.mid")
    c.add_argument(
        "-o", "--out", dest="result", type=Path, required=True, metavar="OUT.mid", help="call and answer, a track each"
    )
    c.add_argument("--seconds", type=_length, default=8.0, metavar="S", help="about how long the answer is (default 8)")
    c.add_argument("--picture", type=Path, metavar="FILE.png", help="draw a piano roll, too")
    c.add_argument("--json", action="store_true", help="print what was played as JSON")
    _of_musician(c)
    c = command("bench", "Measure whether this machine keeps what is promised.", "tradefours bench --json")
    c.add_argument(
        "--seconds", type=_number(4, 86400), default=40.0, metavar="S", help="of playing, in all (default 40)"
    )
    c.add_argument("--weights", default="open", metavar="W", help="a name or a .safetensors file")
    c.add_argument("--page", action="store_true", help="instead: does an open page cost the notes anything?")
    c.add_argument("--json", action="store_true", help="for programs")
    _of_engines(c)
    c = command(
        "doctor", "Is all there that playing needs? With what to do where it is not.", "tradefours doctor --json"
    )
    c.add_argument("--weights", default="open", metavar="W", help="a name or a .safetensors file")
    c.add_argument("--json", action="store_true", help="for programs")
    c.add_argument("--mind", metavar="COMMAND", help=argparse.SUPPRESS)
    _of_engines(c)
    c = command("ports", "List the MIDI ports.", "tradefours ports --json")
    c.add_argument("--api", choices=tuple(ports.APIS), help="MIDI system (default: the first that works)")
    c.add_argument("--json", action="store_true", help="for programs")
    c = command("takes", "What was played and kept.", "tradefours takes export last")
    kept = c.add_subparsers(title="what to do", metavar="list | show | export | replay", dest="what")
    c.set_defaults(what="list", json=False, name="last", folder=Path("."))
    t = kept.add_parser("list", help="all of them, the newest first")
    t.add_argument("--json", action="store_true", help="for programs")
    t = kept.add_parser("show", help="one of them, in a few words")
    t.add_argument("name", metavar="NAME", nargs="?", default="last", help="as the list has it (default: the newest)")
    t.add_argument("--json", action="store_true", help="for programs")
    t = kept.add_parser("export", help="its .mid, and a picture")
    t.add_argument("name", metavar="NAME", nargs="?", default="last", help="as the list has it (default: the newest)")
    t.add_argument(
        "-o", "--out", dest="folder", type=Path, default=Path("."), metavar="DIR", help="where to (default: here)"
    )
    t = kept.add_parser(
        "replay",
        help="play it again in virtual time: are decisions and notes the same?",
        description="Give the same session what was heard then, and compare what it decides; ask the same musician, and compare each note. "
        "Where something differs, the first difference is shown, and the exit code is 1.",
    )
    t.add_argument(
        "name", metavar="NAME", nargs="?", default="last", help="as the list has it (default: the newest), or a folder"
    )
    t.add_argument("--json", action="store_true", help="for programs")
    c = command("presets", "List the styles, or make one.", "tradefours presets learn mine one.mid two.mid")
    c.add_argument("--json", action="store_true", help="for programs")
    c.set_defaults(make=None)
    make = c.add_subparsers(title="making one", metavar="learn | blend | vamp", dest="make")
    m = make.add_parser(
        "learn", help="a style from MIDI files", description="Make a preset from MIDI files: their style."
    )
    m.add_argument("name", metavar="NAME")
    m.add_argument("files", metavar="FILE.mid", type=Path, nargs="+")
    _of_making(m)
    m = make.add_parser("blend", help="a style between two", description="Make a preset between two others.")
    m.add_argument("a", metavar="A")
    m.add_argument("b", metavar="B")
    m.add_argument("share", metavar="SHARE", type=_number(0, 1), help="0 is A, 1 is B")
    _of_making(m)
    m = make.add_parser(
        "vamp",
        help="the bars that a style has in the ear",
        description="Write the bars that a style has in the ear before it answers, as a MIDI file. With a MIDI file of your own: make the "
        "style yours, with those bars instead; four or eight are enough, in any key.",
    )
    m.add_argument("name", metavar="PRESET")
    m.add_argument("file", metavar="FILE.mid", type=Path, nargs="?", help="the bars that it is to have")
    told = "where to write the .mid (default: PRESET-vamp.mid), or the .toml (default: among your own)"
    m.add_argument("-o", "--out", type=Path, metavar="FILE", help=told)
    for name, help_ in (
        ("train", "Teach a musician from a corpus."),
        ("evaluate", "Measure a musician on pieces it has not seen."),
        ("export", "Make the compact weights that the live engine plays from."),
    ):
        commands.add_parser(name, help=help_, add_help=False)
    return top


def _of_making(m: argparse.ArgumentParser) -> None:
    m.add_argument("-o", "--out", type=Path, metavar="FILE.toml", help="where to write it (default: among your own)")
    m.add_argument(
        "--weights", metavar="W", help="the musician's weights: a name or a .safetensors file (default: open)"
    )
    _of_engines(m)
    m.add_argument("--mind", metavar="COMMAND", help=argparse.SUPPRESS)


def _of_engines(c: argparse.ArgumentParser) -> None:
    c.add_argument(
        "--engine",
        choices=("live", "plain", "torch"),
        default="live",
        help="what runs the musician: live (default), plain numpy, or torch, the reference",
    )


def _of_manners(c: argparse.ArgumentParser) -> None:
    together = c.add_argument_group("how to play together")
    together.add_argument(
        "--mode",
        choices=MODES,
        default=CALL,
        help="call: it answers when your phrase is over (default); trade: so many bars each; duet: both at once",
    )
    together.add_argument(
        "--bars", type=_number(1, 32, int), default=4, metavar="N", help="bars of a trade (default 4)"
    )
    together.add_argument(
        "--part", choices=PARTS, default="auto", help="its part in a duet (default: what you leave free)"
    )
    together.add_argument(
        "--mirror",
        type=_number(0, 100),
        default=0.0,
        metavar="PERCENT",
        help="follow the style of your own playing rather than the preset's (default 0)",
    )
    beat = c.add_argument_group("where the beat comes from (default: nowhere; to trade: 100 a minute of its own)")
    source = beat.add_mutually_exclusive_group()
    source.add_argument("--clock", action="store_true", help="follow the MIDI clock that arrives on the input")
    source.add_argument("--tempo", type=_number(20, 400), metavar="BPM", help="a tempo of its own")
    source.add_argument("--link", action="store_true", help="share the beat over Ableton Link (an extra, GPL: aalink)")
    beat.add_argument("--beats", type=_number(1, 16, int), default=4, metavar="N", help="beats in a bar (default 4)")
    beat.add_argument(
        "--count-in", type=_number(0, 8, int), default=1, metavar="N", help="bars clicked first (default 1)"
    )
    beat.add_argument("--click", action="store_true", help="click all the time (drum channel 10)")
    beat.add_argument("--send-clock", action="store_true", help="send MIDI clock to the output: others follow")
    beat.add_argument(
        "--groove",
        type=_number(0, 100),
        metavar="PERCENT",
        help="pull its notes to the beat's sixteenths (default: 60 in a duet, else 30)",
    )
    beat.add_argument(
        "--swing", type=_number(50, 75), default=50.0, metavar="PERCENT", help="50 straight, 67 triplets (default 50)"
    )


def _of_zones(c: argparse.ArgumentParser) -> None:
    zone = c.add_argument_group("channels, keys and controls")
    zone.add_argument(
        "--listen-channel", type=_channel, metavar="N", help="listen to this channel only, 1 to 16 (default: all)"
    )
    zone.add_argument(
        "--split", type=_pitch, metavar="KEY", help="you play below this key, it answers above: C4, F#3 or 60"
    )
    zone.add_argument(
        "--transpose", type=_number(-48, 48, int), default=0, metavar="N", help="move what it plays, in semitones"
    )
    zone.add_argument(
        "--velocity", choices=tuple(CURVES), default="linear", help="how your touch is felt (default linear)"
    )
    zone.add_argument("--program", type=_number(1, 128, int), metavar="N", help="its sound on the output, 1 to 128")
    zone.add_argument("--bank", type=_number(0, 16383, int), metavar="N", help="the bank of that sound")
    zone.add_argument(
        "--out-latency",
        type=_number(0, 500),
        default=0.0,
        metavar="MS",
        help="your synth sounds so late: notes are sent so much sooner (default 0)",
    )
    zone.add_argument(
        "--hammer",
        type=_hammer,
        default=(0.0, 0.0),
        metavar="SOFT:LOUD",
        help="a piano that plays itself: milliseconds from note to tone at the softest and the loudest touch",
    )
    zone.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="WHAT=DO",
        help="cc20=duet, cc21=knob:density, note36=panic, pc5=preset:ragtime; can be given again",
    )


def _hammer(text: str) -> tuple[float, float]:
    soft, _, loud = text.partition(":")
    try:
        return _number(0, 1000)(soft), _number(0, 1000)(loud)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not two times; write 180:60") from error


def _pitch(text: str) -> int:
    found = re.fullmatch(r"([A-Ga-g])([#b]?)(-?\d)", text)
    if text.isdigit() and int(text) <= 127:
        return int(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no key; write C4, F#3, Bb2 or a number up to 127")
    return NAMES[found[1].upper()] + {"": 0, "#": 1, "b": -1}[found[2]] + 12 * (int(found[3]) + 1)


def _number(low: float, high: float, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} does not fit; give a number from {low:g} to {high:g}")
        return value

    return read


def _of_musician(c: argparse.ArgumentParser) -> None:
    c.add_argument("--preset", metavar="P", help="a style: a name that `tradefours presets` lists, or a .toml file")
    c.add_argument(
        "--knob",
        type=_knob,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"turn a knob around the style, -1 to 1: {', '.join(KNOBS)}; can be given again",
    )
    add_options(c)
    c.add_argument("--seed", type=int, metavar="N", help="the same seed and playing, the same answer")
    c.add_argument(
        "--weights",
        metavar="W",
        help="the musician's weights: a name or a .safetensors file (default: those that the style asks for, else open)",
    )
    _of_engines(c)
    c.add_argument(
        "--mind", metavar="COMMAND", help="another musician's process, such as 'python -m models.worker --echo'"
    )


def _of_sounds(c: argparse.ArgumentParser) -> None:
    c.add_argument(
        "--sound",
        choices=CHOICES,
        default=AUTO,
        help="our own sound, quiet where the output leads elsewhere (default auto: FluidSynth where it is, else built-in)",
    )
    c.add_argument("--soundfont", type=Path, metavar="FILE", help="an .sf2 file for FluidSynth")


def _of_sessions(c: argparse.ArgumentParser) -> None:
    c.add_argument("--take", type=Path, metavar="DIR", help=f"keep the take there (default: a new folder in {TAKES})")
    _of_musician(c)


def _knob(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in KNOBS:
        raise argparse.ArgumentTypeError(f"{name!r} is no knob; there are: {', '.join(KNOBS)}")
    return name, _number(-1, 1)(value)


def _channel(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel; channels are 1 to 16")
    return int(text)


def _length(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.5 <= seconds <= 120.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length; give seconds from 0.5 to 120")
    return seconds
