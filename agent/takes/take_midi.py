"""The music of a take for a .mid file: two parts, in the bars that were kept, on the channels and with the sounds that were used. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.music.midifile import BANK, BANK_LOW, DRUM_CHANNEL, MidiMusic, Part
from models.music.note_records import Note
from models.music.tempo_map import BeatPoint, from_beats

from ..midi.messages import Event

CHANNELS = 16  # of MIDI 1.0
NOTE_ON, CONTROL, PROGRAM = 0x90, 0xB0, 0xC0  # kinds of channel messages, in MIDI 1.0


def take_music(
    notes: Mapping[str, Sequence[Note]],
    events: Mapping[str, Sequence[Event]],
    points: Sequence[BeatPoint],
    start: float,
) -> MidiMusic:
    """The parts, by their names, and where the beat was. Times of notes are in seconds from `start`; the rest is in monotonic seconds.

    Who plays on the same channel as somebody before gets the next one, so that keys of the same pitch stay two.
    """
    tempo_map, origin = from_beats(points, start)
    later = start - origin
    parts: list[Part] = []
    for name, played in notes.items():
        part = _with_sound(Part(name, tuple(n.shift(later) for n in played)), events.get(name, ()))
        used = {p.channel for p in parts}
        free = [c for c in (*range(part.channel, CHANNELS), *range(part.channel)) if c not in used]
        channel = next(c for c in free if c == part.channel or c != DRUM_CHANNEL)
        parts.append(replace(part, channel=channel))
    return MidiMusic(tuple(parts), tempo_map)


def _with_sound(part: Part, events: Sequence[Event]) -> Part:
    """The part on the channel that most of its notes were on, with the sound that was set before the first of them."""
    channels = Counter(e.message[0] & 0x0F for e in events if e.message[0] & 0xF0 == NOTE_ON and e.message[2])
    if not channels:
        return part
    channel = channels.most_common(1)[0][0]
    bank: int | None = None
    for event in events:
        status, *data = event.message
        if status == CONTROL | channel and data[0] == BANK:
            bank = data[1] << 7
        elif status == CONTROL | channel and data[0] == BANK_LOW:
            bank = (bank or 0) & ~0x7F | data[1]
        elif status == PROGRAM | channel:
            part = replace(part, program=data[0], bank=bank)
        elif status == NOTE_ON | channel:
            break
    return replace(part, channel=channel)


def beat_points(rows: Iterable[Mapping[str, Any]]) -> list[BeatPoint]:
    """Where the beat was, by the rows that tell it. Rows that cannot be right are left out."""
    points = []
    for row in rows:
        if "beat" not in row or "since" not in row:
            continue
        try:
            since = float(row["since"])
            if row["beat"] is None:
                point = BeatPoint(since, None)
            else:
                point = BeatPoint(since, float(row["beat"]), float(row["tempo"]), int(row["beats"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        is_known = all(map(math.isfinite, (since, point.beat or 0.0, point.tempo)))
        if is_known and 1.0 <= point.tempo <= 1000.0 and 1 <= point.beats <= 32:
            points.append(point)
    return points
