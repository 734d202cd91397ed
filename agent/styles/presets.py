"""Presets: styles with a name, those that come with the program and the user's own.

Knows nothing of what the numbers of a point mean; only the musician does. The files are read by `models.music.preset_file`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.music.preset_file import MUSICIAN, PresetError, check_range, fields_of
from models.music.preset_file import Preset as PresetFile
from models.music.style_settings_table import KNOB, KNOBS, changes, nearest

from ..errors import UserError, hint
from ..user_folders import own_folder

DEFAULT, WEIGHTS = "pop-ballad", "open"
SHIPPED = Path(__file__).resolve().parents[2] / "presets"
OWN = own_folder("presets")
"""Where the user's own presets lie; one there hides a shipped one of the same name."""
NAME = MUSICIAN
LONGEST_NAME = 60  # characters: the file's name then has at most 255 bytes, as file systems want
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')  # in names of files, on one system or another
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(1, 10))}  # by Windows


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
    """The presets that come with the program and the user's own, by name; own ones that cannot be read are left out."""
    return survey()[0]


def survey() -> tuple[list[Preset], list[str]]:
    """All presets by name, and a sentence for each of the user's own files that is passed over. Raises UserError."""
    found: list[Preset] = []
    problems: list[str] = []
    for name, path in _preset_files().items():
        try:
            found.append(read(path))
        except UserError as error:
            if path.parent == SHIPPED:
                raise
            problems.append(f"Passed over among your own: {error}")
            if name in _files_in(SHIPPED):
                found.append(read(_files_in(SHIPPED)[name]))
    return found, problems


def hidden(name: str) -> bool:
    """Whether an own preset of that name hides one that comes with the program."""
    return name in _files_in(SHIPPED) and name in _files_in(OWN)


def load(
    name: str | None = None,
    turns: Sequence[tuple[str, float]] = (),
    settings: Sequence[tuple[str, float]] = (),
    without: Sequence[str] = (),
) -> Preset:
    """The preset of that name or title, or in that .toml file; without a name, the default one. Raises UserError.

    Its knobs are turned by `turns`, its `settings` changed; `without` is switched off.
    """
    is_file = name is not None and name.endswith(".toml") and (Path(name).name != name or Path(name).exists())
    preset = read(Path(name)) if name is not None and is_file else _named_preset(DEFAULT if name is None else name)
    for knob, value in turns:
        preset = preset.turned(knob, value)
    return preset.changed(settings, without)


def load_beside(name: str, step: int) -> Preset:
    """The preset so many steps after the one of that name, among all that can be read; the first where there is none of that name."""
    files = _preset_files()
    names = list(files)
    at = names.index(name) + step if name in files else 0
    for offset in range(0, len(names)) if step > 0 else range(0, -len(names), -1):
        try:
            return read(files[names[(at + offset) % len(names)]])
        except UserError:
            continue
    return _named_preset(DEFAULT)


def file_name(title: str) -> str:
    """The name under which a style of that title is kept, which is the title as far as every system takes it. Raises UserError."""
    title = unicodedata.normalize("NFC", title.strip())
    if not title.isprintable():
        raise UserError("A style's name is one line of letters, digits and signs; choose another name.")
    if len(title) > LONGEST_NAME:
        raise UserError(f"A style's name has at most {LONGEST_NAME} characters, and this one {len(title)}; shorten it.")
    name = FORBIDDEN.sub("-", title.removesuffix(".toml")).strip(" .-")
    if not name:
        raise UserError(f"{title!r} is no name for a style; use a letter or a digit.")
    return f"_{name}" if name.partition(".")[0].upper() in RESERVED else name


def is_plain_name(name: str) -> bool:
    """Whether a text is one line that may name something that is kept, and no path."""
    return bool(name) and name.isprintable() and not {"/", "\\"} & set(name) and name not in (".", "..")


def names_of_own_files() -> set[str]:
    """The names of the files of the user's own presets."""
    return {path.name for path in _files_in(OWN).values()}


def _preset_files() -> dict[str, Path]:
    """The file of each preset, by name. The user's own hides one that comes with the program."""
    found = {**_files_in(SHIPPED), **_files_in(OWN)}
    return dict(sorted(found.items(), key=lambda item: (item[0].casefold(), item[0])))


def _files_in(folder: Path) -> dict[str, Path]:
    try:
        paths = [p for p in folder.iterdir() if p.suffix == ".toml"]
    except OSError:  # it is not there, or not ours to read
        return {}
    return {unicodedata.normalize("NFC", path.stem): path for path in paths}  # macOS takes letters and accents apart


def _named_preset(name: str) -> Preset:
    files = _preset_files()
    name = unicodedata.normalize("NFC", name)
    for wanted in (name, name.removesuffix(".toml")):
        if wanted in files:
            return read(files[wanted])
    alike = [known for known in files if _key(known) == _key(name)] or _titled(name)
    if len(alike) == 1:
        return read(files[alike[0]])
    close = alike or difflib.get_close_matches(_key(name), files, 3, 0.4)
    question = f"did you mean {' or '.join(close)}? " if close else ""
    raise UserError(f"There is no preset {name!r}: {question}`{hint('presets')}` lists them.")


def _titled(title: str) -> list[str]:
    """The names of the presets of that title."""
    return [preset.name for preset in all_presets() if _key(preset.title) == _key(title)] if title.strip() else []


def _key(name: str) -> str:
    """A name without what people take for the same: capitals, spaces, dots."""
    return "-".join(name.casefold().replace(".", " ").replace("_", " ").split())


def read(path: Path) -> Preset:
    """The preset in a file. Raises UserError for anything that does not belong there."""
    try:
        return Preset(**{**fields_of(path), "name": unicodedata.normalize("NFC", path.stem)})
    except PresetError as error:
        raise UserError(str(error)) from error
