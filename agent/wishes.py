"""Wishes: what a page may ask for, each with what it must contain. Anything else is refused.

Knows nothing of how wishes are granted, or of sockets. Pure: a text in, a checked record out; `now` is an argument.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from .controls import ACTIONS, KNOB, PRESET
from .presets import KNOBS

LARGEST = 2048  # characters of one wish
A_SECOND, AT_ONCE = 240.0, 480.0  # wishes of one page
Check = Callable[[Any], bool]
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9 _.-]{0,59}")


class Refused(ValueError):
    """Not a wish; one sentence that says why."""


def _whole(low: int, high: int) -> Check:
    return lambda x: isinstance(x, int) and not isinstance(x, bool) and low <= x <= high


def _number(low: float, high: float) -> Check:
    return lambda x: isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) and low <= x <= high


def _name(x: Any) -> bool:
    return isinstance(x, str) and NAME.fullmatch(x) is not None and ".." not in x


def _names(x: Any) -> bool:
    return isinstance(x, list) and len(x) == 4 and all(_name(n) for n in x)


def _flag(x: Any) -> bool:
    return isinstance(x, bool)


def _action(x: Any) -> bool:
    """Something that a control may be taught to do."""
    if not isinstance(x, str) or len(x) > 80:
        return False
    if x.startswith(KNOB):
        return x.removeprefix(KNOB) in KNOBS
    return x in ACTIONS or (x.startswith(PRESET) and _name(x.removeprefix(PRESET)))


def _trigger(x: Any) -> bool:
    return isinstance(x, str) and re.fullmatch(r"(note|cc|pc)\d{1,3}", x) is not None


WISHES: dict[str, dict[str, Check]] = {
    "on": {"pitch": _whole(0, 127), "velocity": _whole(1, 127)},
    "off": {"pitch": _whole(0, 127)},
    "pedal": {"down": _flag},
    "act": {"action": lambda x: x in ("call", "trade", "duet", "answer", "panic", "tap", "hush")},
    "preset": {"name": _name},
    "knob": {"name": lambda x: x in KNOBS, "value": _number(-1, 1)},
    "pad": {"x": _number(0, 1), "y": _number(0, 1), "corners": _names},
    "tempo": {"value": _number(20, 400)},
    "timbre": {"who": lambda x: x in ("player", "agent"), "name": _name},
    "volume": {"value": _number(0, 1)},
    "phrase": {},
    "save": {},
    "save preset": {"name": _name},
    "sound like that": {"name": _name},
    "learn": {"action": lambda x: x is None or _action(x)},
    "forget": {"trigger": _trigger},
    "takes": {},
    "delete take": {"name": _name},
    "ping": {"sent": _number(0, 1e12)},
}


def read(text: str) -> dict[str, Any]:
    """The wish in a text. Raises Refused."""
    if len(text) > LARGEST:
        raise Refused("that was too long")
    try:
        wish = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("that was not JSON") from error
    if not isinstance(wish, dict) or not isinstance(wish.get("do"), str) or wish["do"] not in WISHES:
        raise Refused("that is nothing to wish for")
    fields = WISHES[wish["do"]]
    if set(wish) - {"do"} != set(fields):
        raise Refused(f"a wish for {wish['do']} has {', '.join(fields) or 'nothing else'}")
    for name, is_good in fields.items():
        if not is_good(wish[name]):
            raise Refused(f"{name} does not fit")
    return wish


class Pace:
    """How many wishes a page may have: so many a second, and some more at once."""

    def __init__(self, now: float) -> None:
        self._left, self._seen = AT_ONCE, now

    def allows(self, now: float) -> bool:
        """Whether one more is well."""
        self._left = min(self._left + (now - self._seen) * A_SECOND, AT_ONCE) - 1.0
        self._seen = now
        return self._left >= 0.0
