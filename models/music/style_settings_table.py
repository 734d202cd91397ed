"""Settings: one table of all that a style can set, and the options of commands that change it.

Plain data: names, defaults, bounds, units and what they do. Presets are validated by it, `--help` and the table of presets/README.md are
printed from it, and the musician takes its defaults from it (`models.steering.sampling`). A setting with a `term` is the strength of that
term of steering.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .features import NAMES
from .note_records import HIGHEST, LOWEST
from .simultaneous_notes import CHORD_SECONDS


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that a style may set. `term`: the term of steering whose strength it is, where it is one."""

    name: str
    default: float
    low: float
    high: float
    unit: str
    about: str
    term: str = ""


_RATIO = "times"
_SAMPLING = (
    Setting("temperature", 1.0, 0.1, 3.0, _RATIO, "boldness of all fields; the next four multiply it for one field"),
    Setting("time", 1.0, 0.1, 3.0, _RATIO, "boldness of the waits"),
    Setting("pitch", 1.0, 0.1, 3.0, _RATIO, "boldness of the pitches"),
    Setting("velocity", 1.1, 0.1, 3.0, _RATIO, "boldness of the velocities"),
    Setting("duration", 1.0, 0.1, 3.0, _RATIO, "boldness of the durations"),
    Setting("top_p", 0.96, 0.01, 1.0, "share", "only the likeliest values that together have this probability are drawn"),
    Setting("min_p", 0.02, 0.0, 0.5, "share", "and only values that have this share of the likeliest one's probability"),
    Setting("lowest", LOWEST, LOWEST, HIGHEST, "MIDI number", "the lowest pitch"),
    Setting("highest", HIGHEST, LOWEST, HIGHEST, "MIDI number", "the highest pitch"),
    Setting("density", 20.0, 1.0, 30.0, "notes a second", "the most notes; those of a chord count each"),
    Setting("emphasis", 2.0, 0.0, 3.0, _RATIO, "how much farther from the middle of all styles the network is told this one lies"),
    Setting("dynamics", 0.5, 0.0, 1.0, "share", "how far an answer's loudness is the call's: 0 the style's, 1 the call's"),
    Setting("stand", 1.0, 0.0, 2.0, _RATIO, "how far an answer lies from its style: 0 in the middle, 1 as far as people's do", "stand"),
    Setting("pull", 0.5, 0.0, 2.0, "spreads", "how firmly the style's qualities are kept where the call is of another kind", "knobs"),
    Setting("habit", 1.0, 0.0, 2.0, "power", "how firmly the style's habits are kept", "habits"),
    Setting("plausible", 1.0, 0.0, 2.0, _RATIO, "how firmly style and knobs are held to what the musician expects", "plausible"),
    Setting("motif", 2.0, 0.0, 4.0, "nats", "how much the call's own continuation is favoured", "motif"),
    Setting("rhythm", 1.6, 0.0, 6.0, "nats", "how much the call's note values are favoured; half where [habits] has wait", "rhythm"),
    Setting("beat", 3.0, 0.0, 6.0, "nats", "how much waits that end in time are favoured, where there is a beat or a pulse", "beat"),
    Setting("lean", 0.3, 0.0, 4.0, "nats", "how much pitches outside the call's key are disfavoured", "key"),
    Setting("tones", 0.6, 0.0, 4.0, "nats", "how much the call's pitch classes are favoured", "tones"),
    Setting("changes", 0.8, 0.0, 4.0, "nats", "how much the tones of a chart's chords are favoured, on the beat most", "changes"),
    Setting("clash", 0.3, 0.0, 4.0, "nats", "how much pitches a semitone from what sounds are disfavoured", "clash"),
    Setting("cadence", 1.3, 0.0, 4.0, "nats", "how much the key's home triad is favoured where an answer may close", "cadence"),
    Setting("repetition", 1.0, 0.0, 2.0, _RATIO, "how much a note that would go on with a loop is disfavoured", "repetition"),
    Setting("level", 1.0, 0.0, 1.0, _RATIO, "how firmly loudness is moved to what style and knob ask for", "dynamics"),
)  # fmt: skip
SAMPLING = {setting.name: setting for setting in _SAMPLING}
"""The settings of a preset's [sampling]."""
TERMS = {setting.term: setting for setting in _SAMPLING if setting.term}
"""The terms of steering, by name: each with the setting that is its strength. Any can be switched off (`--without`)."""
CHOOSERS = {
    "reranker": "the first candidate is played, and not the one that sounds most like a person's",
    "style-prompt": "nothing is told between the call and its answer",
}
"""What else can be switched off, and what happens then."""
SWITCHES = (*TERMS, *CHOOSERS)

