"""What is played on the pages: their keys, instruments that a browser has found, and the written call, each as an input port."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from ..audio.sound_output import BuiltInSynth
from ..clock import Clock
from ..midi.messages import NOTE_OFF, NOTE_ON, Event
from ..midi.output_merge import OutputMerge
from ..midi.ports import PAGE
from .held_keys import HeldKeys
from .server import Page

BROWSER = "browser"  # the name of the port for instruments that a browser has found
OLDEST_KEY = 5.0  # seconds after which nobody cares when a key went down
PHRASE_CHECK = 0.1  # seconds between two looks at whether the written phrase goes on, and how fast
WAITING, PLAYING = "waiting", "playing"  # the written phrase


class PageInput:
    """An input port on which the pages play."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_event: Callable[[Any], None] | None = None
        self.held = HeldKeys()

    def open(self, on_event: Callable[[Any], None]) -> None:
        self.on_event = on_event

    def close(self) -> None:
        self.on_event = None


class PageKeyboard:
    """The input ports of all pages. A page ends only those keys and pedals that it has pressed itself."""

    def __init__(self, outputs: OutputMerge, clock: Clock) -> None:
        self._outputs = outputs
        self._clock = clock
        self.keys = PageInput(PAGE)
        self.browser = PageInput(BROWSER)
        self.phrase = ""  # of the written phrase: waiting, playing, or nothing
        self._phrase_number = 0

    @property
    def inputs(self) -> list[PageInput]:
        """The ports, for the session."""
        return [self.keys, self.browser]

    def set_key(self, page: Page, pitch: int, velocity: int, at: float | None = None) -> None:
        """A key of a page goes down, or up where the velocity is 0; `at` that time, by the page's account, in seconds."""
        message = bytes((NOTE_ON if velocity else NOTE_OFF, pitch, velocity))
        if not self.receive(page, message):
            return
        sound = self._outputs.sound
        if at is not None and isinstance(sound, BuiltInSynth) and abs(self._clock.now() - at) < OLDEST_KEY:
            sound.measure_key(at)

    def receive(self, page: Hashable, message: bytes, *, plugged: bool = False) -> bool:
        """A message from a page; `plugged`: from an instrument that its browser has found. Whether it was passed on."""
        port = self.browser if plugged else self.keys
        if not port.held.hear(page, message):
            return False
        self._send(port, message)
        return True

    def release_all(self, page: Page) -> bool:
        """End all keys and pedals that a page holds: it has been closed, or is silent. Whether it held any."""
        had_any = False
        for port in self.inputs:
            had_any |= port.held.holds(page)
            for message in port.held.release(page):
                self._send(port, message)
        return had_any

    def _send(self, port: PageInput, message: bytes) -> None:
        if port.on_event is not None:
            port.on_event(Event(self._clock.now(), message))

    async def play_phrase(self, timed: Sequence[tuple[float, bytes]], time_of: Callable[[float], float]) -> None:
        """Play a written phrase on the pages' keys, for those who cannot play; where one is played, that ends instead.

        `timed`: beats and messages; `time_of`: when a beat is, in seconds: infinity where the beat has been stopped.
        """
        if self.phrase:
            self.phrase = ""
            return
        self.phrase = WAITING
        self._phrase_number += 1
        number = self._phrase_number
        try:
            for beat, message in timed:
                while (left := time_of(beat) - self._clock.now()) > 0.0:
                    await asyncio.sleep(min(left, PHRASE_CHECK))
                    if not self.phrase or number != self._phrase_number or left == math.inf:
                        return
                self.phrase = PLAYING
                self.receive(self, message)
        finally:
            if number == self._phrase_number:
                self.phrase = ""
            for message in self.keys.held.release(self):
                self._send(self.keys, message)
