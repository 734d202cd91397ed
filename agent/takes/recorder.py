"""The recorder: a take holds all that was heard and played, exactly, and a .mid made from it.

Knows nothing of phrases or turns.

take.jsonl is written as things happen, and is the truth: what is older than a second is on the disk, whatever happens to us. take.mid, a
track for the player and one for the agent, is made from it at the end, and can be made again at any time.

Threads: all methods are called on the event loop's thread, which never waits for a disk: threads of its own write and sync.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from models.music.midifile import write_notes
from models.music.note import ANSWER, CALL, Note

from .. import thread_priority
from ..errors import UserError
from ..midi.messages import Event, is_whole
from ..turns.history import History
from ..turns.note_tracker import NoteTracker

FORMAT = "tradefours-take/1"
JSONL, MIDI, PICTURE, TEXT = "take.jsonl", "take.mid", "take.png", "take.txt"
PLAYER, AGENT = "player", "agent"
BINARY = getattr(os, "O_BINARY", 0)  # Windows would make two bytes of a line's end
WRITE = 0.2  # seconds between writes: what is written survives us
SYNC = 0.5  # seconds between syncs: what is synced survives the machine, too; a slow disk takes its time for it
MOST_WAITING = 8 << 20  # bytes that wait for a disk that takes no more
MOST_BYTES = 256 << 20  # of one take
LATEST = 1e10  # seconds: no clock shows more


class Witness(Protocol):
    """Who is told what happens in a session, on its event loop."""

    def heard(self, event: Event, port: str) -> None:
        """The player's message, and the port that it came from."""

    def played(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: when it was meant to leave, and when it left."""

    def close(self) -> None:
        """It is over. May be called twice."""


class Take:
    """A take in a folder of its own. `trouble` takes a line for the user, from any thread.

    Raises UserError where the folder cannot be written.
    """

    def __init__(self, folder: Path, *, trouble: Callable[[str], None] = lambda line: None, **about: Any) -> None:
        self.folder, self.trouble = folder, trouble
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(folder / JSONL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o644)
        except OSError as error:
            raise UserError(f"the take cannot be kept in {folder} ({error.strerror}); name another folder.") from error
        self.full = False  # the disk took no more; the music went on
        self._said = False
        self._size = 0  # bytes that are on the disk
        self._waiting, self._lock = bytearray(), threading.Lock()
        self._over = threading.Event()
        self._write({"format": FORMAT, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about})
        self._threads = [
            threading.Thread(target=target, name="take", daemon=True)
            for target in (self._keep_writing, self._keep_syncing)
        ]
        for thread in self._threads:
            thread.start()

    def heard(self, event: Event, port: str) -> None:
        """The player's message, and the port that it came from."""
        self._write({"t": round(event.when, 6), "in": port, "bytes": event.message.hex(" ")})

    def played(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: when it was meant to leave, and when it left."""
        self._write({"t": round(planned, 6), "at": round(actual, 6), "out": message.hex(" ")})

    def said(self, when: float, text: str) -> None:
        """A line that the user was told."""
        self._write({"t": round(when, 6), "say": text})

    def keep(self, when: float, row: dict[str, Any]) -> None:
        """What else a replay must know: what was asked of the musician and got, what was wished."""
        self._write({"t": round(when, 6), **row})

    def close(self) -> None:
        """Finish take.jsonl and make take.mid, if any note was played. May be called twice."""
        if self._over.is_set():
            return
        self._over.set()
        for thread in self._threads:
            thread.join()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
        try:
            write_take_midi(self.folder)
        except OSError:
            self.full = True

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if len(self._waiting) + len(line) <= MOST_WAITING and self._size < MOST_BYTES:
                self._waiting += line  # or it is lost: the memory that we may take has an end, too

    def _keep_writing(self) -> None:
        """A thread: until the end, and once more."""
        thread_priority.once()
        while not self._over.wait(WRITE):
            self._put()
        self._put()

    def _keep_syncing(self) -> None:
        """A thread of its own, as a disk may take long."""
        thread_priority.once()
        while not self._over.wait(SYNC):
            with contextlib.suppress(OSError):  # what is no file cannot be synced
                if self._file is not None:
                    os.fsync(self._file)

    def _put(self) -> None:
        with self._lock:
            some = bytes(self._waiting)
        if not some or self._file is None:
            return
        try:
            written = put(self._file, some)
            with self._lock:
                del self._waiting[:written]
            self._size += written
            self.full = False
        except OSError as error:
            self.full = True
            if not self._said:
                self._said = True
                self.trouble(f"The take cannot be written just now ({error.strerror}); make room, and play on.")
        if self._size >= MOST_BYTES and not self._said:
            self._said = True
            self.trouble(f"The take is as long as one may be ({MOST_BYTES >> 20} MB): what follows is not kept.")


def put(file: int, data: bytes) -> int:
    """Write as much as goes; how many bytes that was. Raises OSError."""
    return os.write(file, data)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a take.jsonl; a last line that was torn off is passed over."""
    with path.open(encoding="utf8", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def take_notes(path: Path) -> dict[str, list[Note]]:
    """The notes of a take.jsonl, the player's and the agent's, in seconds from its first message."""
    streams: dict[str, list[Event]] = {PLAYER: [], AGENT: []}
    for row in rows(path):
        try:
            if "in" in row:
                streams[PLAYER].append(_event(row["t"], row["bytes"]))
            elif "out" in row:
                streams[AGENT].append(_event(row["at"], row["out"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    start = min((e.when for events in streams.values() for e in events), default=0.0)
    roles = {PLAYER: CALL, AGENT: ANSWER}
    return {name: _notes(events, start, roles[name]) for name, events in streams.items()}


def _event(when: Any, message: str) -> Event:
    """What a row tells. Raises ValueError, or what else Python has to say of nonsense."""
    event = Event(float(when), bytes.fromhex(message))
    if not (0 <= event.when < LATEST and is_whole(event.message)):
        raise ValueError("no moment, or no message")
    return event


def _notes(events: list[Event], start: float, role: int) -> list[Note]:
    history = History(kept=sys.maxsize)
    tracker, notes = NoteTracker(history), []
    for event in events:
        tracker.hear(event)
    if events:
        tracker.release_all(events[-1].when + 0.5)
    for note in history.notes:
        notes.append(Note(note.onset - start, min(note.duration, 60.0), note.pitch, note.velocity, role))
    return notes


def write_take_midi(folder: Path) -> None:
    """Make take.mid from take.jsonl, a track each: whole, or not at all. Raises OSError."""
    notes = take_notes(folder / JSONL)
    if any(notes.values()):
        half = folder / f"{MIDI}.part"
        write_notes(half, notes, channel={PLAYER: 0, AGENT: 1})
        os.replace(half, folder / MIDI)


def mend(folder: Path) -> bool:
    """Make the take.mid that an end without warning has left unmade; whether there was one to make. Raises OSError."""
    truth, made = folder / JSONL, folder / MIDI
    if made.exists() and made.stat().st_mtime >= truth.stat().st_mtime:
        return False
    write_take_midi(folder)
    return made.exists()
