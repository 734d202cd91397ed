"""Follows the beat: clock messages, Ableton Link or the metronome; looks now and then whether the clock is still there.

All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..clock import Clock
from ..midi.messages import Event
from ..playing.metronome import Metronome
from ..playing.partner import Partner
from ..timing.ableton_link import LinkFollower
from ..timing.garbage_collection import GarbageCollection
from ..timing.midi_clock import MidiClockFollower
from ..timing.transport import Transport
from ..turns.mode_settings import BeatSettings

CHECK = 0.25  # seconds between looks at whether the clock is still there
CLOCK_WORDS = {"start": "The clock runs.", "stop": "The clock has stopped.", "back": "The clock is back."}


class BeatWatch:
    """The beat of one session. `say` takes lines for the user."""

    def __init__(
        self,
        beat: BeatSettings,
        transport: Transport,
        metronome: Metronome,
        partner: Partner,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._transport = transport
        self._metronome = metronome
        self._partner = partner
        self._clock = clock
        self._say = say
        self._has_link = beat.link
        self._follower = MidiClockFollower(transport) if beat.follow else None

    def hear(self, event: Event) -> None:
        """A clock message."""
        change = None if self._follower is None else self._follower.hear(event.when, event.message)
        if change is not None:
            if change in CLOCK_WORDS:
                self._say(CLOCK_WORDS[change])
            self._partner.follow_beat(in_free_time=False)
        self._partner.update_curfew()

    async def run(self, garbage_collection: GarbageCollection) -> None:
        """Now and then: is the clock still there, has the metronome enough to do, and may garbage be collected?"""
        link = LinkFollower(self._transport) if self._has_link else None
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
            await asyncio.sleep(CHECK)
