"""Preset files: a style with a name, as a few lines of TOML, strictly read and plainly written.

A style is a point in the latent space, how boldly to play (`models.music.style_settings_table`), how long to answer,
and a few bars to go on from.
"""

from __future__ import annotations

import codecs
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from .note_records import Note
from .style_settings_table import (
    ANSWER,
    HABIT,
    HABIT_EDGES,
    HABITS,
    KNOB,
    KNOBS,
    POINT_FARTHEST,
    POINT_NUMBERS,
    PROMPT,
    PROMPT_NOTES,
    SAMPLING,
    Setting,
    nearest,
)

LARGEST = 16 << 10  # bytes
MUSICIAN = re.compile(r"[\w-]{0,100}")  # the name of weights that come with the program
ENDLESS = re.compile(r"(\.[^.=,\[\]{}\n]*){9}[=\]]")  # a name of so many parts: what they take grows with their square
NARROWEST = 11  # semitones from the lowest pitch to the highest
STYLE = ("z", "weights", "source")
TOP = ("title", "description", "musician", "style", "habits", "sampling", "knobs", "answer", "vamp")
POINT = Setting("style.z", 0.0, -POINT_FARTHEST, POINT_FARTHEST, "spreads", "a number of the point")
PER_LINE, NOTES_PER_LINE = 8, 4  # numbers, and notes of a vamp, in a line of a file that is written


class PresetError(ValueError):
    """What is wrong with a preset, in one sentence that says what to do."""


@dataclass(frozen=True)
class Preset:
    """One style. `z` is empty where the preset has no point of its own; `shortest` and `longest` bound an answer, in seconds.

    `weights` are those to which the point means something, `musician` those that it asks to be played by, if any. `vamp`: a few
    bars that the musician has in the ear before it answers (`models.decoding.style_prompt`).
    """

    name: str
    title: str = ""
    description: str = ""
    z: tuple[float, ...] = ()
    weights: str = ""
    source: str = ""
    musician: str = ""
    sampling: dict[str, float] = field(default_factory=dict)
    shortest: float = ANSWER["shortest"].default
    longest: float = ANSWER["longest"].default
    vamp: tuple[Note, ...] = ()

    def row(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**told, "vamp": [[round(n.onset, 6), round(n.duration, 6), n.pitch, n.velocity] for n in self.vamp]}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """What `row` told. Raises TypeError, KeyError or ValueError for anything else."""
        told = {"vamp": (), **row}
        vamp = tuple(Note(float(at), float(length), int(key), int(hard)) for at, length, key, hard in told["vamp"])
        return cls(**{**told, "z": tuple(told["z"]), "vamp": vamp})


