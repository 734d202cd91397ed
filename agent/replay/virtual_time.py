"""Virtual time: an event loop that jumps to what comes next, and a player that it wakes. An hour passes as fast as its work is done.

Knows nothing of music. For replays, and for tests.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

from ..clock import measured
from ..playing.playback_thread import Player
from ..timing.replayable_clock import DECIMALS, Moments


class _Jumping(selectors.DefaultSelector):
    """A selector that never waits: it moves the loop's time instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events and timeout != 0:
            self.loop.idle(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is as fast as its work. It is the clock, too."""

    def __init__(self) -> None:
        selector = _Jumping()
        selector.loop = self
        self.virtual = 1000.0
        super().__init__(selector)

    def time(self) -> float:
        return self.virtual

    now = time

    def idle(self, timeout: float | None) -> None:
        """Nothing is to be done for so many seconds; None: until something comes from without. Raises RuntimeError, as nothing will."""
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self.virtual = self.jump(self.virtual + timeout)

    def jump(self, due: float) -> float:
        """Where to jump when something is due next."""
        return due


def in_virtual_time(make: Callable[[VirtualLoop], Coroutine[Any, Any, Any]]) -> Any:
    """Run what `make` makes of a virtual loop, to its end."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(make(loop))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class LoopPlayer(Player):
    """A player without a thread: the loop wakes it."""

    _handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        pass

    def add(self, notes: Any) -> None:
        self._order()
        for number, note in notes:
            self.schedule.add(number, note)
        self._plan()

    def send_at(self, when: float, message: bytes) -> None:
        super().send_at(when, message)
        self._plan()

    def set_curfew(self, when: float) -> None:
        super().set_curfew(when)
        self._plan()

    def stop(self) -> None:
        self._order()
        self._stopping = True
        self._send(self.schedule.silence(self._clock.now()))

    def _plan(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        due = self.schedule.next_time()
        if due is not None and not self._stopping:
            self._handle = asyncio.get_running_loop().call_at(due, self._play)

    def _play(self) -> None:
        if not self._stopping:
            # this is no step of what decides
            now = measured(self._clock)
            due = self.schedule.next_time()
            if due is not None and now < due and isinstance(self._clock, Moments):
                now = round(now + 10.0**-DECIMALS, DECIMALS)  # a take tells it in six decimals
            self._send(self.schedule.due(now))
            self._note(now, due=True)
            self._plan()
