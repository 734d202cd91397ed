"""Leadsheets of Impro-Visor are read right, bar by bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.charts.chart import ChartError
from agent.charts.formats.improvisor_reader import read_improvisor

from ....support.chart_lines import plain, played

HEAD = "(title My Tune)(composer Some One)(meter 4 4)(key -3)(tempo 160)(layout 4)(style swing (swing 0.67) (bass-high g-))\n"
SHEETS = {
    "chords and slashes": ("Cm7 | / | Fm7 Bb7 | EbM7 / / Ab7 |", "Cm7 | Cm7 | Fm7 2:Bb7 | Ebmaj7 3:Ab7"),
    "an empty bar": ("Cm7 | | Fm7 |", "Cm7 | Cm7 | Fm7"),
    "sections": (
        "(section (style swing)) Cm7 | Fm7 | (section (style bossa)) Bb7 | EbM7 |",
        "[A] Cm7 | Fm7 | [B] Bb7 | Ebmaj7",
    ),
    "no chord, basses, all dialects": (
        "NC | AbM7/C Abm6 | G7#5#9 CmM7 | Dm7b5 G7alt |",
        "N.C. | Abmaj7/C 2:Abm6 | G7#9#5 2:Cm(maj7) | Dm7b5 2:G7alt",
    ),
    "melodies are passed over": (
        "(part (type chords)) Cm7 | Fm7 | (part (type melody) (stave treble)) c8 d4 eb+8/3 | r2 f#16 |",
        "Cm7 | Fm7",
    ),
    "a waltz": ("(meter 3 4) Cm7 | Fm7 / Bb7 |", "Cm7 | Fm7 2:Bb7"),
}


@pytest.mark.parametrize("name", SHEETS)
def test_leadsheets_are_read_right(name: str) -> None:
    text, expected = SHEETS[name]
    assert played(read_improvisor(HEAD + text)) == plain(expected)


def test_what_is_said_for_the_whole_sheet() -> None:
    chart = read_improvisor(HEAD + "Cm7 | G7 | Cm6 |")
    assert (chart.title, chart.composer, chart.key.name, chart.tempo, chart.feel) == (
        "My Tune",
        "Some One",
        "Cm",
        160.0,
        "swing",
    )
    assert read_improvisor("(key 1) G6 | D7 | G6 |", "Named").key.name == "G"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no bar"),
        ("(title x", "does not close"),
        ("C7 | )", "has not opened"),
        ("((((((" * 10, "does not close"),
        ("C7 | Hm |", "Bar 2: 'Hm'"),
        ("(key 12) C7 |", "seven accidentals"),
        ("(meter 0 4) C7 |", "no metre"),
        ("C7 " * 60, "more chords"),
        (" " * 2_000_000, "longer than"),
    ],
)
def test_bad_leadsheets_are_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ChartError, match=says):
        read_improvisor(text)


@given(st.text("()|/ \nABCDEFGm7b#NCcdr48titlepartmeloyskxfn", max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        chart = read_improvisor(text)
    except ChartError:
        return
    assert chart.bars
