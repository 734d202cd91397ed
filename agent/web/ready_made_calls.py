"""Phrases for those who cannot play, composed for this project: one for each kind of style. Pure.

Each is two bars long, and ends like a question.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from models.music.note_records import Note

from ..demo_call import BEAT, messages, written_call

Row = tuple[int, float, float, int]  # pitch, beat, length in beats, velocity


@dataclass(frozen=True)
class WrittenPhrase:
    """A phrase; times of its notes are in beats, from its first one. `tempo` in beats a minute, for free time."""

    tempo: float
    notes: tuple[Note, ...]

    def timed_messages(self, most_beats: float) -> list[tuple[float, bytes]]:
        """Its messages with their beats; only the notes that begin in the first beats, and none lasts longer."""
        notes = [n for n in self.notes if n.onset < most_beats]
        return messages([Note(n.onset, min(n.duration, most_beats - n.onset), n.pitch, n.velocity) for n in notes])


def _phrase(tempo: float, *parts: Sequence[Row]) -> WrittenPhrase:
    rows = sorted((beat, pitch, length, velocity) for part in parts for pitch, beat, length, velocity in part)
    return WrittenPhrase(
        tempo, tuple(Note(beat, 0.96 * length, pitch, velocity) for beat, pitch, length, velocity in rows)
    )


def _run(pitches: Sequence[int], start: float, step: float, velocity: int) -> list[Row]:
    """Notes one after another, the first of each four a little louder."""
    return [(p, start + i * step, step, velocity + (0 if i % 4 else 8)) for i, p in enumerate(pitches)]


def _chords(rows: Sequence[tuple[Sequence[int], float, float, int]]) -> list[Row]:
    return [(pitch, beat, length, velocity) for pitches, beat, length, velocity in rows for pitch in pitches]


SONG = WrittenPhrase(
    60.0 / BEAT, tuple(Note(n.onset / BEAT, n.duration / BEAT, n.pitch, n.velocity) for n in written_call().notes)
)
BALLAD = _phrase(
    66.0,
    [(67, 0.0, 1.5, 62), (72, 1.5, 0.5, 70), (76, 2.0, 1.5, 78), (74, 3.5, 0.5, 66)],
    [(71, 4.0, 1.0, 70), (69, 5.0, 0.5, 62), (71, 5.5, 0.5, 64), (74, 6.0, 2.0, 72)],
    _chords([((48, 55, 64), 0.0, 2.0, 44), ((45, 52, 60), 2.0, 2.0, 42), ((41, 57, 60), 4.0, 2.0, 44)]),
    _chords([((43, 53, 59), 6.0, 2.0, 46)]),
)
LINE = _phrase(
    144.0,
    [(62, 0.0, 0.6, 84), (65, 0.67, 0.3, 72), (69, 1.0, 0.6, 80), (72, 1.67, 0.3, 76), (71, 2.0, 0.6, 86)],
    [(69, 2.67, 0.3, 72), (68, 3.0, 0.6, 78), (65, 3.67, 0.3, 70), (64, 4.0, 0.6, 84), (67, 4.67, 0.3, 74)],
    [(71, 5.0, 0.6, 82), (74, 5.67, 0.3, 78), (73, 6.0, 0.6, 80), (69, 6.67, 1.2, 88)],
    _chords([((53, 60), 0.0, 0.5, 52), ((53, 59), 1.67, 0.8, 56), ((52, 59), 4.0, 0.5, 52), ((52, 55), 5.67, 1.0, 54)]),
)
BAROQUE = _phrase(
    88.0,
    _run((67, 69, 70, 72, 74, 72, 70, 69, 70, 74, 79, 78, 79, 74, 70, 67), 0.0, 0.25, 66),
    _run((66, 69, 72, 74, 75, 74, 72, 70), 4.0, 0.25, 68),
    [(69, 6.0, 0.5, 74), (66, 6.5, 0.5, 68), (62, 7.0, 1.0, 70)],
    _run((43, 55, 50, 46, 48, 50, 51, 50), 0.0, 1.0, 56),
)
RAG = _phrase(
    96.0,
    [(76, 0.0, 0.25, 84), (72, 0.25, 0.5, 78), (76, 0.75, 0.5, 88), (79, 1.25, 0.25, 80), (81, 1.5, 0.5, 86)],
    [(79, 2.0, 0.25, 82), (76, 2.25, 0.5, 78), (72, 2.75, 0.5, 86), (74, 3.25, 0.75, 82), (75, 4.0, 0.25, 84)],
    [(76, 4.25, 0.5, 80), (79, 4.75, 0.5, 90), (78, 5.25, 0.25, 80), (77, 5.5, 0.5, 84), (74, 6.0, 0.5, 82)],
    [(71, 6.5, 0.5, 80), (74, 7.0, 1.0, 86)],
    [(p, float(b), 0.4, 68) for b, p in enumerate((48, 43, 45, 40, 41, 42, 43, 47))],
    _chords([((60, 64), b + 0.5, 0.3, 56) for b in range(4)]),
    _chords([((59, 65), b + 0.5, 0.3, 56) for b in range(4, 8)]),
)
TANGO = _phrase(
    116.0,
    [(69, 0.0, 1.5, 82), (68, 1.5, 0.5, 74), (69, 2.0, 0.5, 80), (72, 2.5, 0.5, 84), (76, 3.0, 1.0, 90)],
    [(74, 4.0, 1.5, 84), (72, 5.5, 0.5, 76), (71, 6.0, 0.5, 82), (68, 6.5, 0.5, 78), (71, 7.0, 1.0, 84)],
    [
        (p, b + bar, 0.6, 66)
        for bar, ps in ((0.0, (45, 52, 57, 52)), (4.0, (40, 52, 56, 50)))
        for b, p in zip((0.0, 1.5, 2.0, 3.0), ps, strict=True)
    ],
)
WALTZ = _phrase(
    152.0,
    [
        (72, 0.0, 2.0, 76),
        (76, 2.0, 1.0, 70),
        (79, 3.0, 2.0, 82),
        (77, 5.0, 0.5, 70),
        (76, 5.5, 0.5, 68),
        (74, 6.0, 2.0, 78),
    ],
    _chords([((48,), 0.0, 1.0, 60), ((55, 64), 1.0, 0.7, 46), ((55, 64), 2.0, 0.7, 46), ((43,), 3.0, 1.0, 60)]),
    _chords([((55, 59), 4.0, 0.7, 46), ((55, 59), 5.0, 0.7, 46), ((50, 53, 59), 6.0, 1.8, 50)]),
)
DRIVE = _phrase(
    126.0,
    [(76, 0.0, 0.5, 92), (76, 0.5, 0.5, 84), (79, 1.0, 0.75, 94), (74, 1.75, 0.75, 88), (72, 2.5, 1.5, 90)],
    [(69, 4.0, 0.5, 88), (72, 4.5, 0.5, 84), (74, 5.0, 0.75, 92), (76, 5.75, 0.75, 90), (74, 6.5, 1.5, 92)],
    [(p, 0.5 * i, 0.45, 70) for i, p in enumerate((48,) * 4 + (43,) * 4 + (45,) * 4 + (41,) * 4)],
)
PHRASES = (SONG, BALLAD, LINE, BAROQUE, RAG, TANGO, WALTZ, DRIVE)
BY_STYLE = {
    "baroque": BAROQUE,
    "bebop-line": LINE,
    "impressionist": WALTZ,
    "jazz-ballad": BALLAD,
    "late-night-ballad": BALLAD,
    "modern-jazz": LINE,
    "nocturne": BALLAD,
    "pop-ballad": SONG,
    "pop-drive": DRIVE,
    "ragtime": RAG,
    "salon-waltz": WALTZ,
    "slow-blues-line": LINE,
    "songbook": SONG,
    "stride-piano": RAG,
    "tango": TANGO,
    "wedding-dance": DRIVE,
}


def phrase_for(style: str) -> WrittenPhrase:
    """The phrase for a style of that name; a style of the user's own always gets the same one."""
    return BY_STYLE.get(style) or PHRASES[zlib.crc32(style.encode()) % len(PHRASES)]
