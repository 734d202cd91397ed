"""Waits that end early: at a deadline, when something happens in the session, or when the worker is lost.

All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..clock import Clock
from .worker_client_interface import Worker

TICK = 0.0005  # seconds: what is nearer than this is now; the event loop is no finer


class Wakeup:
    """One flag that something has happened, and waits for it."""

    def __init__(self, worker: Worker, clock: Clock) -> None:
        self._worker = worker
        self._clock = clock
        self._happened = asyncio.Event()

    def notify(self) -> None:
        """Something has happened: whoever waits looks again."""
        self._happened.set()

    def clear(self) -> None:
        """Whatever happened so far is known; `wait` waits for what comes."""
        self._happened.clear()

    async def wait(self, seconds: float | None) -> None:
        """Wait until something happens, or for so long (None: for ever). Raises WorkerLost."""
        if self._worker.gone.is_set():
            raise self._worker.loss()
        waits = [asyncio.ensure_future(event.wait()) for event in (self._happened, self._worker.gone)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def sleep(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let so long pass whatever happens, or less where something happens that makes `until` true. Raises WorkerLost."""
        end = self._clock.now() + seconds
        while not until():
            left = end - self._clock.now()
            if left < TICK:
                return
            self._happened.clear()
            await self.wait(left)
