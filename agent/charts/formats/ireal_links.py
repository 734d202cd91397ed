"""Links of iReal Pro, `irealbook://` and `irealb://`, of one chart or a playlist: what they say, before the bars are read.

The second kind shuffles its progressions; how is publicly known. The link holds everything, nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from models.music.harmony.spelling import read_key

from ..chart import Chart, ChartError
from .bar_builder import feel_of
from .ireal_progression import read_progression

LONGEST = 8 << 20  # characters of a link; the largest playlists have about a million
MOST_CHARTS = 5000
LONGEST_SONG = 60_000  # characters of one song, as the link has it
LINK = re.compile(r"ireal(?:b|book)://[^\s\"<>]+", re.IGNORECASE)
_PLAIN, _SHUFFLED = "irealbook://", "irealb://"
_MARK = "1r34LbKcu7"  # before a shuffled progression
_BLOCK = 50  # characters that are shuffled together
_SHORTHAND = (("Kcl", "| x"), ("LZ", " |"), ("XyQ", "   "))
_PLAIN_FIELDS = 6  # title, composer, style, key, n, progression


@dataclass(frozen=True)
class LinkedSong:
    """One song of a link, as it says it: `tempo` is 0 where it says none."""

    title: str
    composer: str
    style: str
    key: str
    progression: str
    tempo: float = 0.0

    def chart(self) -> Chart:
        """Its chart. Raises ChartError, which names the song."""
        try:
            key = read_key(self.key or "C")
            feel = feel_of(self.style)
            builder = read_progression(self.progression)
            is_compound = bool(builder.bars) and builder.bars[0].metre.is_compound
            tempo = self.tempo * (3 if is_compound else 1)  # there a beat is a group of three
            return builder.chart(self.title, self.composer, key, tempo or None, feel)
        except (ValueError, ChartError) as error:
            raise ChartError(f"{self.title[:60]!r}: {error}") from error


def songs_of(text: str) -> list[LinkedSong]:
    """The songs of the first link in a text, such as a page that iReal Pro has exported. Raises ChartError."""
    if len(text) > LONGEST:
        raise ChartError(f"The link is longer than {LONGEST >> 20} million characters; export fewer charts at once.")
    link = _link_in(text.replace("&amp;", "&"))
    scheme, _, body = link.partition("//")
    body = body.replace("%3D", "=").replace("%3d", "=")  # before it is decoded piece by piece: each is short
    songs = list(_shuffled_songs(body) if f"{scheme}//".lower() == _SHUFFLED else _plain_songs(body))
    if not songs:
        raise ChartError("The link of iReal Pro holds no chart; share it again from the program.")
    return songs[:MOST_CHARTS]


def _link_in(text: str) -> str:
    """The first link; one that is alone may have spaces, as it does where somebody has decoded it. Raises ChartError."""
    alone = text.strip().split("\n", 1)[0].strip()
    if LINK.match(alone) is not None:
        return alone
    found = LINK.search(text)
    if found is None:
        raise ChartError("There is no link of iReal Pro in it; it begins with irealb:// or irealbook://.")
    is_quoted = found.start() > 0 and text[found.start() - 1] == "'"
    return found[0].partition("'")[0] if is_quoted else found[0]


def _decoded(text: str) -> str:
    """A part of a link without its percent signs; one that is longer than any song is left out, as it could take much memory."""
    return unquote(text) if len(text) <= LONGEST_SONG else ""


def _shuffled_songs(body: str) -> Iterator[LinkedSong]:
    """Songs are parted by three signs, fields by one or two; the shuffled field is known by its mark."""
    for song in body.split("==="):
        fields = _decoded(song).split("=")
        at = next((number for number, field in enumerate(fields) if field.startswith(_MARK)), None)
        if at is None or at < 3:
            continue  # the name of the playlist
        said = [field for field in fields[:at] if field.strip()]
        keys = [field for field in said[1:] if _is_key(field)]
        after = fields[at + 1 :]
        style = after[0] if after and after[0].strip() else said[2] if len(said) > 2 else ""
        tempo = next((float(field) for field in after[1:2] if field.isdigit()), 0.0)
        yield LinkedSong(
            said[0] if said else "",
            _composer(said[1]) if len(said) > 1 else "",
            f"{said[2] if len(said) > 2 else ''} {style}".strip(),
            keys[-1] if keys else "C",
            unshuffle(fields[at].removeprefix(_MARK)),
            tempo,
        )


def _plain_songs(body: str) -> Iterator[LinkedSong]:
    fields = body.split("=")
    for at in range(0, len(fields) - _PLAIN_FIELDS + 1, _PLAIN_FIELDS):
        title, composer, style, key, _, progression = map(_decoded, fields[at : at + _PLAIN_FIELDS])
        yield LinkedSong(title, _composer(composer), style, key, progression)


def _composer(text: str) -> str:
    """A name as it is read: the links say the last name first, where there are two words."""
    words = text.split()
    return f"{words[1]} {words[0]}" if len(words) == 2 else text


def _is_key(text: str) -> bool:
    return re.fullmatch(r"[A-G][b#]?-?", text.strip()) is not None


def unshuffle(text: str) -> str:
    """The progression as it was before it was shuffled; shuffling is its own inverse, block by block."""
    done = []
    while len(text) > _BLOCK:
        block = text[:_BLOCK]
        text = text[_BLOCK:]
        done.append(block if len(text) < 2 else swap_block(block))
    plain = "".join(done) + text
    for short, long in _SHORTHAND:
        plain = plain.replace(short, long)
    return plain


def swap_block(block: str) -> str:
    """A block of fifty: the first five, and the tenth to the twenty-third from either end, change places with their mirror images."""
    signs = list(block)
    for number in (*range(5), *range(10, 24)):
        signs[number], signs[_BLOCK - 1 - number] = signs[_BLOCK - 1 - number], signs[number]
    return "".join(signs)
