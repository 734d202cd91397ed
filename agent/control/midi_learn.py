"""MIDI learn: bind a control by moving it, on its own channel, and keep the bindings in a file of lines such as `cc20=duet`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.music.preset_file import read_text

from ..errors import UserError
from ..midi.messages import KIND, NOTE_OFF, is_channel_mode
from .bindings import FINE, KNOB, WIDE, Bindings, Trigger, trigger_of

LARGEST = 64 << 10  # bytes of a file of bindings
COMMENT = re.compile(r"(^|\s)#.*")


class MidiLearn:
    """The bindings, and the action that waits for its control. `file` is None where nothing is kept."""

    def __init__(self, bindings: Bindings, file: Path | None) -> None:
        self.bindings = bindings
        self.file = file
        self.pending: str | None = None  # the action that the next control gets
        self.journal: Callable[[dict[str, Any]], None] = lambda row: None  # gets a row for each binding made or removed
        self.problems: list[str] = []  # lines of the file that are no bindings, each as a sentence
        self._other_lines: list[str] = []  # of the file: comments, and what is no binding; they are kept
        self._last: Trigger | None = None  # the knob that was just bound
        self._just_bound = b""  # the message that was just bound

    @classmethod
    def load(cls, lines: list[str], file: Path) -> MidiLearn:
        """The bindings of the file, and those of the command line on top. Raises UserError.

        A line of the file that is no binding is passed over: see `problems`.
        """
        found = cls(Bindings(), file)
        try:
            written = _lines_of(file)
        except OSError as error:  # a home folder that is another's
            written = []
            found.file = None
            found.problems.append(f"{file} cannot be read ({error.strerror}); controls are not remembered.")
        for line in written:
            binding = COMMENT.sub("", line).strip()
            try:
                found.bindings.table.update(Bindings.parse([binding] if binding else []).table)
            except UserError as error:
                found.problems.append(f"{file}: {error} The line is passed over.")
                binding = ""
            if not binding:
                found._other_lines.append(line)
        found.bindings.table.update(Bindings.parse(lines).table)
        return found

    def lines(self) -> list[str]:
        """The bindings as they are written, a line each."""
        return self.bindings.lines()

    def receive(self, message: bytes) -> str | None:
        """Take a message; where an action is pending, bind it to the message's control. Returns a line for the user."""
        trigger = trigger_of(message)
        if trigger is None or is_channel_mode(message):
            return None  # some keyboards say all notes off whenever the last key comes up
        if self._merge_layer(message, trigger) or self._widen(trigger):
            return None
        if self.pending is None:
            return None
        kind = trigger.kind
        is_press = message[0] & KIND != NOTE_OFF and message[-1] > 0
        if (kind == "note" and not is_press) or (self.pending.startswith(KNOB) and kind != "cc"):
            return None
        action = self.pending
        self.pending = None
        former = self.bindings.find_trigger(message)
        if former not in (None, trigger):  # it did something on any channel: that is replaced
            self._unbind(former.name)
        self._bind(trigger, action)
        self._last = trigger if action.startswith(KNOB) else None
        self._just_bound = message
        self.save()
        return f"{trigger.name} now does {action}."

    def _merge_layer(self, message: bytes, trigger: Trigger) -> bool:
        """Bind what was just bound on any channel, where this is its second layer: the same at once on another channel."""
        bound = self._just_bound
        self._just_bound = b""
        taught = trigger_of(bound)
        if (
            self.pending is not None
            or taught is None
            or bound[1:] != message[1:]
            or taught.on_any_channel != trigger.on_any_channel
        ):
            return False
        if taught == trigger or taught not in self.bindings.table:
            return False
        action = self.bindings.table[taught]
        self._unbind(taught.name)
        self._bind(taught.on_any_channel, action)
        self._last = None
        self.save()
        return True

    def _widen(self, trigger: Trigger) -> bool:
        """Bind the knob that was just bound as a wide one, where this is its other half. Returns whether it was."""
        last = self._last
        self._last = None
        if last is None or last.channel != trigger.channel or trigger.kind != "cc":
            return False
        coarse = min(last.number, trigger.number)
        if abs(last.number - trigger.number) != FINE or coarse >= FINE:
            return False
        action = self.bindings.table[last]
        self._unbind(last.name)
        self._bind(Trigger(WIDE, coarse, trigger.channel), action)
        self.save()
        return True

    def remove(self, trigger: str) -> None:
        """Remove the binding of the trigger of that name (`cc20`). Raises UserError where the file cannot be written."""
        self._unbind(trigger)
        self.save()

    def _bind(self, trigger: Trigger, action: str) -> None:
        self.journal({"learns": [trigger.name, action]})
        self.bindings.bind(trigger, action)

    def _unbind(self, trigger: str) -> None:
        self.journal({"forgets": trigger})
        self.bindings.remove(trigger)

    def save(self) -> None:
        """Write the file atomically. Raises UserError."""
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            part = self.file.with_name(self.file.name + ".part")
            part.write_text("\n".join([*self._other_lines, *self.lines()]) + "\n", encoding="utf8")
            os.replace(part, self.file)
        except OSError as error:
            raise UserError(
                f"{self.file} cannot be written ({error.strerror}); controls are not remembered."
            ) from error


def _lines_of(file: Path) -> list[str]:
    """The lines of a file of bindings; none where there is no file. Raises UserError, OSError."""
    if not file.is_file():
        return []
    if file.stat().st_size > LARGEST:
        raise UserError(f"{file} is too large for a list of controls; repair it, or remove it.")
    try:
        return read_text(file).splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{file} cannot be read; repair it, or remove it.") from error
