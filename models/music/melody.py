"""The melody: of some notes, those that one would sing.

Where hardly any notes begin together, there is one line, and that is the melody. In a thicker texture it is the highest note of each chord,
unless a much higher note is near, as where an accompaniment goes on under a long note (the "skyline" of Uitdenbogerd & Zobel 1998, with
fewer leaps). EXPERIMENTS: "The melody of a thick texture".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

from .note_records import HIGHEST, Note
from .simultaneous_notes import CHORD_SECONDS

CHORDAL_SHARE = 0.15  # share of notes that begin with the one before, above which the melody must be found among chords
NEAR_SECONDS = 0.6  # before and after a note, within which a much higher one makes it accompaniment
FAR_SEMITONES = 9  # above a note is much higher


def is_chordal(notes: Sequence[Note]) -> bool:
    """Whether the melody must be found among chords or an accompaniment. Notes are in the order of their onsets."""
    onsets = [note.onset for note in notes]
    together = sum([wait < CHORD_SECONDS for wait in map(operator.sub, onsets[1:], onsets)])
    return together > CHORDAL_SHARE * len(notes)


def skyline(notes: Sequence[Note]) -> list[Note]:
    """The melody of a texture of chords. Notes are in the order of their onsets."""
    tops: list[Note] = []
    for note in notes:
        if tops and note.onset - tops[-1].onset < CHORD_SECONDS:
            if note.pitch > tops[-1].pitch:
                tops[-1] = note
        else:
            tops.append(note)
    high = max([top.pitch for top in tops], default=HIGHEST) - FAR_SEMITONES  # above this, none is much higher
    return [
        top
        for i, top in enumerate(tops)
        if top.pitch > high or not (_has_higher_neighbour(tops, i, -1) or _has_higher_neighbour(tops, i, 1))
    ]


def _has_higher_neighbour(tops: Sequence[Note], i: int, way: int) -> bool:
    """Whether a much higher note is near, before (`way` -1) or after (1) the `i`-th."""
    here = tops[i]
    j = i + way
    while 0 <= j < len(tops) and abs(tops[j].onset - here.onset) <= NEAR_SECONDS:
        if tops[j].pitch >= here.pitch + FAR_SEMITONES:
            return True
        j += way
    return False


class GrowingMelody:
    """The melody of a texture that grows note by note: `is_chordal` and `skyline` of all notes so far, without finding all of it anew."""

    def __init__(self) -> None:
        self.count = 0  # notes so far
        self._last_onset = -math.inf
        self._together = 0  # notes that begin with the one before
        self._tops: list[Note] = []
        self._settled: list[Note] = []  # of those, the melody's, as far as no later note can change that
        self._settled_count = 0  # tops of which that is known

    def add(self, note: Note) -> None:
        """Add the next note."""
        self.count += 1
        self._together += note.onset - self._last_onset < CHORD_SECONDS
        self._last_onset = note.onset
        if self._tops and note.onset - self._tops[-1].onset < CHORD_SECONDS:
            if note.pitch > self._tops[-1].pitch:
                self._tops[-1] = note
        else:
            self._tops.append(note)

    @property
    def is_chordal(self) -> bool:
        """`is_chordal` of all notes."""
        return self._together > CHORDAL_SHARE * self.count

    def skyline(self) -> list[Note]:
        """`skyline` of all notes."""
        tops = self._tops
        last = tops[-1].onset if tops else 0.0
        while self._settled_count < len(tops) and last - tops[self._settled_count].onset > NEAR_SECONDS:
            if self._is_melody(self._settled_count):
                self._settled.append(tops[self._settled_count])
            self._settled_count += 1
        return self._settled + [tops[i] for i in range(self._settled_count, len(tops)) if self._is_melody(i)]

    def _is_melody(self, i: int) -> bool:
        return not (_has_higher_neighbour(self._tops, i, -1) or _has_higher_neighbour(self._tops, i, 1))
