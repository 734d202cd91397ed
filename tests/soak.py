"""The soak: one busy jam in real time, for as long as asked, and what has grown by then.

Knows nothing of faults; see `tests.stage`.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from agent.recorder import JSONL, rows

from .jackroom import Heard, Program, Recorder, jack_server, ons, wait_for

SETTLED = 600.0  # seconds after which nothing may grow any more
DRIFT_MB = 5.0


def memory(pid: int) -> float:
    """What a process holds of the machine's memory, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def worker_of(pid: int) -> int | None:
    """The musician's process, a child of that one."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"models.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


def left_sounding(heard: Heard) -> set[tuple[int, int]]:
    """What sounds at the end. In an hour on a busy machine the recorder, too, may miss a message; so no more is asked of it."""
    down: set[tuple[int, int]] = set()
    for _, m in heard:
        if len(m) == 3 and m[0] & 0xF0 in (0x80, 0x90):
            (down.add if m[0] & 0xF0 == 0x90 and m[2] else down.discard)((m[0] & 15, m[1]))
    return down


def phrase(chance: random.Random) -> list[tuple[float, bytes]]:
    """Four to twelve notes, legato or not, some with the pedal; all of them end."""
    out, at, pitch = [], 0.0, chance.randint(52, 72)
    pedal = chance.random() < 0.3
    if pedal:
        out.append((0.0, b"\xb0\x40\x7f"))
    for _ in range(chance.randint(4, 12)):
        pitch = min(max(pitch + chance.choice((-5, -3, -2, -1, 1, 2, 3, 4)), 40), 88)
        length = chance.choice((0.08, 0.15, 0.3))
        out += [(at, bytes((0x90, pitch, chance.randint(40, 110)))), (at + length, bytes((0x80, pitch, 0)))]
        at += max(length, chance.choice((0.12, 0.2, 0.35))) + 0.01
    if pedal:
        out.append((at + 0.2, b"\xb0\x40\x00"))
    return out


def soak(seconds: float, folder: Path, seed: int = 1) -> dict[str, Any]:
    """Play for so long, and measure. The report has a row `ok`."""
    chance, samples = random.Random(seed), []
    with (
        jack_server(folder / "jackd.log"),
        Recorder() as room,
        Program("play", "--sound", "off", "--no-page", "--channel", "2", "--take", str(folder / "take")) as program,
    ):
        program.wait_to_say("ready")
        room.connect("recorder:keys", "tradefours:in")
        room.connect("tradefours:out", "recorder:out")
        began, calls = time.monotonic(), 0
        next_sample = 0.0
        while (passed := time.monotonic() - began) < seconds:
            notes = phrase(chance)
            room.play(notes, room.now() + 0.05)
            calls += 1
            time.sleep(notes[-1][0] + chance.choice((0.2, 2.0, 4.0, 6.0)))  # cut in, wait, or let it play
            if passed >= next_sample:
                next_sample = passed + min(10.0, seconds / 8)
                main, worker = program.process.pid, worker_of(program.process.pid)
                size = (folder / "take" / JSONL).stat().st_size / 1e6
                samples.append((passed, memory(main), memory(worker) if worker else 0.0, size))
                room.loudness.clear()  # our own memory, too, should be flat
                room.shifts.clear()
        time.sleep(3.0)
        program.process.send_signal(signal.SIGTERM)
        code = program.wait(15)
        wait_for(lambda: room.now() - room.heard["out"][-1][0] > 0.3, 10, "silence")
    sounding, answered = left_sounding(room.heard["out"]), len(ons(room.heard["out"], 1))
    late = [
        (r["t"], 1000 * (r["at"] - r["t"])) for r in rows(folder / "take" / JSONL) if str(r.get("out", "x"))[:1] in "89"
    ]
    first, last = late[: len(late) // 6], late[-len(late) // 6 :]
    settled = [s for s in samples if s[0] >= min(SETTLED, seconds / 2)]
    growth = {name: settled[-1][i] - settled[0][i] for i, name in ((1, "program"), (2, "musician"))}
    report = {
        "minutes": round(seconds / 60, 1),
        "calls": calls,
        "notes": answered,
        "hung": len(sounding),
        "exit": code,
        "memory_mb": {
            name: [round(s[i], 1) for s in (samples[0], settled[0], settled[-1])]
            for i, name in ((1, "program"), (2, "musician"))
        },
        "growth_mb": {name: round(mb, 2) for name, mb in growth.items()},
        "late_ms": {
            "p50 in the first sixth": round(statistics.median(ms for _, ms in first), 3),
            "p50 in the last sixth": round(statistics.median(ms for _, ms in last), 3),
            "p99": round(float(np.percentile([ms for _, ms in late], 99)), 3),
        },
        "take_mb_an_hour": round(samples[-1][3] / samples[-1][0] * 3600, 2),
        "stopped": program.said.count("The musician stopped"),
    }
    report["ok"] = not sounding and code == 0 and max(growth.values()) <= DRIFT_MB and "Traceback" not in program.said
    return report


if __name__ == "__main__":
    where = Path(sys.argv[2])
    where.mkdir(parents=True, exist_ok=True)
    print(json.dumps(soak(60 * float(sys.argv[1]), where), indent=1))
