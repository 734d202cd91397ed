"""Presets: styles with a name. A point in the latent space, how boldly to play, how long to answer.

Knows nothing of what the numbers of the point mean; only the musician does.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from models.music.note import HIGHEST, LOWEST, Note

from ..errors import UserError

DEFAULT, WEIGHTS = "pop-ballad", "open"
SHELF = Path(__file__).resolve().parents[2] / "presets"
OWN = Path.home() / "tradefours" / "presets"
"""Where the user's own presets lie; one there hides a shipped one of the same name."""
LARGEST = 16 << 10  # bytes
NAME = re.compile(r"[\w-]{0,100}")  # of weights that come with the program
ENDLESS = re.compile(r"(\.[^.=,\[\]{}\n]*){9}[=\]]")  # a name of so many parts: what they take grows with their square
MOST_NUMBERS, FARTHEST = 256, 20.0  # of a point

HEAT = (0.1, 3.0)
#: Every setting of [sampling], and its bounds.
SAMPLING = {
    "temperature": HEAT,
    "time": HEAT,
    "pitch": HEAT,
    "velocity": HEAT,
    "duration": HEAT,
    "top_p": (0.01, 1.0),
    "min_p": (0.0, 0.5),
    "lowest": (21.0, 108.0),
    "highest": (21.0, 108.0),
    "density": (1.0, 30.0),
    "emphasis": (0.0, 3.0),
    "pull": (0.0, 2.0),
    "habit": (0.0, 2.0),
    "motif": (0.0, 4.0),
    "cadence": (0.0, 4.0),
    "stand": (0.0, 2.0),
    "dynamics": (0.0, 1.0),
    "beat": (0.0, 6.0),
    "rhythm": (0.0, 6.0),
    "tones": (0.0, 4.0),
    "clash": (0.0, 4.0),
}
KNOBS = ("density", "register", "polyphony", "loudness", "articulation", "freedom", "chromaticism")
"""Qualities of the playing, each turned from -1 to +1 around the style: [knobs], `--knob` and controllers."""
KNOB, HABIT = "knob.", "habit."  # before their names, among the settings that the musician is told
HABITS = {"wait": 10, "leap": 13, "length": 11, "place": 11, "chord": 5, "stride": 5}
"""What a style does more often than others, in bands (`models.steering.style_habits`): as many numbers each, in nats."""
MOST_OFTEN = 5.0  # nats
ANSWER = {"shortest": (0.5, 60.0), "longest": (0.5, 60.0)}
STYLE = ("z", "weights", "source")
VAMP = {"onset": (0.0, 200.0), "duration": (0.0, 20.0), "pitch": (LOWEST, HIGHEST), "velocity": (1, 127)}
"""What a row of [vamp] notes says, and its bounds."""
MOST_VAMP = 96  # notes
TOP = ("title", "description", "musician", "style", "habits", "sampling", "knobs", "answer", "vamp")


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
    shortest: float = 2.0
    longest: float = 8.0
    vamp: tuple[Note, ...] = ()

    def row(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**told, "vamp": [[round(n.onset, 6), round(n.duration, 6), n.pitch, n.velocity] for n in self.vamp]}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Preset:
        """What `row` told. Raises TypeError, KeyError or ValueError for anything else."""
        told = {"vamp": (), **row}
        vamp = tuple(Note(float(at), float(length), int(key), int(hard)) for at, length, key, hard in told["vamp"])
        return cls(**{**told, "z": tuple(told["z"]), "vamp": vamp})

    def player(self, asked: str | None = None) -> str:
        """The weights that play it: those that are `asked` for, else its own, else the ones that play everything."""
        return asked or self.musician or WEIGHTS

    def turned(self, knob: str, value: float) -> Preset:
        """The same style with one knob turned. Raises UserError for a knob that is not there."""
        if knob not in KNOBS:
            close = difflib.get_close_matches(knob, KNOBS, 1, 0.4)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(KNOBS)}."
            raise UserError(f"There is no knob {knob!r}; {hint}")
        return replace(self, sampling={**self.sampling, KNOB + knob: min(max(value, -1.0), 1.0)})


def all_presets() -> list[Preset]:
    """The presets that come with the program and the user's own, by name. Raises UserError for one that is broken."""
    return [read(path) for _, path in sorted(_shelved().items())]


def _shelved() -> dict[str, Path]:
    return {path.stem: path for shelf in (SHELF, OWN) for path in sorted(shelf.glob("*.toml"))}


def load(name: str | None = None, turns: Sequence[tuple[str, float]] = ()) -> Preset:
    """The preset of that name, or in that .toml file; without a name, the default one; its knobs turned. Raises UserError."""
    preset = read(Path(name)) if name is not None and name.endswith(".toml") else _from_shelf(name)
    for knob, value in turns:
        preset = preset.turned(knob, value)
    return preset


def beside(name: str, step: int) -> str:
    """The name that comes so many steps after that one, among all; the first where that one is not on the shelf."""
    names = sorted(_shelved())
    return names[(names.index(name) + step) % len(names)] if name in names else names[0]


def _from_shelf(name: str | None) -> Preset:
    shelved = _shelved()
    if name is None:
        name = DEFAULT
    if name not in shelved:
        close = difflib.get_close_matches(name.lower().replace(" ", "-"), shelved, 3, 0.4)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise UserError(f"There is no preset {name!r}: {hint}`tradefours presets` lists them.")
    return read(shelved[name])


