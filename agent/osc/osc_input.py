"""OSC that arrives: checked, at a bounded rate, and turned into the actions that a page or a controller could have asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..rate_limit import RateLimit
from .addresses import action_of
from .datagrams import NotOsc, read_datagram

A_SECOND, AT_ONCE = 240.0, 480.0  # messages; a finger on two faders sends about 120 a second
UNKNOWN = "An OSC message was not understood{about} and is ignored, as are others like it; agent/osc/README.md lists the addresses."
TOO_MANY = f"More than {A_SECOND:.0f} OSC messages a second arrive; the others are left out. Send fewer."
LONGEST_SHOWN = 60  # characters of an address that is shown


@dataclass
class Counts:
    """Messages since the beginning: done, not understood, and left out as there were too many."""

    done: int = 0
    ignored: int = 0
    left_out: int = 0


class OscInput:
    """What the datagrams ask for. `act` does an action at a time in monotonic seconds; `say` takes a line for the user, each once."""

    def __init__(self, act: Callable[[str, float], None], now: Callable[[], float], say: Callable[[str], None]) -> None:
        self.counts = Counts()
        self._act = act
        self._now = now
        self._say = say
        self._limit = RateLimit(now(), A_SECOND, AT_ONCE)
        self._said: set[str] = set()

    def receive(self, datagram: bytes) -> None:
        """Do what a datagram asks for; never raises for what is in it."""
        now = self._now()
        if not self._limit.allows(now):  # before anything of it is read
            self._leave_out()
            return
        try:
            messages = read_datagram(datagram)
        except NotOsc:
            self._ignore("")
            return
        for number, (address, arguments) in enumerate(messages):
            if number and not self._limit.allows(now):
                self._leave_out()
                continue
            action = action_of(address, arguments)
            if action is None:
                self._ignore(f" ({_shown(address)})")
            elif action:
                self.counts.done += 1
                self._act(action, now)

    def summary(self) -> str:
        """What became of the messages, as a line; "" where none was lost."""
        counts = self.counts
        if not counts.ignored + counts.left_out:
            return ""
        return f"OSC: {counts.done} messages done, {counts.ignored} not understood, {counts.left_out} left out."

    def _ignore(self, about: str) -> None:
        self.counts.ignored += 1
        self._say_once("unknown", UNKNOWN.format(about=about))

    def _leave_out(self) -> None:
        self.counts.left_out += 1
        self._say_once("many", TOO_MANY)

    def _say_once(self, what: str, line: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._say(line)


def _shown(address: str) -> str:
    """An address as it can be shown in a terminal."""
    return "".join(c if c.isprintable() else "?" for c in address[:LONGEST_SHOWN])
