"""The recorder: a take holds all that was heard and played, exactly, and a .mid made from it.

Knows nothing of phrases or turns.

take.jsonl is written line by line as things happen, and is the truth; take.mid, a track for the player and one for the agent, is made
from it at the end, and can be made again at any time. All methods are called on the event loop's thread.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from models.midifile import write_notes
from models.note import ANSWER, CALL, Note

from .conversation import Conversation
from .errors import UserError
from .listener import Listener
from .ports import Event

FORMAT = "tradefours-take/1"
JSONL, MIDI, PICTURE, TEXT = "take.jsonl", "take.mid", "take.png", "take.txt"
PLAYER, AGENT = "player", "agent"
FLUSH_EVERY = 16  # lines


class Witness(Protocol):
    """Who is told what happens in a session, on its event loop."""

    def heard(self, event: Event, port: str) -> None:
        """The player's message, and the port that it came from."""

    def played(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: when it was meant to leave, and when it left."""

    def close(self) -> None:
        """It is over. May be called twice."""


class Take:
    """A take in a folder of its own. Raises UserError where the folder cannot be written."""

    def __init__(self, folder: Path, **about: Any) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: TextIO | None = (folder / JSONL).open("w", encoding="utf8")
        except OSError as error:
            raise UserError(f"the take cannot be kept in {folder} ({error.strerror}); name another folder.") from error
        self._lines = 0
        self.full = False  # the disk took no more; the music went on
        self._write({"format": FORMAT, "started": datetime.now(UTC).isoformat(timespec="seconds"), **about})

    def heard(self, event: Event, port: str) -> None:
        """The player's message, and the port that it came from."""
        self._write({"t": round(event.when, 6), "in": port, "bytes": event.message.hex(" ")})

    def played(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours: when it was meant to leave, and when it left."""
        self._write({"t": round(planned, 6), "at": round(actual, 6), "out": message.hex(" ")})

    def said(self, when: float, text: str) -> None:
        """A line that the user was told."""
        self._write({"t": round(when, 6), "say": text})

    def close(self) -> None:
        """Finish take.jsonl and make take.mid, if any note was played. May be called twice."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
            write_take_midi(self.folder)
        except OSError:
            self.full = True

    def _write(self, row: dict[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._lines += 1
            if self._lines % FLUSH_EVERY == 1:
                self._file.flush()
        except OSError:
            self.full = True


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a take.jsonl; a last line that was torn off is passed over."""
    with path.open(encoding="utf8", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict):
                yield row


def take_notes(path: Path) -> dict[str, list[Note]]:
    """The notes of a take.jsonl, the player's and the agent's, in seconds from its first message."""
    streams: dict[str, list[Event]] = {PLAYER: [], AGENT: []}
    for row in rows(path):
        try:
            if "in" in row:
                streams[PLAYER].append(Event(float(row["t"]), bytes.fromhex(row["bytes"])))
            elif "out" in row:
                streams[AGENT].append(Event(float(row["at"]), bytes.fromhex(row["out"])))
        except (KeyError, TypeError, ValueError):
            continue
    start = min((e.when for events in streams.values() for e in events), default=0.0)
    roles = {PLAYER: CALL, AGENT: ANSWER}
    return {name: _notes(events, start, roles[name]) for name, events in streams.items()}


def _notes(events: list[Event], start: float, role: int) -> list[Note]:
    conversation = Conversation(kept=sys.maxsize)
    listener, notes = Listener(conversation), []
    for event in events:
        listener.hear(event)
    if events:
        listener.lift(events[-1].when + 0.5)
    for note in conversation.notes:
        notes.append(Note(note.onset - start, min(note.duration, 60.0), note.pitch, note.velocity, role))
    return notes


def write_take_midi(folder: Path) -> None:
    """Make take.mid from take.jsonl, a track each. Raises OSError."""
    notes = take_notes(folder / JSONL)
    if any(notes.values()):
        write_notes(folder / MIDI, notes, channel={PLAYER: 0, AGENT: 1})
