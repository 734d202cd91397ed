"""Types for argparse: each function reads one argument and raises ArgumentTypeError with a sentence that says what to write."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from models.music.style_settings_table import KNOBS

from ..demo_call import SEMITONES  # semitones above C, by the name of a white key

ACCIDENTALS = {"": 0, "#": 1, "b": -1}  # semitones
LOOPBACK = "127.0.0.1"
MOST_PORTS = 65535  # the highest number of a TCP port
SHORTEST_ANSWER, LONGEST_ANSWER = 0.5, 120.0  # seconds


def number(low: float, high: float, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    """A type for numbers from `low` to `high`, both included; `kind` is `float` or `int`."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} does not fit; give a number from {low:g} to {high:g}")
        return value

    return read


def channel(text: str) -> int:
    """A MIDI channel, 1 to 16."""
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel; channels are 1 to 16")
    return int(text)


def pitch(text: str) -> int:
    """A MIDI note number, from a number or from a name such as C4 (60), F#3 or Bb2."""
    name = re.fullmatch(r"([A-Ga-g])([#b]?)(-?\d)", text)
    if text.isdigit() and int(text) <= 127:
        return int(text)
    if name is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no key; write C4, F#3, Bb2 or a number up to 127")
    letter, accidental, octave = name.groups()
    return SEMITONES[letter.upper()] + ACCIDENTALS[accidental] + 12 * (int(octave) + 1)


def endpoint(text: str) -> tuple[str, int]:
    """Where OSC is heard or sent: `9000` on this computer, `192.168.1.20:9000` or `[::1]:9000` elsewhere."""
    host, _, port = text.rpartition(":")
    if (
        not (port.isascii() and port.isdecimal())
        or not 1 <= int(port) <= MOST_PORTS
        or (":" in host and not host.startswith("["))
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write 9000, 192.168.1.20:9000 or [::1]:9000")
    return host.strip("[]") or LOOPBACK, int(port)


def hammer_times(text: str) -> tuple[float, float]:
    """Milliseconds from note to tone at the softest and at the loudest touch: `180:60`."""
    soft, _, loud = text.partition(":")
    read = number(0, 1000)
    try:
        return read(soft), read(loud)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not two times; write 180:60") from error


def knob(text: str) -> tuple[str, float]:
    """A knob's name and its value, -1 to 1: `density=0.5`."""
    name, _, value = text.partition("=")
    if name not in KNOBS:
        raise argparse.ArgumentTypeError(f"{name!r} is no knob; there are: {', '.join(KNOBS)}")
    return name, number(-1, 1)(value)


def answer_length(text: str) -> float:
    """Seconds of an answer."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not SHORTEST_ANSWER <= seconds <= LONGEST_ANSWER:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length; give seconds from 0.5 to 120")
    return seconds
