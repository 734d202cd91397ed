"""Measure whether an open page delays the notes: the same playing with the page open and without it, by turns.

A browser opens the page. Where there is none, another process reads the page's messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import thread_priority
from ..clock import SystemClock
from ..control.bindings import Bindings
from ..control.midi_learn import MidiLearn
from ..midi.messages import NOTE_OFF, NOTE_ON, Event
from ..midi.output_merge import OutputMerge
from ..playing.worker_client import WorkerClient, worker_command
from ..session.config import SessionConfig, SessionIO
from ..session.patchbay import Patchbay
from ..session.session import Session
from ..styles import presets
from ..takes.recorder import Take
from ..timing.timing_stats import percentiles
from ..turns.mode_settings import DUET, ModeSettings
from ..web.page_connections import Hub
from ..web.page_request_handlers import handle
from ..web.take_list import TakeList
from . import cpu_usage
from .bench import SimulatedPlayer, describe_machine
from .web_page_opener import open_page

MOST_RATIO = 1.2  # of the p99 with the page open to that without it
TURNS = (False, True, True, False)  # whether the page is open: a slow drift of the machine meets both alike
WARM_UP = 3.0  # seconds of a turn that do not count, as a browser is busy at its start


@dataclass
class TurnFigures:
    """The figures of one turn: thru and lateness in seconds, who opened the page, shares of a core, and traffic to the page."""

    thru: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    by: str = ""
    cores: dict[str, float] = field(default_factory=dict)
    traffic: dict[str, float] = field(default_factory=dict)


class BusyPlayer(SimulatedPlayer):
    """A player who never stops: five keys a second, at the same time as the agent."""

    def _play(self, on_event: Callable[[Event], None]) -> None:
        thread_priority.request_once()
        step = 0
        while not self._closed.wait(0.1):
            pitch = 55 + (0, 4, 7, 12, 16, 12, 7, 4)[step % 8]
            step += 1
            self._key_time = time.perf_counter()
            on_event(Event(self._key_time, bytes((NOTE_ON | 1, pitch, 80))))
            if self._closed.wait(0.1):
                return
            on_event(Event(time.perf_counter(), bytes((NOTE_OFF | 1, pitch, 0))))


async def compare(weights: str, engine: str, seconds: float) -> dict[str, Any]:
    """Measure `seconds` of playing, half of it with the page open; the report, ready for JSON."""
    found: dict[bool, dict[str, list[float]]] = {w: {"thru_ms": [], "lateness_ms": []} for w in (False, True)}
    report: dict[str, Any] = {
        "machine": describe_machine(),
        "opened_by": "",
        "seconds": seconds,
        "cores": {},
        "budgets": {},
    }
    for number, is_open in enumerate(TURNS):
        how = "open" if is_open else "closed"
        print(f"turn {number + 1} of {len(TURNS)}, the page {how} …", file=sys.stderr)
        seen = await _turn(weights, engine, seconds / len(TURNS), is_open)
        found[is_open]["thru_ms"] += seen.thru
        found[is_open]["lateness_ms"] += seen.lateness
        report["cores"][how] = seen.cores  # the last turn of each kind stands for both
        if is_open:
            report |= {"opened_by": seen.by, "page": seen.traffic}
    for name in found[True]:
        closed, opened = (percentiles(found[w][name]) for w in (False, True))
        ratio = round(opened["p99"] / closed["p99"], 3) if opened and closed else None
        report[name] = {"closed": closed, "open": opened, "ratio": ratio}
        if ratio is not None:
            verdict = {"limit": MOST_RATIO, "measured": ratio, "ok": ratio <= MOST_RATIO}
            report["budgets"][f"{name.removesuffix('_ms')}, page open to closed, p99"] = verdict
    return report


async def _turn(weights: str, engine: str, seconds: float, is_open: bool) -> TurnFigures:
    """One session; its figures from the moment the page is open. Raises UserError."""
    player = BusyPlayer()
    clock = SystemClock()
    seen = TurnFigures()
    outputs = OutputMerge(player)
    with tempfile.TemporaryDirectory() as folder:
        take = Take(Path(folder) / "take")
        bay = Patchbay(None, outputs, ours=False)
        learning = MidiLearn(Bindings(), None)
        takes = TakeList(take, Path(folder))
        hub = Hub(outputs=outputs, takes=takes, clock=clock, midi_learn=learning, patchbay=bay, handle=handle)

        worker = WorkerClient(worker_command(weights, engine))

        async def beside(session: Session) -> None:
            hub.session = session
            while worker.ready is None:
                await asyncio.sleep(0.05)
            async with open_page(hub, clock) if is_open else contextlib.nullcontext(("", None)) as (seen.by, server):
                looking = asyncio.ensure_future(hub.watch()) if is_open else None
                await asyncio.sleep(WARM_UP)
                player.thru.clear()
                session.stats.lateness.clear()
                before = await asyncio.to_thread(cpu_usage.cpu_seconds, os.getpid())
                begun = clock.now()
                sent = (server.messages_sent, server.bytes_sent) if server is not None else (0, 0)
                await asyncio.sleep(seconds)
                seen.thru = list(player.thru)
                seen.lateness = list(session.stats.lateness)
                took = clock.now() - begun
                if server is not None:
                    seen.traffic = {
                        "messages_a_second": round((server.messages_sent - sent[0]) / took, 1),
                        "bytes_a_second": round((server.bytes_sent - sent[1]) / took),
                    }
                shares = cpu_usage.shares(before, await asyncio.to_thread(cpu_usage.cpu_seconds, os.getpid()), took)
                seen.cores = {_name(pid, worker.pid): share for pid, share in shares.items()}
                if looking is not None:
                    looking.cancel()
            session.stop()
            await asyncio.Event().wait()

        io = SessionIO(
            inputs=[player],
            output=outputs.agent,
            thru_output=outputs.player,
            worker=worker,
            clock=clock,
            take=hub if is_open else take,
        )
        session = Session(SessionConfig(presets.load(), mode_settings=ModeSettings(DUET), seed=0), io)
        await session.run(beside)
    return seen


def _name(pid: int, musician: int | None) -> str:
    """The name of one of our processes."""
    if pid == os.getpid():
        return "program"
    return "musician" if pid == musician else "page"


def page_cost(weights: str, engine: str, seconds: float, as_json: bool) -> int:
    """The command: measure and print; returns 0 where the ratios are within `MOST_RATIO`, else 1."""
    with thread_priority.realtime():
        found = asyncio.run(compare(weights, engine, seconds))
    if as_json:
        print(json.dumps(found))
    else:
        print(f"{found['machine']} · the page opened by {found['opened_by']}, half of {seconds:.0f} s\n")
        print("".ljust(24) + "".join(n.rjust(9) for n in ("p50", "p95", "p99", "max")))
        for name in ("thru_ms", "lateness_ms"):
            for how in ("closed", "open"):
                row = found[name][how]
                if row:
                    figures = "".join(f"{row[n]:9.3f}" for n in ("p50", "p95", "p99", "max"))
                    print(f"{name.removesuffix('_ms')}, page {how}, ms".ljust(24) + figures)
        for how, cores in found["cores"].items():
            if cores:
                print(f"shares of a core, page {how}: " + ", ".join(f"{who} {cores[who]:.2f}" for who in sorted(cores)))
        traffic = found["page"]
        print(
            f"told to the page: {traffic['messages_a_second']:.0f} messages and {traffic['bytes_a_second']:.0f} bytes a second"
        )
        for name, v in found["budgets"].items():
            print(f"{'ok    ' if v['ok'] else 'MISSED'} {name}: {v['measured']:.2f} times, at most {v['limit']:g}")
        print(f"\n{conclusion(all(v['ok'] for v in found['budgets'].values()))}")
    return int(not all(v["ok"] for v in found["budgets"].values()))


def conclusion(is_kept: bool) -> str:
    """One sentence for a player."""
    if is_kept:
        return "An open page costs the notes nothing that you hear."
    return "An open page makes notes late on this computer: play with --no-page, or show it on a tablet with --lan."
