"""The benchmark: measure every budget on this machine, with the real musician and the real player, in one run.

No MIDI system is needed. A simulated player plays phrases on a fake port, waits for the answer and cuts in. Each sent message gets a time
stamp where a port would take it. The musician's process measures its own figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.music.note_records import ANSWER, Note, Span

from .. import isolated_launcher, thread_priority
from ..clock import SystemClock
from ..errors import UserError, hint
from ..midi.messages import KIND, NOTE_OFF, NOTE_ON, Event
from ..midi.rtmidi_backend import RtInput
from ..playing.load_shedding import MOST_CANDIDATES
from ..playing.worker_client import WorkerClient, worker_command
from ..playing.worker_client_interface import WorkerLost
from ..session.config import SessionConfig, SessionIO
from ..session.session import Session
from ..styles import presets
from ..timing.timing_stats import percentiles
from ..turns.turn_taking import RUN_SILENCE
from .budgets import conclusion, table, verdicts

RATE = 12.0  # notes a second that must be ready
MIDI_TIMEOUT = 60.0  # seconds
#: Shares of the seconds for each part; half of each part runs with one core busy.
SHARES = {"ready": 0.3, "session": 0.4}
NOTES = 600  # that the musician's process measures
TORCH_NOTES = 96  # the same, with torch
PHRASE = (60, 64, 67, 72, 71, 67)  # pitches
KEY_DOWN = 0.08  # seconds
KEY_UP = 0.04  # seconds from a key's release to the next key
CUT_IN_AFTER = 0.5  # seconds of the answer


class SimulatedPlayer:
    """Both ports of the benchmark: an input on which phrases are played, and an output that measures the thru of its keys.

    `thru`: seconds from each key to its message at the output.
    """

    name = "bench"

    def __init__(self) -> None:
        self.thru: list[float] = []
        self._closed = threading.Event()
        self._answering = threading.Event()
        self._thread: threading.Thread | None = None
        self._key_time = 0.0

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._thread = threading.Thread(target=self._play, args=(on_event,), name="bench player", daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> None:
        now = time.perf_counter()
        if message[0] & KIND == NOTE_ON and message[2] > 0:
            if threading.current_thread() is self._thread:
                self.thru.append(now - self._key_time)
            else:
                self._answering.set()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)

    def _play(self, on_event: Callable[[Event], None]) -> None:
        """Play a phrase on the second channel, again and again; each next one cuts into the answer."""
        thread_priority.request_once()  # as the MIDI system's thread does
        while not self._closed.wait(0.05):
            for pitch in PHRASE:
                self._key_time = time.perf_counter()
                on_event(Event(self._key_time, bytes((NOTE_ON | 1, pitch, 80))))
                if self._closed.wait(KEY_DOWN):
                    return
                on_event(Event(time.perf_counter(), bytes((NOTE_OFF | 1, pitch, 0))))
                if self._closed.wait(KEY_UP):
                    return
            self._answering.clear()
            while not self._answering.wait(0.05):
                if self._closed.is_set():
                    return
            if self._closed.wait(CUT_IN_AFTER):
                return


async def report(engine: str, seconds: float, weights: str = "open") -> dict[str, Any]:
    """Measure everything; the report, ready for JSON. `seconds`: of playing, in all."""
    cold = await _measure_cold_start(weights, engine)
    found: dict[str, Any] = {"machine": describe_machine(), "engine": "", "seconds": seconds, "cold_start_s": cold}
    worker = WorkerClient(worker_command(weights, engine))
    await worker.start()
    try:
        about = await worker.wait_ready()
        found["engine"] = about["engine"]
        start = _memory_mb(worker)
        found |= _worker_rows(await worker.measure(NOTES))
        found["ready_share"], found["delivery_ms"] = await measure_ready_share(worker, SHARES["ready"] * seconds / 2)
        found |= await _measure_session(weights, engine, SHARES["session"] * seconds / 2)
        without = await _measure_session(weights, engine, SHARES["session"] * seconds / 4, candidates=0)
        found["first_note_undrafted_ms"] = without["first_note_ms"]
        with BusyCore():
            hogged = _worker_rows(await worker.measure(NOTES // 2))
            hogged["ready_share"], _ = await measure_ready_share(worker, SHARES["ready"] * seconds / 2)
            hogged |= await _measure_session(weights, engine, SHARES["session"] * seconds / 2)
        found["hogged"] = hogged
        if start is not None:
            found["rss_mb"] = {"start": start, "end": _memory_mb(worker)}
    finally:
        await worker.close()
    if engine != "torch":
        found |= await _compare_with_torch(weights, found)
    found["budgets"] = verdicts(found, hogged)
    found["sentence"] = conclusion(found["budgets"])
    return found


def _worker_rows(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Percentiles of what the musician's process has measured, and how a step and twelve answers compare with what they could take."""
    rows: dict[str, Any] = {f"{name}_ms": percentiles(row) for name, row in seconds.items() if row}
    if seconds.get("twelve"):
        rows["side_by_side"] = round(rows["apart_ms"]["p50"] / max(rows["twelve_ms"]["p50"], 1e-6), 2)
        silence = 1000 * RUN_SILENCE  # after which it begins to prepare an answer, at the latest
        rows["silence_to_choice_ms"] = {name: round(silence + ms, 3) for name, ms in rows["choice_ms"].items()}
    rows["over_limit"] = round(rows["step_ms"]["p50"] / max(rows["limit_ms"]["p50"], 1e-6), 2)
    return rows


