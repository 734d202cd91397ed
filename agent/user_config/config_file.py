"""The user's own defaults: `config.toml` holds options of `play` by their long names, without the dashes.

An entry is read as the command line would read it, so both accept the same values. What stands on the command line wins.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from models.music.style_settings_table import nearest

from ..errors import UserError
from ..user_folders import settings_folder

NAME = "config.toml"
MAX_BYTES = 1 << 16  # a file of all options has some 3,000
NOT_FOR_A_FILE = ("help", "version")
BOOLEANS = (argparse.BooleanOptionalAction, argparse._StoreTrueAction)


class ConfigError(UserError):
    """The file holds what cannot be used: one sentence with its line."""


def config_path() -> Path:
    """Where the file is, in the system's own folder for settings."""
    return settings_folder() / NAME


def options_of(command: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options that may stand in the file, by their long names without dashes."""
    found = {}
    for action in command._actions:
        longs = [text[2:] for text in action.option_strings if text.startswith("--") and not text.startswith("--no-")]
        if longs and longs[0] not in NOT_FOR_A_FILE and action.help is not argparse.SUPPRESS:
            found[longs[0]] = action
    return found


def read_defaults(path: Path, command: argparse.ArgumentParser, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """The defaults in the file, by the parser's names for them; empty without a file. Raises ConfigError.

    Of options that exclude each other, such as the sources of the beat, those of the file give way where `arguments` name another.
    """
    text = read_text(path)
    options = options_of(command)
    wanted = parse_toml(text, path)
    hidden = _excluded(command, arguments)
    defaults: dict[str, Any] = {}
    for key, value in wanted.items():
        line = _line_of(key, text)
        if key not in options:
            raise ConfigError(f"{path}, line {line}: there is no option {key!r}; {nearest(key, options)}")
        action = options[key]
        if action in hidden:
            continue
        defaults[action.dest] = read_value(action, key, value, f"{path}, line {line}")
    return defaults


def read_text(path: Path) -> str:
    """The file's text; empty where there is none. Raises ConfigError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES >> 10} KiB; shorten it.")
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not in UTF-8; save it in that encoding.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); mend it or move it away.") from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """What a text of TOML holds. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = place.group(1) if place else str(text.count("\n") + 1)
        raise ConfigError(
            f'{path}, line {line}: this is not TOML; write NAME = VALUE, and text in "quotes".'
        ) from error


def _line_of(key: str, text: str) -> int:
    """The line on which a key is set, counted from 1."""
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]|\s*\[+\s*{re.escape(key)}\b")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def read_value(action: argparse.Action, key: str, value: Any, place: str) -> Any:
    """One entry, as the command line would read it. Raises ConfigError."""
    if isinstance(action, BOOLEANS):
        if not isinstance(value, bool):
            raise ConfigError(f"{place}: {key} is true or false, not {value!r}.")
        return value
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not isinstance(action, argparse._AppendAction):
        raise ConfigError(f"{place}: {key} has one value, not a list.")
    wrong = [v for v in values if isinstance(v, bool) or not isinstance(v, str | int | float)]
    if wrong:
        raise ConfigError(f"{place}: {key} wants text or a number, not {wrong[0]!r}.")
    parser = _OneOptionParser(place, key)
    parser.add_argument(
        f"--{key}",
        dest="value",
        action="append",
        type=action.type or str,
        choices=action.choices,
        metavar=action.metavar,
    )
    read = parser.parse_args([f"--{key}={v}" for v in values]).value
    return read if isinstance(action, argparse._AppendAction) else read[0]


class _OneOptionParser(argparse.ArgumentParser):
    """Reads one option, and raises a sentence with its place where the command would end."""

    def __init__(self, place: str, key: str) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self._place = place
        self._key = key

    def error(self, message: str) -> NoReturn:
        reason = message.partition(": ")[2] or message
        raise ConfigError(f"{self._place}: {self._key}: {reason}")


def _excluded(command: argparse.ArgumentParser, arguments: Sequence[str]) -> set[argparse.Action]:
    """The options that give way, because the arguments name another of their group."""
    named = {text.partition("=")[0] for text in arguments if text.startswith("--")}
    found: set[argparse.Action] = set()
    for group in command._mutually_exclusive_groups:
        members = list(group._group_actions)
        if any(named & set(action.option_strings) for action in members):
            found.update(members)
    return found


def template(command: argparse.ArgumentParser) -> str:
    """A file in which every option stands as a comment, with what it does."""
    return "\n".join(_template_lines(command)) + "\n"


def _template_lines(command: argparse.ArgumentParser) -> Iterator[str]:
    yield "# Your own defaults for tradefours: options of `tradefours play`, by their long names."
    yield "# Take away the # in front of a line to use it. What you type on the command line wins."
    for key, action in options_of(command).items():
        yield ""
        yield f"# {' '.join((action.help or '').split()).replace('%%', '%')}"
        yield f"# {key} = {_example(action)}"


def _example(action: argparse.Action) -> str:
    """A value of the right form, in TOML."""
    if isinstance(action, BOOLEANS):
        return "true"
    if action.choices:
        text = f'"{next(iter(action.choices))}"'
    elif isinstance(action.default, int | float):
        text = f"{action.default:g}"
    else:
        text = f'"{action.metavar or ""}"'
    return f"[{text}]" if isinstance(action, argparse._AppendAction) else text
