"""How pitch classes are written in a key: E flat or D sharp.

Pure. A name is a place on the line of fifths: F is -1, C 0, G 1, and each sharp adds seven.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .chords import Chord
from .qualities import number_of, semitones

LETTERS = "CDEFGAB"
_CLASSES = (0, 2, 4, 5, 7, 9, 11)  # pitch classes of the letters
_LINE = "FCGDAEB"  # the letters by fifths
_NAME = re.compile(r"([A-G])(b{0,2}|#{0,2})")
_SIGNS = str.maketrans({"♭": "b", "♯": "#", "𝄫": "bb", "𝄪": "##"})
MOST_FLATS, MOST_SHARPS = (
    -6,
    9,
)  # G flat and D sharp on the line of fifths: only a key's own tones are written with more


@dataclass(frozen=True)
class Key:
    """A key: the pitch class of its tonic, and whether it is minor. `fifths` are its sharps, or its flats below 0: -6 to 5."""

    tonic: int = 0
    is_minor: bool = False

    @property
    def fifths(self) -> int:
        """Sharps of the signature; flats are negative, and six of them stand for six sharps, too."""
        major = (self.tonic + 3 * self.is_minor) % 12
        return (7 * major + 6) % 12 - 6

    @property
    def name(self) -> str:
        """The key as a musician writes it: `Eb` or `F#m`."""
        return self.spell(self.tonic) + ("m" if self.is_minor else "")

    def transpose(self, steps: int) -> Key:
        """The key so many semitones higher."""
        return Key((self.tonic + steps) % 12, self.is_minor)

    def spell(self, pitch_class: int) -> str:
        """The name of a pitch class in this key: its own tones by its signature, others as they mostly occur, in C as Db Eb F# Ab Bb."""
        lowest = self.fifths - (3 if self.is_minor else 5)
        place = lowest + (7 * pitch_class - lowest) % 12
        is_own = self.fifths - 1 <= place <= self.fifths + 5
        if not is_own and place < MOST_FLATS:
            place += 12
        elif not is_own and place > MOST_SHARPS:
            place -= 12
        return line_name(place)


C_MAJOR = Key()


def key_of_fifths(fifths: int, is_minor: bool = False) -> Key:
    """The key with so many sharps (flats below 0)."""
    return Key((7 * fifths + 9 * is_minor) % 12, is_minor)


def read_key(text: str) -> Key:
    """The key in a text: `F`, `Bb`, `C#m`, `A minor`, `D-`. Raises ValueError."""
    found = re.fullmatch(r"([A-Ga-g](?:b|#)?)\s*(.*)", text.translate(_SIGNS).strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no key; write one as Bb, F#m or C minor.")
    mode = found[2].strip().casefold()
    if mode not in ("", "major", "maj", "dur", "m", "-", "min", "minor", "moll") and found[2] != "M":
        raise ValueError(f"{text[:40]!r} is no key; write one as Bb, F#m or C minor.")
    is_minor = found[2].strip() != "M" and mode in ("m", "-", "min", "minor", "moll")
    return Key(pitch_class_of(found[1][0].upper() + found[1][1:]), is_minor)


def pitch_class_of(name: str) -> int:
    """The pitch class of a name such as `Bb` or `F##`. Raises ValueError."""
    found = _NAME.fullmatch(name.translate(_SIGNS))
    if found is None:
        raise ValueError(f"{name[:40]!r} is no note; write one as C, Bb or F#.")
    return (_CLASSES[LETTERS.index(found[1])] + found[2].count("#") - found[2].count("b")) % 12


def line_name(place: int) -> str:
    """The name at a place of the line of fifths, C at 0."""
    accidentals, letter = divmod(place + 1, 7)
    return _LINE[letter] + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)


def tone_names(chord: Chord, key: Key) -> tuple[str, ...]:
    """The names of a chord's tones, each with the letter of its degree: E flat, not D sharp, in a C minor."""
    if chord.root is None:
        return ()
    root = key.spell(chord.root)
    names = []
    for degree in chord.quality.degrees:
        letter = LETTERS[(LETTERS.index(root[0]) + number_of(degree) - 1) % 7]
        pitch_class = (chord.root + semitones(degree)) % 12
        accidentals = (pitch_class - _CLASSES[LETTERS.index(letter)] + 6) % 12 - 6
        names.append(letter + ("#" * accidentals if accidentals > 0 else "b" * -accidentals))
    return tuple(names)
