"""The charts that come with the program and the user's own, by name; and a chart by its name, its file or its link."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from pathlib import Path

from models.music.harmony.spelling import read_key

from ..errors import UserError, hint
from ..user_folders import check_home, own_folder
from .chart import Chart, ChartError
from .form import form_of
from .formats.chart_formats import LARGEST, LINKS, READ, TEXT, read_charts
from .formats.ireal_links import LINK, songs_of
from .formats.text_form import write_text

SHIPPED = Path(__file__).resolve().parents[2] / "presets" / "charts"
OWN = own_folder("charts")
"""Where the user's own charts lie; one there hides one of the same name that comes with the program."""
LONGEST_NAME = 60  # characters of a file's name
MOST_OWN = 20_000  # files that are looked at
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}  # by Windows


def chart_files() -> dict[str, Path]:
    """The file of each chart, by name."""
    found = {**_files_in(SHIPPED), **_files_in(OWN)}
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


def _files_in(folder: Path) -> dict[str, Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in READ and not path.name.startswith(".")]
    except OSError:  # it is not there, or not ours to read
        return {}
    return {unicodedata.normalize("NFC", path.stem): path for path in sorted(paths)[:MOST_OWN]}


def survey() -> tuple[dict[str, Chart], list[str]]:
    """All charts by name, and a sentence for each of the user's own files that is passed over."""
    found: dict[str, Chart] = {}
    problems: list[str] = []
    for name, path in chart_files().items():
        try:
            charts = read_file(path)
        except UserError as error:
            problems.append(f"Passed over among your own charts: {path.name}: {error}")
            continue
        found[name] = charts[0]
    return found, problems


def load_chart(source: str) -> Chart:
    """The chart of that name or title, in that file, or of that link. Raises UserError."""
    charts = load_charts(source)
    if len(charts) > 1:
        raise ChartError(
            f"There are {len(charts)} charts in it; `{hint('charts', 'add')}` keeps them, then name one of them."
        )
    return charts[0]


def chart_in_key(chart: Chart, key: str | None) -> Chart:
    """The chart in that key, moved the nearest way; as it is without one. Raises UserError."""
    if key is None:
        return chart
    try:
        wanted = read_key(key)
    except ValueError as error:
        raise ChartError(str(error)) from error
    return chart.transpose((wanted.tonic - chart.key.tonic + 6) % 12 - 6)


def load_charts(source: str) -> list[Chart]:
    """All charts that a name, a file or a link stands for: one, or a playlist. Raises UserError."""
    if LINK.match(source.strip()) is not None or "\n" in source:
        return read_charts(source.encode())
    path = Path(source)
    if path.name != source or path.suffix.lower() in READ:
        return read_file(path)
    return read_file(_named(source))


def load_playlist(source: str) -> tuple[list[Chart], list[str]]:
    """The charts of a source that can be read, and a sentence for each song of a link that cannot. Raises UserError."""
    text = source
    if LINK.match(source.strip()) is None and "\n" not in source:
        path = Path(source)
        if path.suffix.lower() not in (*LINKS, TEXT):
            return load_charts(source), []
        text = _bytes_of(path).decode("utf8", "replace")
    if LINK.search(text) is None:
        return load_charts(source), []
    found: list[Chart] = []
    problems: list[str] = []
    for song in songs_of(text):
        try:
            chart = song.chart()
            form_of(chart)
            found.append(chart)
        except ChartError as error:
            problems.append(str(error))
    return found, problems


def read_file(path: Path) -> list[Chart]:
    """All charts in a file. Raises UserError."""
    return read_charts(_bytes_of(path), path.name)


def _bytes_of(path: Path) -> bytes:
    """What is in a file. Raises UserError."""
    try:
        if path.stat().st_size > LARGEST:
            raise ChartError(f"{path.name} is larger than {LARGEST >> 20} MiB, which is no chart; choose another file.")
        return path.read_bytes()
    except IsADirectoryError as error:
        raise ChartError(f"{path} is a folder; name a file in it.") from error
    except FileNotFoundError as error:
        raise ChartError(f"{path} is not there; check the name, or see `{hint('charts')}`.") from error
    except (OSError, ValueError) as error:
        raise ChartError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); choose another file."
        ) from error


def _named(name: str) -> Path:
    """The file of the chart of that name or title. Raises UserError."""
    files = chart_files()
    wanted = _plain(name)
    for known, path in files.items():
        if _plain(known) == wanted:
            return path
    titled = [known for known, chart in survey()[0].items() if _plain(chart.title) == wanted]
    if len(titled) == 1:
        return files[titled[0]]
    close = titled or difflib.get_close_matches(wanted, list(files), 3, 0.4)
    question = f"did you mean {' or '.join(close)}? " if close else ""
    raise ChartError(f"There is no chart {name[:60]!r}: {question}`{hint('charts')}` lists them.")


def _plain(name: str) -> str:
    """A name without what people take for the same: capitals, spaces, dots."""
    return re.sub(r"[\s._-]+", "-", unicodedata.normalize("NFC", name).casefold()).strip("-")


def file_name(title: str) -> str:
    """The name under which a chart of that title is kept: small letters, digits and hyphens."""
    name = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", title).casefold()).strip("-_")[:LONGEST_NAME].strip("-")
    return f"chart-{name}".strip("-") if not name or name in _RESERVED else name


def keep(chart: Chart) -> Path:
    """Keep a chart among the user's own, as text, and return its file; another chart of that name is not overwritten. Raises UserError."""
    check_home(OWN / "x", "name a file with `charts convert`")
    text = write_text(chart)
    base = file_name(chart.title)
    taken = _files_in(OWN)
    name = base
    number = 2
    while name in taken:
        if taken[name].suffix == TEXT and _same(taken[name], text):
            return taken[name]
        name = f"{base}-{number}"
        number += 1
    path = OWN / f"{name}{TEXT}"
    write_file(path, text.encode())
    return path


def _same(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf8") == text
    except (OSError, ValueError):
        return False


def write_file(path: Path, data: bytes) -> None:
    """Write a file at once or not at all. Raises UserError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file.") from error
