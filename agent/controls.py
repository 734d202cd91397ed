"""Controls: what a knob, a pad, a program change or a letter does.

Knows nothing of how it is done. Pure: a message in, the name of an action out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .errors import UserError
from .listener import CONTROL, NOTE_OFF, NOTE_ON
from .manner import MODES
from .presets import KNOBS

PROGRAM = 0xC0
ACTIONS = (*MODES, "answer", "panic", "tap", "stop")
PRESET, KNOB = "preset:", "knob:"
LETTERS = {"c": "call", "t": "trade", "d": "duet", "a": "answer", "p": "panic", " ": "tap", "q": "stop"}
"""What a letter in the terminal does."""

Trigger = tuple[str, int]


@dataclass
class Controls:
    """Which trigger (a note, a controller, a program) does what. What triggers is not music: it is not passed on."""

    table: dict[Trigger, str] = field(default_factory=dict)
    _down: set[Trigger] = field(default_factory=set)

    @classmethod
    def of(cls, lines: list[str]) -> Controls:
        """From lines such as `cc20=duet`, `note36=panic`, `pc5=preset:ragtime`. Raises UserError."""
        table = {}
        for line in lines:
            found = re.fullmatch(r"(note|cc|pc)(\d{1,3})=(\S+)", line.strip())
            if found is None or int(found[2]) > 127:
                raise UserError(f"{line!r} is no control; write cc20=duet, note36=panic or pc5=preset:ragtime.")
            if found[3].startswith(KNOB) and (found[1] != "cc" or found[3].removeprefix(KNOB) not in KNOBS):
                raise UserError(f"{line!r} turns no knob; write cc21={KNOB} and one of {', '.join(KNOBS)}.")
            if found[3] not in ACTIONS and not found[3].startswith((PRESET, KNOB)):
                raise UserError(
                    f"{found[3]!r} is nothing to do; there are: {', '.join(ACTIONS)}, {PRESET}NAME, {KNOB}NAME."
                )
            table[found[1], int(found[2])] = found[3]
        return cls(table)

    def learn(self, trigger: Trigger, action: str) -> None:
        """From now on this trigger does that; it was just moved, and must be let go before it acts."""
        self.table = {**self.table, trigger: action}
        self._down.add(trigger)

    def owns(self, message: bytes) -> bool:
        """Whether the message belongs to a control, on or off."""
        return trigger_of(message) in self.table

    def action(self, message: bytes) -> str | None:
        """What the message does: a pedal or pad acts when it goes down, a knob (`knob:density=0.5`) whenever it is turned."""
        trigger = trigger_of(message)
        action = self.table.get(trigger) if trigger else None
        if trigger is None or action is None or trigger[0] == "pc":
            return action
        if action.startswith(KNOB):
            return f"{action}={max((message[2] - 64) / 63, -1.0):.3f}"
        is_down = message[0] & 0xF0 != NOTE_OFF and message[2] >= (64 if trigger[0] == "cc" else 1)
        was_down = trigger in self._down
        (self._down.add if is_down else self._down.discard)(trigger)
        return action if is_down and not was_down else None


def trigger_of(message: bytes) -> Trigger | None:
    """The note, controller or program of a message."""
    kind = message[0] & 0xF0 if message else 0
    if kind == PROGRAM and len(message) == 2:
        return "pc", message[1]
    if len(message) == 3 and kind in (NOTE_OFF, NOTE_ON, CONTROL):
        return "cc" if kind == CONTROL else "note", message[1]
    return None
