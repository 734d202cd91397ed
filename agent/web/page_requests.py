"""Requests: what a page may ask for, each with what it must contain. Anything else is refused.

Pure: a text in, a checked record out; `now` is an argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..control.bindings import ACTIONS, KNOB, PRESET, song_number
from ..control.parameters import PARAMETERS
from ..midi.messages import FIRST_STATUS, FIRST_SYSTEM, KIND, LENGTHS, MOST_DATA
from ..rate_limit import RateLimit
from ..styles.presets import is_plain_name
from ..turns.mode_settings import MOST_BARS, PARTS

LARGEST = 2048  # characters of one request
A_SECOND, AT_ONCE = 240.0, 480.0  # requests of one page
Check = Callable[[Any], bool]
LONGEST_NAME = 100  # characters


class RequestRefused(ValueError):
    """Not a request; one sentence that says why."""


def _whole(low: int, high: int) -> Check:
    return lambda x: isinstance(x, int) and not isinstance(x, bool) and low <= x <= high


def _number(low: float, high: float) -> Check:
    return lambda x: isinstance(x, int | float) and not isinstance(x, bool) and low <= x <= high  # no NaN is


def _name(x: Any) -> bool:
    """The name of something that is kept: any text of one line that is no path."""
    return _title(x) and is_plain_name(x)


def _title(x: Any) -> bool:
    """What a user calls a style."""
    return isinstance(x, str) and 0 < len(x) <= LONGEST_NAME and x.isprintable() and not x.isspace()


def _names(x: Any) -> bool:
    return isinstance(x, list) and len(x) == 4 and all(_name(n) for n in x)


def _form(x: Any) -> bool:
    """Bars, beats or a part."""
    return x in PARTS if isinstance(x, str) else _whole(1, MOST_BARS)(x)


def _flag(x: Any) -> bool:
    return isinstance(x, bool)


def _action(x: Any) -> bool:
    """Something that a control may be taught to do."""
    if not isinstance(x, str) or len(x) > LONGEST_NAME + 20:
        return False
    if x.startswith(KNOB):
        return x.removeprefix(KNOB) in PARAMETERS
    return x in ACTIONS or song_number(x) is not None or (x.startswith(PRESET) and _name(x.removeprefix(PRESET)))


def _trigger(x: Any) -> bool:
    return isinstance(x, str) and re.fullmatch(r"(note|cc|pc|wide)\d{1,3}(@\d{1,2})?", x, re.ASCII) is not None


def _port(x: Any) -> bool:
    """The name of a port: whatever a system may call one, but for what could leave its line."""
    return isinstance(x, str) and 0 < len(x) <= 200 and x.isprintable()


def _message(x: Any) -> bool:
    """A MIDI message of a key, a pedal or a knob."""
    if not isinstance(x, list) or not 2 <= len(x) <= 3 or not all(_whole(0, 255)(b) for b in x):
        return False
    return FIRST_STATUS <= x[0] < FIRST_SYSTEM and len(x) == LENGTHS[x[0] & KIND] and max(x[1:]) <= MOST_DATA


REQUESTS: dict[str, dict[str, Check]] = {
    "on": {"pitch": _whole(0, 127), "velocity": _whole(1, 127), "at": _number(0, 1e12)},
    "off": {"pitch": _whole(0, 127)},
    "pedal": {"down": _flag},
    "midi": {"bytes": _message},
    "act": {"action": lambda x: isinstance(x, str) and x != "stop" and (x in ACTIONS or song_number(x) is not None)},
    "form": {"name": lambda x: x in ("bars", "beats", "part"), "value": _form},
    "preset": {"name": _name},
    "knob": {"name": lambda x: isinstance(x, str) and x in PARAMETERS, "value": _number(-1000, 1000)},
    "pad": {"x": _number(0, 1), "y": _number(0, 1), "corners": _names},
    "timbre": {"who": lambda x: x in ("player", "agent"), "name": _name},
    "volume": {"value": _number(0, 1)},
    "sound": {"name": lambda x: x in ("built-in", "fluidsynth", "page")},
    "soundfont": {"name": lambda x: x == "" or _name(x)},
    "listen": {"port": _port, "on": _flag},
    "output": {"port": _port},
    "phrase": {},
    "save": {},
    "save preset": {"name": _title},
    "sound like that": {"name": _title},
    "rename preset": {"name": _name, "title": _title},
    "delete preset": {"name": _name},
    "rename take": {"name": _name, "title": _title},
    "learn": {"action": lambda x: x is None or _action(x)},
    "forget": {"trigger": _trigger},
    "takes": {},
    "delete take": {"name": _name},
    "take sound": {"name": _name},
    "ping": {"sent": _number(0, 1e12)},
}
RENAMING = ("rename preset", "delete preset", "rename take")
COSTLY = {
    "sound",
    "soundfont",
    "listen",
    "output",
    "phrase",
    "save",
    "save preset",
    "sound like that",
    "takes",
    "delete take",
    "take sound",
    *RENAMING,
}
COSTLY_A_SECOND, COSTLY_AT_ONCE = 1.0, 10.0  # of those that take more than a moment, of one page
OPTIONAL_FIELDS = {"on": {"at"}}  # what a request may leave out


def read_request(text: str) -> dict[str, Any]:
    """The request in a text. Raises RequestRefused."""
    if len(text) > LARGEST:
        raise RequestRefused("that was too long")
    try:
        request = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestRefused("that was not JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("do"), str) or request["do"] not in REQUESTS:
        raise RequestRefused("there is no such request")
    fields = REQUESTS[request["do"]]
    given = set(request) - {"do"}
    if not set(fields) - OPTIONAL_FIELDS.get(request["do"], set()) <= given <= set(fields):
        raise RequestRefused(f"a request for {request['do']} has {', '.join(fields) or 'nothing else'}")
    for name, is_good in fields.items():
        if name in given and not is_good(request[name]):
            raise RequestRefused(f"{name} does not fit")
    return request


def request_limits(now: float) -> tuple[RateLimit, RateLimit]:
    """How often one page may ask for something, and for what takes more than a moment."""
    return RateLimit(now, A_SECOND, AT_ONCE), RateLimit(now, COSTLY_A_SECOND, COSTLY_AT_ONCE)
