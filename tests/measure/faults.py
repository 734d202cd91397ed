"""A stage on which things go wrong: `python -m tests.measure.faults`, with a JACK server of its own and the program as a process.

    python -m tests.measure.faults --faults 200            so many random faults, a table of what came of them
    python -m tests.measure.faults --minutes 60            as many as there is time for
    python -m tests.measure.faults --minutes 60 --soak     no faults, one busy jam: what has grown?

The device is keyboard and synth in one, and the judge: it hears what really arrives at it. After each fault nothing may sound. Where the
judge itself came too late for a period of the server, what it finds wrong is in doubt: it is counted as such, and tried again.
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

from ..system.rigs.jack import Program, Recorder, jack_server, wait_for
from .soak import phrase, soak, worker_of

ECHO = f"{sys.executable} -m models.worker --echo"
FREQUENT = 3  # faults that cost little come so many times as often


class Stage:
    """A server, a device on it, and a program that plays there. Each fault is a method; it returns the seconds until all was well."""

    def __init__(self, folder: Path, seed: int, mind: str = ECHO) -> None:
        self.folder, self.chance, self.mind = folder, random.Random(seed), mind
        self.server, self.name = ExitStack(), f"tradefours-test-{os.getpid()}-{seed}"
        self.device: Recorder | None = None
        self.program: Program | None = None
        self.heard: list[tuple[float, bytes]] = []  # of devices that have gone
        self._absences = 0  # of those
        self._begun = self._came = (
            0  # how much had been heard when the program was started, and how often that had been too late
        )
        self.takes = 0
        self.lost_notes = self.compared = 0  # of takes, beyond the last second; and how many takes were compared

    def __enter__(self) -> Stage:
        self._serve()
        self._plug()
        self._start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.program is not None:
            self.program.__exit__()
        if self.device is not None:
            self.device.client.close()
        self.server.close()

    # -- what is on it -----------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self.server.enter_context(jack_server(self.folder / "jackd.log", self.name))

    def _plug(self) -> None:
        self.device = Recorder("device")

    def _start(self) -> None:
        self.takes += 1
        self._begun, self._came = len(self.all_heard()), self.absences
        self.take = self.folder / f"take{self.takes}"
        self.program = Program(
            *("play", "--in", "device:keys", "--out", "device:out", "--channel", "2", "--no-page", "--sound", "off"),
            *("--mind", self.mind, "--take", str(self.take)),
        )
        self.program.wait_to_say("ready", 30)

    def _play(self) -> None:
        """A phrase, and then a moment at which it, or its answer, sounds; or none does."""
        assert self.device is not None
        notes = phrase(self.chance)
        self.device.play(notes, self.device.now() + 0.02)
        time.sleep(self.chance.choice((0.15, 0.4, notes[-1][0] + 0.6, notes[-1][0] + 0.9)))

    def _hands_off(self) -> None:
        """What the player does at the end: let go."""
        assert self.device is not None
        self.device.wait_played()

    def all_heard(self) -> list[tuple[float, bytes]]:
        """What has been heard, from the beginning; the times are those of different servers."""
        return [*self.heard, *(self.device.heard["out"] if self.device is not None else [])]

    @property
    def absences(self) -> int:
        """How often the judge has come too late for a period of the server."""
        return self._absences + (self.device.absences if self.device is not None else 0)

    def _device_goes(self) -> None:
        """What it has heard is kept."""
        assert self.device is not None
        self.heard += self.device.heard["out"]
        self._absences += self.device.absences
        self.device = None

    def sounding(self) -> set[tuple[int, int]]:
        """What sounds at the device."""
        down: set[tuple[int, int]] = set()
        for _, m in self.all_heard():
            if len(m) == 3 and m[0] & 0xF0 in (0x80, 0x90):
                (down.add if m[0] & 0xF0 == 0x90 and m[2] else down.discard)((m[0] & 15, m[1]))
        return down

    def silent(self, seconds: float = 6.0) -> bool:
        """Whether all is silent, soon, and stays so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.sounding():
                time.sleep(0.15)
                if not self.sounding():
                    return True
            time.sleep(0.02)
        return False

    def _since(self, mark: int, words: str, seconds: float = 20.0) -> None:
        """Wait for a line that is new."""
        assert self.program is not None
        wait_for(
            lambda: any(words in line for line in self.program.lines[mark:]),
            seconds,
            f"{words!r} in {self.program.said}",
        )  # type: ignore[union-attr]

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    def _signal(self, which: signal.Signals) -> float:
        assert self.program is not None
        began = time.monotonic()
        self.program.process.send_signal(which)
        self.program.wait_to_say("Every note is off", 20)
        took = time.monotonic() - began
        assert self.program.wait(90) == 0  # the take's picture is drawn
        self.program.__exit__()
        assert (self.take / MIDI).is_file() or not any(take_notes(self.take / JSONL).values())
        self._hands_off()
        self._start()
        return took

    def sigterm(self) -> float:
        return self._signal(signal.SIGTERM)

    def sigint(self) -> float:
        return self._signal(signal.SIGINT)

    def program_killed(self) -> float:
        """Without warning: its guardian ends what sounds."""
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
        if attentive:  # else some may have been heard twice
            lost = (struck - Counter(kept)).total()
            self.lost_notes, self.compared = self.lost_notes + lost, self.compared + 1
            assert not lost, f"{lost} notes are not in the take"
        assert silent, f"hung after a kill: {self.sounding()}"
        self._hands_off()
        self._start()
        return took

    def musician_killed(self, how: signal.Signals = signal.SIGKILL) -> float:
        assert self.program is not None
        worker = worker_of(self.program.process.pid)
        assert worker is not None
        mark, began = len(self.program.lines), time.monotonic()
        os.kill(worker, how)
        if how == signal.SIGSTOP:
            self._hands_off()  # it is noticed when it is asked
            self._play()
        self._since(mark, "The musician is ready", 30)
        return time.monotonic() - began

    def musician_hangs(self) -> float:
        return self.musician_killed(signal.SIGSTOP)

    def unplugged(self) -> float:
        """Keyboard and synth are pulled out, and put in again; the keys that were down are up by then."""
        assert self.program is not None
        assert self.device is not None
        mark = len(self.program.lines)
        client = self.device.client
        client.deactivate()
        self._device_goes()
        client.close()
        self._since(mark, "device:out is gone")
        time.sleep(self.chance.choice((0.0, 0.5)))
        self._plug()
        began = time.monotonic()
        self._since(mark, "device:out is back")
        self._since(mark, "device:keys is back")
        return time.monotonic() - began

    def jack_restarted(self) -> float:
        """The server dies and comes back, and the device with it."""
        assert self.program is not None
        assert self.device is not None
        mark = len(self.program.lines)
        DEAD.append(self.device.client)  # to close a client of a dead server would end us
        self._device_goes()
        self.server.close()
        self._since(mark, "device:out is gone")
        self._serve()
        self._plug()
        began = time.monotonic()
        self._since(mark, "device:out is back")
        self._since(mark, "device:keys is back")
        return time.monotonic() - began

    def flood(self) -> float:
        """Two thousand messages as fast as they go: notes on all channels, bends, clock, aftertouch."""
        assert self.device is not None
        self._hands_off()
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
        self._hands_off()
        began = time.monotonic()
        assert self.silent(30.0), f"hung after a flood: {self.sounding()}"
        return time.monotonic() - began

    # -- one after another -------------------------------------------------------------------------------------------

    def suffer(self, fault: str) -> float:
        """One fault in the middle of playing; judged. Returns the seconds until all was well."""
        self._play()
        took: float = getattr(self, fault)()
        self._hands_off()
        assert self.silent(30.0), f"hung after {fault}: {self.sounding()}\n{self.program.said if self.program else ''}"
        assert self.program is not None
        assert "Traceback" not in self.program.said, self.program.said
        assert "went wrong" not in self.program.said, self.program.said
        return took


