"""MIDI files: reading them as notes in seconds, and writing notes to them.

mido parses. It is imported only when a file is read or written, as training on packs needs none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .held_notes import HeldNotes
from .note_records import CALL, Note

MAX_BYTES = 2 << 20  # of a file; a larger one takes many seconds to read
MAX_EVENTS = 500_000
MAX_SECONDS = 12 * 3600.0
DRUM_CHANNEL = 9  # from 0 (General MIDI)
SHORTEST_NOTE = 0.001  # seconds
TICKS_PER_BEAT = 480  # of files that are written
TEMPO = 500_000  # microseconds a beat, MIDI's default


class MidiFileError(ValueError):
    """A file cannot be read as MIDI notes; one sentence that says why and what to do."""


def read_notes(path: str | Path) -> list[Note]:
    """All notes of a file, tracks merged, drums left out, by onset, then pitch. Raises MidiFileError.

    Seconds follow the file's tempo map. A note let go under a pedal rings until the pedal rises or its key is struck again. All notes
    off, all sound off and a reset of the controllers mean what they do in `HeldNotes`.
    """
    path = Path(path)
    notes: list[Note] = []
    held: HeldNotes[tuple[float, int, int]] = HeldNotes()  # onset, pitch and velocity
    now = 0.0
    for now, message in _timed_messages(path):
        if message.is_meta or getattr(message, "channel", DRUM_CHANNEL) == DRUM_CHANNEL:
            continue
        ended: list[tuple[float, int, int]] = []
        if message.type == "note_on" and message.velocity > 0:
            ended = held.press((message.channel, message.note), (now, message.note, message.velocity))
        elif message.type in ("note_on", "note_off"):
            ended = held.release((message.channel, message.note))
        elif message.type == "control_change":
            ended = held.control(message.channel, message.control, message.value)
        notes += [_ended(note, now) for note in ended]
    notes += [_ended(note, now) for note in held.release_all()]
    if not notes:
        raise MidiFileError(f"{path.name} holds no notes; choose a file with a piano part.")
    return sorted(notes, key=lambda n: (n.onset, n.pitch))


def _ended(held: tuple[float, int, int], now: float) -> Note:
    onset, pitch, velocity = held
    return Note(onset, max(now - onset, SHORTEST_NOTE), pitch, velocity, CALL)


def _timed_messages(path: Path) -> list[tuple[float, Any]]:
    """Every message of a file and its time in seconds, all tracks merged. Raises MidiFileError."""
    import mido

    try:
        if path.stat().st_size > MAX_BYTES:
            raise MidiFileError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; choose a shorter piece.")
        if path.stat().st_size == 0:
            raise MidiFileError(f"{path.name} is empty; choose another file.")
        file = mido.MidiFile(path, clip=True)
    except FileNotFoundError as error:
        raise MidiFileError(f"{path} is not there; check the name.") from error
    except IsADirectoryError as error:
        raise MidiFileError(f"{path} is a folder; name a .mid file in it.") from error
    except MidiFileError:
        raise
    except Exception as error:  # mido raises whatever the broken bytes lead it to
        raise MidiFileError(f"{path.name} is not a readable MIDI file; it may be broken, choose another.") from error
    if file.type == 2:
        raise MidiFileError(f"{path.name} is of type 2, several songs in one file; save it as type 0 or 1.")
    if file.ticks_per_beat <= 0:  # SMPTE time: frames a second in the high byte, ticks a frame in the low one
        raise MidiFileError(f"{path.name} counts time in film frames; save it with beats.")
    if sum(map(len, file.tracks)) > MAX_EVENTS:
        raise MidiFileError(f"{path.name} has more than {MAX_EVENTS:,} events; choose a shorter piece.")
    tempo = TEMPO
    now = 0.0
    out = []
    for message in mido.merge_tracks(file.tracks, skip_checks=True):
        now += mido.tick2second(message.time, file.ticks_per_beat, tempo)
        if now > MAX_SECONDS:
            raise MidiFileError(f"{path.name} is longer than {MAX_SECONDS / 3600:.0f} hours; its times may be broken.")
        if message.type == "set_tempo":
            tempo = message.tempo
        out.append((now, message))
    return out


def write_notes(
    path: str | Path, tracks: Mapping[str, Sequence[Note]], *, channel: Mapping[str, int] | None = None
) -> None:
    """Write notes as a type 1 file at 120 beats a minute, a track each, at once or not at all. The same notes, the same bytes.

    `channel` gives tracks a channel from 0; the others are on 0. A pitch that is struck again ends the older note.
    """
    import mido

    path = Path(path)
    channels = channel or {}
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO), mido.MetaMessage("end_of_track")]))
    for name, notes in tracks.items():
        events: list[tuple[int, int, int, int]] = []  # tick, on after off, pitch, velocity
        ends: dict[int, int] = {}  # index in `events` of the last off of each pitch
        for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
            on = _ticks(note.onset)
            if note.pitch in ends and events[ends[note.pitch] - 1][0] == on:
                continue  # the same key twice at once is one note
            off = max(_ticks(note.end), on + 1)
            if note.pitch in ends and events[ends[note.pitch]][0] > on:
                events[ends[note.pitch]] = (on, 0, note.pitch, 0)
            events.append((on, 1, note.pitch, max(1, note.velocity)))
            ends[note.pitch] = len(events)
            events.append((off, 0, note.pitch, 0))
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        at = 0
        for tick, is_on, pitch, velocity in sorted(events):
            kind = "note_on" if is_on else "note_off"
            track.append(
                mido.Message(kind, channel=channels.get(name, 0), note=pitch, velocity=velocity, time=tick - at)
            )
            at = tick
        track.append(mido.MetaMessage("end_of_track"))
        file.tracks.append(track)
    unfinished = path.with_name(path.name + ".part")
    file.save(unfinished)
    os.replace(unfinished, path)


def _ticks(seconds: float) -> int:
    """Seconds as ticks at 120 beats a minute."""
    return round(max(seconds, 0.0) * TICKS_PER_BEAT * 1_000_000 / TEMPO)
