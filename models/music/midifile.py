"""MIDI files: reading them as notes in seconds, and writing notes to them.

Files are read by `models.music.midi_parser`, which forgives what programs get wrong, and written by mido. mido is imported only when a file
is written, as training on packs needs none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import midi_parser
from .held_notes import HeldNotes
from .midi_parser import CONTROL, META, NAME, NOTE_OFF, NOTE_ON, PROGRAM, Event
from .note_records import CALL, Note
from .tempo_map import Metre, TempoMap

MAX_BYTES = 2 << 20  # of a file; a larger one takes many seconds to read
MAX_EVENTS = 500_000  # of a file
MAX_SECONDS = 12 * 3600.0  # from a file's start to a note's end
DRUM_CHANNEL = 9  # from 0 (General MIDI)
BANK, BANK_LOW = 0, 32  # controllers: the upper and the lower seven bits of a bank's number
SHORTEST_NOTE = 0.001  # seconds
LARGEST_UNIT = 6  # of a metre, as a power of two: sixty-fourths
TEXT = "latin-1"  # of names: each byte is a character, so a name in any encoding is written as it was read


class MidiFileError(ValueError):
    """A file cannot be read as MIDI notes; one sentence that says why and what to do."""


@dataclass(frozen=True)
class Part:
    """The notes of one track on one channel (from 0), in seconds; `bank` (14 bits) and `program` (from 0) are None where none is set.

    Each character of `name` is one byte of the file.
    """

    name: str
    notes: tuple[Note, ...]
    channel: int = 0
    program: int | None = None
    bank: int | None = None


@dataclass(frozen=True)
class MidiMusic:
    """All parts of a file that have notes, drums too, and its tempo map, which is empty where the file has no tempo and no metre."""

    parts: tuple[Part, ...]
    tempo_map: TempoMap

    @property
    def notes(self) -> list[Note]:
        """All notes but those of drums, by onset, then pitch."""
        notes = [n for part in self.parts if part.channel != DRUM_CHANNEL for n in part.notes]
        return sorted(notes, key=lambda n: (n.onset, n.pitch, n.end))


def read_notes(path: str | Path) -> list[Note]:
    """All notes of a file, tracks merged, drums left out, by onset, then pitch. Raises MidiFileError.

    Seconds follow the file's tempo map. A note let go under a pedal rings until the pedal rises or its key is struck again. All notes
    off, all sound off and a reset of the controllers mean what they do in `HeldNotes`.
    """
    path = Path(path)
    notes = [note for _, note in _find_notes(_read(path)[1]) if note is not None]
    return _sorted(path, notes)


def read_music(path: str | Path) -> MidiMusic:
    """The same notes by parts, the drums besides, and the file's tempo map. Raises MidiFileError."""
    path = Path(path)
    contents, timed = _read(path)
    notes: dict[tuple[int, int], list[Note]] = {}  # by track and channel
    for place, note in _find_notes(timed, drums=True):
        notes.setdefault(place, []).append(note)
    _sorted(path, [note for (_, channel), found in notes.items() if channel != DRUM_CHANNEL for note in found])
    names = {e.track: e.data[1:].decode(TEXT) for _, e in reversed(timed) if e.status == META and e.data[0] == NAME}
    parts = []
    for (track, channel), found in sorted(notes.items()):
        ordered = sorted(found, key=lambda n: (n.onset, n.pitch))
        part = Part(names.get(track, ""), tuple(ordered), channel)
        parts.append(_with_sound(part, (e for s, e in timed if s <= ordered[0].onset)))
    tempo_map = _tempo_map(contents) if contents.division < midi_parser.FILM_FRAMES else TempoMap()
    return MidiMusic(tuple(parts), tempo_map)


def _sorted(path: Path, notes: list[Note]) -> list[Note]:
    """Notes by onset, then pitch. Raises MidiFileError where there are none."""
    if not notes:
        raise MidiFileError(f"{path.name} holds no notes; choose a file with a piano part.")
    return sorted(notes, key=lambda n: (n.onset, n.pitch))


def _find_notes(timed: Iterable[tuple[float, Event]], drums: bool = False) -> Iterator[tuple[tuple[int, int], Note]]:
    """Each note in the order in which they end, after its track and channel. `drums`: those of the drum channel, too."""
    held: HeldNotes[_Start] = HeldNotes()
    now = 0.0
    for now, event in timed:
        kind = event.status & 0xF0
        channel = event.status & 0x0F
        if event.status == META or (channel == DRUM_CHANNEL and not drums):
            continue
        ended: list[_Start] = []
        if kind == NOTE_ON and event.data[1] > 0:
            key = (channel, event.data[0])
            ended = held.press(key, _Start(now, key, event.data[1], event.track))
        elif kind in (NOTE_ON, NOTE_OFF):
            ended = held.release((channel, event.data[0]))
        elif kind == CONTROL:
            ended = held.control(channel, event.data[0], event.data[1])
        for start in ended:
            yield start.end(now)
    for start in held.release_all():
        yield start.end(now)


@dataclass(frozen=True)
class _Start:
    """A note that sounds: its onset in seconds, its channel and pitch, its velocity and its track."""

    onset: float
    key: tuple[int, int]
    velocity: int
    track: int

    def end(self, now: float) -> tuple[tuple[int, int], Note]:
        """Its track and channel, and the note that ends now."""
        channel, pitch = self.key
        return (self.track, channel), Note(self.onset, max(now - self.onset, SHORTEST_NOTE), pitch, self.velocity, CALL)


