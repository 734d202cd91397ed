"""Reads XML that may be hostile: no entities, no more elements than a chart has, no zip bombs. Text in, a tree out.

The parser is expat with a tree of our own bounds, as the standard tree builder has none.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.etree import ElementTree
from xml.parsers import expat

from ..chart import ChartError

LARGEST_XML = 16 << 20  # bytes, unpacked
MOST_ELEMENTS = 400_000
DEEPEST = 40  # elements within one another
MOST_MEMBERS = 500  # of a zip file
LONGEST_CONTAINER = 100_000  # bytes
_CONTAINER = "META-INF/container.xml"
_BROKEN = "The file is no readable MusicXML; export it again, as .musicxml or .mxl."


class _Builder(ElementTree.TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._elements = 0
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS or self._depth > DEEPEST:
            raise ChartError("The file has more parts than any chart; export the chords alone.")
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag.rpartition("}")[2])


def read_tree(data: bytes) -> ElementTree.Element:
    """The root of an XML document. Raises ChartError."""
    if len(data) > LARGEST_XML:
        raise ChartError(f"The file is larger than {LARGEST_XML >> 20} MiB; export the chords alone.")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, LookupError, ValueError) as error:
        raise ChartError(_BROKEN) from error


def _refuse(*_: object) -> None:
    raise ChartError("The file defines entities, which no chart needs; export it again, as .musicxml or .mxl.")


def unpack(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises ChartError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > MOST_MEMBERS:
                raise ChartError("The .mxl file holds too many files; export it again.")
            name = _score_in(archive, names)
            return _member(archive, name, LARGEST_XML)
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
    ) as error:
        raise ChartError(_BROKEN) from error


def _score_in(archive: zipfile.ZipFile, names: list[str]) -> str:
    """The name of the score, which the container tells, or else the first file of MusicXML."""
    if _CONTAINER in names:
        for element in read_tree(_member(archive, _CONTAINER, LONGEST_CONTAINER)).iter("rootfile"):
            if (path := element.get("full-path")) in names:
                return str(path)
    found = [name for name in names if name.endswith((".musicxml", ".xml")) and not name.startswith("META-INF")]
    if not found:
        raise ChartError("The .mxl file holds no score; export it again.")
    return found[0]


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of the archive, of which no more is unpacked than is allowed. Raises ChartError."""
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ChartError(f"The .mxl file unpacks to more than {most >> 10:,} KiB; export the chords alone.")
    return data
