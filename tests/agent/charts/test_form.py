"""The form of a chart: what sounds on a beat, what comes next, and its sections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.charts.chart import Bar, Chart, ChartError, PlacedChord
from agent.charts.form import form_of
from agent.charts.formats.text_form import read_text, write_text
from models.music.harmony.chord_symbols import read_chord, write_chord

from ...support.chart_lines import played
from ...support.made_charts import charts

BLUES = read_text("[A] | F7 | Bb7 | F7 | F7 |\n[B] | Bb7 | Bb7 | F7 | D7 |\n[C] | Gm7 | C7 | F7 D7 | Gm7 C7 |")


@pytest.mark.parametrize(
    ("beat", "chord"),
    [(0, "F7"), (3.9, "F7"), (4, "Bb7"), (41.9, "F7"), (42, "D7"), (46, "C7"), (48, "F7"), (52, "Bb7"), (-1, "C7")],
)
def test_the_chord_on_a_beat_of_any_chorus(beat: float, chord: str) -> None:
    assert write_chord(form_of(BLUES).chord_at(beat)) == chord


@pytest.mark.parametrize(
    ("beat", "when", "chord"),
    [(0, 4, "Bb7"), (8, 16, "Bb7"), (40, 42, "D7"), (46, 48, "F7"), (47.5, 48, "F7"), (48, 52, "Bb7"), (94, 96, "F7")],
)
def test_the_next_change(beat: float, when: float, chord: str) -> None:
    change = form_of(BLUES).next_change(beat)
    assert (change.start, write_chord(change.chord)) == (when, chord)


def test_the_next_change_where_the_end_is_the_beginning_or_nothing_changes() -> None:
    form = form_of(read_text("| C7 | F7 | C7 |"))
    assert (form.next_change(9).start, write_chord(form.next_change(9).chord)) == (16, "F7")
    assert form_of(read_text("| C7 | C7 |")).next_change(1).start == 8


def test_the_chords_of_a_span() -> None:
    found = form_of(BLUES).timed_chords(45.0, 53.0)
    assert [(c.start, write_chord(c.chord)) for c in found] == [
        (45.0, "Gm7"),
        (46.0, "C7"),
        (48.0, "F7"),
        (52.0, "Bb7"),
    ]


def test_bars_and_sections() -> None:
    form = form_of(BLUES)
    assert form.beats == 48
    assert [(section[0].section, section[0].start, section[-1].end) for section in form.sections] == [
        ("A", 0, 16),
        ("B", 16, 32),
        ("C", 32, 48),
    ]
    assert form.bar_at(17.5).index == 4
    assert form.bar_at(65.5).index == 4
    assert len(form_of(read_text("| C | D |")).sections) == 1
    assert [s[0].section for s in form_of(read_text("[A] |: C :|\n[B] | D {D.C.} |")).sections] == [
        "A",
        "A",
        "B",
        "A",
        "B",
    ]


@given(charts(), st.floats(0, 500))
def test_every_beat_has_a_chord_and_a_next_one(chart: Chart, beat: float) -> None:
    try:
        form = form_of(chart)
    except ChartError:
        return
    change = form.next_change(beat)
    assert beat < change.start + 1e-5
    assert change.start <= beat + form.beats * 2
    assert form.chord_at(change.start) == change.chord
    assert form.bars[-1].end == sum(bar.bar.metre.beats for bar in form.bars)


@given(charts(), st.integers(-24, 24))
def test_a_chart_that_is_transposed_and_back_is_the_same(chart: Chart, steps: int) -> None:
    moved = chart.transpose(steps)
    assert moved.transpose(-steps) == chart
    assert read_text(write_text(moved)) == moved


def test_transposition_spells_by_the_key() -> None:
    assert played(BLUES.transpose(5)).startswith("[A] Bb7 | Eb7 | Bb7 | Bb7 | [B] Eb7")
    assert played(BLUES.transpose(11)).startswith("[A] E7 | A7 | E7")


@pytest.mark.parametrize("beats", [[], [1.0], [0.0, 0.0], [0.0, 4.0], [0.0, 2.0, 1.0]])
def test_a_bar_that_cannot_be_played_is_not_made(beats: list[float]) -> None:
    with pytest.raises(ChartError):
        Bar(tuple(PlacedChord(beat, read_chord("C")) for beat in beats))
