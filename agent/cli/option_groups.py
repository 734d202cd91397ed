"""Groups of options, each added to a command's parser by one function. Some are shared by several commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.music.style_settings_table import KNOBS, add_options

from ..audio.sound_output import AUTO, CHOICES
from ..charts.form_trading import FIRST, LENGTHS
from ..errors import hint
from ..midi.keyboard_zones import CURVES
from ..turns.mode_settings import CALL, MODES, PARTS
from ..user_folders import own_folder, settings_folder
from .argument_types import channel, endpoint, hammer_times, knob, number, pitch

TAKES = own_folder("takes")
CONTROLS = settings_folder() / "controls.txt"


def add_session_options(command: argparse.ArgumentParser) -> None:
    """Where the take is kept, and who plays."""
    command.add_argument(
        "--take",
        type=Path,
        metavar="DIR",
        help="keep the take there; beside a take that is there, in DIR-2 (default: a new folder in tradefours/takes, in your home folder)",
    )
    add_musician_options(command)


def add_musician_options(command: argparse.ArgumentParser) -> None:
    """The style, its knobs, and what the musician is made of."""
    command.add_argument(
        "--preset", metavar="P", help=f"a style: a name that `{hint('presets')}` lists, or a .toml file"
    )
    command.add_argument(
        "--knob",
        type=knob,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"turn a knob around the style, -1 to 1: {', '.join(KNOBS)}; can be given again",
    )
    add_options(command)
    command.add_argument("--seed", type=int, metavar="N", help="the same seed and playing, the same answer")
    command.add_argument(
        "--weights",
        metavar="W",
        help="the musician's weights: a name or a .safetensors file (default: those that the style asks for, else open)",
    )
    add_engine_option(command)
    command.add_argument(
        "--mind", metavar="COMMAND", help="another musician's process, such as 'python -m models.worker --echo'"
    )


def add_engine_option(command: argparse.ArgumentParser) -> None:
    """What runs the network."""
    command.add_argument(
        "--engine",
        choices=("live", "plain", "torch"),
        default="live",
        help="what runs the musician: live (default), plain numpy, or torch, the reference",
    )


def add_sound_options(command: argparse.ArgumentParser) -> None:
    """Our own sound."""
    command.add_argument(
        "--sound",
        choices=CHOICES,
        default=AUTO,
        help="our own sound, quiet where the output leads elsewhere (default auto: FluidSynth where it is, else built-in)",
    )
    command.add_argument("--soundfont", type=Path, metavar="FILE", help="a file for FluidSynth, .sf2 or .sf3")


def add_page_options(command: argparse.ArgumentParser) -> None:
    """The page in the browser, and who may open it."""
    command.add_argument(
        "--page", action=argparse.BooleanOptionalAction, default=True, help="show a page to play on in the browser"
    )
    command.add_argument(
        "--page-port", type=number(0, 65535, int), default=4404, metavar="N", help="where the page is (default 4404)"
    )
    command.add_argument(
        "--lan",
        action="store_true",
        help="show the page to other devices of the house, too, such as a tablet on the music stand: prints an address with a token "
        "that is good until the end (default: this computer only)",
    )


def add_osc_options(command: argparse.ArgumentParser) -> None:
    """OSC in and out."""
    osc = command.add_argument_group("OSC, such as TouchOSC: agent/osc/README.md lists the addresses")
    osc.add_argument(
        "--osc",
        type=endpoint,
        metavar="[HOST:]PORT",
        help="hear OSC at this UDP port, from this computer only; with a HOST, such as 0.0.0.0, from whoever reaches it",
    )
    osc.add_argument(
        "--osc-out",
        type=endpoint,
        metavar="[HOST:]PORT",
        help="send turn, beat, notes and settings there (default: to nobody)",
    )


def add_mode_options(command: argparse.ArgumentParser) -> None:
    """How two play together."""
    together = command.add_argument_group("how to play together")
    together.add_argument(
        "--mode",
        choices=MODES,
        default=CALL,
        help="call: it answers when your phrase is over (default); trade: so many bars each; duet: both at once",
    )
    together.add_argument("--bars", type=number(1, 32, int), default=4, metavar="N", help="bars of a trade (default 4)")
    together.add_argument(
        "--part", choices=PARTS, default="auto", help="its part in a duet (default: what you leave free)"
    )
    together.add_argument(
        "--set-list",
        metavar="NAME",
        help="play the songs of a list of yours: the letters s and b, a pedal or the page go on and back; "
        f"`{hint('config', '--set-lists')}` shows your lists",
    )
    together.add_argument(
        "--mirror",
        type=number(0, 100),
        default=0.0,
        metavar="PERCENT",
        help="follow the style of your own playing rather than the preset's (default 0)",
    )


def add_chart_options(command: argparse.ArgumentParser) -> None:
    """A chart that is played over, whose turns these are, and the band."""
    over = command.add_argument_group("over a chart, with a band (see the command charts)")
    over.add_argument(
        "--chart", metavar="NAME|FILE|LINK", help="trade over this chart, at its tempo; --bars says how long a turn is"
    )
    over.add_argument("--chart-key", metavar="KEY", help="in this key, such as Bb")
    over.add_argument(
        "--turns", choices=LENGTHS, help="instead of so many bars: half a chorus, a chorus, or section by section"
    )
    over.add_argument("--first", choices=FIRST, default=FIRST[0], help="who plays the first turn (default player)")
    over.add_argument(
        "--choruses", type=number(1, 1000, int), metavar="N", help="end after so many choruses (default: go on)"
    )
    over.add_argument(
        "--band", action=argparse.BooleanOptionalAction, default=True, help="bass, comping and drums play along"
    )
    over.add_argument(
        "--mute",
        action="append",
        default=[],
        choices=("bass", "comping", "drums"),
        help="leave a part of the band out; can be given again",
    )
    over.add_argument("--soft-band", action="store_true", help="the band plays softer in your turns")


def add_beat_options(command: argparse.ArgumentParser) -> None:
    """Where the beat comes from, and how notes are placed on it."""
    beat = command.add_argument_group("where the beat comes from (default: nowhere; to trade: 100 a minute of its own)")
    source = beat.add_mutually_exclusive_group()
    source.add_argument("--clock", action="store_true", help="follow the MIDI clock that arrives on the input")
    source.add_argument("--tempo", type=number(20, 400), metavar="BPM", help="a tempo of its own")
    source.add_argument("--link", action="store_true", help="share the beat over Ableton Link (an extra, GPL: aalink)")
    beat.add_argument("--beats", type=number(1, 16, int), default=4, metavar="N", help="beats in a bar (default 4)")
    beat.add_argument(
        "--count-in", type=number(0, 8, int), default=1, metavar="N", help="bars clicked first (default 1)"
    )
    beat.add_argument("--click", action="store_true", help="click all the time (drum channel 10)")
    beat.add_argument("--send-clock", action="store_true", help="send MIDI clock to the output: others follow")
    beat.add_argument(
        "--groove",
        type=number(0, 100),
        metavar="PERCENT",
        help="pull its notes to the beat's sixteenths (default: 60 in a duet, else 30)",
    )
    beat.add_argument(
        "--swing", type=number(50, 75), default=50.0, metavar="PERCENT", help="50 straight, 67 triplets (default 50)"
    )


def add_zone_options(command: argparse.ArgumentParser) -> None:
    """Channels, keys, the agent's sound on the output, and controls."""
    zones = command.add_argument_group("channels, keys and controls")
    zones.add_argument(
        "--listen-channel",
        type=channel,
        metavar="N",
        help="listen to this channel only, 1 to 16 (default: all but 10, the drums)",
    )
    zones.add_argument(
        "--split", type=pitch, metavar="KEY", help="you play below this key, it answers above: C4, F#3 or 60"
    )
    zones.add_argument(
        "--transpose", type=number(-48, 48, int), default=0, metavar="N", help="move what it plays, in semitones"
    )
    zones.add_argument(
        "--velocity", choices=tuple(CURVES), default="linear", help="how your touch is felt (default linear)"
    )
    zones.add_argument("--program", type=number(1, 128, int), metavar="N", help="its sound on the output, 1 to 128")
    zones.add_argument("--bank", type=number(0, 16383, int), metavar="N", help="the bank of that sound")
    zones.add_argument(
        "--out-latency",
        type=number(0, 500),
        default=0.0,
        metavar="MS",
        help="your synth sounds so late: notes are sent so much sooner (default 0)",
    )
    zones.add_argument(
        "--hammer",
        type=hammer_times,
        default=(0.0, 0.0),
        metavar="SOFT:LOUD",
        help="a piano that plays itself: milliseconds from note to tone at the softest and the loudest touch",
    )
    zones.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="WHAT=DO",
        help="cc20=duet, cc21=knob:density, note36=panic, note36@10=panic, pc5=preset:ragtime; can be given again",
    )
