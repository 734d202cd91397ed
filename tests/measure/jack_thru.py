"""How long a key takes through a whole session on JACK: `python -m tests.measure.jack_thru [SECONDS]`

From JACK's call to our reading process to the return of the send to our output: the way through the pipe, the input filter and thru. The
periods of the server come on top, one in and one out. `jack_midiseq` plays the keys, the shipped musician answers them. Three times: alone,
beside one busy loop, beside two.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agent.clock import SystemClock
from agent.midi.messages import Event
from agent.midi.ports import InputPort, OutputPort, open_input, open_output
from agent.playing.worker_client import WorkerClient, worker_command
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles import presets
from agent.timing.timing_stats import percentiles

from ..system.rigs.jack import jack_server, tool
from .replays import busy

RATE = 48000  # frames a second
LOOP_SECONDS = 5.0  # in which the phrase is played once
KEYS, KEY_SECONDS = 24, 0.08  # of the phrase, and from one to the next


class MeasuredInput:
    """An input that notes when each message arrived."""

    def __init__(self, port: InputPort) -> None:
        self._port = port
        self.name = port.name
        self.arrived = 0.0
        self.thread: threading.Thread | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        def receive(event: Event) -> None:
            self.thread = threading.current_thread()
            self.arrived = event.when
            on_event(event)

        self._port.open(receive)

    def close(self) -> None:
        self._port.close()


class MeasuredOutput:
    """An output that measures what the input's thread sends: `seconds` since it arrived."""

    def __init__(self, port: OutputPort, keys: MeasuredInput) -> None:
        self._port = port
        self._keys = keys
        self.name = port.name
        self.seconds: list[float] = []

    def send(self, message: bytes) -> None:
        self._port.send(message)
        if threading.current_thread() is self._keys.thread:
            self.seconds.append(time.perf_counter() - self._keys.arrived)

    def close(self) -> None:
        self._port.close()


def play_keys() -> subprocess.Popen[bytes]:
    """A program that plays the phrase again and again, connected to our input."""
    step = int(KEY_SECONDS * RATE)
    notes = [str(n) for i in range(KEYS) for n in (i * step, 60 + (5 * i) % 13, step - 500)]
    words = [tool("jack_midiseq"), "player", str(int(LOOP_SECONDS * RATE)), *notes]
    player = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(50):
        done = subprocess.run([tool("jack_connect"), "player:out", "tradefours:in"], capture_output=True)
        if done.returncode == 0:
            return player
        time.sleep(0.1)
    player.kill()
    raise RuntimeError("the keys cannot be connected")


async def measure(seconds: float) -> dict[str, float]:
    """Milliseconds by rank, and how many messages were measured."""
    keys = MeasuredInput(open_input(None, "jack"))
    synth = MeasuredOutput(open_output(None, "jack"), keys)
    worker = WorkerClient(worker_command("open", "live"))
    io = SessionIO(inputs=[keys], output=synth, worker=worker, clock=SystemClock())
    session = Session(SessionConfig(presets.load(), seconds=seconds, seed=0, channel=1), io)
    running = asyncio.create_task(session.run())
    await asyncio.sleep(1.0)
    player = await asyncio.to_thread(play_keys)
    try:
        await running
    finally:
        player.kill()
        player.wait()
    return {**percentiles(synth.seconds), "messages": len(synth.seconds)}


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder, jack_server(Path(folder) / "jackd.log"):
        for count in (0, 1, 2):
            with busy(count):
                figures = asyncio.run(measure(seconds))
            print(f"{count} busy loops, load {os.getloadavg()[0]:.1f}: {figures}", flush=True)


if __name__ == "__main__":
    main()
