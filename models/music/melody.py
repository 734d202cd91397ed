"""The tune: of some notes, those that one would sing.

Knows nothing of networks, or of who plays. Where hardly any notes are struck together there is one line, and that is the tune. In a thicker
texture it is what lies on top: of each chord the highest note, unless a much higher one is heard just before or after, as where an
accompaniment goes on under a long note (the "skyline" of Uitdenbogerd & Zobel 1998, made less jumpy).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from .chords import CHORD_SECONDS
from .note import HIGHEST, Note

THICK = 0.15  # share of notes that are struck with one before them, from which on the tune lies on top
NEAR = 0.6  # seconds: how far before and after a higher note makes this one accompaniment
FAR = 9  # semitones: how much higher


def thick(notes: Sequence[Note]) -> bool:
    """Whether the tune has to be told from what goes with it."""
    onsets = [note.onset for note in notes]
    together = sum([wait < CHORD_SECONDS for wait in map(operator.sub, onsets[1:], onsets)])
    return together > THICK * len(notes)


def on_top(notes: Sequence[Note]) -> list[Note]:
    """The tune of a thick texture. Notes are in the order of their onsets."""
    tops: list[Note] = []
    for note in notes:
        if tops and note.onset - tops[-1].onset < CHORD_SECONDS:
            if note.pitch > tops[-1].pitch:
                tops[-1] = note
        else:
            tops.append(note)
    high = max([top.pitch for top in tops], default=HIGHEST) - FAR  # above this, none is much higher
    return [top for i, top in enumerate(tops) if top.pitch > high or not (_below(tops, i, -1) or _below(tops, i, 1))]


def _below(tops: Sequence[Note], i: int, way: int) -> bool:
    """Whether a much higher note is near, before (-1) or after (1) the `i`-th."""
    here, j = tops[i], i + way
    while 0 <= j < len(tops) and abs(tops[j].onset - here.onset) <= NEAR:
        if tops[j].pitch >= here.pitch + FAR:
            return True
        j += way
    return False
