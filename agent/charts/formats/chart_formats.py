"""Reads a chart of any kind, which is told by its name and its first bytes, and writes one."""

from __future__ import annotations

from pathlib import PurePath

from ..chart import Chart, ChartError
from .improvisor_reader import read_improvisor
from .ireal_links import LINK, songs_of
from .musicxml_reader import read_musicxml
from .musicxml_writer import write_musicxml
from .text_form import read_text, write_text

LARGEST = 8 << 20  # bytes of a file
TEXT, LEADSHEET, MUSICXML, PACKED, LINKS = ".txt", ".ls", (".musicxml", ".xml"), ".mxl", (".html", ".htm")
READ = (TEXT, ".chart", LEADSHEET, *MUSICXML, PACKED, *LINKS)
"""The endings of files that are read."""
WRITTEN = (TEXT, ".chart", *MUSICXML)


def read_charts(data: bytes, name: str = "") -> list[Chart]:
    """All charts in a file of that name: one, or those of a playlist. Raises ChartError."""
    path = PurePath(name)
    title = path.stem.replace("-", " ").replace("_", " ").strip()
    if len(data) > LARGEST:
        raise ChartError(f"{path.name} is larger than {LARGEST >> 20} MiB, which is no chart; choose another file.")
    if data.startswith(b"PK\x03\x04") or path.suffix.lower() in (PACKED, *MUSICXML) or _is_xml(data):
        return [read_musicxml(data, title)]
    text = _decode(data)
    if LINK.search(text) is not None:
        return [song.chart() for song in songs_of(text)]
    if path.suffix.lower() == LEADSHEET or text.lstrip().startswith("("):
        return [read_improvisor(text, title)]
    return [read_text(text, title)]


def _is_xml(data: bytes) -> bool:
    start = data[:400].lstrip(b"\xef\xbb\xbf \r\n\t")
    return start.startswith(b"<?xml") or start.startswith(b"<score-partwise") or start.startswith(b"\xff\xfe<")


def _decode(data: bytes) -> str:
    """Text as UTF-8, or else as Latin-1, which every byte is. Raises ChartError for what is no text."""
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise ChartError(
            "The file is no chart; choose a text, MusicXML, an Impro-Visor leadsheet or a link of iReal Pro."
        )
    return text


def write_chart_file(chart: Chart, name: str) -> bytes:
    """The chart as a file of that name. Raises ChartError for a kind that is not written."""
    ending = PurePath(name).suffix.lower()
    if ending in MUSICXML:
        return write_musicxml(chart)
    if ending in WRITTEN:
        return write_text(chart).encode()
    raise ChartError(f"{PurePath(name).name} is no name for a chart; write {', '.join(WRITTEN)}.")
