"""The options `--set NAME=VALUE` and `--without NAME` of every command that plays, by the table of settings."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .style_settings_table import CHOOSERS, SAMPLING, SWITCHES, TERMS, WITHOUT, nearest, settings_help


def add_options(parser: argparse.ArgumentParser) -> None:
    """Both options: `settings`, pairs of a name and a value, and `without`, names."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change a setting of the style it begins with; can be given again: {settings_help()}",
    )
    parser.add_argument(
        "--without",
        type=switch,
        action="append",
        default=[],
        metavar="NAME",
        help=f"switch off a term of steering ({', '.join(TERMS)}) or a choice ({', '.join(CHOOSERS)}); can be given again",
    )


def setting(text: str) -> tuple[str, float]:
    """A setting of [sampling] and its value. Raises ArgumentTypeError, with the nearest name."""
    name, _, value = text.partition("=")
    if name not in SAMPLING:
        raise argparse.ArgumentTypeError(f"{name!r} is no setting; {nearest(name, SAMPLING)}")
    low = SAMPLING[name].low
    high = SAMPLING[name].high
    try:
        number = float(value)
    except ValueError:
        number = low - 1.0
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(
            f"{name} does not fit; give a number from {low:g} to {high:g}, as {name}={high:g}"
        )
    return name, number


def switch(text: str) -> str:
    """What can be switched off. Raises ArgumentTypeError, with the nearest name."""
    if text not in SWITCHES:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be switched off; {nearest(text, SWITCHES)}")
    return text


def changes(settings: Sequence[tuple[str, float]], without: Sequence[str]) -> dict[str, float]:
    """Both as settings that the musician is told."""
    return {**dict(settings), **{WITHOUT + name: 1.0 for name in without}}
