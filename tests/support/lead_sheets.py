"""Small MusicXML lead sheets and links of iReal Pro for tests, made of our own chords."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import quote

from agent.charts.formats.ireal_links import swap_block

KEY_OF_F = "<key><fifths>-1</fifths><mode>major</mode></key>"


def harmony(root: str, kind: str = "major", extra: str = "", bass: str = "") -> str:
    """A `<harmony>`; an accidental is a `b` or `#` after the root."""
    low = f"<bass><bass-step>{bass[0]}</bass-step>{_alter('bass', bass)}</bass>" if bass else ""
    return f"<harmony><root><root-step>{root[0]}</root-step>{_alter('root', root)}</root><kind>{kind}</kind>{low}{extra}</harmony>"


def _alter(part: str, name: str) -> str:
    return f"<{part}-alter>{1 if name[1] == '#' else -1}</{part}-alter>" if name[1:] else ""


def note(quarters: int) -> str:
    """A note of so many quarters, with two divisions each."""
    return f"<note><pitch><step>C</step><octave>5</octave></pitch><duration>{2 * quarters}</duration></note>"


def words(text: str) -> str:
    """Words above a bar."""
    return f"<direction><direction-type><words>{text}</words></direction-type></direction>"


def left(inside: str) -> str:
    """A bar line at the beginning."""
    return f'<barline location="left">{inside}</barline>'


def right(inside: str) -> str:
    """A bar line at the end."""
    return f'<barline location="right">{inside}</barline>'


def sheet(*measures: str, attributes: str = "", head: str = "", time: tuple[int, int] = (4, 4)) -> bytes:
    """A score of one part, with a document type as every program writes it."""
    beats, unit = time
    begin = f"<attributes><divisions>2</divisions>{attributes}<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time></attributes>"
    body = "".join(
        f'<measure number="{number}">{begin if number == 1 else ""}{measure}</measure>'
        for number, measure in enumerate(measures, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
        f'"http://www.musicxml.org/dtds/partwise.dtd"><score-partwise version="3.1">{head}'
        f'<part-list><score-part id="P1"><part-name>x</part-name></score-part></part-list><part id="P1">{body}</part></score-partwise>'
    ).encode()


def packed(score: bytes, name: str = "score.musicxml", container: bool = True) -> bytes:
    """The score as a compressed file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if container:
            text = f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>'
            archive.writestr("META-INF/container.xml", text)
        archive.writestr(name, score)
    return file.getvalue()


def plain_link(
    progression: str, title: str = "Tune", key: str = "C", style: str = "Medium Swing", composer: str = "Last First"
) -> str:
    """An `irealbook://` link."""
    return "irealbook://" + quote(f"{title}={composer}={style}={key}=n={progression}")


def shuffled_song(
    progression: str,
    title: str = "Tune",
    key: str = "C",
    style: str = "Medium Swing",
    player: str = "Jazz-Medium Swing",
    tempo: int = 0,
) -> str:
    """One song of an `irealb://` link, shuffled as iReal Pro does it."""
    for long, short in (("   ", "XyQ"), (" |", "LZ"), ("| x", "Kcl")):
        progression = progression.replace(long, short)
    done = ""
    while len(progression) > 50:
        block, progression = progression[:50], progression[50:]
        done += block if len(progression) < 2 else swap_block(block)
    return f"{title}=Last First=={style}={key}==1r34LbKcu7{done}{progression}={player}={tempo}=3"


def shuffled_link(*songs: str, playlist: str = "") -> str:
    """An `irealb://` link."""
    return "irealb://" + quote("===".join([*songs, *([playlist] if playlist else [])]))