def read(path: Path) -> Preset:
    """The preset in a file. Raises UserError for anything that does not belong there."""
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path.name} is too large for a preset; a preset has a few lines.")
        text = path.read_text(encoding="utf8")
        if ENDLESS.search(text):
            raise UserError(f"{path.name} has names of far too many parts; a preset has a few lines.")
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there; `tradefours presets` lists the presets.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text; name a preset's .toml file.") from error
    except (ValueError, RecursionError) as error:  # tomllib's own, and Python's, for a number of thousands of digits
        raise UserError(f"{path.name} is not TOML: {error}.") from error
    return _preset(path, table)


def _preset(path: Path, table: dict[str, Any]) -> Preset:
    name = path.name
    _known(name, "", table, TOP)
    style, sampling, knobs, answer = (_table(name, table, key) for key in ("style", "sampling", "knobs", "answer"))
    _known(name, "style.", style, STYLE)
    _known(name, "sampling.", sampling, SAMPLING)
    _known(name, "knobs.", knobs, KNOBS)
    _known(name, "answer.", answer, ANSWER)
    z = style.get("z", [])
    if not isinstance(z, list) or len(z) > MOST_NUMBERS:
        raise UserError(f"{name}: style.z must be a list of at most {MOST_NUMBERS} numbers.")
    point = tuple(_number(name, "style.z", x, (-FARTHEST, FARTHEST)) for x in z)
    settings = {key: _number(name, f"sampling.{key}", x, SAMPLING[key]) for key, x in sampling.items()}
    settings |= _habits(name, _table(name, table, "habits"))
    settings |= {KNOB + key: _number(name, f"knobs.{key}", x, (-1.0, 1.0)) for key, x in knobs.items()}
    bounds: dict[str, Any] = {key: _number(name, f"answer.{key}", x, ANSWER[key]) for key, x in answer.items()}
    preset = Preset(
        path.stem,
        title=_text(name, "title", table.get("title", path.stem)),
        description=_text(name, "description", table.get("description", "")),
        z=point,
        weights=_text(name, "style.weights", style.get("weights", "")),
        source=_text(name, "style.source", style.get("source", "")),
        musician=_text(name, "musician", table.get("musician", "")),
        sampling=settings,
        vamp=_vamp(name, _table(name, table, "vamp")),
        **bounds,
    )
    if preset.shortest > preset.longest:
        raise UserError(f"{name}: answer.shortest is larger than answer.longest; turn them round.")
    if not NAME.fullmatch(preset.musician):
        raise UserError(f"{name}: musician must be the name of weights that come with the program, like {WEIGHTS}.")
    if settings.get("lowest", 21) > settings.get("highest", 108) - 11:
        raise UserError(f"{name}: sampling.lowest and sampling.highest must be at least an octave apart.")
    return preset


def _habits(name: str, habits: dict[str, Any]) -> dict[str, float]:
    """The habits, as settings."""
    _known(name, "habits.", habits, HABITS)
    found = {}
    for key, row in habits.items():
        if not isinstance(row, list) or len(row) != HABITS[key]:
            raise UserError(f"{name}: habits.{key} must be a list of {HABITS[key]} numbers.")
        for i, x in enumerate(row):
            found[f"{HABIT}{key}.{i}"] = _number(name, f"habits.{key}", x, (-MOST_OFTEN, MOST_OFTEN))
    return found


def _vamp(name: str, vamp: dict[str, Any]) -> tuple[Note, ...]:
    """Its notes, by onset."""
    _known(name, "vamp.", vamp, ("notes",))
    rows = vamp.get("notes", [])
    if not isinstance(rows, list) or len(rows) > MOST_VAMP:
        raise UserError(f"{name}: vamp.notes must be a list of at most {MOST_VAMP} notes.")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(VAMP):
            raise UserError(f"{name}: a note of vamp.notes is a list of four numbers, [{', '.join(VAMP)}].")
        onset, duration, pitch, velocity = (
            _number(name, f"the {key} of a note of vamp.notes", x, VAMP[key]) for key, x in zip(VAMP, row, strict=True)
        )
        found.append(Note(onset, duration, int(pitch), int(velocity)))
    return tuple(sorted(found, key=lambda n: (n.onset, n.pitch)))


def _known(name: str, where: str, table: dict[str, Any], keys: Any) -> None:
    for key in table:
        if key not in keys:
            close = difflib.get_close_matches(key, list(keys), 1, 0.4)
            hint = f"did you mean {where}{close[0]}?" if close else f"there are: {', '.join(keys)}."
            raise UserError(f"{name}: {where}{key} is not a setting; {hint}")


def _table(name: str, table: dict[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise UserError(f"{name}: {key} must be a table, [{key}].")
    return found


def _number(name: str, key: str, value: Any, bounds: tuple[float, float]) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not bounds[0] <= value <= bounds[1]:  # which is true of no NaN
        raise UserError(f"{name}: {key} must be a number from {bounds[0]:g} to {bounds[1]:g}.")
    return float(value)


def _text(name: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f'{name}: {key} must be a text, in "quotes".')
    return value
