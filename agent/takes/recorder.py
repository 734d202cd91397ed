"""Record a session as a take: every message in and out, exactly, and a MIDI file made from it.

take.jsonl is written while the session runs, and is the record that counts: messages older than a second are on the disk, even after a
crash. take.mid, with a track for the player and one for the agent, is made from it at the end, and can be made again at any time.

Threads: all methods are called on the event loop's thread, which never waits for a disk: threads of its own write and sync.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from models.music.midifile import write_music
from models.music.note_records import ANSWER, CALL, Note
from models.music.tempo_map import BeatPoint

from .. import thread_priority
from ..errors import UserError
from ..midi.keyboard_zones import DrumChannel
from ..midi.messages import DRUM_CHANNEL, Event, all_up, is_whole
from ..turns.note_history import History
from ..turns.note_tracker import NoteTracker
from .take_folder_lock import JSONL as JSONL
from .take_folder_lock import MIDI as MIDI
from .take_folder_lock import PICTURE as PICTURE
from .take_folder_lock import TEXT as TEXT
from .take_folder_lock import claim, is_recording
from .take_midi import beat_points, take_music

FORMAT = "tradefours-take/1"
PLAYER, AGENT = "player", "agent"
WRITE = 0.2  # seconds between writes: written rows survive a crash of the program
SYNC = 0.5  # seconds between syncs: synced rows survive a crash of the machine, too; on a slow disk a sync takes long
MOST_WAITING = 8 << 20  # bytes that wait while the disk is full
MOST_BYTES = 256 << 20  # of one take
MOST_BEATS = 4096  # rows that tell where the beat was, of the last minutes
LATEST = 1e10  # seconds: no clock shows more
LONGEST_NOTE = 60.0  # seconds of a note in the .mid
OPEN_NOTE_END = 0.5  # seconds from the last message to the end of notes that have none


class SessionRecorder(Protocol):
    """Records a session's messages. Called on the session's event loop."""

    def record_input(self, event: Event, port: str) -> None:
        """A message of the player, and the port that it came from."""

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: the planned and the actual time of sending, in monotonic seconds."""

    def record_panic(self, when: float) -> None:
        """From then on every key and pedal of the player counts as up, in monotonic seconds."""

    def close(self) -> None:
        """The session is over. May be called twice."""


