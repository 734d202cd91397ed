"""Follows the beat: clock messages, Ableton Link or the metronome; looks now and then whether the clock is still there.

It tells the take where the beat is.

All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio

from ..midi.messages import Event
from ..playing.metronome import Metronome
from ..playing.partner import Partner
from ..timing.ableton_link import LinkFollower
from ..timing.beat_log import BeatLog
from ..timing.garbage_collection import GarbageCollection
from ..timing.midi_clock import MidiClockFollower
from ..timing.transport import Transport
from ..turns.mode_settings import BeatSettings
from .config import SessionIO

CHECK = 0.25  # seconds between looks at whether the clock is still there
CLOCK_WORDS = {
    "start": "The clock runs.",
    "unannounced": "The clock ticks and never said Start: bars are counted from here.",
    "stop": "The clock has stopped.",
    "back": "The clock is back.",
}


class BeatWatch:
    """The beat of one session. Of `io`, the clock is used, and what takes lines for the user and rows for the take."""

    def __init__(
        self,
        beat: BeatSettings,
        transport: Transport,
        metronome: Metronome,
        partner: Partner,
        io: SessionIO,
    ) -> None:
        self._transport = transport
        self._metronome = metronome
        self._partner = partner
        self._clock = io.clock
        self._say = io.say
        self._journal = io.journal
        self._log = BeatLog(transport, beat.follow or beat.link)
        self._has_link = beat.link
        self._follower = MidiClockFollower(transport) if beat.follow else None

    def hear(self, event: Event) -> None:
        """A clock message."""
        was_running = self._transport.running
        change = None if self._follower is None else self._follower.hear(event.when, event.message)
        if change is not None:
            if change in CLOCK_WORDS:
                self._say(CLOCK_WORDS[change])
            self._partner.follow_beat(in_free_time=False)
        if change is not None or self._transport.running != was_running:
            self._metronome.follow_tempo(event.when)  # the band falls silent, or finds its place, at once
        self._partner.update_curfew()

    async def run(self, garbage_collection: GarbageCollection) -> None:
        """Now and then: is the clock still there, has the metronome enough to do, and may garbage be collected?"""
        link = LinkFollower(self._transport) if self._has_link else None
        try:
            while True:
                now = self._clock.now()
                if link is not None:
                    link.follow(now)
                if self._follower is not None and self._follower.check(now):
                    self._say("The clock is gone; in free time until it is back.")
                    self._partner.follow_beat(in_free_time=True)
                self._metronome.plan(now)
                if not self._partner.is_playing:
                    garbage_collection.collect_when_idle(now, now - self._partner.last_onset)
                self._partner.update_curfew()
                self._tell_take(now)
                await asyncio.sleep(CHECK)
        finally:
            self._tell_take(self._clock.now())

    def _tell_take(self, now: float) -> None:
        for row in self._log.news(now):
            self._journal(now, row)
