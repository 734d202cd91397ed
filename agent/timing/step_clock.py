"""Moments: the clock of whoever decides, which stands still while one thing is done; the take is told of each moment, and whose it was.

What is decided follows from what came from without, from which of our own tasks went on when, and from what the clock said. With all of
this in the take, a replay (`agent.replay.recorded_session`) does everything in the same order, at the same times,
however late the machine woke then.

Threads: on the loop's thread it shows the moment at which the present step began; on any other, the time as it is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from ..clock import Clock

DECIMALS = 6  # of a second, as a take has it
FROM_WITHOUT = (
    "got",
    "lost",
    "starts",
    "aside",
    "learns",
    "forgets",
)  # what begins a moment of its own, among what is told
Row = dict[str, Any]


class Moments:
    """A clock for one session. `journal` is told of each moment, before whatever is done at it."""

    def __init__(self, clock: Clock, journal: Callable[[float, Row], None]) -> None:
        self._clock, self._journal = clock, journal
        self._thread = -1  # of the event loop, once there is one
        self._moment = 0.0

    def follow(self) -> None:
        """This is the event loop's thread; the first moment begins."""
        self._thread = threading.get_ident()
        self.begin()

    def now(self) -> float:
        """The moment; on other threads the time. In seconds."""
        return self._moment if threading.get_ident() == self._thread else self.exact()

    def exact(self) -> float:
        """The time as it is."""
        return round(self._clock.now(), DECIMALS)

    def begin(self, step: str = "") -> None:
        """Another moment begins: a `step` of that task, or something that comes from without."""
        self._moment = self.exact()
        self._journal(self._moment, {"step": step} if step else {"moment": True})

    def keep(self, row: Row) -> None:
        """Tell the take what was asked, answered or taught."""
        if any(kind in row for kind in FROM_WITHOUT):
            self.begin()
        self._journal(self._moment, row)

    def steps(self, work: Coroutine[Any, Any, Any], name: str) -> Coroutine[Any, Any, Any]:
        """The same work; each time that it goes on, a moment begins."""
        return _run(Steps(self, work, name))

    def wait(self, step: str) -> Generator[Any, None, None]:
        """Wait until that task may go on: at once."""
        yield from ()


class Steps:
    """Some work in steps, each from one wait to the next."""

    def __init__(self, clock: Moments, work: Coroutine[Any, Any, Any], name: str) -> None:
        self.clock, self.work, self.name = clock, work, name

    def __await__(self) -> Generator[Any, Any, Any]:
        error: BaseException | None = None
        try:
            while True:
                try:
                    yield from self.clock.wait(self.name)
                except asyncio.CancelledError as cancelled:
                    error = cancelled
                self.clock.begin(self.name)
                try:
                    awaited = self.work.send(None) if error is None else self.work.throw(error)
                except StopIteration as end:
                    return end.value
                error = None
                try:
                    yield awaited
                except GeneratorExit:
                    raise
                except BaseException as raised:  # the work's own, or its cancellation
                    error = raised
        finally:
            self.work.close()


async def _run(steps: Steps) -> Any:
    return await steps


def stepwise(clock: Clock, work: Coroutine[Any, Any, Any], name: str) -> Coroutine[Any, Any, Any]:
    """The work as it is, or in steps of which the take is told where the clock does that."""
    return clock.steps(work, name) if isinstance(clock, Moments) else work