KEY = Setting("key", 0.0, 0.0, 4095.0, "pitch classes", "a set of pitch classes, bit 0 is C; 0: the key of the call")
"""What the performer asks for in a duet; no part of a preset."""

KNOB, HABIT, WITHOUT = "knob.", "habit.", "without."  # before their names, among the settings that the musician is told
KNOBS = {
    name: Setting(name, 0.0, -1.0, 1.0, "turn", about)
    for name, about in zip(
        NAMES,
        (
            "notes a second",
            "how high",
            "notes that sound at once",
            "how loud",
            "how long notes are beside the waits between them",
            "how far waits are from simple ratios",
            "share of notes outside the key",
        ),
        strict=True,
    )
}
"""Qualities of the playing, each turned around the style: [knobs], `--knob` and controllers."""

#: Where one band of a habit ends and the next begins: seconds, semitones, seconds, MIDI numbers, notes, chords.
HABIT_EDGES: dict[str, tuple[float, ...]] = {
    "wait": (CHORD_SECONDS, 0.08, 0.12, 0.17, 0.24, 0.34, 0.48, 0.68, 0.96),
    "leap": (-12.5, -7.5, -4.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.5, 7.5, 12.5),
    "length": (0.06, 0.09, 0.13, 0.18, 0.26, 0.37, 0.52, 0.74, 1.05, 1.5),
    "place": (36.0, 43.0, 48.0, 53.0, 58.0, 63.0, 68.0, 74.0, 80.0, 88.0),
    "chord": (2, 3, 4, 5),
    "stride": (1, 2, 3, 4),
}
HABITS = {
    name: Setting(name, 0.0, -5.0, 5.0, "nats", f"{about}; {len(HABIT_EDGES[name]) + 1} numbers")
    for name, about in {
        "wait": "how long it waits",
        "leap": "how far it leaps",
        "length": "how long its notes are",
        "place": "how low and high it plays",
        "chord": "how many notes it strikes at once",
        "stride": "how many chords its left hand puts between two basses",
    }.items()
}
"""What a style does more often than music at large, by bands: [habits]."""

_ANSWER = (
    Setting("shortest", 2.0, 0.5, 60.0, "seconds", "the shortest answer"),
    Setting("longest", 8.0, 0.5, 60.0, "seconds", "the longest answer"),
)
ANSWER = {setting.name: setting for setting in _ANSWER}
"""The lengths of an answer: [answer]."""

POINT_NUMBERS, POINT_FARTHEST = 256, 20.0  # numbers of a point in the latent space, and the largest of them
PROMPT = {
    "onset": Setting("onset", 0.0, 0.0, 200.0, "seconds", "when a note begins"),
    "duration": Setting("duration", 0.0, 0.0, 20.0, "seconds", "how long it lasts"),
    "pitch": Setting("pitch", 60.0, LOWEST, HIGHEST, "MIDI number", "which key"),
    "velocity": Setting("velocity", 64.0, 1.0, 127.0, "MIDI velocity", "how hard"),
}
"""What a row of [vamp] notes says."""
PROMPT_NOTES = 96  # the most notes of a vamp


def nearest(name: str, names: Iterable[str], before: str = "") -> str:
    """The end of a sentence about a wrong name: "did you mean this one?", with what stands `before` it; or which there are."""
    known = list(names)
    close = difflib.get_close_matches(name, known, 1, 0.4)
    return f"did you mean {before}{close[0]}?" if close else f"there are: {', '.join(known)}."


def settings_table() -> str:
    """The table for presets/README.md, in Markdown."""
    lines = ["| setting | default | from | to | unit | what it does |", "|---|---|---|---|---|---|"]
    for table, settings in (("sampling", SAMPLING), ("knobs", KNOBS), ("habits", HABITS), ("answer", ANSWER)):
        lines.append(f"| **[{table}]** | | | | | |")
        lines += [
            f"| `{s.name}` | {s.default:g} | {s.low:g} | {s.high:g} | {s.unit} | {s.about} |" for s in settings.values()
        ]
    return "\n".join(lines) + "\n"


def settings_help() -> str:
    """The settings of [sampling] in one line, for `--help`."""
    return ", ".join(f"{s.name} ({s.low:g} to {s.high:g}; {s.default:g})" for s in SAMPLING.values())


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options `--set NAME=VALUE` and `--without NAME`: `settings`, pairs of a name and a value, and `without`, names."""
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
