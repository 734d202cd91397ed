"""Onlookers: whether a page that is open costs the notes anything, measured: the same playing with the page open and without it, by turns.

Knows nothing of what is on the page: a browser opens it, or, where there is none, another process that takes its news as a page does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from . import presets, priority
from .bench import Stage as Rehearsed
from .bench import machine
from .clock import SystemClock
from .controls import Controls
from .desk import Desk
from .errors import UserError
from .learning import Learning
from .manner import DUET, Manner
from .meters import percentiles
from .mind import Mind, worker_command
from .opening import has_browser
from .patchbay import Patchbay
from .ports import Event
from .recorder import Take
from .session import Session
from .stage import Stage
from .web import Server

MOST = 1.2  # times as late, at the 99th of a hundred: what is promised
TURNS = (False, True, True, False)  # page or no page: whatever the machine does meanwhile meets both alike
HEADLESS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 20.0  # seconds in which a browser opens a page
WARMING = 1.0  # seconds of a turn that do not count
READER = (
    "import asyncio, aiohttp, sys\n"
    "async def read(url):\n"
    "    async with aiohttp.ClientSession() as client:\n"
    "        async with client.ws_connect(url + 'socket', headers={'Origin': url.rstrip('/')}) as socket:\n"
    "            async for _ in socket: pass\n"
    "asyncio.run(read(sys.argv[1]))\n"
)


class Busy(Rehearsed):
    """A player who never stops: five keys a second, and the agent at once."""

    def _play(self, on_event: Callable[[Event], None]) -> None:
        priority.once()
        step = 0
        while not self._closed.wait(0.1):
            pitch = 55 + (0, 4, 7, 12, 16, 12, 7, 4)[step % 8]
            step += 1
            self._struck = time.perf_counter()
            on_event(Event(self._struck, bytes((0x91, pitch, 80))))
            if self._closed.wait(0.1):
                return
            on_event(Event(time.perf_counter(), bytes((0x81, pitch, 0))))


async def compare(weights: str, engine: str, seconds: float) -> dict[str, Any]:
    """Thru and lateness of `seconds` of playing, half of it with the page open, ready for JSON."""
    found: dict[bool, dict[str, list[float]]] = {w: {"thru_ms": [], "lateness_ms": []} for w in (False, True)}
    by = ""
    for number, is_open in enumerate(TURNS):
        print(f"turn {number + 1} of {len(TURNS)}, the page {'open' if is_open else 'closed'} …", file=sys.stderr)
        thru, lateness, who = await _turn(weights, engine, seconds / len(TURNS), is_open)
        by = by or who
        found[is_open]["thru_ms"] += thru
        found[is_open]["lateness_ms"] += lateness
    report: dict[str, Any] = {"machine": machine(), "opened_by": by, "seconds": seconds, "budgets": {}}
    for name in found[True]:
        closed, opened = (percentiles(found[w][name]) for w in (False, True))
        ratio = round(opened["p99"] / closed["p99"], 3) if opened and closed else None
        report[name] = {"closed": closed, "open": opened, "ratio": ratio}
        if ratio is not None:
            verdict = {"limit": MOST, "measured": ratio, "ok": ratio <= MOST}
            report["budgets"][f"{name.removesuffix('_ms')}, page open to closed, p99"] = verdict
    return report


async def _turn(weights: str, engine: str, seconds: float, is_open: bool) -> tuple[list[float], list[float], str]:
    """One session; what was measured once the page was there, in seconds, and who opened it."""
    player, clock, by = Busy(), SystemClock(), ""
    desk = Desk(player)
    with tempfile.TemporaryDirectory() as folder:
        take = Take(Path(folder) / "take")
        bay, learning = Patchbay(None, desk, ours=False), Learning(Controls(), None)
        stage = Stage(desk=desk, take=take, shelf=Path(folder), clock=clock, learning=learning, bay=bay)

        async def beside(session: Session) -> None:
            nonlocal by
            stage.session = session
            while session.mind.ready is None:
                await asyncio.sleep(0.05)
            async with _page(stage, clock) if is_open else contextlib.nullcontext("") as by:
                await asyncio.sleep(WARMING)
                player.thru.clear()
                session.meters.lateness.clear()
                looking = asyncio.ensure_future(stage.look()) if is_open else None
                await asyncio.sleep(seconds)
                if looking is not None:
                    looking.cancel()
            session.stop()
            await asyncio.Event().wait()

        session = Session(
            inputs=[player],
            output=desk.agent,
            own=desk.player,
            mind=Mind(worker_command(weights, engine)),
            preset=presets.load(),
            take=stage if is_open else take,
            say=lambda text: None,
            clock=clock,
            manner=Manner(DUET),
            seed=0,
            beside=beside,
        )
        await session.run()
    return list(player.thru), list(session.meters.lateness), by


@contextlib.asynccontextmanager
async def _page(stage: Stage, clock: SystemClock) -> AsyncIterator[str]:
    """The page, open; who opened it. Raises UserError where nobody comes."""
    server = Server(stage, clock, 0)
    await server.start()
    stage.broadcast = server.broadcast
    process, by = None, "the browser"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            if has_browser():
                await asyncio.to_thread(webbrowser.open, server.url)
            else:
                program = next(filter(None, map(shutil.which, HEADLESS)), None)
                command = [sys.executable, "-c", READER, server.url]
                if program is not None:
                    command = [program, "--headless=new", "--no-sandbox", f"--user-data-dir={profile}", server.url]
                by = Path(program).name if program is not None else "a reader"
                quiet = subprocess.DEVNULL
                process = subprocess.Popen(command, stdout=quiet, stderr=quiet, stdin=quiet)
            end = clock.now() + PATIENCE
            while not server.pages:
                if clock.now() > end:
                    raise UserError(f"{by} did not open {server.url}; is there a browser that works?")
                await asyncio.sleep(0.05)
            yield by
        finally:
            await server.close()
            if process is not None:
                process.terminate()
                await asyncio.to_thread(process.wait)


def onlookers(weights: str, engine: str, seconds: float, as_json: bool) -> int:
    """Measure, print, and judge: 0 where the page costs nothing, else 1."""
    with priority.raised():
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
        for name, v in found["budgets"].items():
            print(f"{'ok    ' if v['ok'] else 'MISSED'} {name}: {v['measured']:.2f} times, at most {v['limit']:g}")
    return int(not all(v["ok"] for v in found["budgets"].values()))
