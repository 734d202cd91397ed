"""Chords: a root, a quality and a bass; their tones, guide tones and tensions; moving them to another key.

Pure. Pitch classes are 0 (C) to 11 (B). `chord_symbols` reads and writes them as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .qualities import FAMILIES, Quality, quality_of, semitones

_FAMILY_DEGREES = {
    "maj": "1 3 5",
    "min": "1 b3 5",
    "dom": "1 3 5 b7",
    "maj7": "1 3 5 7",
    "min7": "1 b3 5 b7",
    "hdim": "1 b3 b5 b7",
    "dim": "1 b3 b5 bb7",
    "sus": "1 4 5",
}


@dataclass(frozen=True)
class Chord:
    """`root` and `bass` are pitch classes; `root` None is no chord (N.C.), `bass` None is the root."""

    root: int | None
    quality: Quality
    bass: int | None = None

    @classmethod
    def of_family(cls, root: int, family: str) -> Chord:
        """The plain chord of one of the `FAMILIES`. Raises KeyError for any other."""
        return cls(root % 12, quality_of(frozenset(_FAMILY_DEGREES[family].split())))

    def __bool__(self) -> bool:
        """Whether there is a chord at all."""
        return self.root is not None

    @property
    def lowest(self) -> int | None:
        """The pitch class of the bass."""
        return self.root if self.bass is None else self.bass

    @property
    def tones(self) -> tuple[int, ...]:
        """The pitch classes of all degrees, in the order of the degrees; a bass that is none of them is not among them."""
        return self.pitch_classes(self.quality.degrees)

    @property
    def guide_tones(self) -> tuple[int, ...]:
        """The pitch classes of third and seventh, as far as there are any."""
        return self.pitch_classes(self.quality.guide_tones)

    @property
    def tensions(self) -> tuple[int, ...]:
        """The pitch classes that may be added; those that the symbol names come first."""
        return self.pitch_classes(self.quality.tensions)

    def pitch_classes(self, degrees: Sequence[str]) -> tuple[int, ...]:
        """The pitch classes of these degrees of this chord; of no chord, none."""
        if self.root is None:
            return ()
        return tuple((self.root + semitones(degree)) % 12 for degree in degrees)

    @property
    def family(self) -> int:
        """The index in `FAMILIES` of the coarse class of the quality."""
        return FAMILIES.index(self.quality.family)

    def transpose(self, steps: int) -> Chord:
        """The same chord, so many semitones higher."""
        if self.root is None:
            return self
        bass = None if self.bass is None else (self.bass + steps) % 12
        return replace(self, root=(self.root + steps) % 12, bass=bass)


NO_CHORD = Chord(None, quality_of(frozenset(_FAMILY_DEGREES["maj"].split())))
"""Bars in which no chord sounds."""


@dataclass(frozen=True, slots=True)
class TimedChord:
    """A chord that holds from `start` until the next one; `start` counts in the unit of the notes beside it: seconds or beats."""

    start: float
    chord: Chord


def chord_at(chords: Sequence[TimedChord], time: float) -> Chord:
    """The chord that holds at a moment; no chord before the first. `chords` are in the order of their starts."""
    found = NO_CHORD
    for timed in chords:
        if timed.start > time + 1e-9:
            break
        found = timed.chord
    return found
