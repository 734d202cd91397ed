"""The input filter: what is to be done with a message that arrives. No threads and no clock: `now` is the event's own time.

It is asked twice: `check` at once, on the thread of the input port, whether the message counts at all and is passed on to the synth;
`route` later, on the event loop, what it means there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ..control.bindings import Bindings
from ..midi.feedback_loop import FeedbackFilter
from ..midi.keyboard_zones import KeyboardZones
from ..midi.messages import Event, is_clock, is_whole
from ..midi.ports import PAGE

DECIMALS = 6  # of an event's time in seconds, as a take has it: a replay must see the same


class ThruLedger(Protocol):
    """Knows which of the player's keys and pedals sound through thru: see `agent.playing.thru`."""

    def holds(self, message: bytes) -> bool:
        """Whether the message ends something that was passed on."""


class Verdict(Enum):
    """What becomes of a message."""

    DROP = "drop"  # it is broken
    FEEDBACK = "feedback"  # it is our own output, come back
    ACCEPT = "accept"  # it goes to the event loop
    PASS_ON = "pass on"  # it goes to the synth at once, and then to the event loop


class Route(Enum):
    """What an accepted message means."""

    CLOCK = "clock"
    CONTROL = "control"
    MUSIC = "music"
    NOTHING = "nothing"  # it came on a channel, or from keys, that are not the player's


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A verdict, and the event as all others see it: its time rounded, its velocity on the curve."""

    verdict: Verdict
    event: Event


class InputFilter:
    """One session's filter. `thru` is None where nothing is passed on."""

    def __init__(self, zones: KeyboardZones, controls: Bindings, thru: ThruLedger | None) -> None:
        self.feedback = FeedbackFilter()
        self._zones = zones
        self._controls = controls
        self._thru = thru

    def check(self, event: Event, port: str) -> CheckResult:
        """What to do with an event at once. `port` is the name of the port that it came from."""
        message = event.message
        if not is_whole(message):
            return CheckResult(Verdict.DROP, event)
        when = round(event.when, DECIMALS)
        if is_clock(message):
            return CheckResult(Verdict.ACCEPT, Event(when, message))
        if port != PAGE and self.feedback.is_own(message, when):
            return CheckResult(Verdict.FEEDBACK, Event(when, message))
        verdict = Verdict.PASS_ON if self._passes_on(message) else Verdict.ACCEPT
        return CheckResult(verdict, Event(when, self._zones.felt(message)))

    def sent(self, message: bytes, when: float) -> None:
        """We have sent this at that time: it may come back."""
        self.feedback.record(message, when)

    def route(self, message: bytes, is_release: bool) -> Route:
        """What an accepted message means now. `is_release`: it ends something that was played as music."""
        if is_clock(message):
            return Route.CLOCK
        if not is_release and self._controls.is_bound(message):
            return Route.CONTROL
        return Route.MUSIC if self._zones.hears(message) else Route.NOTHING

    def _passes_on(self, message: bytes) -> bool:
        """Whether it is for the synth: all but controls, and of these what ends something that sounds."""
        return self._thru is not None and (self._thru.holds(message) or not self._controls.is_bound(message))
