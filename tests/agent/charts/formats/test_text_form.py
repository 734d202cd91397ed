"""Charts as text are read right, bar by bar: what is played is written down by hand. What is written is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.charts.chart import Bar, Chart, ChartError, Jump, Metre, PlacedChord
from agent.charts.formats.text_form import read_text, write_text
from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.qualities import QUALITIES

from ....support.chart_lines import plain, played
from ....support.made_charts import charts

CHARTS = {
    "one chord a bar": ("| C7 | F7 | C7 | C7 |", "C7 | F7 | C7 | C7"),
    "the bar before": ("| C7 | F7 | % | % | G7 F7 | % |", "C7 | F7 | F7 | F7 | G7 2:F7 | G7 2:F7"),
    "a chord goes on": ("| C7 | | F7 C7 | |", "C7 | C7 | F7 2:C7 | C7"),
    "two to four chords": ("| C A | C Am G | C Am F G |", "C 2:A | C 2:Am 3:G | C 1:Am 2:F 3:G"),
    "slashes are beats": ("| C / / G | C // G | F / / / | C / |", "C 3:G | C 3:G | F | C"),
    "slashes under chords": ("| C // G // | C /// G / |", "C 2:G | C 3:G"),
    "said beats": ("| C F@2.5 G@4 | Am D7@4.5 |", "C 1.5:F 3:G | Am 3.5:D7"),
    "slash chords and no chord": (
        "| N.C. | C/E F6/9 | NC G7/B |",
        "N.C. | C/E 2:F69 | N.C. 2:G7/B",
    ),
    "sections": (
        "[A]\n| C | F |\nB:\n| G | C |\n[C] | Am | Dm |\n| [D] G | C |",
        "[A] C | F | [B] G | C | [C] Am | Dm | [D] G | C",
    ),
    "a repeat": ("|: C | F :| G |", "C | F | C | F | G"),
    "three times": ("|: C | F :|x3 G |", "C | F | C | F | C | F | G"),
    "a repeat from the beginning": ("| C | F :| G |", "C | F | C | F | G"),
    "two repeats": ("|: C :|: F :| G |", "C | C | F | F | G"),
    "first and second endings": (
        "|: C | Am | 1. F | G :| 2. F G | C ||",
        "C | Am | F | G | C | Am | F 2:G | C",
    ),
    "three endings": ("|: C | 1. D :| 2. E :| 3. F || G |", "C | D | C | E | C | F | G"),
    "an ending of two passes": ("|: C | 1,2. D :| 3. E || F |", "C | D | C | D | C | E | F"),
    "endings in two passages": (
        "|: C | 1. D :| 2. E |: F | 1. G :| 2. A |",
        "C | D | C | E | F | G | F | A",
    ),
    "D.C. al Fine": ("| C | F {fine} | G | C7 {D.C. al Fine} |", "C | F | G | C7 | C | F"),
    "D.C. alone": ("| C | F | D.C. |", "C | F | C | F"),
    "D.S. al Coda": (
        "| C | {segno} F | G {to coda} | A | {D.S. al Coda} | {coda} D | E ||",
        "C | F | G | A | F | G | D | E",
    ),
    "D.S. without repeats": (
        "| {segno} C |: F | 1. G :| 2. A | B | D.S. al Coda |",
        "C | F | G | F | A | B | C | F | A | B",
    ),
    "D.C. al second ending": (
        "[A]\n|: C | 1. D :| 2. E ||\n[B]\n| F | G {D.C. al 2nd End.} |",
        "[A] C | D | [A] C | E | [B] F | G | [A] C | E",
    ),
    "a waltz": ("metre: 3/4\n| C | F G | C F G | C / G |", "C | F 2:G | C 1:F 2:G | C 2:G"),
    "five": ("metre: 5/4\n| Em7 | Am7 B7 | Em7 / / Bm7 / |", "Em7 | Am7 3:B7 | Em7 3:Bm7"),
    "seven eighths": ("time: 7/8\n| C | F G |", "C | F 4:G"),
    "a change of metre": ("| C | {3/4} F G | {4/4} C G |", "C | F 2:G | C 2:G"),
    "double lines and signs of other hands": ("C | F || G | C |]", "C | F | G | C"),
    "accidentals by key": ("key: Gb\n| Gb | Cb | Db7 | Abm7 |", "Gb | Cb | Db7 | Abm7"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_what_is_written_by_hand_is_read_right(name: str) -> None:
    text, expected = CHARTS[name]
    chart = read_text(text)
    assert played(chart) == plain(expected)
    assert read_text(write_text(chart)) == chart


def test_the_last_chorus_ends_in_the_coda_or_at_the_fine() -> None:
    chart = read_text("| C | D {to coda} | E | {coda} F | G |")
    assert (played(chart), played(chart, is_last=True)) == ("C | D | E", "C | D | F | G")
    chart = read_text("| C | D {fine} | E |")
    assert (played(chart), played(chart, is_last=True)) == ("C | D | E", "C | D")


def test_the_lines_above_the_bars() -> None:
    chart = read_text(
        "Title: A: b\nBY: Me\nkey: Bb minor\nmeter: 6/8\nbpm: 92\nstyle: Slow Bossa Nova\n# words\n| Bbm |"
    )
    assert (chart.title, chart.composer, chart.key.name) == ("A: b", "Me", "Bbm")
    assert (str(chart.metre), chart.tempo, chart.feel) == ("6/8", 92.0, "bossa")
    bare = read_text("| C |", "From the name")
    assert (bare.title, bare.tempo, bare.feel, bare.key.name) == ("From the name", 140.0, "swing", "C")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no bar"),
        ("C7 F7", "Line 1: It has no bar lines"),
        ("| C7 |\n| H7 |", "Line 2: 'H7' is no chord symbol"),
        ("key: H\n| C |", "'H' is no key"),
        ("tempo: fast\n| C |", "'fast' is none"),
        ("tempo: 900\n| C |", "20 to 400"),
        ("feel: odd\n| C |", "no feel 'odd'"),
        ("metre: 9\n| C |", "'9' is no metre"),
        ("metre: 17/4\n| C |", "17/4 is no metre"),
        ("colour: red\n| C |", "no line 'colour'"),
        ("| % |", "there is none"),
        ("| C {dal niente} |", "no sign"),
        ("| C |: D :|x99", "2 to 16 times"),
        ("| C F@9 |", "not in it"),
        ("| C F G@2 |", "all do"),
        ("| C F G A B C D E F |", "at most 8 chords"),
        ("| C // G / |", "chords and slashes are 5"),
        ("| C 1. D |", "begins a bar"),
        ("| 99. D |", "number from 1"),
        ("| 2. D |", "begin the endings with the first"),
        (":| C |", "before the first bar"),
        ("| C " * 2000, "at most 1000 bars"),
        ("|: C :|x16 " * 999, "longer than 4000 bars"),
        ("x" * 300_000, "longer than"),
    ],
)
def test_bad_text_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ChartError, match=says):
        played(read_text(text))


@given(charts())
def test_what_is_written_is_read_as_the_same_chart(chart: Chart) -> None:
    assert read_text(write_text(chart)) == chart


@given(st.text("|:[]{}%/. \nCDEFGABb#m7123x@N.dsegno", max_size=120) | st.text(max_size=120))
def test_any_text_is_a_chart_or_refused(text: str) -> None:
    try:
        chart = read_text(text)
        played(chart)
    except ChartError:
        return
    assert chart.bars


def test_marks_of_every_kind_come_back() -> None:
    chord = PlacedChord(0.0, read_chord("C7"))
    bars = (
        Bar((chord,), section="Head", is_segno=True, repeat_start=True),
        Bar((chord, PlacedChord(1.25, read_chord("N.C."))), to_coda=True, endings=(1, 3), repeat_end=4),
        Bar((chord,), endings=(2, 4), is_fine=True),
        Bar((chord,), metre=Metre(5, 8), jump=Jump(True, "coda")),
        Bar((chord,), metre=Metre(5, 8), is_coda=True),
    )
    chart = Chart("Marks", bars)
    assert read_text(write_text(chart)) == chart


def test_every_quality_comes_back() -> None:
    bars = tuple(Bar((PlacedChord(0.0, read_chord(f"F{quality.name}")),)) for quality in QUALITIES)
    assert read_text(write_text(Chart("Qualities", bars))).bars == bars