async def _compare_with_torch(weights: str, found: dict[str, Any]) -> dict[str, Any]:
    worker = WorkerClient(worker_command(weights, "torch"))
    await worker.start()
    try:
        await worker.wait_ready()
        rows = await worker.measure(TORCH_NOTES)
    except (UserError, WorkerLost) as error:
        return {"not_compared": str(error)}
    finally:
        await worker.close()
    torch = percentiles(rows["note"])
    return {"torch_note_ms": torch, "faster_than_torch": round(torch["p50"] / found["note_ms"]["p50"], 2)}


async def measure_ready_share(worker: WorkerClient, seconds: float) -> tuple[float, dict[str, float]]:
    """The share of notes that were ready in time, at `RATE` a second while the player plays, too; and the delivery in ms."""
    clock = SystemClock()
    ready = 0
    delivery: list[float] = []  # seconds from the request to the note
    notes: list[Note] = [Note(0.2 * i, 0.1, 60 + i % 12, 70) for i in range(16)]
    worker.hear(0, notes)
    worker.style(None, {})
    count = max(int(seconds * RATE), 12)
    start = clock.now() + 0.2
    for i in range(count):
        due = start + i / RATE
        await asyncio.sleep(max(due - clock.now(), 0.0))
        requested = clock.now()
        at = notes[-1].onset + 0.05
        if i % 4 == 3:
            notes.append(Note(at, 0.1, 55 + i % 20, 60))
            worker.hear(len(notes) - 1, notes[-1:])
            at += 0.05
        answer: list[Note] = [n async for n in worker.play(Span(at, at, at + 1e6, at + 1e6)) if isinstance(n, Note)]
        delivery.append(clock.now() - requested)
        ready += bool(answer) and clock.now() <= due + 1.0 / RATE
        for note in answer:
            notes.append(Note(note.onset, note.duration, note.pitch, note.velocity, ANSWER))
    return ready / count, percentiles(delivery)


async def _measure_session(
    weights: str, engine: str, seconds: float, candidates: int = MOST_CANDIDATES
) -> dict[str, Any]:
    """The figures of a session with a simulated player, whose musician prepares so many candidates ahead."""
    simulated = SimulatedPlayer()
    config = SessionConfig(presets.load(), seconds=seconds + 2.0, seed=0, most_candidates=candidates)
    worker = WorkerClient(worker_command(weights, engine))
    session = Session(config, SessionIO(inputs=[simulated], output=simulated, worker=worker, clock=SystemClock()))
    stats = (await session.run()).stats
    rows = {key: stats[key] for key in ("first_note_ms", "lateness_ms", "cut_in_ms")}
    return {
        **rows,
        "misses": stats["misses"],
        "musician": stats["musician"],
        "chosen_from": _ranks(stats["chosen_from"]),
        "thru_ms": percentiles(simulated.thru),
        "stamp_ms": percentiles(_measure_stamps()),
    }


def _ranks(counts: list[int]) -> dict[str, int]:
    """The least and the median of some counts in their order; {} where there are none."""
    return {"least": counts[0], "p50": counts[len(counts) // 2], "answers": len(counts)} if counts else {}


def _measure_stamps(count: int = 1000) -> list[float]:
    """Seconds from the MIDI system's call to the time stamp of its message, for each of `count` messages."""
    latencies: list[float] = []
    start = 0.0
    callbacks: list[Any] = []

    class FakePort:
        def set_error_callback(self, callback: Any) -> None: ...

        def set_callback(self, callback: Any) -> None:
            callbacks.append(callback)

    RtInput(FakePort(), "bench").open(lambda event: latencies.append(event.when - start))
    for _ in range(count):
        packet = ([NOTE_ON, 60, 80], 0.0)
        start = time.perf_counter()
        callbacks[-1](packet, None)
    return latencies


async def _measure_cold_start(weights: str, engine: str) -> dict[str, float]:
    """Seconds from the command until the ports could be open (`thru`), and until the musician is ready."""
    start = time.perf_counter()
    find = "try: ports.find_api()\nexcept Exception: pass"
    code = (
        f"import sys\nsys.path.insert(0, sys.argv[1])\nfrom agent.cli import main\nfrom agent.midi import ports\n{find}"
    )
    command = [sys.executable, "-P", "-c", code, isolated_launcher.root()]
    try:
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=MIDI_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"The MIDI system does not answer; start it again, or see: {hint('doctor')}") from error
    thru = time.perf_counter() - start
    worker = WorkerClient(worker_command(weights, engine))
    await worker.start()
    try:
        await worker.wait_ready()
    finally:
        await worker.close()
    return {"thru": round(thru, 3), "ready": round(time.perf_counter() - start, 3)}


class BusyCore:
    """A process that keeps one core busy, as a context."""

    def __enter__(self) -> None:
        # It ends with its parent, even after a crash.
        code = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
        self._process = subprocess.Popen([sys.executable, "-P", "-c", code])

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def describe_machine() -> str:
    """Processor, cores, load, system and Python of this machine, as a line."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {os.cpu_count()} cores{load}, {platform.system()}, Python {platform.python_version()}"


def _memory_mb(worker: WorkerClient) -> float | None:
    """Resident memory of this process and the musician's, in MB; None where it is unknown."""
    total = 0.0
    for pid in (os.getpid(), worker.pid):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf8")
            total += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
        except (OSError, StopIteration):
            try:
                done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
                total += int(done.stdout) / 1024
            except (OSError, ValueError):
                return None
    return round(total, 1)


def bench(args: argparse.Namespace) -> int:
    """The command: measure and print; returns 0 where every budget is kept, else 1."""
    with thread_priority.realtime():  # as in play
        found = asyncio.run(report(args.engine, args.seconds, args.weights))
    print(json.dumps(found) if args.json else table(found))
    return int(not all(v["ok"] for v in found["budgets"].values()))
