"""The takes as the pages see them: their list, the files, notes and sound of one, and the last two minutes, saved as a take."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..midi.messages import Event
from ..takes import library
from ..takes.recorder import MIDI, Take
from .take_sounds import TakeSounds

MOMENT_SECONDS = 120.0  # that "save the last two minutes" keeps
MOST_EVENTS = 20_000  # of that moment; at 100 a second
MOST_SHOWN = 40  # takes
MOST_TITLE = 100  # characters


class TakeList:
    """The takes in `folder`; `current` is the one that is being recorded, and is told everything first."""

    def __init__(self, current: Take, folder: Path, sounds: TakeSounds | None = None) -> None:
        self._current = current
        self._folder = folder
        self.sounds = sounds or TakeSounds(folder)
        self._events: deque[tuple[float, str, tuple[Any, ...]]] = deque(maxlen=MOST_EVENTS)  # time, method, arguments
        self._last_saved: Path | None = None

    bounds = library.BOUNDS  # how long takes are kept, in words

    @property
    def current(self) -> str:
        """The name of the take that is being recorded."""
        return self._current.folder.name

    def record_input(self, event: Event, port: str) -> None:
        """A message of the player's."""
        self._current.record_input(event, port)
        self._events.append((event.when, "record_input", (event, port)))

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        """A message of ours."""
        self._current.record_output(planned, actual, message)
        self._events.append((actual, "record_output", (planned, actual, message)))

    def record_panic(self, when: float) -> None:
        """All keys of the player count as up."""
        self._current.record_panic(when)
        self._events.append((when, "record_panic", (when,)))

    def close(self) -> None:
        """Finish the current take."""
        self._current.close()
        self.sounds.close()

    def rows(self) -> list[dict[str, Any]]:
        """The newest takes, ready for JSON. Reads files: from any thread."""
        rows = []
        for folder in library.list_takes(self._folder)[:MOST_SHOWN]:
            with contextlib.suppress(UserError):
                rows.append(
                    {**library.summarize(folder).row(), "midi": (folder / MIDI).is_file(), "title": _title(folder)}
                )
        return rows

    def midi_file(self, name: str) -> Path | None:
        """The .mid file of a take, where there is one."""
        folder = self._find(name)
        if folder is None or not (folder / MIDI).is_file():
            return None
        return folder / MIDI

    def notes(self, name: str) -> list[list[Any]] | None:
        """The notes of a take: who, onset, duration, pitch, velocity. From any thread."""
        folder = self._find(name)
        try:
            return None if folder is None else library.note_rows(folder)
        except UserError:
            return None

    async def make_sound(self, name: str, tell: Callable[[dict[str, Any]], None]) -> None:
        """Make the sound of a take; `tell` gets the news for the pages. Raises UserError."""
        folder = self._find(name)
        if folder is None:
            raise UserError("There is no such take any more.")
        if name == self.current:
            raise UserError("This take is being played just now; its sound can be had when it is over.")
        await self.sounds.make(folder, tell)

    def rename(self, name: str, title: str) -> None:
        """Give a take a title of the user's own; its folder keeps its name. Raises UserError."""
        folder = self._find(name)
        if folder is None:
            raise UserError("There is no such take any more.")
        try:
            (folder / library.TITLE).write_text(f"{title}\n", encoding="utf8")
        except OSError as error:
            raise UserError(f"The title cannot be kept ({error.strerror}).") from error

    def delete(self, name: str) -> None:
        """Delete a take. Raises UserError."""
        if name == self.current:
            raise UserError("This take is being played just now; it can be deleted when it is over.")
        library.delete(self._folder, name)

    def begin_moment(self, now: float, preset: str) -> Moment:
        """The last two minutes, to be saved as a take of their own. Raises UserError where they were saved just now."""
        folder = self._folder / f"{datetime.now().strftime(library.DATE)}-moment"
        if folder == self._last_saved:
            raise UserError("The last two minutes were kept just now.")
        self._last_saved = folder
        events = [(kind, arguments) for when, kind, arguments in self._events if when >= now - MOMENT_SECONDS]
        beats = [("record_row", (row["since"], row)) for row in self._current.beats]
        return Moment(folder, preset, self.current, [*beats, *events])

    def _find(self, name: str) -> Path | None:
        """A take's folder; None for what is no take's name, or not there."""
        if not library.NAME.fullmatch(name):
            return None
        try:
            return library.find_take(self._folder, name)
        except UserError:
            return None


def _title(folder: Path) -> str:
    """What the user calls a take; "" where it has no title that can be read."""
    try:
        text = (folder / library.TITLE).read_text(encoding="utf8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text[:MOST_TITLE] if text.isprintable() else ""


class Moment:
    """Some minutes of a session, to be written as a take."""

    def __init__(self, folder: Path, preset: str, source: str, events: list[tuple[str, tuple[Any, ...]]]) -> None:
        self.folder = folder
        self._preset = preset
        self._source = source  # the name of the take that they belong to
        self._events = events

    def write(self) -> None:
        """Write the take. Blocks: from any thread. Raises UserError."""
        take = Take(self.folder, preset=self._preset, of=self._source)
        self.folder = take.folder
        for kind, arguments in self._events:
            getattr(take, kind)(*arguments)
        take.close()
