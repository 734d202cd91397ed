"""Inject faults while the program plays, on a JACK server of its own: `python -m tests.measure.faults`.

    python -m tests.measure.faults --faults 200            so many random faults, and a table of the results
    python -m tests.measure.faults --minutes 60            as many as there is time for
    python -m tests.measure.faults --minutes 60 --soak     no faults, one busy jam: does memory grow?

A recorder is keyboard and synth in one, and records what arrives. After each fault no note may sound. Where the recorder itself missed a
period of the server, a failure is in doubt: it is counted as such, and the fault is tried again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count as count_up
from pathlib import Path
from typing import Any

import numpy as np

from agent.takes.recorder import JSONL, MIDI, repair, rows, take_notes

from ..support.synth import Synth
from ..system.rigs.jack import Program, Recorder, jack_server, wait_for
from .soak import phrase, soak, worker_of

ECHO = f"{sys.executable} -m models.worker --echo"
QUICK_WEIGHT = 3  # quick faults come so many times as often as slow ones


class FaultRig:
    """A server, a recorder as the device, and the program. Each fault is a method; it returns the seconds until all is well again."""

    def __init__(self, folder: Path, seed: int, musician: str = ECHO) -> None:
        self.folder, self.chance, self.musician = folder, random.Random(seed), musician
        self.server, self.name = ExitStack(), f"tradefours-test-{os.getpid()}-{seed}"
        self.device: Recorder | None = None
        self.program: Program | None = None
        self.heard: list[tuple[float, bytes]] = []  # of devices that have gone
        self._absences = 0  # of those
        self._begun = self._came = 0  # messages and missed periods at the program's start
        self.takes = 0
        self.lost_notes = self.compared = 0  # of takes, beyond the last second; and how many takes were compared

    def __enter__(self) -> FaultRig:
        self._start_server()
        self._start_device()
        self._start_program()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.program is not None:
            self.program.__exit__()
        if self.device is not None:
            self.device.client.close()
        self.server.close()

    # -- parts of the rig -----------------------------------------------------------------------------------------------

    def _start_server(self) -> None:
        self.server.enter_context(jack_server(self.folder / "jackd.log", self.name))

    def _start_device(self) -> None:
        self.device = Recorder("device")

    def _start_program(self) -> None:
        self.takes += 1
        self._begun, self._came = len(self.all_heard()), self.absences
        self.take = self.folder / f"take{self.takes}"
        self.program = Program(
            *("play", "--in", "device:keys", "--out", "device:out", "--channel", "2", "--no-page", "--sound", "off"),
            *("--mind", self.musician, "--take", str(self.take)),
        )
        self.program.wait_for_line("ready", 30)

    def _play(self) -> None:
        """Play a phrase, and wait a random time: until it sounds, its answer sounds, or nothing does."""
        assert self.device is not None
        notes = phrase(self.chance, all_pedals=True)
        self.device.play(notes, self.device.now() + 0.02)
        time.sleep(self.chance.choice((0.15, 0.4, notes[-1][0] + 0.6, notes[-1][0] + 0.9)))

    def _wait_played(self) -> None:
        """Wait until the last message of a phrase, a release, is sent."""
        assert self.device is not None
        self.device.wait_played()

    def all_heard(self) -> list[tuple[float, bytes]]:
        """All messages from the beginning; the times are of different servers."""
        return [*self.heard, *(self.device.heard["out"] if self.device is not None else [])]

    @property
    def absences(self) -> int:
        """How often the recorder has missed periods of the server."""
        return self._absences + (self.device.absences if self.device is not None else 0)

    def _forget_device(self) -> None:
        """Forget the device, and keep its messages."""
        assert self.device is not None
        self.heard += self.device.heard["out"]
        self._absences += self.device.absences
        self.device = None

    def sounding(self) -> set[tuple[int, int]]:
        """The channels and pitches that sound at the device, and the channels and controllers of pedals that are down."""
        synth = Synth((message for _, message in self.all_heard()), again=True)
        return synth.keys | set(synth.pedals)

    def silent(self, seconds: float = 6.0) -> bool:
        """Whether all notes end within `seconds`, and none begins in the 0.15 s after."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.sounding():
                time.sleep(0.15)
                if not self.sounding():
                    return True
            time.sleep(0.02)
        return False

    def _wait_for_new_line(self, mark: int, words: str, seconds: float = 20.0) -> None:
        """Wait for a line of the program after line `mark`."""
        assert self.program is not None
        wait_for(
            lambda: any(words in line for line in self.program.lines[mark:]),
            seconds,
            f"{words!r} in {self.program.said}",
        )  # type: ignore[union-attr]

    # -- faults ---------------------------------------------------------------------------------------------

    def _signal(self, which: signal.Signals) -> float:
        assert self.program is not None
        began = time.monotonic()
        self.program.process.send_signal(which)
        self.program.wait_for_line("Every note is off", 20)
        took = time.monotonic() - began
        assert self.program.wait(90) == 0  # the take's picture is drawn
        self.program.__exit__()
        assert (self.take / MIDI).is_file() or not any(take_notes(self.take / JSONL).values())
        self._wait_played()
        self._start_program()
        return took

    def sigterm(self) -> float:
        return self._signal(signal.SIGTERM)

    def sigint(self) -> float:
        return self._signal(signal.SIGINT)

    def program_killed(self) -> float:
        """SIGKILL: the note-off watchdog must end the notes."""
        assert self.program is not None
        assert self.device is not None
        began, now, attentive = time.monotonic(), self.device.now(), self.absences == self._came
        self.program.process.kill()
        self.program.__exit__()
        silent = self.silent(5.0)
        took = time.monotonic() - began - 0.15
        repair(self.take)
        gone, there = self.heard[self._begun :], self.device.heard["out"][max(self._begun - len(self.heard), 0) :]
        struck = Counter(m for t, m in [*((0.0, m) for _, m in gone), *there] if is_on(m) and t < now - 1.0)
        kept = [bytes.fromhex(row.get("out") or row.get("bytes", "")) for row in rows(self.take / JSONL)]
        if attentive:  # else the recorder may have got some twice
            lost = (struck - Counter(kept)).total()
            self.lost_notes, self.compared = self.lost_notes + lost, self.compared + 1
            assert not lost, f"{lost} notes are not in the take"
        assert silent, f"hung after a kill: {self.sounding()}"
        self._wait_played()
        self._start_program()
        return took

    def musician_killed(self, how: signal.Signals = signal.SIGKILL) -> float:
        assert self.program is not None
        worker = worker_of(self.program.process.pid)
        assert worker is not None
        mark, began = len(self.program.lines), time.monotonic()
        os.kill(worker, how)
        if how == signal.SIGSTOP:
            self._wait_played()  # a stopped process is noticed at the next request
            self._play()
        self._wait_for_new_line(mark, "The musician is ready", 30)
        return time.monotonic() - began

    def musician_hangs(self) -> float:
        return self.musician_killed(signal.SIGSTOP)

    def unplugged(self) -> float:
        """The device is unplugged and plugged in again; the keys that were down are up by then."""
        assert self.program is not None
        assert self.device is not None
        mark = len(self.program.lines)
        client = self.device.client
        client.deactivate()
        self._forget_device()
        client.close()
        self._wait_for_new_line(mark, "device:out is gone")
        time.sleep(self.chance.choice((0.0, 0.5)))
        self._start_device()
        began = time.monotonic()
        self._wait_for_new_line(mark, "device:out is back")
        self._wait_for_new_line(mark, "device:keys is back")
        return time.monotonic() - began

    def jack_restarted(self) -> float:
        """The server dies and comes back, and the device with it."""
        assert self.program is not None
        assert self.device is not None
        mark = len(self.program.lines)
        DEAD_CLIENTS.append(self.device.client)  # to close a client of a dead server would end this process
        self._forget_device()
        self.server.close()
        self._wait_for_new_line(mark, "device:out is gone")
        self._start_server()
        self._start_device()
        began = time.monotonic()
        self._wait_for_new_line(mark, "device:out is back")
        self._wait_for_new_line(mark, "device:keys is back")
        return time.monotonic() - began

    def flood(self) -> float:
        """Two thousand messages in one second: notes on all channels, bends, clock, aftertouch."""
        assert self.device is not None
        self._wait_played()
        kinds: list[Callable[[int], bytes]] = [
            lambda i: bytes((0x90 | i % 16, 30 + i % 60, 1 + i % 127)),
            lambda i: bytes((0xE0 | i % 16, i % 128, 64)),
            lambda i: b"\xf8",
            lambda i: bytes((0xD0 | i % 16, i % 128)),
        ]
        ons = [(i / 2000, kinds[i % 4](i)) for i in range(2000)]
        offs = [
            (1.0 + i / 4000, bytes((0x80 | m[0] & 15, m[1], 0))) for i, (_, m) in enumerate(ons) if m[0] & 0xF0 == 0x90
        ]
        self.device.play([*ons, *offs], self.device.now() + 0.02)
        self._wait_played()
        began = time.monotonic()
        assert self.silent(30.0), f"hung after a flood: {self.sounding()}"
        return time.monotonic() - began

    # -- runs -------------------------------------------------------------------------------------------

    def run_fault(self, fault: str) -> float:
        """One fault in the middle of playing, with its checks. Returns the seconds until all was well again."""
        self._play()
        took: float = getattr(self, fault)()
        self._wait_played()
        assert self.silent(30.0), f"hung after {fault}: {self.sounding()}\n{self.program.said if self.program else ''}"
        assert self.program is not None
        assert "Traceback" not in self.program.said, self.program.said
        assert "went wrong" not in self.program.said, self.program.said
        return took


