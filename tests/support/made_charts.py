"""Charts at random, as hypothesis draws them: any metre, chords on any place of the grid, any sign."""

from __future__ import annotations

from hypothesis import strategies as st

from agent.charts.chart import FEELS, GRID, MOST_BEATS, UNITS, Bar, Chart, Jump, Metre, PlacedChord, clean_text
from models.music.harmony.chords import NO_CHORD, Chord
from models.music.harmony.qualities import QUALITIES
from models.music.harmony.spelling import Key


@st.composite
def chords(draw: st.DrawFn) -> Chord:
    """Any chord with a name, over any bass, or none."""
    if draw(st.integers(0, 9)) == 0:
        return NO_CHORD
    root = draw(st.integers(0, 11))
    bass = draw(st.none() | st.integers(0, 11))
    return Chord(root, draw(st.sampled_from(QUALITIES)), None if bass == root else bass)


@st.composite
def bars(draw: st.DrawFn, metre: Metre) -> Bar:
    """A bar of that metre, without signs."""
    on_beats = st.integers(0, metre.beats - 1).map(float)
    anywhere = st.integers(0, metre.beats * GRID - 1).map(lambda place: place / GRID)
    places = draw(st.lists(on_beats | anywhere, max_size=3, unique=True))
    placed: list[PlacedChord] = []
    for beat in sorted({0.0, *places}):
        chord = draw(chords())
        if not placed or placed[-1].chord != chord:
            placed.append(PlacedChord(beat, chord))
    return Bar(tuple(placed), metre)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """A chart of up to a dozen bars: repeated passages, some with endings, sections and signs."""
    metres = st.builds(Metre, st.integers(1, MOST_BEATS), st.sampled_from(UNITS))
    metre = draw(metres)
    found: list[Bar] = []
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 4)) == 0:
            metre = draw(metres)
        found += _passage(draw, metre)
    name = st.text("ABCabc 12é", min_size=1, max_size=8).map(clean_text).filter(bool)
    jump = st.builds(Jump, st.booleans(), st.sampled_from(["", "coda", "fine", "ending"]))
    for number, bar in enumerate(found):
        marks = {mark: True for mark in ("is_segno", "is_coda", "to_coda", "is_fine") if draw(st.integers(0, 9)) == 0}
        jumps = draw(jump) if draw(st.integers(0, 9)) == 0 else None
        section = draw(name) if not bar.endings and draw(st.integers(0, 3)) == 0 else ""
        found[number] = Bar(**{**vars(bar), **marks, "jump": jumps, "section": section})
    key = Key(draw(st.integers(0, 11)), draw(st.booleans()))
    tempo = draw(st.integers(20, 400).map(float))
    return Chart(draw(name), tuple(found), draw(st.just("") | name), key, tempo, draw(st.sampled_from(FEELS)))


def _passage(draw: st.DrawFn, metre: Metre) -> list[Bar]:
    """Bars as they are, bars that are repeated, or bars with endings."""
    body = [draw(bars(metre)) for _ in range(draw(st.integers(1, 2)))]
    kind = draw(st.sampled_from(["plain", "repeat", "endings"]))
    if kind == "plain":
        return body
    body[0] = Bar(**{**vars(body[0]), "repeat_start": True})
    if kind == "repeat":
        body[-1] = Bar(**{**vars(body[-1]), "repeat_end": draw(st.integers(2, 5))})
        return body
    for ending in (1, 2):
        bar = draw(bars(metre))
        body.append(Bar(**{**vars(bar), "endings": (ending,), "repeat_end": 2 if ending == 1 else 0}))
    return [*body, draw(bars(metre))]
