"""Keeps a worker alive: starts it, tells it style and history, and starts it again when it dies.

All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..errors import UserError, hint
from ..turns.note_history import History
from .style_state import StyleState
from .worker_client_interface import Worker, WorkerLost, WorkerReplaced

JOIN_NOTES = 300  # notes that a worker is told which starts in the middle of a session
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds before the first restart, the second, and so on
HEALTHY = 60.0  # seconds of good health after which earlier deaths are forgotten
MOST_FAILED_STARTS = 3  # deaths of a worker that was never ready: it will not come


@dataclass(eq=False)
class WorkerSupervisor:
    """Starts and restarts one worker. `say` takes lines for the user, `show` the state in a word or two.

    `keeps_restarting`: a worker that was ready once is started again however often it dies.
    """

    worker: Worker
    clock: Clock
    history: History
    style_state: StyleState
    say: Callable[[str], None]
    show: Callable[[str], None]
    seed: int | None
    keeps_restarting: bool
    _deaths: int = 0
    _ready_since: float = 0.0  # seconds

    @property
    def was_ready(self) -> bool:
        """Whether the worker has ever been ready."""
        return self.style_state.size is not None

    async def bring_up(self, session_start: float) -> None:
        """Start the worker and tell it all that it must know. Raises UserError, WorkerLost."""
        self.show("waking the musician")
        began = self.clock.now() if self.was_ready else session_start
        try:
            await asyncio.ensure_future(self.worker.start())  # however many steps it takes, to us it is one
            about = await self.worker.wait_ready()
        except UserError as error:
            if not self.was_ready:
                raise
            raise WorkerLost(str(error)) from error  # it could play before: the trouble may pass
        self._ready_since = self.clock.now()
        ready_after = self._ready_since - began
        self.say(
            f"The musician is ready ({about.get('engine')}, weights {about.get('weights')}) after {ready_after:.1f} s."
        )
        if "note" in about:
            self.say(str(about["note"]))
        self.style_state.start_worker(int(about.get("style") or 0))
        if self.seed is not None:
            self.worker.seed(self.seed)
        self.worker.join(*self.history.take_last(JOIN_NOTES))
        self.show("listening")

    async def recover(self, error: WorkerLost) -> None:
        """The worker is lost: close it, say so, and wait a little longer each time.

        Raises UserError for a worker that has never been ready.
        """
        if isinstance(error, WorkerReplaced):
            await asyncio.ensure_future(self.worker.close())
            return
        now = self.clock.now()
        was_healthy = self.was_ready and now - self._ready_since >= HEALTHY
        self._deaths = 1 if was_healthy else self._deaths + 1
        if self._deaths >= MOST_FAILED_STARTS and not (self.was_ready and self.keeps_restarting):
            raise UserError(
                f"The musician cannot be kept alive ({error}); what was played is kept. See: {hint('doctor')}"
            )
        wait = BACK_OFF[min(self._deaths, len(BACK_OFF)) - 1]
        when = f"started again in {wait:g} s" if wait else "started again"
        self.say(f"The musician stopped ({error}); it is {when}, play on.")
        self.show("without a musician")
        await asyncio.ensure_future(self.worker.close())
        await asyncio.sleep(wait)
