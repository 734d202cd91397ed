"""Bind knobs, pads, program changes and hotkeys to actions. Pure: a MIDI message in, the name of an action out.

A parameter may have been changed elsewhere since its knob was last turned. Then the knob does nothing until it passes the parameter's
present value (soft pickup, or soft takeover), so that no parameter jumps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import UserError
from ..midi.messages import CONTROL, KIND, NOTE_OFF, NOTE_ON, PEDAL_DOWN, PROGRAM
from ..turns.mode_settings import MODES
from .parameters import PARAMETERS

BAR_COUNTS = {"twos": 2, "fours": 4, "eights": 8}
"""Bars of each turn, by the musicians' names for trading."""
PRESET_STEPS = {"next-preset": 1, "previous-preset": -1}
NEXT_MODE = "next-mode"
CLICK, FREE = "click", "free"  # switch the metronome on or off; back to free time
ACTIONS = (*MODES, NEXT_MODE, *BAR_COUNTS, *PRESET_STEPS, "answer", "hush", "panic", "tap", CLICK, FREE, "stop")
PRESET = "preset:"  # the prefix of an action that chooses a preset
KNOB = "knob:"  # the prefix of an action that sets a parameter
FORM = "form:"  # the prefix of an action that sets bars, beats or the part: `form:bars=8`
HOTKEYS = {
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
"""The action of each key in the terminal."""
PICKUP_DISTANCE = 0.04  # of the range: a knob that is nearer to the parameter's value picks it up
HOLD_DISTANCE = 0.001  # of the range: a parameter nearer than this to what its knob set has not been changed elsewhere

Trigger = tuple[str, int]  # its kind (note, cc, pc, wide) and its number
WIDE = "wide"  # a controller of 14 bits: two MIDI controllers, the coarse one 0 to 31
FINE = 32  # the fine controller's number is so much higher than the coarse one's


@dataclass
class Bindings:
    """The action of each trigger: a note, a controller, a wide controller of 14 bits, or a program.

    A message that belongs to a trigger is not music, and is not passed on. `waiting`: the knobs that have not picked up their parameter,
    each with the value to turn it to.
    """

    table: dict[Trigger, str] = field(default_factory=dict)
    waiting: dict[Trigger, float] = field(default_factory=dict)
    _down: set[Trigger] = field(default_factory=set)  # pads and pedals that are down
    _halves: dict[Trigger, list[int]] = field(default_factory=dict)  # of a wide controller, the coarse one first
    _knob_values: dict[Trigger, float] = field(default_factory=dict)  # where each knob was last
    _set_values: dict[Trigger, float] = field(default_factory=dict)  # what each knob last set its parameter to

    @classmethod
    def parse(cls, lines: list[str]) -> Bindings:
        """From lines such as `cc20=duet`, `note36=panic`, `pc5=preset:ragtime`, `wide21=knob:density`. Raises UserError."""
        return cls(dict(map(_parse_line, lines)))

    def bind(self, trigger: Trigger, action: str) -> None:
        """Bind an action to a trigger that has just been pressed: it must be released before it acts."""
        self.table = {**self.table, trigger: action}
        self._down.add(trigger)

    def remove(self, name: str) -> None:
        """Remove the binding of the trigger of that name (`cc20`)."""
        self.table = {k: v for k, v in self.table.items() if f"{k[0]}{k[1]}" != name}
        self.waiting = {k: v for k, v in self.waiting.items() if k in self.table}

    def is_bound(self, message: bytes) -> bool:
        """Whether the message, a press or a release, belongs to a trigger of the table."""
        return self._find_trigger(message) is not None

    def action_for(self, message: bytes, value_of: Callable[[str], float] | None = None) -> str | None:
        """The action of a message: a pedal or pad acts when it goes down, a knob (`knob:density=0.5`) whenever it is turned.

        `value_of` gives the present value of a parameter; without it, no knob waits to pick one up.
        """
        trigger = self._find_trigger(message)
        action = self.table.get(trigger) if trigger else None
        if trigger is None or action is None or trigger[0] == "pc":
            return action
        if action.startswith(KNOB):
            value = self._turn(trigger, action.removeprefix(KNOB), message, value_of)
            return None if value is None else f"{action}={value:.3f}"
        threshold = PEDAL_DOWN if trigger[0] == "cc" else 1
        is_down = message[0] & KIND != NOTE_OFF and message[2] >= threshold
        was_down = trigger in self._down
        if is_down:
            self._down.add(trigger)
        else:
            self._down.discard(trigger)
        return action if is_down and not was_down else None

    def _turn(
        self, trigger: Trigger, name: str, message: bytes, value_of: Callable[[str], float] | None
    ) -> float | None:
        """The value that a knob sets its parameter to; None where it has not picked it up."""
        parameter = PARAMETERS[name]
        if trigger[0] == WIDE:
            halves = self._halves.setdefault(trigger, [64, 0])
            halves[message[1] >= FINE] = message[2]
            value = parameter.from_controller((halves[0] << 7) | halves[1], (1 << 14) - 1)
        else:
            value = parameter.from_controller(message[2])
        before = self._knob_values.get(trigger, value)
        self._knob_values[trigger] = value
        if value_of is not None:
            present = value_of(name)
            last_set = self._set_values.get(trigger)
            is_held = last_set is not None and parameter.distance(last_set, present) < HOLD_DISTANCE
            has_passed = min(before, value) <= present <= max(before, value)
            if not (is_held or has_passed or parameter.distance(value, present) < PICKUP_DISTANCE):
                self.waiting[trigger] = present
                return None
        self.waiting.pop(trigger, None)
        self._set_values[trigger] = round(value, 3)
        return value

    def _find_trigger(self, message: bytes) -> Trigger | None:
        """The trigger that a message belongs to; a controller's is the wide one where that is bound."""
        trigger = trigger_of(message)
        if trigger is None or trigger in self.table:
            return trigger
        wide = (WIDE, trigger[1] % FINE)
        return wide if trigger[0] == "cc" and trigger[1] < 2 * FINE and wide in self.table else None


def trigger_of(message: bytes) -> Trigger | None:
    """The note, controller or program of a message; None for other messages."""
    kind = message[0] & KIND if message else 0
    if kind == PROGRAM and len(message) == 2:
        return "pc", message[1]
    if len(message) == 3 and kind in (NOTE_OFF, NOTE_ON, CONTROL):
        return "cc" if kind == CONTROL else "note", message[1]
    return None


def _parse_line(line: str) -> tuple[Trigger, str]:
    """One binding. Raises UserError."""
    found = re.fullmatch(r"(note|cc|pc|wide)(\d{1,3})=(\S+)", line.strip())
    if found is None or int(found[2]) > (FINE - 1 if found[1] == WIDE else 127):
        raise UserError(f"{line!r} is no control; write cc20=duet, note36=panic or pc5=preset:ragtime.")
    kind = found[1]
    action = found[3]
    if action.startswith(KNOB):
        if kind not in ("cc", WIDE) or action.removeprefix(KNOB) not in PARAMETERS:
            raise UserError(f"{line!r} turns no knob; write cc21={KNOB} and one of {', '.join(PARAMETERS)}.")
    elif kind == WIDE:
        raise UserError(f"{line!r}: a wide controller turns a knob; write {WIDE}{found[2]}={KNOB}density.")
    elif action not in ACTIONS and not action.startswith(PRESET):
        raise UserError(f"{action!r} is nothing to do; there are: {', '.join(ACTIONS)}, {PRESET}NAME, {KNOB}NAME.")
    return (kind, int(found[2])), action
