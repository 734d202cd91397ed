"""Standard MIDI files as events, read leniently: whatever can be read is read.

Programs write files that are a little wrong: lengths and counts that do not fit, illegal key signatures, chunks of their own, wrappers
around the file. Notes, tempo, metre and names are kept. Everything else is passed over by its length, and is never decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEADER, TRACK = b"MThd", b"MTrk"
HEADER_BYTES = 6  # of format, number of tracks and division
MOST_HEADER_BYTES = 1 << 10  # a longer header has a wrong length
META = 0xFF  # status of an event that is not sent to an instrument
SYSEX = (0xF0, 0xF7)  # statuses of system exclusive events
NAME, END, TEMPO, METRE = 0x03, 0x2F, 0x51, 0x58  # kinds of meta events
KEPT_META = (NAME, TEMPO, METRE)
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0  # statuses of channel messages, without the channel
KEPT_MESSAGES = (NOTE_OFF, NOTE_ON, CONTROL, PROGRAM)
SYSTEM_BYTES = {
    0xF1: 1,
    0xF2: 2,
    0xF3: 1,
}  # data bytes of system messages, which no file should hold; the others have none
HIGHEST_DATA = 127  # of a channel message
DEFAULT_TEMPO = 500_000  # microseconds a beat where a file gives none, by the format
FILM_FRAMES = 0x8000  # from this division on, a file counts frames of a film (SMPTE)
DROP_FRAME = 29  # in the header; it means 30,000 / 1,001 frames a second
LONGEST_NUMBER = 4  # bytes of a variable-length quantity


class Event(NamedTuple):
    """One event: when (in ticks from the beginning), in which track, and what.

    `status` is the status byte. `data` is the data of a channel message, or the kind of a meta event and its text.
    """

    tick: int
    track: int
    status: int
    data: bytes


class Contents(NamedTuple):
    """A file: its format (0, 1 or 2), its division as it stands in the header, and the events of each track."""

    format: int
    division: int
    tracks: list[list[Event]]


def parse(data: bytes, most_events: int) -> Contents | None:
    """The contents of a file; None where it is no MIDI file. The file may lie in a wrapper, such as RIFF or MacBinary.

    Reading ends soon after `most_events` events.
    """
    at = data.find(HEADER)
    if at < 0 or len(data) < at + 8 + HEADER_BYTES:
        return None
    length, format_, _, division = struct.unpack_from(">IHHH", data, at + 4)
    at += 8 + (length if HEADER_BYTES <= length <= MOST_HEADER_BYTES else HEADER_BYTES)
    tracks: list[list[Event]] = []
    count = 0
    for begin, end in _track_chunks(data, at):
        tracks.append(_read_track(data, begin, end, len(tracks), most_events + 1 - count))
        count += len(tracks[-1])
        if count > most_events:
            break
    return Contents(format_, division, tracks) if tracks else None


def timed_events(contents: Contents) -> list[tuple[float, Event]]:
    """Every event and its time in seconds, all tracks merged. The songs of format 2 come one after another."""
    timed: list[tuple[float, Event]] = []
    for song in [[track] for track in contents.tracks] if contents.format == 2 else [contents.tracks]:
        timed += _timed(song, contents.division, timed[-1][0] if timed else 0.0)
    return timed


def _timed(tracks: Sequence[Sequence[Event]], division: int, now: float) -> list[tuple[float, Event]]:
    """Every event and its time in seconds, from `now` on, all tracks merged."""
    ticks_a_second = _ticks_a_second(division) if division >= FILM_FRAMES else None
    second = 1.0 / ticks_a_second if ticks_a_second else DEFAULT_TEMPO * 1e-6 / division  # of one tick
    tick = 0
    timed = []
    for event in sorted((e for track in tracks for e in track), key=lambda e: e.tick):
        now += (event.tick - tick) * second
        tick = event.tick
        tempo = tempo_of(event)
        if tempo is not None and ticks_a_second is None:
            second = tempo * 1e-6 / division
        timed.append((now, event))
    return timed


def _ticks_a_second(division: int) -> float:
    """Ticks a second where a file counts film frames (SMPTE): their number in the high byte, negative; ticks of one in the low byte."""
    frames = 0x100 - (division >> 8)
    return max(division & 0xFF, 1) * (30_000 / 1_001 if frames == DROP_FRAME else float(frames))


def tempo_of(event: Event) -> int | None:
    """Microseconds a beat, of an event that sets a tempo and can be right."""
    if event.status == META and event.data[0] == TEMPO and len(event.data) >= 4:
        return int.from_bytes(event.data[1:4]) or None
    return None


def _track_chunks(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where each track begins and ends. Where its length is wrong, it lasts until the next track, or to the end of the file."""
    while 0 <= at <= len(data) - 8:
        begin = at + 8
        end = begin + int.from_bytes(data[at + 4 : begin])
        is_right = end == len(data) or _is_chunk(data, end)
        if data[at : at + 4] == TRACK:
            if not is_right:
                following = data.find(TRACK, begin)
                end = len(data) if following < 0 else following
            yield begin, end
            at = end
        else:
            at = end if is_right else data.find(TRACK, at + 1)


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk begins here: a track, or another one that fits into the file."""
    name = data[at : at + 4]
    if name == TRACK:
        return True
    end = at + 8 + int.from_bytes(data[at + 4 : at + 8])
    return len(name) == 4 and name.isascii() and name.decode().isprintable() and end <= len(data)


def _read_track(data: bytes, at: int, end: int, track: int, most: int) -> list[Event]:
    """The events of one track, up to its end event, to what cannot be read, or to `most` of them."""
    events: list[Event] = []
    tick = 0
    running = 0  # the status byte that holds where none is written
    try:
        while at < end and len(events) < most:
            delta, at = _read_number(data, at, end)
            tick += delta
            status = data[at]
            if status < 0x80:
                status = running
            else:
                at += 1
            if status == META:
                kind = data[at]
                length, at = _read_number(data, at + 1, end)
                if kind == END or at + length > end:
                    break
                if kind in KEPT_META:
                    events.append(Event(tick, track, META, bytes((kind,)) + data[at : at + length]))
                at += length
            elif status in SYSEX:
                length, at = _read_number(data, at, end)
                at += length
            elif status > 0xF0:
                at += SYSTEM_BYTES.get(status, 0)
            elif status == 0:
                break  # data that belong to nothing
            else:
                running = status
                length = 1 if 0xC0 <= status < 0xE0 else 2  # program changes and channel pressure have one data byte
                if at + length > end:
                    break
                if status & 0xF0 in KEPT_MESSAGES:
                    clipped = bytes(min(b, HIGHEST_DATA) for b in data[at : at + length])
                    events.append(Event(tick, track, status, clipped))
                at += length
    except IndexError:
        pass  # the file ends in the midst of an event
    return events


def _read_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A variable-length quantity, and where it ends. Raises IndexError where it does not end."""
    number = 0
    for i in range(at, min(at + LONGEST_NUMBER, end)):
        number = number << 7 | data[i] & 0x7F
        if data[i] < 0x80:
            return number, i + 1
    raise IndexError(at)
