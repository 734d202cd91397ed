"""Tones, guide tones, tensions, transposition and spelling of chords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.harmony.chord_symbols import read_chord, write_chord
from models.music.harmony.chords import NO_CHORD, TimedChord, chord_at
from models.music.harmony.qualities import FAMILIES, QUALITIES, quality_of, semitones
from models.music.harmony.spelling import key_of_fifths, pitch_class_of, read_key, tone_names

NAMES = {name: number for number, name in enumerate(["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"])}


@pytest.mark.parametrize(
    ("symbol", "guides", "tensions"),
    [
        ("Cmaj7", "E B", "D Gb A"),
        ("C7", "E Bb", "D Gb A"),
        ("C7b9", "E Bb", "Db Gb Ab"),
        ("C13", "E Bb", "D A Gb"),
        ("Cm7", "Eb Bb", "D F A"),
        ("Cm7b5", "Eb Bb", "D F Ab"),
        ("Cdim7", "Eb A", "D F Ab"),
        ("C6", "E A", "D Gb"),
        ("C7sus", "F Bb", "D A"),
        ("C7#5", "E Bb", "D Gb"),
        ("F", "A", "G B D"),
        ("C5", "", "D Gb A"),
    ],
)
def test_guide_tones_and_tensions(symbol: str, guides: str, tensions: str) -> None:
    chord = read_chord(symbol)
    assert chord.guide_tones == tuple(NAMES[name] for name in guides.split())
    assert chord.tensions == tuple(NAMES[name] for name in tensions.split())


@pytest.mark.parametrize(
    ("symbol", "family"),
    [
        ("C6", "maj"),
        ("C+", "maj"),
        ("C69", "maj"),
        ("C5", "maj"),
        ("Cm69", "min"),
        ("CmM7", "min"),
        ("C13b9", "dom"),
        ("C7#5", "dom"),
        ("Cmaj7#5", "maj7"),
        ("Cm11", "min7"),
        ("Cm9b5", "hdim"),
        ("Cdim", "dim"),
        ("C13sus", "sus"),
        ("Csus2", "sus"),
    ],
)
def test_families(symbol: str, family: str) -> None:
    assert FAMILIES[read_chord(symbol).family] == family


@pytest.mark.parametrize("quality", QUALITIES, ids=lambda quality: quality.name or "major")
def test_every_quality_is_whole(quality: object) -> None:
    assert quality_of(frozenset(quality.degrees)) is quality  # type: ignore[attr-defined]
    tones = [step % 12 for step in quality.tones]  # type: ignore[attr-defined]
    assert tones[0] == 0
    assert len(set(tones)) == len(tones)
    for tension in quality.tensions:  # type: ignore[attr-defined]
        assert tension in quality.degrees or semitones(tension) % 12 not in tones  # type: ignore[attr-defined]


@pytest.mark.parametrize("degrees", ["3 5", "1 x", "1 2 4 b3 3", ""])
def test_what_is_no_chord_has_no_quality(degrees: str) -> None:
    with pytest.raises(ValueError, match="not the degrees"):
        quality_of(frozenset(degrees.split()))


@given(st.sampled_from(["C7", "F#m7b5/E", "Bbmaj7", "N.C.", "Db7alt/Ab"]), st.integers(-30, 30))
def test_transposing_back_is_the_same(symbol: str, steps: int) -> None:
    chord = read_chord(symbol)
    moved = chord.transpose(steps)
    assert moved.transpose(-steps) == chord
    assert sorted(moved.tones) == sorted((tone + steps) % 12 for tone in chord.tones)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C", "C Db D Eb E F F# G Ab A Bb B"),
        ("F", "C Db D Eb E F Gb G Ab A Bb B"),
        ("G", "C C# D Eb E F F# G Ab A Bb B"),
        ("D", "C C# D Eb E F F# G G# A Bb B"),
        ("Eb", "C Db D Eb E F Gb G Ab A Bb B"),
        ("Gb", "C Db D Eb E F Gb G Ab A Bb Cb"),
        ("B", "C C# D D# E F F# G G# A A# B"),
        ("Am", "C C# D Eb E F F# G G# A Bb B"),
        ("Cm", "C Db D Eb E F Gb G Ab A Bb B"),
        ("Em", "C C# D D# E F F# G G# A Bb B"),
    ],
)
def test_spelling_by_key(key: str, names: str) -> None:
    assert [read_key(key).spell(number) for number in range(12)] == names.split()


def test_every_key_spells_its_own_tonic_and_all_classes_as_they_sound() -> None:
    for fifths in range(-6, 7):
        for minor in (False, True):
            key = key_of_fifths(fifths, minor)
            assert read_key(key.name) == key
            assert key.fifths == fifths or abs(fifths) == 6
            for number in range(12):
                assert pitch_class_of(key.spell(number)) == number
                assert len(key.spell(number)) <= 2


@pytest.mark.parametrize(
    ("text", "key"), [("D-", "Dm"), ("A minor", "Am"), ("F#m", "F#m"), ("B♭", "Bb"), ("c moll", "Cm"), ("E M", "E")]
)
def test_keys_are_read(text: str, key: str) -> None:
    assert read_key(text).name == key


@pytest.mark.parametrize("text", ["", "H", "Cx", "C lydian of sorts", "7"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        read_key(text)


@pytest.mark.parametrize(
    ("symbol", "key", "names"),
    [
        ("Cm7", "C", "C Eb G Bb"),
        ("D7", "C", "D F# A C"),
        ("C7#9", "F", "C E G Bb D#"),
        ("F#m7b5", "E", "F# A C E"),
        ("Bdim7", "C", "B D F Ab"),
        ("N.C.", "C", ""),
    ],
)
def test_tones_have_the_letters_of_their_degrees(symbol: str, key: str, names: str) -> None:
    assert tone_names(read_chord(symbol), read_key(key)) == tuple(names.split())


def test_the_chord_of_a_moment() -> None:
    chords = [TimedChord(1.0, read_chord("C7")), TimedChord(3.0, read_chord("F7"))]
    found = [chord_at(chords, time) for time in (0.0, 1.0, 2.9, 3.0, 99.0)]
    assert [write_chord(chord) for chord in found] == ["N.C.", "C7", "C7", "F7", "F7"]
    assert chord_at([], 1.0) is NO_CHORD