# -- reading -------------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The text of a file that somebody may have edited: UTF-8, with or without a byte order mark, or UTF-16 with one.

    Editors of Windows write such marks. Raises OSError, UnicodeDecodeError.
    """
    data = path.read_bytes()
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig").replace("\r\n", "\n")


def table(path: Path) -> dict[str, Any]:
    """The TOML in a file. Raises PresetError."""
    try:
        if path.stat().st_size > LARGEST:
            raise PresetError(f"{path.name} is too large for a preset; a preset has a few lines.")
        text = read_text(path)
        if ENDLESS.search(text):
            raise PresetError(f"{path.name} has names of far too many parts; a preset has a few lines.")
        return tomllib.loads(text)
    except FileNotFoundError as error:
        raise PresetError(f"{path} is not there; look at its name.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise PresetError(f"{path} cannot be read ({error.strerror}); a preset is a .toml file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PresetError(f"{path} cannot be read as text; save it again as UTF-8.") from error
    except PresetError:
        raise
    except (ValueError, RecursionError) as error:  # tomllib's own, and Python's, for a number of thousands of digits
        raise PresetError(f"{path.name} is not TOML: {error}.") from error


def fields_of(path: Path) -> dict[str, Any]:
    """The fields of the preset in a file. Raises PresetError for anything that does not belong there."""
    name = path.name
    told = table(path)
    _known(name, "", told, TOP)
    style, sampling, knobs, answer = (_table(name, told, key) for key in ("style", "sampling", "knobs", "answer"))
    _known(name, "style.", style, STYLE)
    _known(name, "sampling.", sampling, SAMPLING)
    _known(name, "knobs.", knobs, KNOBS)
    _known(name, "answer.", answer, ANSWER)
    z = style.get("z", [])
    if not isinstance(z, list) or len(z) > POINT_NUMBERS:
        raise PresetError(f"{name}: style.z must be a list of at most {POINT_NUMBERS} numbers.")
    settings = {key: _number(name, f"sampling.{key}", x, SAMPLING[key]) for key, x in sampling.items()}
    settings |= _habits(name, _table(name, told, "habits"))
    settings |= {KNOB + key: _number(name, f"knobs.{key}", x, KNOBS[key]) for key, x in knobs.items()}
    lengths = {key: _number(name, f"answer.{key}", x, ANSWER[key]) for key, x in answer.items()}
    if lengths.get("shortest", ANSWER["shortest"].default) > lengths.get("longest", ANSWER["longest"].default):
        raise PresetError(f"{name}: answer.shortest is larger than answer.longest; turn them round.")
    musician = _text(name, "musician", told.get("musician", ""))
    if not MUSICIAN.fullmatch(musician):
        raise PresetError(f"{name}: musician must be the name of weights that come with the program, like open.")
    check_range(name, settings)
    return {
        "name": path.stem,
        "title": _text(name, "title", told.get("title", path.stem)),
        "description": _text(name, "description", told.get("description", "")),
        "z": tuple(_number(name, "style.z", x, POINT) for x in z),
        "weights": _text(name, "style.weights", style.get("weights", "")),
        "source": _text(name, "style.source", style.get("source", "")),
        "musician": musician,
        "sampling": settings,
        "vamp": _vamp(name, _table(name, told, "vamp")),
        **lengths,
    }


def check_range(name: str, settings: Mapping[str, float]) -> None:
    """Raises PresetError where the lowest and the highest pitch are too near."""
    low, high = (settings.get(key, SAMPLING[key].default) for key in ("lowest", "highest"))
    if low > high - NARROWEST:
        raise PresetError(f"{name}: sampling.lowest and sampling.highest must be at least an octave apart.")


def _habits(name: str, habits: dict[str, Any]) -> dict[str, float]:
    """The habits, as settings."""
    _known(name, "habits.", habits, HABITS)
    found: dict[str, float] = {}
    for key, row in habits.items():
        size = len(HABIT_EDGES[key]) + 1
        if not isinstance(row, list) or len(row) != size:
            raise PresetError(f"{name}: habits.{key} must be a list of {size} numbers.")
        found |= {f"{HABIT}{key}.{i}": _number(name, f"habits.{key}", x, HABITS[key]) for i, x in enumerate(row)}
    return found


def _vamp(name: str, vamp: dict[str, Any]) -> tuple[Note, ...]:
    """Its notes, by onset."""
    _known(name, "vamp.", vamp, ("notes",))
    rows = vamp.get("notes", [])
    if not isinstance(rows, list) or len(rows) > PROMPT_NOTES:
        raise PresetError(f"{name}: vamp.notes must be a list of at most {PROMPT_NOTES} notes.")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(PROMPT):
            raise PresetError(f"{name}: a note of vamp.notes is a list of four numbers, [{', '.join(PROMPT)}].")
        onset, duration, pitch, velocity = (
            _number(name, f"the {key} of a note of vamp.notes", x, PROMPT[key])
            for key, x in zip(PROMPT, row, strict=True)
        )
        found.append(Note(onset, duration, int(pitch), int(velocity)))
    return tuple(sorted(found, key=lambda n: (n.onset, n.pitch)))


def _known(name: str, where: str, told: dict[str, Any], keys: Iterable[str]) -> None:
    known = list(keys)
    for key in told:
        if key not in known:
            raise PresetError(f"{name}: {where}{key} is not a setting; {nearest(key, known, where)}")


def _table(name: str, told: dict[str, Any], key: str) -> dict[str, Any]:
    found = told.get(key, {})
    if not isinstance(found, dict):
        raise PresetError(f"{name}: {key} must be a table, [{key}].")
    return found


def _number(name: str, key: str, value: Any, setting: Setting) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not setting.low <= value <= setting.high:  # which is true of no NaN
        raise PresetError(f"{name}: {key} must be a number from {setting.low:g} to {setting.high:g}.")
    return float(value)


def _text(name: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PresetError(f'{name}: {key} must be a text, in "quotes".')
    return "".join(c if c.isprintable() else " " for c in value)  # it is shown as a part of one line


# -- writing -------------------------------------------------------------------------------------------------------------


def written(preset: Preset) -> str:
    """The preset as TOML."""

    def text(value: str) -> str:
        whole = value.encode("utf8", "replace").decode("utf8")  # names of files may hold bytes that are no text
        return json.dumps(whole, ensure_ascii=False)  # TOML's basic strings are JSON's

    lines = [f"title = {text(preset.title)}", f"description = {text(preset.description)}"]
    lines += [f"musician = {text(preset.musician)}"] if preset.musician else []
    lines += ["", "[style]", "z = ["]
    rows = [preset.z[i : i + PER_LINE] for i in range(0, len(preset.z), PER_LINE)]
    lines += ["    " + ", ".join(f"{x:.4g}" for x in row) + "," for row in rows] + ["]"]
    lines += [f"weights = {text(preset.weights)}", f"source = {text(preset.source)}"]
    told = preset.sampling
    habits = []
    for name, edges in HABIT_EDGES.items():
        row = [told.get(f"{HABIT}{name}.{i}", 0.0) for i in range(len(edges) + 1)]
        habits += [f"{name} = [{', '.join(f'{x:.3g}' for x in row)}]"] if any(row) else []
    sampling = [f"{name} = {told[name]:.4g}" for name in SAMPLING if name in told]
    knobs = [f"{name} = {told[KNOB + name]:.4g}" for name in KNOBS if KNOB + name in told]
    lengths = {"shortest": preset.shortest, "longest": preset.longest}
    answer = [f"{name} = {value:.4g}" for name, value in lengths.items() if value != ANSWER[name].default]
    for title, rows_ in (("habits", habits), ("sampling", sampling), ("knobs", knobs), ("answer", answer)):
        if rows_:
            lines += ["", f"[{title}]", *rows_]
    if preset.vamp:
        notes = [f"[{n.onset:.3f}, {n.duration:.3f}, {n.pitch}, {n.velocity}]," for n in preset.vamp]
        rows_ = [" ".join(notes[i : i + NOTES_PER_LINE]) for i in range(0, len(notes), NOTES_PER_LINE)]
        lines += ["", "[vamp]", "notes = [", *(f"    {row}" for row in rows_), "]"]
    return "\n".join(lines) + "\n"
