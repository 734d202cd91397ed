"""Play one busy jam in real time, and measure whether memory and lateness grow: `python -m tests.measure.soak MINUTES FOLDER`

Whatever happens, it ends with figures. `tests.measure.faults` does the same with faults.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.takes.recorder import JSONL, MOST_BYTES, rows
from agent.timing.timing_stats import percentiles

from ..support.synth import PEDALS
from ..system.rigs.jack import Heard, Program, Recorder, jack_server, wait_for

SETTLED = 600.0  # seconds after which memory may not grow
DRIFT_MB = 5.0  # of each process, from then on
LATER_MS = 1.0  # by which notes may be later in the last ten minutes than in the first, at the median
CHANNEL = 1  # the agent's, from 0
PROCESSES = ("program", "musician", "watchdog")
NOTE_ON, NOTE_OFF = 0x90, 0x80


def memory(pid: int | None) -> float:
    """The resident memory of a process in MB; 0 where it does not run."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def child_of(pid: int, words: bytes) -> int | None:
    """The child of a process whose command line contains `words`."""
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                if words in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
    return None


def worker_of(pid: int) -> int | None:
    """The musician's process, a child of that one."""
    return child_of(pid, b"models.worker")


def phrase(chance: random.Random, all_pedals: bool = False) -> list[tuple[float, bytes]]:
    """A random phrase of 4 to 12 notes, legato or not, some with a pedal; every note ends. Times in seconds from its start.

    `all_pedals`: any pedal, also half down, in place of the sustain pedal.
    """
    out, at, pitch = [], 0.0, chance.randint(52, 72)
    has_pedal = chance.random() < 0.3
    pedal, value = (chance.choice(PEDALS), chance.choice((40, 127))) if has_pedal and all_pedals else (64, 127)
    if has_pedal:
        out.append((0.0, bytes((0xB0, pedal, value))))
    for _ in range(chance.randint(4, 12)):
        pitch = min(max(pitch + chance.choice((-5, -3, -2, -1, 1, 2, 3, 4)), 40), 88)
        length = chance.choice((0.08, 0.15, 0.3))
        out += [(at, bytes((0x90, pitch, chance.randint(40, 110)))), (at + length, bytes((0x80, pitch, 0)))]
        at += max(length, chance.choice((0.12, 0.2, 0.35))) + 0.01
    if has_pedal:
        out.append((at + 0.2, bytes((0xB0, pedal, 0))))
    return out


def count_errors(messages: Sequence[bytes]) -> tuple[int, int]:
    """How many notes sound at the end, and how many were struck twice without an end between."""
    down: set[tuple[int, int]] = set()
    twice = 0
    for m in messages:
        if len(m) == 3 and m[0] & 0xF0 in (NOTE_OFF, NOTE_ON):
            key = m[0] & 15, m[1]
            if m[0] & 0xF0 == NOTE_ON and m[2]:
                twice += key in down
                down.add(key)
            else:
                down.discard(key)
    return len(down), twice


def count_missing(sent: Sequence[bytes], heard: Sequence[bytes]) -> int:
    """How many messages of `sent` are not in `heard`, in their order."""
    there = iter(heard)
    lost = 0
    for number, message in enumerate(sent):
        if message not in there:  # `in` reads the iterator up to the message
            lost = len(sent) - number
            break
    return max(lost, len(sent) - len(heard))