class Take:
    """A take in a folder of its own: the one that is named, or one beside it where that holds a take. Nothing is overwritten.

    `report_error` takes a line for the user, and is called from any thread. Raises UserError where the folder cannot be written.
    """

    def __init__(self, folder: Path, *, report_error: Callable[[str], None] = lambda line: None, **about: Any) -> None:
        """`about`: more fields of the first row, ready for JSON."""
        self.report_error = report_error
        self._file: int | None
        try:
            self.folder, self._file = claim(folder)
        except OSError as error:
            raise UserError(
                f"the take cannot be kept in {folder} ({error.strerror}); name another folder with --take."
            ) from error
        self.beats: deque[dict[str, Any]] = deque(maxlen=MOST_BEATS)  # rows that tell where the beat was
        self.full = False  # whether the disk took no more at the last write
        self._has_reported = False
        self._size = 0  # bytes that are on the disk
        self._waiting = bytearray()  # rows that are not on the disk yet
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._append({"format": FORMAT, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about})
        self._threads = [
            threading.Thread(target=target, name="take", daemon=True) for target in (self._run_writer, self._run_syncer)
        ]
        for thread in self._threads:
            thread.start()

    def record_input(self, event: Event, port: str) -> None:
        """A message of the player, and the port that it came from."""
        self._append({"t": round(event.when, 6), "in": port, "bytes": event.message.hex(" ")})

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: the planned and the actual time of sending, in monotonic seconds."""
        self._append({"t": round(planned, 6), "at": round(actual, 6), "out": message.hex(" ")})

    def record_panic(self, when: float) -> None:
        """From then on every key and pedal of the player counts as up, in monotonic seconds."""
        self._append({"t": round(when, 6), "panic": True})

    def record_line(self, when: float, text: str) -> None:
        """A line that was printed for the user."""
        self._append({"t": round(when, 6), "say": text})

    def record_row(self, when: float, row: dict[str, Any]) -> None:
        """Anything else that a replay needs: the worker's requests and replies, the page's requests. `row` is ready for JSON."""
        if "beat" in row:
            self.beats.append(row)
        self._append({"t": round(when, 6), **row})

    def close(self) -> None:
        """Finish take.jsonl, and make take.mid where any note was played. May be called twice."""
        if self._over.is_set():
            return
        self._over.set()
        for thread in self._threads:
            thread.join()
        try:
            write_take_midi(self.folder)
        except OSError:
            self.full = True
        if self._file is not None:  # and with it the lock: until now the take is not over
            os.close(self._file)
            self._file = None

    def _append(self, row: dict[str, Any]) -> None:
        # A file's name may hold bytes that are no text; JSON has escapes for them.
        line = json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
        with self._lock:
            if len(self._waiting) + len(line) <= MOST_WAITING and self._size < MOST_BYTES:
                self._waiting += line  # else it is lost, as memory has a limit, too

    def _run_writer(self) -> None:
        """A thread: write now and then, and once more at the end."""
        thread_priority.request_once()
        while not self._over.wait(WRITE):
            self._write_waiting()
        self._write_waiting()

    def _run_syncer(self) -> None:
        """A thread of its own, as a sync may take long."""
        thread_priority.request_once()
        while not self._over.wait(SYNC):
            with contextlib.suppress(OSError):  # a pipe or a device cannot be synced
                if self._file is not None:
                    os.fsync(self._file)

    def _write_waiting(self) -> None:
        with self._lock:
            data = bytes(self._waiting)
        if not data or self._file is None:
            return
        try:
            written = write_some(self._file, data)
            with self._lock:
                del self._waiting[:written]
            self._size += written
            self.full = False
        except OSError as error:
            self.full = True
            self._report_once(f"The take cannot be written just now ({error.strerror}); make room, and play on.")
        if self._size >= MOST_BYTES:
            self._report_once(f"The take is as long as one may be ({MOST_BYTES >> 20} MB): what follows is not kept.")

    def _report_once(self, line: str) -> None:
        if not self._has_reported:
            self._has_reported = True
            self.report_error(line)


def write_some(file: int, data: bytes) -> int:
    """Write as many bytes as the disk takes; returns how many. Raises OSError."""
    return os.write(file, data)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a take.jsonl. Lines that are no JSON objects, such as a last one that was cut off, are left out."""
    with path.open(encoding="utf8", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def take_notes(path: Path) -> dict[str, list[Note]]:
    """The notes of the player and of the agent in a take.jsonl; times in seconds from its first message."""
    return _all_notes(_read(path)[0])


def take_events(path: Path) -> dict[str, list[Event]]:
    """The messages of the player and of the agent in a take.jsonl, but for drums; times in monotonic seconds."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, list[Event]], list[BeatPoint]]:
    """The messages of the player and of the agent in a take.jsonl, but for drums, and where the beat was."""
    streams: dict[str, list[Event]] = {PLAYER: [], AGENT: []}
    drum_channel = DrumChannel(has_keys=False)
    beats = []
    for row in rows(path):
        try:
            if "setting" in row:
                drum_channel = DrumChannel(has_keys=row["setting"]["zone"]["channel"] == DRUM_CHANNEL)
            elif "in" in row:
                event = _parse_event(row["t"], row["bytes"])
                if not drum_channel.is_drums(event.message):
                    streams[PLAYER].append(event)
            elif "out" in row:
                streams[AGENT].append(_parse_event(row["at"], row["out"]))
            elif "beat" in row:
                beats.append(row)
            elif "panic" in row:
                streams[PLAYER] += [_parse_event(row["t"], message.hex()) for message in all_up()]
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return streams, beat_points(beats)


def _start(streams: dict[str, list[Event]]) -> float:
    """When the first message was, in monotonic seconds."""
    return min((e.when for events in streams.values() for e in events), default=0.0)


def _all_notes(streams: dict[str, list[Event]]) -> dict[str, list[Note]]:
    roles = {PLAYER: CALL, AGENT: ANSWER}
    return {name: _notes(events, _start(streams), roles[name]) for name, events in streams.items()}


def _parse_event(when: Any, message: str) -> Event:
    """The event of a row. Raises TypeError, ValueError or OverflowError for malformed values."""
    event = Event(float(when), bytes.fromhex(message))
    if not (0 <= event.when < LATEST and is_whole(event.message)):
        raise ValueError("no moment, or no message")
    return event


def _notes(events: list[Event], start: float, role: int) -> list[Note]:
    history = History(kept=sys.maxsize)
    tracker = NoteTracker(history)
    notes = []
    for event in events:
        tracker.hear(event)
    if events:
        tracker.release_all(events[-1].when + OPEN_NOTE_END)
    for note in history.notes:
        notes.append(Note(note.onset - start, min(note.duration, LONGEST_NOTE), note.pitch, note.velocity, role))
    return notes


def write_take_midi(folder: Path) -> None:
    """Make take.mid from take.jsonl, atomically: a track for the player, one for the agent, in their bars. Raises OSError."""
    streams, beats = _read(folder / JSONL)
    notes = _all_notes(streams)
    if any(notes.values()):
        write_music(folder / MIDI, take_music(notes, streams, beats, _start(streams)))


def repair(folder: Path) -> bool:
    """Make take.mid where it is missing or too old, as after a crash. Returns whether there is a new one. Raises OSError.

    A take that is still recorded is left alone.
    """
    jsonl = folder / JSONL
    midi = folder / MIDI
    if midi.exists() and midi.stat().st_mtime >= jsonl.stat().st_mtime:
        return False
    if is_recording(folder):
        return False
    write_take_midi(folder)
    return midi.exists()
