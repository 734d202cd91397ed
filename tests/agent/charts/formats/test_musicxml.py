"""MusicXML lead sheets are read right, bar by bar; hostile ones are refused; what is written is read again."""

from __future__ import annotations

import tracemalloc
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.charts.chart import Chart, ChartError
from agent.charts.formats import bounded_xml
from agent.charts.formats.musicxml_reader import read_musicxml
from agent.charts.formats.musicxml_writer import write_musicxml

from ....support.chart_lines import plain, played
from ....support.lead_sheets import KEY_OF_F, harmony, left, note, packed, right, sheet, words
from ....support.made_charts import charts

FORWARD, BACKWARD = '<repeat direction="forward"/>', '<repeat direction="backward"/>'
SEGNO = "<direction><direction-type><segno/></direction-type></direction>"
CODA = "<direction><direction-type><coda/></direction-type></direction>"


def degree(value: int, alter: int, kind: str = "add") -> str:
    return f"<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter><degree-type>{kind}</degree-type></degree>"


def ending(numbers: str, kind: str) -> str:
    return f'<ending number="{numbers}" type="{kind}"/>'


C, F, G, A, D = (harmony(name) for name in "CFGAD")
SHEETS = {
    "chords between notes": (
        sheet(C + note(2) + harmony("A", "minor") + note(2), note(4), F + note(1) + G + note(3)),
        "C 2:Am | Am | F 1:G",
    ),
    "kinds and degrees": (
        sheet(
            harmony("Bb", "major-seventh") + note(2) + harmony("E", "half-diminished") + note(2),
            harmony("A", "dominant", degree(9, -1)) + note(2) + harmony("D", "minor-seventh", bass="C") + note(2),
            harmony("G", "dominant", degree(5, 1, "alter") + degree(9, 1)) + note(4),
            harmony("C", "suspended-fourth", degree(7, 0)) + note(2) + harmony("C", "none") + note(2),
            harmony("C", "dominant-13th", degree(11, 1)) + note(2) + harmony("C", "major-minor") + note(2),
        ),
        "Bbmaj7 2:Em7b5 | A7b9 2:Dm7/C | G7#9#5 | C7sus 2:N.C. | C13#11 2:Cm(maj7)",
    ),
    "places by offset, backup and forward": (
        sheet(
            C
            + "<harmony><root><root-step>F</root-step></root><kind>major</kind><offset>3</offset></harmony>"
            + note(4),
            G + note(4) + "<backup><duration>4</duration></backup>" + D + "<forward><duration>4</duration></forward>",
        ),
        "C 1.5:F | G 2:D",
    ),
    "a repeat of three": (
        sheet(
            left(FORWARD) + C + note(4), F + note(4) + right('<repeat direction="backward" times="3"/>'), G + note(4)
        ),
        "C | F | C | F | C | F | G",
    ),
    "endings": (
        sheet(
            left(FORWARD) + C + note(4),
            left(ending("1", "start")) + F + note(4) + right(ending("1", "stop") + BACKWARD),
            left(ending("2", "start")) + G + note(4) + right(ending("2", "discontinue")),
            A + note(4),
        ),
        "C | F | C | G | A",
    ),
    "an ending of two passes": (
        sheet(
            left(FORWARD) + C + note(4),
            left(ending("1, 2", "start")) + F + note(4) + right(ending("1, 2", "stop") + BACKWARD),
            left(ending("3", "start")) + G + note(4) + right(ending("3", "stop")),
        ),
        "C | F | C | F | C | G",
    ),
    "D.S. al Coda by words and signs": (
        sheet(
            C + note(4),
            SEGNO + F + note(4),
            G + note(4) + words("To Coda"),
            A + note(4) + words("D.S. al Coda"),
            CODA + D + note(4),
        ),
        "C | F | G | A | F | G | D",
    ),
    "two coda signs without words": (
        sheet(C + note(4), CODA + F + note(4), G + note(4) + words("D.C. al Coda"), CODA + D + note(4)),
        "C | F | G | C | F | D",
    ),
    "D.C. al Fine by sounds": (
        sheet(
            C + note(4),
            F + note(4) + '<direction><sound fine="yes"/></direction>',
            G + note(4) + words("D.C. al Fine") + '<sound dacapo="yes"/>',
        ),
        "C | F | G | C | F",
    ),
    "sections, and a waltz": (
        sheet(
            "<direction><direction-type><rehearsal>A</rehearsal></direction-type></direction>" + C + note(3),
            "<direction><direction-type><rehearsal>B</rehearsal></direction-type></direction>"
            + F
            + note(2)
            + G
            + note(1),
            time=(3, 4),
        ),
        "[A] C | [B] F 2:G",
    ),
    "a bar that is repeated by its sign": (
        sheet(
            C + note(2) + F + note(2),
            '<attributes><measure-style><measure-repeat type="start">1</measure-repeat></measure-style></attributes>'
            + note(4),
            note(4),
            '<attributes><measure-style><measure-repeat type="stop"/></measure-style></attributes>' + note(4),
        ),
        "C 2:F | C 2:F | C 2:F | F",
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_lead_sheets_are_read_right(name: str) -> None:
    data, expected = SHEETS[name]
    chart = read_musicxml(data)
    assert played(chart) == plain(expected)
    assert read_musicxml(packed(data)) == chart
    assert read_musicxml(packed(data, "a/b.xml", container=False)) == chart


def test_what_is_said_for_the_whole_sheet() -> None:
    head = '<work><work-title>A Tune</work-title></work><identification><creator type="composer">Who</creator></identification>'
    mark = "<metronome><beat-unit>half</beat-unit><per-minute>60</per-minute></metronome>"
    tempo = f"<direction><direction-type>{mark}</direction-type></direction>"
    chart = read_musicxml(sheet(words("Bossa nova") + tempo + C + note(4), attributes=KEY_OF_F, head=head))
    assert (chart.title, chart.composer, chart.key.name, chart.tempo, chart.feel) == (
        "A Tune",
        "Who",
        "F",
        120.0,
        "bossa",
    )
    chart = read_musicxml(sheet('<sound tempo="60"/>' + C, time=(6, 8)), "File")
    assert (chart.title, chart.tempo, str(chart.metre)) == ("File", 120.0, "6/8")


def test_an_upbeat_is_no_bar() -> None:
    data = sheet(note(1), C + note(4)).replace(b'<measure number="1">', b'<measure number="0" implicit="yes">')
    assert played(read_musicxml(data)) == "C"


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><score-partwise>&b;</score-partwise>'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no readable"),
        (b"<score-partwise>", "no readable"),
        (b"<html></html>", "no MusicXML score"),
        (b"<score-partwise/>", "no chord symbols"),
        (sheet(note(4)), "no chord symbols"),
        (BOMB, "entities"),
        (BOMB.replace(b'"aaaaaaaaaa"', b'SYSTEM "file:///etc/passwd"'), "entities"),
        (b"<a>" * 100, "more parts"),
        (b"<score-partwise>" + b"<a/>" * 500_000 + b"</score-partwise>", "more parts"),
        (b"PK\x03\x04rubbish", "no readable"),
        (packed(b"x", "readme.txt", container=False), "no score"),
        (packed(b" " * (17 << 20)), "unpacks to more"),
        (sheet(C + note(4), attributes="<key><fifths>9</fifths></key>"), "seven accidentals"),
        (sheet(C + note(4), time=(99, 4)), "no metre"),
        (sheet(*[C] * 1200), "at most 1000 bars"),
    ],
)
def test_what_is_no_lead_sheet_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ChartError, match=says):
        read_musicxml(data)


def test_a_zip_bomb_takes_no_memory() -> None:
    data = packed(b"\0" * (60 << 20))
    tracemalloc.start()
    with pytest.raises(ChartError, match="unpacks to more"):
        read_musicxml(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * bounded_xml.LARGEST_XML


def test_a_packed_file_of_too_many_files() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(600):
            archive.writestr(str(number), b"")
    with pytest.raises(ChartError, match="too many"):
        read_musicxml(file.getvalue())


@given(charts())
def test_what_is_written_is_read_as_the_same_chart(chart: Chart) -> None:
    assert read_musicxml(write_musicxml(chart)) == chart


@settings(max_examples=150)
@given(st.sampled_from(sorted(SHEETS)), st.data())
def test_a_sheet_with_torn_bytes_is_read_or_refused(name: str, data: st.DataObject) -> None:
    sheet_bytes = bytearray(packed(SHEETS[name][0]) if data.draw(st.booleans()) else SHEETS[name][0])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(sheet_bytes) - 1))
        sheet_bytes[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        chart = read_musicxml(bytes(sheet_bytes))
        played(chart)
    except ChartError:
        return
    assert chart.bars
