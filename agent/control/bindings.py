"""Bind knobs, pads, program changes and hotkeys to actions. Pure: a MIDI message in, the name of an action out.

A parameter may have been changed elsewhere since its knob was last turned. Then the knob does nothing until it passes the parameter's
present value (soft pickup, or soft takeover), so that no parameter jumps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import UserError
from ..midi.messages import CHANNEL, CONTROL, KIND, MOST_DATA, NOTE_OFF, NOTE_ON, PEDAL_DOWN, PROGRAM
from ..turns.mode_settings import CALL, DUET, TRADE
from .parameters import PARAMETERS

BAR_COUNTS = {"twos": 2, "fours": 4, "eights": 8}
"""Bars of each turn, by the musicians' names for trading."""
#: Places in the list of presets.
PRESET_STEPS = {"next-preset": 1, "previous-preset": -1}
SONG_STEPS = {"next-song": 1, "previous-song": -1}
NEXT_MODE = "next-mode"
LAST_CHORUS = "last-chorus"
ANOTHER = "another"
CLICK, FREE = "click", "free"  # switch the metronome on or off; back to free time
ACTION_ABOUT = {
    CALL: "it answers your phrase",
    TRADE: "trade: so many bars each",
    DUET: "duet: both at once",
    NEXT_MODE: "next of these three",
    "twos": "trade two bars each",
    "fours": "trade four bars each",
    "eights": "trade eight bars each",
    "next-preset": "next style",
    "previous-preset": "style before",
    "next-song": "next song of the set list",
    "previous-song": "song before",
    LAST_CHORUS: "last chorus of the chart; again: go on",
    "answer": "answer now",
    ANOTHER: "another answer to the same phrase",
    "hush": "stop the answer",
    "panic": "panic: every note ends",
    "tap": "tap the tempo",
    CLICK: "metronome on or off",
    FREE: "free time: the beat ends",
    "stop": "quit",
}
"""Every action of a pedal, pad, letter, page or OSC message, with what it does."""
ACTIONS = tuple(ACTION_ABOUT)
PRESET = "preset:"  # the prefix of an action that chooses a preset
SONG = "song:"  # the prefix of an action that chooses a song of the set list by its number, from 1 on
KNOB = "knob:"  # the prefix of an action that sets a parameter
FORM = "form:"  # the prefix of an action that sets bars, beats or the part: `form:bars=8`
HOTKEYS = {
    "c": "call",
    "t": "trade",
    "d": "duet",
    "a": "answer",
    "n": "next-preset",
    "s": "next-song",
    "b": "previous-song",
    "l": LAST_CHORUS,
    "o": ANOTHER,
    "h": "hush",
    "p": "panic",
    " ": "tap",
    "q": "stop",
}
"""The action of each key in the terminal."""
PICKUP_DISTANCE = 0.04  # of the range: a knob that is nearer to the parameter's value picks it up
HOLD_DISTANCE = 0.001  # of the range: a parameter nearer than this to what its knob set has not been changed elsewhere

CHANNELS = 16  # of MIDI 1.0
WIDE = "wide"  # a controller of 14 bits: two MIDI controllers, the coarse one 0 to 31
FINE = 32  # the fine controller's number is so much higher than the coarse one's


class Trigger(NamedTuple):
    """What is pressed or turned: its kind (note, cc, pc, wide), its number, and its channel, 0 to 15; None: on any channel."""

    kind: str
    number: int
    channel: int | None = None

    @property
    def name(self) -> str:
        """As it is written: `cc20`, or `note36@10` on channel 10 alone."""
        return f"{self.kind}{self.number}" + ("" if self.channel is None else f"@{self.channel + 1}")

    @property
    def on_any_channel(self) -> Trigger:
        """The same without its channel."""
        return self._replace(channel=None)


