"""The left hand: when it strikes, and how many chords it puts between two basses.

Knows nothing of networks, or of who plays. Whatever lies below middle C is taken for the left hand's, whatever lies below the C under it
for a bass. One chord between two basses is a stride, two are a waltz, none is a walking line, and many are a figure that goes on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .chords import CHORD_SECONDS
from .note import Note

MIDDLE, BASS = 60, 48  # MIDI numbers
LONG = 1.5  # seconds: after a rest as long as that, the hand begins anew

Strike = tuple[float, int]  # when, in seconds, and its lowest pitch


def strikes(notes: Sequence[Note]) -> list[Strike]:
    """What the left hand strikes at once, in the order of the onsets, as the notes are.

    `models.music.chords.chords_of`, of which only the first onset and the lowest pitch are kept: it is asked at every note.
    """
    found: list[Strike] = []
    for note in notes:
        if note.pitch >= MIDDLE:
            continue
        if found and note.onset - found[-1][0] <= CHORD_SECONDS:
            found[-1] = found[-1][0], min(found[-1][1], note.pitch)
        else:
            found.append((note.onset, note.pitch))
    return found


def between(notes: Sequence[Note]) -> list[int]:
    """How many chords lie between each bass and the next, where the hand does not rest between them."""
    counts: list[int] = []
    chords: int | None = None  # since the last bass, where there was one
    for before, (onset, low) in itertools.pairwise([(0.0, MIDDLE), *strikes(notes)]):
        if onset - before[0] > LONG:
            chords = None
        if low >= BASS:
            chords = None if chords is None else chords + 1
            continue
        if chords is not None:
            counts.append(chords)
        chords = 0
    return counts


def since_bass(notes: Sequence[Note], onset: float) -> int | None:
    """How many chords the left hand has struck since its last bass, when something is to be struck at `onset`.

    None where it strikes at that moment already, or has rested, or where no bass is among the notes.
    """
    found = strikes(notes)
    if not found or onset - found[-1][0] <= CHORD_SECONDS:
        return None
    later = onset
    for chords, (struck, low) in enumerate(reversed(found)):
        if later - struck > LONG:
            return None
        if low < BASS:
            return chords
        later = struck
    return None