def is_on(message: bytes) -> bool:
    """Whether a note begins."""
    return len(message) == 3 and message[0] & 0xF0 == 0x90 and message[2] > 0


DEAD_CLIENTS: list[Any] = []
QUICK_FAULTS = ("sigterm", "sigint", "program_killed", "musician_killed", "unplugged", "flood")
SLOW_FAULTS = ("jack_restarted", "musician_hangs")


def _choose_kinds(count: int, quick: bool) -> list[str]:
    """The kinds of the next faults: each comes, and quick ones more often in a long run."""
    if quick:
        return [*QUICK_FAULTS, *QUICK_FAULTS[2:], SLOW_FAULTS[0]]
    if count > len(QUICK_FAULTS) * QUICK_WEIGHT:
        return [*QUICK_FAULTS * QUICK_WEIGHT, *SLOW_FAULTS]
    return [*QUICK_FAULTS, *SLOW_FAULTS]


def faults(
    count: int,
    minutes: float,
    folder: Path,
    seed: int,
    tell: Callable[[str], None],
    musician: str = ECHO,
    quick: bool = False,
) -> dict[str, Any]:
    """Run so many faults, or as many as there is time for; figures for each kind."""
    took: dict[str, list[float]] = defaultdict(list)
    hung: dict[str, int] = defaultdict(int)
    doubtful = 0  # failures that the recorder itself may have caused
    chance, end = random.Random(seed), time.monotonic() + 60 * minutes
    kinds: list[str] = []
    lost = compared = done = 0
    for number in count_up():
        if done >= count or time.monotonic() >= end:
            break
        where = folder / f"rig{number}"
        where.mkdir()
        with FaultRig(where, seed + number, musician) as rig:
            while done < count and time.monotonic() < end:
                if not kinds:  # each kind comes, in any order
                    kinds = _choose_kinds(count, quick)
                    chance.shuffle(kinds)
                fault = kinds.pop()
                done += 1
                absences = rig.absences
                try:
                    took[fault].append(rig.run_fault(fault))
                    tell(f"{done}: {fault}, well after {took[fault][-1]:.2f} s")
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    tell("The last that was heard: " + ", ".join(m.hex(" ") for _, m in rig.all_heard()[-12:]))
                    if rig.absences > absences and doubtful < max(count // 10, 1):
                        doubtful, done = doubtful + 1, done - 1
                        kinds.append(fault)
                        tell(f"{fault} IN DOUBT, as the judge was late {rig.absences - absences} times: {error}")
                    else:
                        hung[fault] += 1
                        tell(f"{done}: {fault} FAILED: {error}")
                    break  # the next fault gets a new rig
            lost, compared = lost + rig.lost_notes, compared + rig.compared
    table = {
        fault: {
            "tried": len(took[fault]) + hung[fault],
            "failed": hung[fault],
            "p50_s": round(float(np.percentile(took[fault], 50)), 2) if took[fault] else None,
            "p99_s": round(float(np.percentile(took[fault], 99)), 2) if took[fault] else None,
        }
        for fault in (*QUICK_FAULTS, *SLOW_FAULTS)
        if took[fault] or hung[fault]
    }
    ok = not lost and not any(hung.values())
    found = {"faults": done, "in_doubt": doubtful, "takes_compared": compared, "lost_notes": lost}
    return {**found, "rows": table, "ok": ok}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.measure.faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=10**6)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument("--weights", action="store_true", help="the shipped musician instead of the echo")
    args = parser.parse_args()

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    minutes = args.minutes if args.minutes is not None else (60.0 if args.faults == 10**6 else 1e6)
    with tempfile.TemporaryDirectory() as name:
        if args.soak:
            report = soak(60 * minutes, Path(name), args.seed, tell)
        else:
            musician = f"{sys.executable} -m models.worker" if args.weights else ECHO
            report = faults(args.faults, minutes, Path(name), args.seed, tell, musician, args.quick)
    print(json.dumps(report, indent=1))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        code = main()
        sys.stdout.flush()
        os._exit(code)  # clients of servers that have died cannot be closed
