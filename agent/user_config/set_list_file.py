"""The user's set lists: `set-lists.toml`, beside `config.toml`, holds each list under its name, song by song.

What a song may set is read as the options of `play` of the same names, so both accept the same values. A song that cannot be used is passed
over, with a sentence that names its line.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.music.style_settings_table import nearest

from ..control.set_list import MOST_SONGS, Song
from ..errors import UserError, hint
from ..styles import presets
from ..turns.mode_settings import TRADE
from ..user_folders import settings_folder
from .config_file import ConfigError, options_of, parse_toml, read_text, read_value

NAME = "set-lists.toml"
OPTIONS = ("preset", "mode", "tempo", "bars")  # options of `play` that a song may set
TITLE = "title"
OWN_TEMPO = 100.0  # beats a minute, to trade without a clock
TEMPLATE = """# Your own set lists for tradefours. Each song begins with the name of its list in [[ ]].
# preset is the style; mode is call, trade or duet; without tempo, a song is in free time.
# Play a list with: tradefours play --set-list friday

# [[friday]]
# title = "Blues in F"
# preset = "bebop-line"
# mode = "trade"
# tempo = 120
# bars = 4

# [[friday]]
# preset = "nocturne"
"""


def set_lists_path() -> Path:
    """Where the file is, in the system's own folder for settings."""
    return settings_folder() / NAME


def read_set_lists(path: Path, args: argparse.Namespace) -> tuple[dict[str, list[Song]], list[str]]:
    """The songs of each list, and a sentence for each that is passed over. Raises ConfigError for a file that cannot be read.

    What a song does not set is as in `args`, the arguments of `play`, whose parser is `args.play`.
    """
    text = read_text(path)
    found: dict[str, list[Song]] = {}
    problems: list[str] = []
    for name, entries in parse_toml(text, path).items():
        found[name] = []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            problems.append(
                f"{path}, line {_line(text, name)}: {name} is no list of songs; begin each with [[{name}]]."
            )
            continue
        for number, entry in enumerate(entries):
            try:
                if number >= MOST_SONGS:
                    raise ConfigError(f"{path}: {name} has more than {MOST_SONGS} songs; make two lists of it.")
                found[name].append(_song(entry, args, path, text, (name, number)))
            except UserError as error:
                problems.append(f"{error} The song is passed over.")
            if number >= MOST_SONGS:
                break
    return found, problems


def find_set_list(name: str, args: argparse.Namespace) -> tuple[tuple[Song, ...], list[str]]:
    """The songs of the list of that name, and what is wrong in the file. Raises UserError where there is nothing to play."""
    path = set_lists_path()
    lists, problems = read_set_lists(path, args)
    show = hint("config", "--set-lists")
    if name not in lists:
        if not lists:
            raise UserError(f"You have no set lists yet; `{show} --edit` makes the first one.")
        raise UserError(f"There is no set list {name!r}; {nearest(name, lists)} `{show}` shows them.")
    if not lists[name]:
        raise UserError(" ".join([f"The set list {name!r} has no song that can be played.", *problems]))
    return tuple(lists[name]), problems


def _song(entry: dict[str, Any], args: argparse.Namespace, path: Path, text: str, which: tuple[str, int]) -> Song:
    """One song of a file. Raises UserError."""
    options = options_of(args.play)
    values: dict[str, Any] = {name: getattr(args, name) for name in OPTIONS}
    for key, value in entry.items():
        place = f"{path}, line {_line(text, *which, key)}"
        if key == TITLE:
            if not isinstance(value, str) or not value.isprintable():
                raise ConfigError(f"{place}: {TITLE} is one line of text.")
            values[TITLE] = value.strip()
        elif key in OPTIONS:
            values[key] = read_value(options[key], key, value, place)
        else:
            raise ConfigError(f"{place}: a song has no {key!r}; {nearest(key, [*OPTIONS, TITLE])}")
    if args.clock or args.link:  # the beat is another's
        values["tempo"] = None
    elif values["mode"] == TRADE:
        values["tempo"] = values["tempo"] or OWN_TEMPO
    try:
        presets.load(values["preset"])
    except UserError as error:
        key = "preset" if "preset" in entry else ""
        raise ConfigError(f"{path}, line {_line(text, *which, key)}: {error}") from error
    values["preset"] = values["preset"] or presets.DEFAULT
    return Song(**values)


def _line(text: str, name: str, number: int = 0, key: str = "") -> int:
    """The line of a song, the `number`th of a list, counted from 0, or of a key in it; lines are counted from 1."""
    headers = list(_headers(text, name))
    if number >= len(headers):  # written on one line, or in another form
        return next((n for n, line in enumerate(text.splitlines(), 1) if line.lstrip(" \t[\"'").startswith(name)), 1)
    at = headers[number]
    for n, line in enumerate(text.splitlines()[at:], at + 1):
        if line.lstrip().startswith("["):
            break
        if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return n
    return at


def _headers(text: str, name: str) -> Iterator[int]:
    """The lines on which the songs of a list begin."""
    pattern = re.compile(rf"\s*\[\[\s*[\"']?{re.escape(name)}[\"']?\s*\]\]")
    return (n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line))