def is_on(message: bytes) -> bool:
    """Whether a note begins."""
    return len(message) == 3 and message[0] & 0xF0 == 0x90 and message[2] > 0


DEAD: list[Any] = []
CHEAP = ("sigterm", "sigint", "program_killed", "musician_killed", "unplugged", "flood")
DEAR = ("jack_restarted", "musician_hangs")


def faults(
    count: int,
    minutes: float,
    folder: Path,
    seed: int,
    tell: Callable[[str], None],
    mind: str = ECHO,
    quick: bool = False,
) -> dict[str, Any]:
    """Suffer so many faults, or as many as there is time for; figures for each kind."""
    took: dict[str, list[float]] = defaultdict(list)
    hung: dict[str, int] = defaultdict(int)
    doubtful = 0  # failures of which the judge itself may be the cause
    chance, end = random.Random(seed), time.monotonic() + 60 * minutes
    kinds: list[str] = []
    lost = compared = done = 0
    for number in count_up():
        if done >= count or time.monotonic() >= end:
            break
        where = folder / f"stage{number}"
        where.mkdir()
        with Stage(where, seed + number, mind) as stage:
            while done < count and time.monotonic() < end:
                if not kinds:  # each kind comes, in any order
                    kinds = (
                        [*CHEAP, *CHEAP[2:], DEAR[0]]
                        if quick
                        else [*CHEAP * FREQUENT, *DEAR]
                        if count > len(CHEAP) * FREQUENT
                        else [*CHEAP, *DEAR]
                    )
                    chance.shuffle(kinds)
                fault = kinds.pop()
                done += 1
                absences = stage.absences
                try:
                    took[fault].append(stage.suffer(fault))
                    tell(f"{done}: {fault}, well after {took[fault][-1]:.2f} s")
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    tell("The last that was heard: " + ", ".join(m.hex(" ") for _, m in stage.all_heard()[-12:]))
                    if stage.absences > absences and doubtful < max(count // 10, 1):
                        doubtful, done = doubtful + 1, done - 1
                        kinds.append(fault)
                        tell(f"{fault} IN DOUBT, as the judge was late {stage.absences - absences} times: {error}")
                    else:
                        hung[fault] += 1
                        tell(f"{done}: {fault} FAILED: {error}")
                    break  # a stage of its own for the next
            lost, compared = lost + stage.lost_notes, compared + stage.compared
    table = {
        fault: {
            "tried": len(took[fault]) + hung[fault],
            "failed": hung[fault],
            "p50_s": round(float(np.percentile(took[fault], 50)), 2) if took[fault] else None,
            "p99_s": round(float(np.percentile(took[fault], 99)), 2) if took[fault] else None,
        }
        for fault in (*CHEAP, *DEAR)
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
            mind = f"{sys.executable} -m models.worker" if args.weights else ECHO
            report = faults(args.faults, minutes, Path(name), args.seed, tell, mind, args.quick)
    print(json.dumps(report, indent=1))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        code = main()
        sys.stdout.flush()
        os._exit(code)  # clients of servers that have died cannot be closed