@dataclass
class Bindings:
    """The action of each trigger: a note, a controller, a wide controller of 14 bits, or a program.

    A trigger that names a channel goes before one of any channel. A message that belongs to a trigger is not music, and is not
    passed on. `waiting`: the knobs that have not picked up their parameter,
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
        """From lines such as `cc20=duet`, `note36@10=panic`, `pc5=preset:ragtime`, `wide21=knob:density`. Raises UserError."""
        return cls(dict(map(_parse_line, lines)))

    def bind(self, trigger: Trigger, action: str) -> None:
        """Bind an action to a trigger that has just been pressed: it must be released before it acts."""
        self.table = {**self.table, trigger: action}
        self._down.add(trigger)

    def remove(self, name: str) -> None:
        """Remove the binding of the trigger of that name (`cc20`)."""
        self.table = {k: v for k, v in self.table.items() if k.name != name}
        self.waiting = {k: v for k, v in self.waiting.items() if k in self.table}

    def lines(self) -> list[str]:
        """The bindings as they are written, a line each."""
        table = self.table
        ordered = sorted(table, key=lambda t: (t.kind, t.number, -1 if t.channel is None else t.channel))
        return [f"{trigger.name}={table[trigger]}" for trigger in ordered]

    def is_bound(self, message: bytes) -> bool:
        """Whether the message, a press or a release, belongs to a trigger of the table."""
        return self.find_trigger(message) is not None

    def action_for(self, message: bytes, value_of: Callable[[str], float] | None = None) -> str | None:
        """The action of a message: a pedal or pad acts when it goes down, a knob (`knob:density=0.5`) whenever it is turned.

        `value_of` gives the present value of a parameter; without it, no knob waits to pick one up.
        """
        trigger = self.find_trigger(message)
        if trigger is None:
            return None
        action = self.table.get(trigger)
        if action is None or trigger.kind == "pc":
            return action
        if action.startswith(KNOB):
            value = self._turn(trigger, action.removeprefix(KNOB), message, value_of)
            return None if value is None else f"{action}={value:.3f}"
        threshold = PEDAL_DOWN if trigger.kind == "cc" else 1
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
        if trigger.kind == WIDE:
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

    def find_trigger(self, message: bytes) -> Trigger | None:
        """The trigger of the table that a message belongs to, or None; a controller's is the wide one where that is bound."""
        trigger = trigger_of(message)
        if trigger is None:
            return None
        triggers = [trigger, trigger.on_any_channel]
        if trigger.kind == "cc" and trigger.number < 2 * FINE:
            wide = Trigger(WIDE, trigger.number % FINE, trigger.channel)
            triggers += [wide, wide.on_any_channel]
        return next((t for t in triggers if t in self.table), None)


def trigger_of(message: bytes) -> Trigger | None:
    """The note, controller or program of a message, on its channel; None for other messages."""
    kind = message[0] & KIND if message else 0
    if kind == PROGRAM and len(message) == 2:
        return Trigger("pc", message[1], message[0] & CHANNEL)
    if len(message) == 3 and kind in (NOTE_OFF, NOTE_ON, CONTROL):
        return Trigger("cc" if kind == CONTROL else "note", message[1], message[0] & CHANNEL)
    return None


def song_number(action: str) -> int | None:
    """The number of the song that an action chooses; None for another action."""
    found = re.fullmatch(rf"{SONG}([1-9]\d{{0,2}})", action, re.ASCII)
    return None if found is None else int(found[1])


def read_trigger(name: str) -> Trigger | None:
    """The trigger of that name, such as `cc20` or `note36@10`; None for what is no name of one."""
    found = re.fullmatch(r"(note|cc|pc|wide)(\d{1,3})(?:@(\d{1,2}))?", name, re.ASCII)
    if found is None or int(found[2]) > (FINE - 1 if found[1] == WIDE else MOST_DATA):
        return None
    channel = None if found[3] is None else int(found[3]) - 1
    if channel is not None and not 0 <= channel < CHANNELS:
        return None
    return Trigger(found[1], int(found[2]), channel)


def _parse_line(line: str) -> tuple[Trigger, str]:
    """One binding. Raises UserError."""
    found = re.fullmatch(r"([^=]*?)\s*=\s*(\S.*)", line.strip())
    trigger = None if found is None else read_trigger(found[1])
    if found is None or trigger is None:
        raise UserError(
            f"{line!r} is no control; write cc20=duet, note36=panic, note36@10=panic or pc5=preset:ragtime."
        )
    kind = trigger.kind
    action = found[2]
    if action.startswith(KNOB):
        if kind not in ("cc", WIDE) or action.removeprefix(KNOB) not in PARAMETERS:
            raise UserError(f"{line!r} turns no knob; write cc21={KNOB} and one of {', '.join(PARAMETERS)}.")
    elif kind == WIDE:
        raise UserError(f"{line!r}: a wide controller turns a knob; write {trigger.name}={KNOB}density.")
    elif action not in ACTIONS and not action.startswith(PRESET) and song_number(action) is None:
        known = f"{', '.join(ACTIONS)}, {PRESET}NAME, {KNOB}NAME, {SONG}NUMBER"
        raise UserError(f"{action!r} is nothing to do; there are: {known}.")
    return trigger, action
