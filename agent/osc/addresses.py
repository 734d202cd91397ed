"""The OSC addresses: what may arrive and what is sent, made from the table of parameters and the list of actions. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..control.bindings import ACTION_ABOUT, KNOB, PRESET, SONG, song_number
from ..control.parameters import PARAMETERS
from ..styles.presets import is_plain_name

ROOT = "/tradefours/"
KNOB_ADDRESS = f"{ROOT}knob/"
FADER_ADDRESS = f"{ROOT}fader/"
PRESET_ADDRESS = f"{ROOT}preset"
SONG_ADDRESS = f"{ROOT}song"
TURN, BEAT, MODE = f"{ROOT}turn", f"{ROOT}beat", f"{ROOT}mode"
NOTE_ADDRESS = f"{ROOT}note/"  # and who plays
PLAYER, AGENT = "player", "agent"
LONGEST_TEXT = 100  # characters of a preset's name
Argument = bool | int | float | str | None


@dataclass(frozen=True)
class Row:
    """One line of the table for readers."""

    address: str
    arguments: str
    about: str


def action_of(address: str, arguments: Sequence[Argument]) -> str | None:
    """The action that a message asks for, "" where a button is released; None for what is no message to us.

    Values outside of a parameter's range become the nearest in it. Further arguments are ignored.
    """
    first = arguments[0] if arguments else None
    if address.startswith(KNOB_ADDRESS):
        return _knob(address.removeprefix(KNOB_ADDRESS), first, is_share=False)
    if address.startswith(FADER_ADDRESS):
        return _knob(address.removeprefix(FADER_ADDRESS), first, is_share=True)
    if address == PRESET_ADDRESS:
        return _preset(first) if isinstance(first, str) else None
    if address == SONG_ADDRESS:
        return _song(first)
    if address.startswith(f"{PRESET_ADDRESS}/"):
        name = _preset(address.removeprefix(f"{PRESET_ADDRESS}/"))
        return name if name is None or _is_press(first) else ""
    action = address.removeprefix(ROOT)
    if not address.startswith(ROOT) or action not in ACTION_ABOUT:
        return None
    return action if _is_press(first) else ""


def _knob(name: str, value: Argument, *, is_share: bool) -> str | None:
    parameter = PARAMETERS.get(name)
    number = _number(value)
    if parameter is None or number is None:
        return None
    if is_share:
        number = parameter.low + (parameter.high - parameter.low) * number
    return f"{KNOB}{name}={parameter.clamp(number):.3f}"


def _preset(name: str) -> str | None:
    return PRESET + name if is_plain_name(name) and len(name) <= LONGEST_TEXT else None


def _song(value: Argument) -> str | None:
    number = _number(value)
    action = "" if number is None else f"{SONG}{number:.0f}"
    return action if song_number(action) is not None else None


def _number(value: Argument) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _is_press(value: Argument) -> bool:
    """Whether a button goes down: it sends 1 then, and 0 when it comes up. A message without a value is a press, too."""
    return value is None or (isinstance(value, bool | int | float) and value > 0)


def incoming() -> list[Row]:
    """All that is understood."""
    button = "none, or more than 0"
    rows = [Row(f"{ROOT}{action}", button, about) for action, about in ACTION_ABOUT.items()]
    for p in PARAMETERS.values():
        unit = f" {p.unit}" if p.unit else ""
        rows.append(Row(f"{KNOB_ADDRESS}{p.name}", f"{p.low:g} to {p.high:g}{unit}", p.about))
    rows.append(Row(f"{FADER_ADDRESS}NAME", "0 to 1", "the same as `knob/NAME`, for a fader from 0 to 1"))
    rows.append(Row(PRESET_ADDRESS, "text", "the style of that name"))
    rows.append(Row(f"{PRESET_ADDRESS}/NAME", button, "the same, for a button"))
    rows.append(Row(SONG_ADDRESS, "1, 2, 3 …", "that song of the set list"))
    return rows


def outgoing() -> list[Row]:
    """All that is sent."""
    return [
        Row(TURN, "text", "`listening`, `answering`, `your bars` and the like, whenever it changes"),
        Row(
            BEAT,
            "beat, bar, tempo",
            "on each beat: the beat in its bar, the bar (both from 1 on; bars of a count-in are 0 and below), and beats a minute",
        ),
        Row(f"{NOTE_ADDRESS}{PLAYER}", "pitch, velocity", "a key of yours; velocity 0 ends it"),
        Row(f"{NOTE_ADDRESS}{AGENT}", "pitch, velocity", "a note of the answer; velocity 0 ends it"),
        Row(MODE, "text", "`call`, `trade` or `duet`, whenever it changes"),
        Row(PRESET_ADDRESS, "text", "the style's name, whenever it changes"),
        Row(SONG_ADDRESS, "number, text", "the song of the set list and its title, whenever it changes"),
        Row(f"{KNOB_ADDRESS}NAME", "number", "the value of each parameter, whenever it changes"),
        Row(f"{FADER_ADDRESS}NAME", "0 to 1", "the same, for a fader from 0 to 1"),
    ]


def table(rows: Sequence[Row]) -> str:
    """Rows as a table in Markdown."""
    lines = ["| address | arguments | what it does |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{row.address}` | {row.arguments} | {row.about} |" for row in rows)]) + "\n"
