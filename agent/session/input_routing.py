"""The input filter: what is to be done with a message that arrives. No threads and no clock: `now` is the event's own time.

It is asked twice: `check` at once, on the thread of the input port, whether the message counts at all and is passed on to the synth;
`route` later, on the event loop, what it means there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ..control.bindings import Bindings
from ..midi.feedback_loop import AGENT, FeedbackFilter, is_note_on
from ..midi.keyboard_zones import DrumChannel, KeyboardZones
from ..midi.messages import DRUM_CHANNEL, Event, is_clock, is_sysex, is_whole
from ..midi.ports import PAGE
from .doubled_keys import DoubledKeys
from .midi_clock_port_choice import ClockSource

DECIMALS = 6  # of an event's time in seconds, as a take has it: a replay must see the same

FEEDBACK_LINE = "Our own notes come back on {port}: they are ignored, but look for a loop in your connections."
DRUMS_LINE = "Drums on channel 10 are passed on, and not answered; to be answered there, add --listen-channel 10."


class ThruLedger(Protocol):
    """Knows which of the player's keys and pedals sound through thru: see `agent.playing.thru`."""

    def holds(self, message: bytes) -> bool:
        """Whether the message ends something that was passed on."""


class Verdict(Enum):
    """What becomes of a message."""

    DROP = "drop"  # it is broken, or another port of the same instrument brings it
    FEEDBACK = "feedback"  # it is our own output, come back
    ACCEPT = "accept"  # it goes to the event loop
    PASS_ON = "pass on"  # it goes to the synth at once, and then to the event loop
    THRU_ONLY = "thru only"  # it goes to the synth at once, and nowhere else: words for one synth mean nothing here


class Route(Enum):
    """What an accepted message means."""

    CLOCK = "clock"
    CONTROL = "control"
    MUSIC = "music"
    DRUMS = "drums"  # a hit on channel 10: no call, unless that is asked for
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
        self._clock_source = ClockSource()
        self._doubled_keys = DoubledKeys()
        self._drum_channel = DrumChannel(has_keys=zones.channel == DRUM_CHANNEL)
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
            verdict = Verdict.ACCEPT if self._clock_source.follows(message, when, port) else Verdict.DROP
            return CheckResult(verdict, Event(when, message))
        if self._doubled_keys.is_double(message, when, port):
            return CheckResult(Verdict.DROP, event)
        if port != PAGE and self.feedback.is_own(message, when, port):
            return CheckResult(Verdict.FEEDBACK, Event(when, message))
        self._doubled_keys.record(message, when, port)
        if is_sysex(message):
            return CheckResult(Verdict.DROP if self._thru is None else Verdict.THRU_ONLY, Event(when, message))
        verdict = Verdict.PASS_ON if self._passes_on(message) else Verdict.ACCEPT
        return CheckResult(verdict, Event(when, self._zones.apply_curve(message)))

    def sent(self, message: bytes, when: float, source: str = AGENT) -> None:
        """We have sent this at that time, for the player where a port is its `source`: it may come back."""
        self.feedback.record(message, when, source)

    def route(self, message: bytes, is_release: bool) -> Route:
        """What an accepted message means now. `is_release`: it ends something that was played as music."""
        if is_clock(message):
            return Route.CLOCK
        if not is_release and self._controls.is_bound(message):
            return Route.CONTROL
        if not self._zones.listens_to(message):
            return Route.NOTHING
        if self._drum_channel.is_drums(message):
            return Route.DRUMS if is_note_on(message) else Route.NOTHING
        return Route.MUSIC

    def _passes_on(self, message: bytes) -> bool:
        """Whether it is for the synth: all but controls, and of these what ends something that sounds."""
        return self._thru is not None and (self._thru.holds(message) or not self._controls.is_bound(message))
