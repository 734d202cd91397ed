"""The left hand's pattern: how many chords it plays between two bass notes.

Notes below middle C count as the left hand's, those below the C under it as a bass. One chord between two basses is a stride, two are a
waltz, none is a walking line, and many are a running figure.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .note_records import Note
from .simultaneous_notes import CHORD_SECONDS

MIDDLE_C, BASS_BELOW = 60, 48  # MIDI numbers
REST_SECONDS = 1.5  # after a longer rest, the hand begins anew

Stroke = tuple[float, int]  # its first onset, in seconds, and its lowest pitch


def left_hand_strokes(notes: Sequence[Note]) -> list[Stroke]:
    """The left hand's chords and single notes, each as one stroke. Notes are in the order of their onsets.

    It is `models.music.simultaneous_notes.chords_of` with only the first onset and the lowest pitch kept, as it is called at every note.
    """
    found: list[Stroke] = []
    for note in notes:
        if note.pitch >= MIDDLE_C:
            continue
        if found and note.onset - found[-1][0] <= CHORD_SECONDS:
            found[-1] = found[-1][0], min(found[-1][1], note.pitch)
        else:
            found.append((note.onset, note.pitch))
    return found


def chords_between_basses(notes: Sequence[Note]) -> list[int]:
    """How many chords there are between each bass and the next, where the hand does not rest between them."""
    counts: list[int] = []
    chords: int | None = None  # since the last bass, where there was one
    for before, (onset, low) in itertools.pairwise([(0.0, MIDDLE_C), *left_hand_strokes(notes)]):
        if onset - before[0] > REST_SECONDS:
            chords = None
        if low >= BASS_BELOW:
            chords = None if chords is None else chords + 1
            continue
        if chords is not None:
            counts.append(chords)
        chords = 0
    return counts


def chords_since_bass(notes: Sequence[Note], onset: float) -> int | None:
    """How many chords the left hand has played since its last bass, if it plays again at `onset` (seconds).

    None where it plays at that moment already, or has rested, or where no bass is among the notes.
    """
    found = left_hand_strokes(notes)
    if not found or onset - found[-1][0] <= CHORD_SECONDS:
        return None
    later = onset
    for chords, (struck, low) in enumerate(reversed(found)):
        if later - struck > REST_SECONDS:
            return None
        if low < BASS_BELOW:
            return chords
        later = struck
    return None
