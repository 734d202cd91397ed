"""A wait ends when something happens, when its time is over, or when the worker is lost."""

from __future__ import annotations

import pytest

from agent.playing.interruptible_wait import TICK, Wakeup
from agent.playing.worker_client_interface import WorkerLost

from ...support.fakes import FakeWorker, VirtualLoop, in_virtual_time


def seconds_of(script: str) -> float:
    """How long a wait of five seconds takes where `script` happens after one."""

    async def wait(loop: VirtualLoop) -> float:
        worker = FakeWorker()
        wakeup = Wakeup(worker, loop)
        happened: list[str] = []

        def happen() -> None:
            happened.append(script)
            if script == "lost":
                worker.gone.set()
            elif script != "nothing":
                wakeup.notify()

        loop.call_later(1.0, happen)
        begun = loop.now()
        if script.startswith("sleep"):
            await wakeup.sleep(5.0, until=lambda: script == "sleep until" and bool(happened))
        else:
            await wakeup.wait(5.0)
        return loop.now() - begun

    found: float = in_virtual_time(wait)
    return found


@pytest.mark.parametrize(
    ("script", "seconds"), [("nothing", 5.0), ("lost", 1.0), ("noise", 1.0), ("sleep on", 5.0), ("sleep until", 1.0)]
)
def test_a_wait_ends_early_only_for_what_it_waits_for(script: str, seconds: float) -> None:
    assert seconds_of(script) == pytest.approx(seconds, abs=TICK)


def test_nobody_waits_for_a_worker_that_is_lost() -> None:
    async def wait(loop: VirtualLoop) -> None:
        worker = FakeWorker()
        worker.gone.set()
        await Wakeup(worker, loop).wait(None)

    with pytest.raises(WorkerLost, match="it ended"):
        in_virtual_time(wait)
