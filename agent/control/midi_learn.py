"""Learning: controls that are taught by moving them, and remembered in the user's own settings.

Knows nothing of ports or pages; it sees messages, and writes one file of lines such as `cc20=duet`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..midi.messages import KIND, NOTE_OFF
from .bindings import FINE, KNOB, WIDE, Bindings, Trigger, trigger_of

LARGEST = 64 << 10  # bytes of a file of controls


def settings_folder() -> Path:
    """The platform's own place for settings."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "tradefours"


class MidiLearn:
    """What the controls do, and the one that is being taught, if one is."""

    def __init__(self, controls: Bindings, file: Path | None) -> None:
        self.controls, self.file = controls, file
        self.wanted: str | None = None
        self.journal: Callable[[dict[str, Any]], None] = lambda row: None  # told of what is learnt and forgotten
        self._last: Trigger | None = None  # the knob that was just taught

    @classmethod
    def with_memory(cls, lines: list[str], file: Path) -> MidiLearn:
        """What was remembered, and lines of the command line on top. Raises UserError."""
        remembered = Bindings()
        if file.is_file():
            try:
                if file.stat().st_size > LARGEST:
                    raise UserError(f"{file} is too large for a list of controls; repair it, or remove it.")
                text = file.read_text(encoding="utf8")
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(f"{file} cannot be read; repair it, or remove it.") from error
            try:
                remembered = Bindings.of([line for line in text.splitlines() if line.strip()])
            except UserError as error:
                raise UserError(f"{file}: {error}") from error
        remembered.table.update(Bindings.of(lines).table)
        return cls(remembered, file)

    def lines(self) -> list[str]:
        """The controls as they are written."""
        return [f"{kind}{number}={action}" for (kind, number), action in sorted(self.controls.table.items())]

    def hear(self, message: bytes) -> str | None:
        """A message arrives; where one is waited for, it is that control from now on. Returns the line to say."""
        trigger = trigger_of(message)
        if trigger is None or self._widens(trigger):
            return None
        if self.wanted is None:
            return None
        kind, is_on = trigger[0], message[0] & KIND != NOTE_OFF and message[-1] > 0
        if (kind == "note" and not is_on) or (self.wanted.startswith(KNOB) and kind != "cc"):
            return None
        action, self.wanted = self.wanted, None
        self._teach(trigger, action)
        self._last = trigger if action.startswith(KNOB) else None
        self.keep()
        return f"{kind}{trigger[1]} now does {action}."

    def _widens(self, trigger: Trigger) -> bool:
        """Whether this is the other half of the knob that was just taught: the two are one, of 14 bits."""
        last, self._last = self._last, None
        if last is None or trigger[0] != "cc" or abs(last[1] - trigger[1]) != FINE or min(last[1], trigger[1]) >= FINE:
            return False
        action = self.controls.table[last]
        self._drop(f"cc{last[1]}")
        self._teach((WIDE, min(last[1], trigger[1])), action)
        self.keep()
        return True

    def forget(self, trigger: str) -> None:
        """This control does nothing any more."""
        self._drop(trigger)
        self.keep()

    def _teach(self, trigger: Trigger, action: str) -> None:
        self.journal({"learns": [*trigger, action]})
        self.controls.learn(trigger, action)

    def _drop(self, trigger: str) -> None:
        self.journal({"forgets": trigger})
        self.controls.forget(trigger)

    def keep(self) -> None:
        """Write the file, at once or not at all. Raises UserError."""
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            half = self.file.with_name(self.file.name + ".part")
            half.write_text("\n".join(self.lines()) + "\n", encoding="utf8")
            os.replace(half, self.file)
        except OSError as error:
            raise UserError(
                f"{self.file} cannot be written ({error.strerror}); controls are not remembered."
            ) from error
