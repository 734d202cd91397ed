"""Controls: what a knob, a pad, a program change or a letter does.

Knows nothing of how it is done. Pure: a message in, the name of an action out.

A knob whose parameter has been moved elsewhere meanwhile does nothing until it passes where that is now (soft pickup): nothing
leaps under the hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import UserError
from ..midi.messages import CONTROL, KIND, NOTE_OFF, NOTE_ON, PEDAL_DOWN, PROGRAM
from ..turns.modes import MODES
from .parameters import PARAMETERS

BARS = {"twos": 2, "fours": 4, "eights": 8}
"""How musicians call a trade of so many bars each."""
STEPS = {"next-preset": 1, "previous-preset": -1}
NEXT_MODE = "next-mode"
ACTIONS = (*MODES, NEXT_MODE, *BARS, *STEPS, "answer", "hush", "panic", "tap", "stop")
PRESET, KNOB = "preset:", "knob:"
LETTERS = {
    "c": "call",
    "t": "trade",
    "d": "duet",
    "a": "answer",
    "n": "next-preset",
    "h": "hush",
    "p": "panic",
    " ": "tap",
    "q": "stop",
}
"""What a letter in the terminal does."""
NEAR = 0.04  # of the range: a knob that is so near has it

Trigger = tuple[str, int]
WIDE, FINE = "wide", 32  # controllers 0 to 31, and so many above each its fine half: 14 bits


@dataclass
class Bindings:
    """Which trigger (a note, a controller, a wide controller of 14 bits, a program) does what.

    What triggers is not music: it is not passed on. `waiting` are the knobs that have not been picked up, each with the value to
    turn it to.
    """

    table: dict[Trigger, str] = field(default_factory=dict)
    waiting: dict[Trigger, float] = field(default_factory=dict)
    _down: set[Trigger] = field(default_factory=set)
    _halves: dict[Trigger, list[int]] = field(default_factory=dict)  # of a wide controller, the coarse one first
    _hand: dict[Trigger, float] = field(default_factory=dict)  # where a knob was last
    _set: dict[Trigger, float] = field(default_factory=dict)  # what it last did

    @classmethod
    def of(cls, lines: list[str]) -> Bindings:
        """From lines such as `cc20=duet`, `note36=panic`, `pc5=preset:ragtime`, `wide21=knob:density`. Raises UserError."""
        table = {}
        for line in lines:
            found = re.fullmatch(r"(note|cc|pc|wide)(\d{1,3})=(\S+)", line.strip())
            if found is None or int(found[2]) > (FINE - 1 if found[1] == WIDE else 127):
                raise UserError(f"{line!r} is no control; write cc20=duet, note36=panic or pc5=preset:ragtime.")
            kind, action = found[1], found[3]
            if action.startswith(KNOB):
                if kind not in ("cc", WIDE) or action.removeprefix(KNOB) not in PARAMETERS:
                    raise UserError(f"{line!r} turns no knob; write cc21={KNOB} and one of {', '.join(PARAMETERS)}.")
            elif kind == WIDE:
                raise UserError(f"{line!r}: a wide controller turns a knob; write {WIDE}{found[2]}={KNOB}density.")
            elif action not in ACTIONS and not action.startswith(PRESET):
                raise UserError(
                    f"{action!r} is nothing to do; there are: {', '.join(ACTIONS)}, {PRESET}NAME, {KNOB}NAME."
                )
            table[kind, int(found[2])] = action
        return cls(table)

    def learn(self, trigger: Trigger, action: str) -> None:
        """From now on this trigger does that; it was just moved, and must be let go before it acts."""
        self.table = {**self.table, trigger: action}
        self._down.add(trigger)

    def forget(self, name: str) -> None:
        """The trigger of that name (`cc20`) does nothing any more."""
        self.table = {k: v for k, v in self.table.items() if f"{k[0]}{k[1]}" != name}
        self.waiting = {k: v for k, v in self.waiting.items() if k in self.table}

    def owns(self, message: bytes) -> bool:
        """Whether the message belongs to a control, on or off."""
        return self._trigger(message) is not None

    def action(self, message: bytes, at: Callable[[str], float] | None = None) -> str | None:
        """What the message does: a pedal or pad acts when it goes down, a knob (`knob:density=0.5`) whenever it is turned.

        `at` tells where a parameter is now; without it, nothing waits to be picked up.
        """
        trigger = self._trigger(message)
        action = self.table.get(trigger) if trigger else None
        if trigger is None or action is None or trigger[0] == "pc":
            return action
        if action.startswith(KNOB):
            value = self._turned(trigger, action.removeprefix(KNOB), message, at)
            return None if value is None else f"{action}={value:.3f}"
        is_down = message[0] & KIND != NOTE_OFF and message[2] >= (PEDAL_DOWN if trigger[0] == "cc" else 1)
        was_down = trigger in self._down
        (self._down.add if is_down else self._down.discard)(trigger)
        return action if is_down and not was_down else None

    def _turned(self, trigger: Trigger, name: str, message: bytes, at: Callable[[str], float] | None) -> float | None:
        """The value that a knob has been turned to; None where it has not been picked up."""
        parameter = PARAMETERS[name]
        if trigger[0] == WIDE:
            halves = self._halves.setdefault(trigger, [64, 0])
            halves[message[1] >= FINE] = message[2]
            value = parameter.from_controller(halves[0] << 7 | halves[1], (1 << 14) - 1)
        else:
            value = parameter.from_controller(message[2])
        before, self._hand[trigger] = self._hand.get(trigger, value), value
        if at is not None:
            now, ours = at(name), self._set.get(trigger)
            held = ours is not None and parameter.nearness(ours, now) < 0.001
            passed = min(before, value) <= now <= max(before, value)
            if not (held or passed or parameter.nearness(value, now) < NEAR):
                self.waiting[trigger] = now
                return None
        self.waiting.pop(trigger, None)
        self._set[trigger] = round(value, 3)
        return value

    def _trigger(self, message: bytes) -> Trigger | None:
        """The trigger of the table that the message belongs to."""
        trigger = trigger_of(message)
        if trigger is None or trigger in self.table:
            return trigger
        wide = (WIDE, trigger[1] % FINE)
        return wide if trigger[0] == "cc" and trigger[1] < 2 * FINE and wide in self.table else None


def trigger_of(message: bytes) -> Trigger | None:
    """The note, controller or program of a message."""
    kind = message[0] & KIND if message else 0
    if kind == PROGRAM and len(message) == 2:
        return "pc", message[1]
    if len(message) == 3 and kind in (NOTE_OFF, NOTE_ON, CONTROL):
        return "cc" if kind == CONTROL else "note", message[1]
    return None
