"""A clock that stands still during each step of the event loop, and records every step, so that a session can be replayed exactly.

Decisions depend on the events from outside, on the order in which our own tasks run, and on the clock. The take holds all three, so a
replay (`agent.replay.recorded_stand_ins`) does everything in the same order and at the same times, however late the machine was then.

Threads: on the event loop's thread the clock shows the time at which the present step began; on any other thread, the real time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from ..clock import Clock

DECIMALS = 6  # of a second, as a take has it
#: Keys of rows for events from outside: each begins a moment of its own.
EXTERNAL = ("got", "lost", "starts", "aside", "learns", "forgets")
Row = dict[str, Any]


class Moments:
    """The clock of one session. `journal` gets the time and a row for each moment, before anything is done at it."""

    def __init__(self, clock: Clock, journal: Callable[[float, Row], None]) -> None:
        self._clock = clock
        self._journal = journal
        self._thread = -1  # identity of the event loop's thread
        self._moment = 0.0

    def follow(self) -> None:
        """Take the calling thread as the event loop's, and begin the first moment."""
        self._thread = threading.get_ident()
        self.begin()

    def now(self) -> float:
        """The present moment, or, on other threads, the real time; in monotonic seconds."""
        return self._moment if threading.get_ident() == self._thread else self.exact()

    def exact(self) -> float:
        """The real time, in monotonic seconds."""
        return round(self._clock.now(), DECIMALS)

    def begin(self, step: str = "") -> None:
        """Begin a moment: for a step of the task of that name, or, without one, for an event from outside."""
        self._moment = self.exact()
        self._journal(self._moment, {"step": step} if step else {"moment": True})

    def keep(self, row: Row) -> None:
        """Record a row: a request, a reply, or a control that was learnt."""
        if any(kind in row for kind in EXTERNAL):
            self.begin()
        self._journal(self._moment, row)

    def steps(self, work: Coroutine[Any, Any, Any], name: str) -> Coroutine[Any, Any, Any]:
        """The same coroutine; a moment begins each time that it is resumed."""
        return _run(Steps(self, work, name))

    def wait(self, step: str) -> Generator[Any, None, None]:
        """Wait until the task of that name may be resumed: at once, but a replay may wait here."""
        yield from ()


class Steps:
    """An awaitable that runs a coroutine in steps, each from one wait to the next."""

    def __init__(self, clock: Moments, work: Coroutine[Any, Any, Any], name: str) -> None:
        self.clock = clock
        self.work = work
        self.name = name

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
                except BaseException as raised:  # of the awaited future, or a cancellation
                    error = raised
        finally:
            self.work.close()


async def _run(steps: Steps) -> Any:
    return await steps


def stepwise(clock: Clock, work: Coroutine[Any, Any, Any], name: str) -> Coroutine[Any, Any, Any]:
    """Run the coroutine in recorded steps where the clock records them; else the coroutine itself."""
    return clock.steps(work, name) if isinstance(clock, Moments) else work