def _with_sound(part: Part, events: Iterable[Event]) -> Part:
    """The part with the program and the bank that these events set on its channel."""
    high = None
    low = 0
    for event in events:
        if event.status == PROGRAM | part.channel:
            bank = None if high is None else high << 7 | low
            part = replace(part, program=event.data[0], bank=bank)
        elif event.status == CONTROL | part.channel and event.data[0] in (BANK, BANK_LOW):
            high, low = (event.data[1], low) if event.data[0] == BANK else (high or 0, event.data[1])
    return part


def _read(path: Path) -> tuple[midi_parser.Contents, list[tuple[float, Event]]]:
    """A file's contents, and every event with its time in seconds, all tracks merged. Raises MidiFileError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MidiFileError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; choose a shorter piece.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MidiFileError(f"{path} is not there; check the name.") from error
    except IsADirectoryError as error:
        raise MidiFileError(f"{path} is a folder; name a .mid file in it.") from error
    except OSError as error:
        raise MidiFileError(f"{path} cannot be read ({error.strerror}); choose another file.") from error
    if not data:
        raise MidiFileError(f"{path.name} is empty; choose another file.")
    contents = midi_parser.parse(data, MAX_EVENTS)
    if contents is None or contents.division == 0:
        raise MidiFileError(f"{path.name} is not a readable MIDI file; it may be broken, choose another.")
    if sum(map(len, contents.tracks)) > MAX_EVENTS:
        raise MidiFileError(f"{path.name} has more than {MAX_EVENTS:,} events; choose a shorter piece.")
    timed = midi_parser.timed_events(contents)
    if timed and timed[-1][0] > MAX_SECONDS:
        raise MidiFileError(f"{path.name} is longer than {MAX_SECONDS / 3600:.0f} hours; its times may be broken.")
    return contents, timed


def _tempo_map(contents: midi_parser.Contents) -> TempoMap:
    """The tempi and metres of a file that counts beats; those of its first song only, where it has several."""
    tracks = contents.tracks[:1] if contents.format == 2 else contents.tracks
    tempos: dict[int, int] = {}
    metres: dict[int, Metre] = {}
    for event in sorted((e for track in tracks for e in track), key=lambda e: e.tick):
        tempo = midi_parser.tempo_of(event)
        if tempo is not None:
            tempos[event.tick] = tempo
        elif event.status == META and event.data[0] == midi_parser.METRE and len(event.data) >= 3:
            metre = Metre(event.data[1], event.data[2])
            if metre.beats and metre.unit <= LARGEST_UNIT:
                metres[event.tick] = metre
    return TempoMap(contents.division, tuple(tempos.items()), tuple(metres.items()))


def write_notes(
    path: str | Path, tracks: Mapping[str, Sequence[Note]], *, channel: Mapping[str, int] | None = None
) -> None:
    """Write notes in free time, a track for each name: see `write_music`. `channel` gives tracks a channel from 0; the others are on 0."""
    channels = channel or {}
    parts = [Part(name, tuple(notes), channels.get(name, 0)) for name, notes in tracks.items()]
    write_music(path, MidiMusic(tuple(parts), TempoMap()))


def write_music(path: str | Path, music: MidiMusic) -> None:
    """Write a type 1 file, a track for each part, at once or not at all. The same music, the same bytes. Raises OSError.

    A pitch that is struck again ends the older note of its part.
    """
    import mido

    path = Path(path)
    tempo_map = music.tempo_map
    file = mido.MidiFile(type=1, ticks_per_beat=tempo_map.ticks_per_beat, charset=TEXT)
    beat = [(tick, mido.MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempo_map.tempos]
    for tick, metre in tempo_map.metres:
        beat.append((tick, mido.MetaMessage("time_signature", numerator=metre.beats, denominator=2**metre.unit)))
    file.tracks.append(_track(sorted(beat, key=lambda at: at[0])))
    for part in music.parts:
        sound = []
        if part.bank is not None:
            for control, value in ((BANK, part.bank >> 7), (BANK_LOW, part.bank & 0x7F)):
                sound.append(mido.Message("control_change", channel=part.channel, control=control, value=value))
        if part.program is not None:
            sound.append(mido.Message("program_change", channel=part.channel, program=part.program))
        name = mido.MetaMessage("track_name", name=part.name.encode(TEXT, "replace").decode(TEXT))
        file.tracks.append(_track([*((0, m) for m in (name, *sound)), *_note_messages(part, tempo_map)]))
    unfinished = path.with_name(path.name + ".part")
    file.save(unfinished)
    os.replace(unfinished, path)


def _note_messages(part: Part, tempo_map: TempoMap) -> list[tuple[int, Any]]:
    """The messages of a part's notes and their ticks, in order."""
    import mido

    events: list[tuple[int, int, int, int]] = []  # tick, on after off, pitch, velocity
    ends: dict[int, int] = {}  # index in `events` of the last off of each pitch
    for note in sorted(part.notes, key=lambda n: (n.onset, n.pitch)):
        on = tempo_map.tick_at(note.onset)
        if note.pitch in ends and events[ends[note.pitch] - 1][0] == on:
            continue  # the same key twice at once is one note
        off = max(tempo_map.tick_at(note.end), on + 1)
        if note.pitch in ends and events[ends[note.pitch]][0] > on:
            events[ends[note.pitch]] = (on, 0, note.pitch, 0)
        events.append((on, 1, note.pitch, max(1, note.velocity)))
        ends[note.pitch] = len(events)
        events.append((off, 0, note.pitch, 0))
    kinds = ("note_off", "note_on")
    return [
        (tick, mido.Message(kinds[is_on], channel=part.channel, note=pitch, velocity=velocity))
        for tick, is_on, pitch, velocity in sorted(events)
    ]


def _track(messages: Sequence[tuple[int, Any]]) -> Any:
    """A track of messages at their ticks."""
    import mido

    track = mido.MidiTrack()
    at = 0
    for tick, message in messages:
        track.append(message.copy(time=tick - at))
        at = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track
