"""Presets: styles with a name, those that come with the program and the user's own.

Knows nothing of what the numbers of a point mean; only the musician does. The files are read by `models.music.preset_file`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.music.preset_file import MUSICIAN, PresetError, check_range, fields_of
from models.music.preset_file import Preset as PresetFile
from models.music.setting_cli_options import changes
from models.music.style_settings_table import KNOB, KNOBS, nearest

from ..errors import UserError

DEFAULT, WEIGHTS = "pop-ballad", "open"
SHIPPED = Path(__file__).resolve().parents[2] / "presets"
OWN = Path.home() / "tradefours" / "presets"
"""Where the user's own presets lie; one there hides a shipped one of the same name."""
NAME = MUSICIAN


@dataclass(frozen=True)
class Preset(PresetFile):
    """A style as the performer turns it."""

    def player(self, asked: str | None = None) -> str:
        """The weights that play it: those that are `asked` for, else its own, else the ones that play everything."""
        return asked or self.musician or WEIGHTS

    def turned(self, knob: str, value: float) -> Preset:
        """The same style with one knob turned. Raises UserError for a knob that is not there."""
        if knob not in KNOBS:
            raise UserError(f"There is no knob {knob!r}; {nearest(knob, KNOBS)}")
        return replace(self, sampling={**self.sampling, KNOB + knob: min(max(value, -1.0), 1.0)})

    def changed(self, settings: Sequence[tuple[str, float]], without: Sequence[str] = ()) -> Preset:
        """The same style with some settings of [sampling], and `without` what is switched off. Raises UserError."""
        sampling = {**self.sampling, **changes(settings, without)}
        try:
            check_range(self.name, sampling)
        except PresetError as error:
            raise UserError(str(error)) from error
        return replace(self, sampling=sampling)


def all_presets() -> list[Preset]:
    """The presets that come with the program and the user's own, by name. Raises UserError for one that is broken."""
    return [read(path) for _, path in sorted(_preset_files().items())]


def _preset_files() -> dict[str, Path]:
    return {path.stem: path for folder in (SHIPPED, OWN) for path in sorted(folder.glob("*.toml"))}


def load(
    name: str | None = None,
    turns: Sequence[tuple[str, float]] = (),
    settings: Sequence[tuple[str, float]] = (),
    without: Sequence[str] = (),
) -> Preset:
    """The preset of that name, or in that .toml file; without a name, the default one. Raises UserError.

    Its knobs are turned by `turns`, its `settings` changed; `without` is switched off.
    """
    preset = read(Path(name)) if name is not None and name.endswith(".toml") else _shipped_preset(name)
    for knob, value in turns:
        preset = preset.turned(knob, value)
    return preset.changed(settings, without)


def beside(name: str, step: int) -> str:
    """The name that comes so many steps after that one, among all; the first where that one is not among them."""
    names = sorted(_preset_files())
    return names[(names.index(name) + step) % len(names)] if name in names else names[0]


def _shipped_preset(name: str | None) -> Preset:
    shelved = _preset_files()
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
        return Preset(**fields_of(path))
    except PresetError as error:
        raise UserError(str(error)) from error
