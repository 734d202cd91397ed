"""Send a thousand events a second of all kinds into a whole session, in real time: `python -m tests.measure.flood --seconds 60`

No MIDI system is needed: the keyboard is a thread, as in a MIDI system, and each sent message gets a time stamp where a port would take it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from agent.clock import SystemClock
from agent.midi.messages import Event
from agent.playing.worker_client import WorkerClient, worker_command
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.takes.recorder import Take
from agent.timing.timing_stats import percentiles
from agent.turns.mode_settings import BeatSettings

from .soak import memory

ECHO = [sys.executable, "-m", "models.worker", "--echo"]
RATE = 1000  # events a second
SETTLED = 0.25  # of the time, after which memory may not grow
THRU_MS = 0.5  # p99, as in the budget
GROWTH_MB = 10.0  # a minute
HELD = 2  # the channel on which all keys are held down all the time
SYSEX = bytes((0xF0, *repeat(1, 1 << 20), 0xF7))
MALFORMED = (
    *(
        b"\x3c\x5a",
        b"\x90\x3c",
        b"\x90",
        b"\x90\x3c\xc8",
        b"\xf4",
        b"\xfd",
        b"\xff",
        b"",
    ),  # running status, torn, illegal
    *(b"\xf0\x01\x02", b"\x03\x04", b"\xf7", b"\xf7\xf0"),  # a sysex in pieces
)


def mixed_messages(chance: random.Random) -> Iterator[bytes]:
    """Endless: notes on all channels, MPE, clock, active sensing, sysex, malformed messages; all keys of one channel are held."""
    yield from (bytes((0x90 | HELD, pitch, 60)) for pitch in range(128))
    down: list[tuple[int, int]] = []
    for number in chain.from_iterable(repeat(range(RATE))):
        channel, pitch = chance.choice([c for c in range(16) if c != HELD]), chance.randrange(128)
        match number % 10:
            case 0 | 1:
                down.append((channel, pitch))
                yield bytes((0x90 | channel, pitch, chance.randrange(1, 128)))
            case 2 | 3 if down:
                channel, pitch = down.pop(chance.randrange(len(down)))
                yield bytes((0x80 | channel, pitch, 0))
            case 4:
                yield bytes((0xE0 | channel, pitch, chance.randrange(128)))
            case 5:
                yield bytes((0xB0 | channel, chance.choice((1, 64, 74, 120, 123)), pitch))
            case 6:
                yield bytes((0xD0 | channel, pitch))
            case 7:
                yield b"\xfe"
            case 8:
                yield SYSEX if number == 8 else chance.choice(MALFORMED)
            case _:
                yield b"\xf8"


class Keyboard:
    """An input that plays without end, at an even pace, on a thread of its own."""

    name = "flood"

    def __init__(self, messages: Iterator[bytes], rate: float) -> None:
        self.messages, self.rate, self.count = messages, rate, 0
        self.struck = 0.0  # when the message that is being heard arrived
        self._over = threading.Event()
        self.thread: threading.Thread | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        self.thread = threading.Thread(target=self._play, args=(on_event,), name="flood", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop, and release all keys."""
        self._over.set()
        if self.thread is not None:
            self.thread.join()

    def close(self) -> None:
        self.stop()

    def _play(self, on_event: Callable[[Event], None]) -> None:
        began = time.perf_counter()

        def hear(message: bytes) -> None:
            self.struck = time.perf_counter()
            on_event(Event(self.struck, message))

        while not self._over.is_set():
            hear(next(self.messages))
            self.count += 1
            time.sleep(max(began + self.count / self.rate - time.perf_counter(), 0.0))
        for channel in range(16):
            hear(bytes((0xB0 | channel, 64, 0)))
            for pitch in range(128):
                hear(bytes((0x80 | channel, pitch, 0)))


class Synth:
    """An output that keeps the notes that sound, and the seconds that each of the player's messages took."""

    name = "synth"

    def __init__(self, keyboard: Keyboard) -> None:
        self.keyboard, self.thru = keyboard, array("d")
        self.sounding: set[tuple[int, int]] = set()
        self.twice = 0
        self._lock = threading.Lock()

    def send(self, message: bytes) -> None:
        now = time.perf_counter()
        with self._lock:
            if threading.current_thread() is self.keyboard.thread:
                self.thru.append(now - self.keyboard.struck)
            if len(message) == 3 and message[0] & 0xF0 in (0x80, 0x90):
                key = message[0] & 15, message[1]
                if message[0] & 0xF0 == 0x90 and message[2]:
                    self.twice += key in self.sounding
                    self.sounding.add(key)
                else:
                    self.sounding.discard(key)

    def close(self) -> None:
        pass


async def _run_flood(seconds: float, worker: Sequence[str], folder: Path, rate: float, seed: int) -> dict[str, Any]:
    keyboard = Keyboard(mixed_messages(random.Random(seed)), rate)
    synth, said = Synth(keyboard), list[str]()
    io = SessionIO(
        inputs=[],
        output=synth,
        worker=WorkerClient(worker),
        clock=SystemClock(),
        take=Take(folder, report_error=said.append),
        say=said.append,
    )
    session = Session(SessionConfig(Preset("plain"), beat=BeatSettings(follow=True), channel=1), io)
    running = asyncio.ensure_future(session.run())
    await asyncio.sleep(0.5)
    session.listen(keyboard)
    loop, behind, megabytes = asyncio.get_running_loop(), list[float](), list[float]()
    began = loop.time()
    while (passed := loop.time() - began) < seconds and not running.done():
        due = loop.time() + 0.05
        await asyncio.sleep(0.05)
        behind.append(loop.time() - due)  # seconds that an event that arrives now would wait
        if passed > SETTLED * seconds:
            megabytes.append(memory(os.getpid()))
    count, took = keyboard.count, loop.time() - began
    await asyncio.to_thread(keyboard.stop)
    await asyncio.sleep(0.3)
    session.stop()
    await running
    few = max(len(megabytes) // 10, 1)
    found = {
        "seconds": round(took, 1),
        "events": count,
        "events_a_second": round(count / took),
        "passed_on": len(synth.thru),
        "thru_ms": percentiles(synth.thru),
        "loop_behind_ms": percentiles(behind),
        "growth_mb": round(sum(megabytes[-few:]) / few - sum(megabytes[:few]) / few, 2),
        "hung": len(synth.sounding),
        "struck_twice": synth.twice,
        "said": [line for line in said if "wrong" in line or "stopped" in line],
    }
    bounded = found["growth_mb"] <= GROWTH_MB * max(seconds / 60, 0.5)
    sound = not (synth.sounding or synth.twice or found["said"])
    found["ok"] = bounded and sound and found["thru_ms"]["p99"] <= THRU_MS
    return found


def flood(seconds: float, worker: Sequence[str] = ECHO, rate: float = RATE, seed: int = 1) -> dict[str, Any]:
    """Run a flood of so many seconds; the figures, with a row `ok`."""
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(_run_flood(seconds, worker, Path(name), rate, seed))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=RATE, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", action="store_true", help="the shipped musician instead of the echo")
    args = parser.parse_args()
    found = flood(args.seconds, worker_command() if args.weights else ECHO, args.rate, args.seed)
    print(json.dumps(found, indent=1))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
