"""Spans on the wire: what is sent is what is read, and nonsense is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.chords import NO_CHORD, TimedChord
from models.music.note_records import MOST_CHORDS, Bar, Span, span_from_wire, span_to_wire

SPAN = Span(3.0, 4.5, 6.0, 8.0, bar=Bar(0.0, 2.0), on_beat=True)
CHORDS = tuple(
    TimedChord(3.0 + i, chord)
    for i, chord in enumerate([*map(read_chord, ("F7", "Bbm7b5/E", "Cmaj7#11", "Dsus4")), NO_CHORD])
)


@pytest.mark.parametrize(
    "span", [SPAN, replace(SPAN, chords=CHORDS), Span(1.0, 2.0, 3.0, 4.0, together=True), replace(SPAN, another=True)]
)
def test_a_span_is_read_as_it_was_sent(span: Span) -> None:
    assert span_from_wire(json.loads(json.dumps(span_to_wire(span)))) == span


def test_without_a_chart_nothing_is_told_of_chords() -> None:
    assert "chords" not in span_to_wire(SPAN)


@pytest.mark.parametrize(
    "chords",
    [
        7,
        [[1.0]],
        [["one", "C7"]],
        [[1.0, "H7"]],
        [[float("inf"), "C7"]],
        [[0.0, "C7"]] * (MOST_CHORDS + 1),
        [[0.0, None]],
    ],
    ids=["number", "short", "no time", "no chord", "endless", "too many", "no symbol"],
)
def test_chords_that_are_none_are_refused(chords: object) -> None:
    with pytest.raises(ValueError, match=r"not a span|no chord symbol"):
        span_from_wire({**span_to_wire(SPAN), "chords": chords})
