"""Real parts for tests: a JACK server without hardware, a synth, the program as a process, and an independent recorder.

A program that is not installed is an error, never a skip.
"""

from __future__ import annotations

import functools
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
RATE, PERIOD = 48000, 512
PATIENCE_MS = "500"
SOUNDFONTS = ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/default-GM.sf2")


def tool(name: str) -> str:
    """The path of a program that must be there."""
    found = shutil.which(name)
    assert found, f"{name} is not installed; see the README for what the tests need"
    return found


def wait_for(what: Callable[[], Any], seconds: float, why: str) -> Any:
    """Wait until `what` is true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:.0f} s in vain: {why}")


def _free_server_slot(log: Path) -> None:
    """JACK has eight slots for servers, and keeps those of killed ones: start a server in each such slot, and end it properly."""
    registry = Path("/dev/shm/jack-shm-registry")
    text = registry.read_bytes() if registry.exists() else b""
    for name in re.findall(rb"jack-\d+:(tradefours-test-\d+-\d+)", text):
        if not _is_running(name):
            with log.open("ab") as file:
                command = [tool("jackd"), "-n", name.decode(), "-d", "dummy"]
                process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
            subprocess.run([tool("jack_wait"), "-w", "-t", "2", "-s", name.decode()], capture_output=True)
            process.terminate()
            process.wait(5)


def _is_running(name: bytes) -> bool:
    """Whether a JACK server of that name runs."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = line.read_bytes().split(b"\0")
            if words[0].endswith(b"jackd") and name in words:
                return True
    return False