class ProcessMonitor:
    """Samples the memory of the program's processes and the size of its take, and prints a line now and then."""

    def __init__(self, program: Program, take: Path, seconds: float, tell: Callable[[str], None]) -> None:
        self.program, self.take, self.tell = program, take, tell
        self.every = min(10.0, seconds / 24)
        self.samples: list[tuple[float, ...]] = []  # seconds, MB of each process, MB of the take's files
        self._next = self._printed = 0.0

    def sample(self, passed: float, calls: int, heard: Heard) -> None:
        if passed < self._next:
            return
        self._next = passed + self.every
        main = self.program.process.pid
        pids = (main, worker_of(main), child_of(main, b"agent.midi.note_off_watchdog"))
        size = sum(f.stat().st_size for f in self.take.iterdir()) / 1e6
        self.samples.append((passed, *map(memory, pids), size))
        if passed >= self._printed:
            self._printed = passed + 60.0
            megabytes = ", ".join(f"{n} {mb:.1f}" for n, mb in zip(PROCESSES, self.samples[-1][1:], strict=False))
            notes = sum(m[0] == NOTE_ON | CHANNEL and m[2] > 0 for _, m in heard)
            self.tell(f"{passed / 60:.1f} min: {calls} phrases, {notes} notes of its own; MB: {megabytes}")

    def growth(self, seconds: float) -> tuple[dict[str, list[float]], dict[str, float]]:
        """MB of each process at the start, once settled, and at the end (medians of a few samples); and the growth from settled to end."""
        settled = [s for s in self.samples if s[0] >= min(SETTLED, seconds / 2)] or self.samples
        few = max(len(settled) // 10, 1)
        rows = {
            name: [
                self.samples[0][i],
                statistics.median(s[i] for s in settled[:few]),
                statistics.median(s[i] for s in settled[-few:]),
            ]
            for i, name in enumerate(PROCESSES, 1)
        }
        return {n: [round(mb, 1) for mb in r] for n, r in rows.items()}, {
            n: round(r[2] - r[1], 2) for n, r in rows.items()
        }


def soak(
    seconds: float, folder: Path, seed: int = 1, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Play for so long, and measure. The report has a row `ok`."""
    chance, take = random.Random(seed), folder / "take"
    arguments = ("--sound", "off", "--no-page", "--channel", str(CHANNEL + 1), "--take", str(take))
    with (
        jack_server(folder / "jackd.log"),
        Recorder() as recorder,
        Program("play", *arguments) as program,
    ):
        program.wait_for_line("ready")
        recorder.connect("recorder:keys", "tradefours:in")
        recorder.connect("tradefours:out", "recorder:out")
        monitor = ProcessMonitor(program, take, seconds, tell)
        began, calls, code = time.monotonic(), 0, None
        while (passed := time.monotonic() - began) < seconds and program.process.poll() is None:
            recorder.play(phrase(chance), recorder.now() + 0.05)
            calls += 1
            recorder.wait_played()
            time.sleep(chance.choice((0.2, 2.0, 4.0, 6.0)))  # cut in, wait, or let it play
            monitor.sample(passed, calls, recorder.heard["out"])
            recorder.loudness.clear()  # so that the recorder's own memory does not grow
            recorder.shifts.clear()
        time.sleep(3.0)
        program.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            code = program.wait(300)  # it draws a picture of the hour
        with suppress(AssertionError):
            wait_for(lambda: recorder.now() - recorder.heard["out"][-1][0] > 0.3, 10, "silence")
        heard = [m for _, m in recorder.heard["out"]]
    return report(seconds, calls, code, program.said, heard, take, monitor, recorder.absences)


def report(
    seconds: float,
    calls: int,
    code: int | None,
    said: str,
    heard: list[bytes],
    take: Path,
    monitor: ProcessMonitor,
    absences: int,
) -> dict[str, Any]:
    """The figures, from the recorder's messages and from the take.

    Where the recorder missed periods of the server, its messages are in doubt: then what the take says was sent is judged.
    """
    sent = [
        (r["t"], r["at"], bytes.fromhex(r["out"])) for r in rows(take / JSONL) if str(r.get("out", "x"))[:1] in "89"
    ]
    ours = [m for m in heard if m[0] in (NOTE_ON | CHANNEL, NOTE_OFF | CHANNEL)]
    hung, twice = count_errors([m for _, _, m in sent] if absences else heard)
    span, start = min(SETTLED, seconds / 6), sent[0][0]
    late = {
        "in the first ten minutes": percentiles([at - t for t, at, _ in sent if t < start + span]),
        "in the last ten minutes": percentiles([at - t for t, at, _ in sent if t > sent[-1][0] - span]),
        "in all": percentiles([at - t for t, at, _ in sent]),
    }
    first, last, _ = late.values()
    megabytes, growth = monitor.growth(seconds)
    hourly = (monitor.samples[-1][-1] - monitor.samples[0][-1]) / max(monitor.samples[-1][0], 1.0) * 3600
    found = {
        "minutes": round(seconds / 60, 1),
        "calls": calls,
        "notes": sum(m[0] & 0xF0 == NOTE_ON for _, _, m in sent),
        "hung": hung,
        "struck_twice": twice,
        "sent_but_not_heard": count_missing([m for _, _, m in sent], ours),
        "periods_that_the_recorder_missed": absences,
        "exit": code,
        "memory_mb": megabytes,
        "growth_mb": growth,
        "late_ms": late,
        "drift_ms": round(last["p50"] - first["p50"], 3),
        "take_mb_an_hour": round(hourly, 2),
        "take_mb_at_most": MOST_BYTES >> 20,
        "musician_lost": said.count("The musician stopped"),
        "upset": "Traceback" in said or "went wrong" in said,
    }
    found["ok"] = (
        not (hung or twice or code or code is None or found["upset"])
        and (absences > 0 or not found["sent_but_not_heard"])
        and max(growth.values()) <= DRIFT_MB
        and abs(found["drift_ms"]) <= LATER_MS
    )
    return found


if __name__ == "__main__":
    where = Path(sys.argv[2])
    where.mkdir(parents=True, exist_ok=True)
    print(json.dumps(soak(60 * float(sys.argv[1]), where, tell=lambda line: print(line, file=sys.stderr)), indent=1))
