"""The kind of a chart is told by its name and its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.charts.chart import ChartError
from agent.charts.formats.chart_formats import read_charts, write_chart_file
from agent.charts.formats.text_form import read_text

from ....support.chart_lines import played
from ....support.lead_sheets import harmony, note, packed, plain_link, sheet

SCORE = sheet(harmony("C", "dominant") + note(4))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b"| C7 |"),
        ("a.chart", "\ufeff| C7 |".encode()),
        ("a", "| C7 |".encode("utf-16")),
        ("a.musicxml", SCORE),
        ("a.txt", SCORE),
        ("a.mxl", packed(SCORE)),
        ("a", packed(SCORE)),
        ("a.ls", b"(title a) C7 |"),
        ("a.txt", b"(title a) C7 |"),
        ("a.html", f'<a href="{plain_link("[T44C7   Z")}">x</a>'.encode()),
        ("", plain_link("[T44C7   Z").encode()),
    ],
)
def test_every_kind_is_read(name: str, data: bytes) -> None:
    (chart,) = read_charts(data, name)
    assert played(chart) == "C7"


def test_a_chart_without_a_title_is_called_as_its_file() -> None:
    assert read_charts(b"| C7 |", "my_slow-blues.txt")[0].title == "my slow blues"
    assert read_charts(b"| C7 |")[0].title == "Untitled"


@pytest.mark.parametrize("name", ["x.txt", "x.chart", "x.xml", "x.MusicXML"])
def test_what_is_written_is_read(name: str) -> None:
    chart = read_text("title: T\nkey: Eb\n| Eb7 | Ab7 |")
    assert read_charts(write_chart_file(chart, name), name) == [chart]


@pytest.mark.parametrize(
    ("name", "data", "says"), [("a.txt", b"\0\1", "no chart"), ("a.txt", b"x" * (9 << 20), "larger than")]
)
def test_what_is_no_chart_is_refused(name: str, data: bytes, says: str) -> None:
    with pytest.raises(ChartError, match=says):
        read_charts(data, name)


def test_a_kind_that_is_not_written() -> None:
    with pytest.raises(ChartError, match="no name for a chart"):
        write_chart_file(read_text("| C |"), "x.mxl")


@given(st.binary(max_size=200), st.sampled_from(["", "a.txt", "a.ls", "a.mxl", "a.xml", "a.html"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    try:
        found = read_charts(data, name)
    except ChartError:
        return
    assert found