@contextmanager
def jack_server(log: Path, name: str | None = None, *, patient: bool = False, period: int = PERIOD) -> Iterator[str]:
    """A JACK server of our own without hardware; yields its name, which all processes started meanwhile inherit.

    A server in its usual mode does not wait for a client that is late, and runs the others again in the same period. The late one then
    misses messages, or gets them twice. On a busy machine this happens to our recorder, too. A `patient` server waits for all clients.
    `period`: in frames.
    """
    name = name or f"tradefours-test-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    _logs.append(log)
    former = {k: os.environ.get(k) for k in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER")}
    os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    waits = ["-S", "-t", PATIENCE_MS] if patient else []
    command = [tool("jackd"), "-R", "-P", "70", "-n", name, *waits, "-d", "dummy", "-r", str(RATE), "-p", str(period)]
    process = None
    try:
        for _ in range(2):  # a first start may fail on what a killed server left
            with log.open("ab") as file:
                process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
            waited = subprocess.run([tool("jack_wait"), "-w", "-t", "10", "-s", name], capture_output=True)
            if waited.returncode == 0 and process.poll() is None:
                break
            process.kill()
            process.wait()
            _free_server_slot(log)
        assert process is not None
        assert process.poll() is None, f"jackd did not start:\n{log.read_text()[-2000:]}"
        yield name
    finally:
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
        for key, value in former.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


@contextmanager
def synth(log: Path) -> Iterator[None]:
    """FluidSynth, as the JACK client `synth`."""
    soundfont = next((f for f in SOUNDFONTS if Path(f).exists()), None)
    assert soundfont, "no General MIDI SoundFont is installed"
    ports = ["-o", "midi.jack.id=synth", "-o", "audio.jack.id=synth", "-o", "audio.jack.autoconnect=0"]
    command = [tool("fluidsynth"), "-a", "jack", "-m", "jack", *ports, "-r", str(RATE), soundfont]
    with log.open("wb") as file:
        # Its standard input stays open, as FluidSynth ends with it.
        process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


class Program:
    """`tradefours` as a process. `lines`: its output so far. `under`: a command that runs it, such as strace."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, under: Sequence[str] = ()) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*under, sys.executable, "-u", "-m", "agent", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def said(self) -> str:
        """All of its output so far."""
        return "".join(self.lines)

    def wait_for_line(self, pattern: str, seconds: float = 60.0) -> str:
        """Wait for a line that matches."""

        def found() -> str | None:
            if self.process.poll() is not None:
                self._reader.join(2)
                assert re.search(pattern, self.said), f"it ended with {self.process.returncode}: {self.said}"
            return next((line for line in list(self.lines) if re.search(pattern, line)), None)

        return str(wait_for(found, seconds, f"{pattern!r} in {self.said!r}"))

    def wait(self, seconds: float = 10.0) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(2)
        return code

    def end(self) -> None:
        """Wait for its end. Raises RuntimeError for an exit code other than 0, which `retry_if_jack_missed_periods` does not retry."""
        if code := self.wait(60):
            raise RuntimeError(f"it ended with {code}: {self.said}")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(2)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def midi_clock(tempo: float, jitter_percent: int = 0) -> Iterator[None]:
    """JACK's own MIDI clock, as the client `jack_midi_clock`: it ticks while the server's transport rolls."""
    command = [tool("jack_midi_clock"), "-b", str(tempo), "-J", str(jitter_percent)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


Heard = list[tuple[float, bytes]]
_logs: list[Path] = []  # of all servers of this process


def missed_periods() -> int:
    """Periods without one of the clients: without our recorders, by their own count, or without another, by the servers' logs."""
    logs = (log.read_text(errors="replace") for log in _logs if log.exists())
    return Recorder.missed + sum(text.count("was not finished") for text in logs)


def retry_if_jack_missed_periods(test: Callable[..., None]) -> Callable[..., None]:
    """A decorator: repeat a failed test, twice at most, where a client missed a period of JACK meanwhile.

    A client that misses a period loses its messages, or gets them twice: see `jack_server`.
    """

    @functools.wraps(test)
    def repeat(**fixtures: Any) -> None:
        for attempt in (1, 2, 3):
            if "tmp_path" in fixtures:
                fixtures["tmp_path"] = Path(tempfile.mkdtemp(dir=fixtures["tmp_path"]))
            before = missed_periods()
            try:
                return test(**fixtures)
            except AssertionError:
                if attempt == 3 or missed_periods() == before:
                    raise
        return None

    return repeat


class Recorder:
    """A JACK client that plays messages and records MIDI and sound, with times from the server's frame count."""

    missed = 0  # periods that went by without any recorder of this process

    def __init__(self, name: str = "recorder") -> None:
        import jack

        self.client = jack.Client(name, no_start_server=True)
        self.name = self.client.name
        self.keys = self.client.midi_outports.register("keys")
        self.inputs = {name: self.client.midi_inports.register(name) for name in ("thru_in", "out", "clock")}
        self.audio_in = self.client.inports.register("audio")
        self.heard: dict[str, Heard] = {name: [] for name in self.inputs}
        self.loudness: list[tuple[float, float]] = []  # seconds, RMS of one period
        self.shifts: list[float] = []  # system time minus the server's time, in seconds, at each period
        self.absences = 0  # how often we missed periods: their messages are lost, or came twice
        self._next_period = math.inf  # when our next period begins
        self._to_play: deque[tuple[float, bytes]] = deque()
        self.client.set_process_callback(self._process)
        self.client.activate()

    def now(self) -> float:
        """The server's time, in seconds."""
        return float(self.client.frame_time) / RATE

    def play(self, messages: Sequence[tuple[float, bytes]], start: float) -> None:
        """Send messages, their times counted from `start`."""
        self._to_play = deque(sorted((start + when, message) for when, message in messages))

    def wait_played(self, seconds: float = 30.0) -> None:
        """Wait until all messages of `play` are sent. On a busy machine this takes longer, as the server's time may stand still."""
        wait_for(lambda: not self._to_play, seconds, "the end of what is played")

    def clock_error(self) -> float:
        """The range of the difference between the server's time and the system's, in seconds.

        A busy machine lets the server's time stand still and catch up. Times from the system's clock cannot be more exact than this.
        """
        steady = np.convolve(
            self.shifts, np.ones(4) / 4, "valid"
        )  # the mean of four periods, as a single late wake-up does not count
        return float(np.ptp(steady)) if len(steady) else 0.0

    def connect(self, source: str, sink: str) -> None:
        """Connect two ports; tried for a while, as a new program may not have its ports yet."""
        import jack

        def joined() -> bool:
            with suppress(jack.JackError):
                self.client.connect(source, sink)
                return True
            return False

        try:
            wait_for(joined, 20, f"{source} joined to {sink}")
        except AssertionError as error:
            raise AssertionError(f"{error}; there are: {', '.join(self.names())}") from None

    def names(self) -> list[str]:
        """All ports of the server, aliases included."""
        ports = self.client.get_ports()
        return [name for p in ports for name in (p.name, *p.aliases)]

    def _process(self, frames: int) -> None:
        start = self.client.last_frame_time / RATE
        self.shifts.append(time.perf_counter() - start)
        if start > self._next_period + 0.5 * frames / RATE:
            self.absences += 1
            Recorder.missed += 1
        self._next_period = start + frames / RATE
        self.keys.clear_buffer()
        notes = self._to_play  # kept, as `play` may replace the attribute meanwhile
        while notes and notes[0][0] < start + frames / RATE:
            when, message = notes.popleft()
            self.keys.write_midi_event(min(max(int((when - start) * RATE), 0), frames - 1), message)
        for name, port in self.inputs.items():
            for offset, data in port.incoming_midi_events():
                self.heard[name].append((start + offset / RATE, bytes(data)))
        sound = self.audio_in.get_array()
        self.loudness.append((start, float(np.sqrt(np.mean(np.square(sound))))))

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: Any) -> None:
        self.client.deactivate()
        self.client.close()


def ons(heard: Heard, channel: int) -> list[tuple[float, int]]:
    """When each note of a channel began, and its pitch."""
    return [(t, m[1]) for t, m in heard if len(m) == 3 and m[0] == 0x90 | channel and m[2] > 0]


def still_sounding(heard: Heard) -> set[tuple[int, int]]:
    """Channels and pitches whose last on has no off after it."""
    down: set[tuple[int, int]] = set()
    for _, m in heard:
        if len(m) == 3 and m[0] & 0xF0 in (0x80, 0x90):
            key = (m[0] & 0x0F, m[1])
            if m[0] & 0xF0 == 0x90 and m[2] > 0:
                assert key not in down, f"{key} was struck again without an off"
                down.add(key)
            else:
                down.discard(key)
    return down


@contextmanager
def wake_up_delays() -> Iterator[list[float]]:
    """Measure meanwhile how late this machine wakes a sleeping thread, in milliseconds: such a delay is not the program's."""
    late: list[float] = []
    over = threading.Event()

    def sleep() -> None:
        while not over.is_set():
            begun = time.perf_counter()
            time.sleep(0.002)
            late.append(1000 * (time.perf_counter() - begun) - 2.0)

    thread = threading.Thread(target=sleep)
    thread.start()
    try:
        yield late
    finally:
        over.set()
        thread.join()
