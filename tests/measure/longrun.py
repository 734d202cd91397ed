"""Play a busy jam with the echo for hours of virtual time, and measure whether memory grows: `python -m tests.measure.longrun 24`

`tests.measure.soak` does the same in real time.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.takes.recorder import JSONL, Take
from agent.turns.mode_settings import MODES, ModeSettings

from ..support.fakes import FakeInput, FakeWorker, LoopPlayer, VirtualLoop, in_virtual_time
from .soak import memory, phrase


class CheckingOutput:
    """An output that checks that no note is struck twice, and keeps only the notes that sound."""

    name = "check"

    def __init__(self) -> None:
        self.sounding: set[tuple[int, int]] = set()
        self.notes = 0

    def send(self, message: bytes) -> None:
        if message[0] & 0xF0 == 0x90 and message[2]:
            assert (message[0], message[1]) not in self.sounding, "struck twice without an end between"
            self.sounding.add((message[0], message[1]))
            self.notes += 1
        elif message[0] & 0xF0 == 0x80:
            self.sounding.discard((message[0] | 0x10, message[1]))

    def close(self) -> None:
        pass


def long_run(hours: float, folder: Path, seed: int = 1) -> dict[str, Any]:
    """Play for so many hours; the report has a row `ok`."""
    chance, began = random.Random(seed), time.monotonic()
    samples: list[tuple[float, int, float]] = []
    output = CheckingOutput()

    async def play(loop: VirtualLoop) -> Session:
        keys, worker = FakeInput(loop), FakeWorker()
        worker.changes = worker.styles = worker.drafts = DiscardingList()  # type: ignore[assignment]
        take = Take(folder)
        io = SessionIO(inputs=[keys], output=output, worker=worker, clock=loop, take=take, make_player=LoopPlayer)
        session = Session(SessionConfig(Preset("plain"), mode_settings=ModeSettings(bars=1), channel=1), io)
        running, start = asyncio.ensure_future(session.run()), loop.now()
        await asyncio.sleep(0.1)
        next_sample = 0.0
        while (passed := loop.now() - start) < 3600 * hours:
            for wait, message in gaps(phrase(chance)):
                await asyncio.sleep(wait)
                keys.play(*message)
            await asyncio.sleep(chance.choice((0.2, 2.0, 6.0)))
            if passed >= next_sample:
                next_sample = passed + 600.0
                session.act(chance.choice(MODES), loop.now())
                if len(samples) % 6 == 5:
                    worker.gone.set()  # once an hour; the fake keeps all that it was ever told
                    await asyncio.sleep(1.0)
                gc.collect()
                samples.append((passed, sys.getallocatedblocks(), memory(os.getpid())))
        session.stop()
        await running
        return session

    session = in_virtual_time(play)
    settled = samples[min(1, len(samples) - 1)]
    late = session.stats.summary()["lateness_ms"]
    growth = samples[-1][2] - settled[2]
    return {
        "hours": hours,
        "took_s": round(time.monotonic() - began),
        "notes": output.notes,
        "hung": len(output.sounding),
        "late_ms": late,
        "memory_mb": [round(settled[2], 1), round(samples[-1][2], 1)],
        "growth_mb": round(growth, 2),
        "take_mb": round((folder / JSONL).stat().st_size / 1e6, 1),
        "ok": not output.sounding and growth <= 5.0,
    }


class DiscardingList(list[Any]):
    """In place of a list that a fake appends to for ever."""

    def append(self, what: Any) -> None:
        pass


def gaps(notes: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """The messages, each with the seconds to wait before it."""
    out, at = [], 0.0
    for when, message in sorted(notes):
        out.append((when - at, message))
        at = when
    return out


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        report = long_run(float(sys.argv[1]), Path(name))
    print(json.dumps(report, indent=1))
    sys.exit(0 if report["ok"] else 1)
