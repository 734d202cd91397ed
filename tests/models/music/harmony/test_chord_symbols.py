"""Chord symbols of all dialects, and what they mean: expectations are written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.harmony.chord_symbols import ChordError, read_chord, read_quality, write_chord
from models.music.harmony.chords import NO_CHORD, Chord
from models.music.harmony.qualities import FAMILIES, QUALITIES
from models.music.harmony.spelling import Key

#: Symbols in C of several dialects for the same chord, and semitones above the root.
SAME = [
    ("C CM Cmaj", (0, 4, 7)),
    ("C- Cm Cmin Cmi CMI C–", (0, 3, 7)),
    ("C7 Cdom7", (0, 4, 7, 10)),
    ("C^ C^7 CΔ C∆7 Cmaj7 Cma7 CMA7 CM7 Cj7", (0, 4, 7, 11)),
    ("C-7 Cm7 Cmin7 Cmi7", (0, 3, 7, 10)),
    ("Ch Ch7 Cø Cø7 Cm7b5 C-7b5 Cm7-5 Cmin7(b5) Cm7♭5", (0, 3, 6, 10)),
    ("Co7 C°7 Cdim7", (0, 3, 6, 9)),
    ("Co C° Cdim", (0, 3, 6)),
    ("C-^7 C-Δ7 CmM7 Cm(maj7) Cm/maj7 Cmmaj7", (0, 3, 7, 11)),
    ("C+ Caug", (0, 4, 8)),
    ("C+7 C7+ C7#5 Caug7 C7+5", (0, 4, 8, 10)),
    ("Csus Csus4 C4", (0, 5, 7)),
    ("C7sus C7sus4", (0, 5, 7, 10)),
    ("C9sus C9sus4", (0, 5, 7, 10, 14)),
    ("C6/9 C69 C6(9)", (0, 4, 7, 9, 14)),
    ("C2 Cadd9 Cadd2", (0, 4, 7, 14)),
    ("C7#9b13 C7(#9,b13) C7+9b13", (0, 4, 7, 10, 15, 20)),
    ("C7b9 C7-9 C7(b9)", (0, 4, 7, 10, 13)),
    ("C13b9 C7(b9,13) C7b9/13", (0, 4, 7, 10, 13, 21)),
    ("C7alt Calt", (0, 4, 10, 13, 15, 18, 20)),
    ("C9#11 C7(9,#11)", (0, 4, 7, 10, 14, 18)),
    ("C^9#11 Cmaj9#11 CM9(#11)", (0, 4, 7, 11, 14, 18)),
    ("C-11 Cm11", (0, 3, 7, 10, 14, 17)),
    ("C7susb9 C7b9sus Cphryg", (0, 5, 7, 10, 13)),
    ("C7no5 C7omit5", (0, 4, 10)),
    ("C5 Cno3", (0, 7)),
]
IREAL = """
    5 2 add9 + o h sus ^ - ^7 -7 7 7sus h7 o7 ^9 ^13 6 69 ^7#11 ^9#11 ^7#5 -6 -69 -^7 -^9 -9 -11 -7b5 h9 -b6 -#5 9 7b9 7#9 7#11
    7b5 7#5 9#11 9b5 9#5 7b13 7#9#5 7#9b5 7#9#11 7b9#11 7b9b5 7b9#5 7b9#9 7b9b13 7alt 13 13#11 13b9 13#9 7b9sus 7susadd3 9sus
    13sus 7b13sus 11
"""


@pytest.mark.parametrize(("symbols", "tones"), SAME)
def test_dialects_of_one_chord(symbols: str, tones: tuple[int, ...]) -> None:
    for symbol in symbols.split():
        assert read_chord(symbol).quality.tones == tones, symbol


def test_all_qualities_of_ireal_pro_are_read_and_differ_or_mean_the_same() -> None:
    names = IREAL.split()
    assert len(names) == 61
    assert len({read_quality(name).tones for name in names}) == 61 - 4  # 2 is add9, ^ is ^7, h and -7b5 are h7
    assert len(QUALITIES) >= 45


@pytest.mark.parametrize("symbol", ["N.C.", "NC", "n.c.", "N.C", "n"])
def test_no_chord(symbol: str) -> None:
    assert read_chord(symbol) is NO_CHORD
    assert not read_chord(symbol)
    assert write_chord(NO_CHORD) == "N.C."
    assert NO_CHORD.tones == ()


@pytest.mark.parametrize(
    ("symbol", "root", "bass"),
    [("C/E", 0, 4), ("Bb^7/D", 10, 2), ("F#-7/E", 6, 4), ("C6/9", 0, None), ("C69/G", 0, 7), ("C/C", 0, None)],
)
def test_slash_chords(symbol: str, root: int, bass: int | None) -> None:
    chord = read_chord(symbol)
    assert (chord.root, chord.bass) == (root, bass)
    assert chord.lowest == (root if bass is None else bass)


@pytest.mark.parametrize("symbol", ["", "H7", "c7", "Cxyz", "C7/", "C7/H", "7", "Cm7b5#5", "C" + "7" * 60, "C#b", "/E"])
def test_what_is_no_symbol_is_refused_in_a_sentence(symbol: str) -> None:
    with pytest.raises(ChordError, match="no chord symbol"):
        read_chord(symbol)


@given(st.text(max_size=50) | st.text("ABCDEFG#b-^ohmajinsudt+/7965131()", max_size=14).map(lambda text: f"C{text}"))
def test_any_text_is_a_chord_or_refused(text: str) -> None:
    try:
        chord = read_chord(text)
    except ChordError:
        return
    assert read_chord(write_chord(chord)) == chord


@given(
    st.integers(0, 11), st.sampled_from(QUALITIES), st.none() | st.integers(0, 11), st.integers(0, 11), st.booleans()
)
def test_what_is_written_in_any_key_is_read(
    root: int, quality: object, bass: int | None, key: int, minor: bool
) -> None:
    chord = Chord(root, quality, None if bass == root else bass)  # type: ignore[arg-type]
    assert read_chord(write_chord(chord, Key(key, minor))) == chord


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_chords_of_each_family_are_read_as_their_family(family: str) -> None:
    for root in range(12):
        chord = Chord.of_family(root, family)
        assert read_chord(write_chord(chord)) == chord
        assert FAMILIES[chord.family] == family
