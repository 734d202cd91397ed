"""What is played on the pages: their keys, instruments that a browser has found, and the written call, each as an input port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from ..audio.sound_output import BuiltInSynth
from ..clock import Clock
from ..demo_call import messages, written_call
from ..midi.messages import NOTE_OFF, NOTE_ON, Event
from ..midi.output_merge import OutputMerge
from ..midi.ports import PAGE
from .held_keys import HeldKeys
from .server import Page

BROWSER = "browser"  # the name of the port for instruments that a browser has found
OLDEST_KEY = 5.0  # seconds after which nobody cares when a key went down
CALL_DELAY = 0.1  # seconds until the written call begins


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
        self._is_playing = False  # the written call

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

    async def play_written_call(self) -> None:
        """Play the demo's call on the pages' keys, for those who cannot play; once at a time."""
        if self._is_playing:
            return
        self._is_playing = True
        start = self._clock.now() + CALL_DELAY
        try:
            for when, message in messages(written_call().notes):
                await asyncio.sleep(max(start + when - self._clock.now(), 0.0))
                self.receive(self, message)
        finally:
            self._is_playing = False
