"""An input port on JACK, read by a small process of its own, so that no message is lost.

JACK calls a client once in each period, every 1.3 ms at 64 frames, and what is not taken off in time is lost. In our own process the call
would wait for the interpreter's lock while other threads work. In a process that does nothing else, it only takes the messages off, and
writes all of them into a pipe at once. A thread of ours reads the pipe, and does the rest: thru, and what the session makes of it.

The child's standard output: one line of JSON, `{"name": "tradefours:in"}` or `{"error": "…"}`; then, for each message, the moment of its
arrival in seconds (float64), its length in bytes (uint32), and its bytes. It ends when its standard input does, or when JACK does.

Threads: `on_event` is called on the reading thread. The clock of both processes is the system's monotonic one.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ... import isolated_launcher, thread_priority
from ..messages import ACTIVE_SENSING, KIND, MOST_SYSEX, NOTE_ON, Event
from ..port_errors import NoMidiSystem, PortLost
from . import library
from .watcher import INPUTS, JACK_WATCH

CLIENT = "tradefours"  # our name on JACK
IGNORED = (bytes((ACTIVE_SENSING,)), b"")  # first bytes
HEAD = struct.Struct("<dI")  # when, in seconds; length of the message, in bytes
PIPE_BYTES = 1 << 20  # a megabyte: some 60,000 messages, while we are stopped
READ_BYTES = 1 << 16  # that are taken from the pipe at once
F_SETPIPE_SZ = 1031  # of fcntl, on Linux
RETRY_SECONDS = 0.02  # between two tries to write what the pipe did not take
TRIES, PAUSE = 4, 0.25  # that the server is asked, and seconds between them
END_SECONDS = 1.0  # for the process to end when asked
#: Seconds. What begins a sound and was read later than this is not played any more: we were stopped meanwhile.
STALE_SECONDS = 1.0


class JackInput:
    """The input of that full name, or a virtual one called `tradefours:in`. Raises PortLost or NoMidiSystem."""

    def __init__(self, name: str | None) -> None:
        before = JACK_WATCH.names(INPUTS) if name is None else None
        self._process = subprocess.Popen(
            isolated_launcher.command("agent.midi.jack.input", *([] if name is None else [name])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # the messages after the first line are read past any buffer
            cwd=isolated_launcher.root(),
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self.is_alive = True  # False where the process has ended unasked
        with contextlib.suppress(OSError, AttributeError, ImportError):
            import fcntl

            fcntl.fcntl(self._pipe, F_SETPIPE_SZ, PIPE_BYTES)
        try:
            head = json.loads(self._pipe.readline())
        except ValueError:
            head = {}
        if "name" not in head:
            self.close()
            raise PortLost(head["error"]) if "error" in head else NoMidiSystem(" (jack does not answer)")
        self.name = str(head["name"])
        if name is None:
            self.name = JACK_WATCH.known_name(self.name, before)

    def open(self, on_event: Callable[[Event], None]) -> None:
        """Begin to listen; see InputPort."""
        self._thread = threading.Thread(target=self._read, args=(on_event,), name="jack input", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and end the process. May be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(END_SECONDS)
        if self._thread is None or not self._thread.is_alive():
            self._pipe.close()

    def _read(self, on_event: Callable[[Event], None]) -> None:
        thread_priority.request_once()
        reader = RecordReader()
        while data := os.read(self._pipe.fileno(), READ_BYTES):
            for event in reader.feed(data):
                if not (self._is_closed or _is_stale(event, time.perf_counter())):
                    on_event(event)
        self.is_alive = False


def _is_stale(event: Event, now: float) -> bool:
    """Whether it begins a note that is heard too late; what ends one is never too late."""
    begins = event.message[:1] and event.message[0] & KIND == NOTE_ON and event.message[-1] > 0
    return bool(begins) and now - event.when > STALE_SECONDS


class RecordReader:
    """Cuts a stream of bytes into messages, however the stream is chopped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        """The messages that are complete with these bytes, in order."""
        data = self._rest + data
        at = 0
        while len(data) - at >= HEAD.size:
            when, length = HEAD.unpack_from(data, at)
            end = at + HEAD.size + length
            if end > len(data):
                break
            yield Event(when, data[at + HEAD.size : end])
            at = end
        self._rest = data[at:]


class RecordWriter:
    """Writes messages into a pipe, and never waits for its reader: what the pipe does not take is kept, and written later, in order."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._kept: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._has_begun = False
        os.set_blocking(pipe, False)

    def begin(self, head: bytes) -> None:
        """Write this first; before, all messages are kept."""
        with self._lock:
            self._kept.appendleft(head)
            self._has_begun = True
            self._write_kept()

    def write(self, when: float, messages: Sequence[bytes]) -> None:
        """Write messages that arrived together, or keep them. On JACK's thread."""
        records = b"".join(HEAD.pack(when, len(message)) + message for message in messages)
        with self._lock:
            self._kept.append(records)
            is_first = len(self._kept) == 1
            self._write_kept()
            is_behind = is_first and self._has_begun and bool(self._kept)
        if is_behind:
            threading.Thread(target=self._catch_up, name="catch up", daemon=True).start()

    def _catch_up(self) -> None:
        while self._kept:
            time.sleep(RETRY_SECONDS)
            with self._lock:
                self._write_kept()

    def _write_kept(self) -> None:
        with contextlib.suppress(OSError):  # the pipe is full, or nobody reads any more
            while self._kept and self._has_begun:
                written = os.write(self._pipe, self._kept[0])
                if written < len(self._kept[0]):
                    self._kept[0] = self._kept[0][written:]
                else:
                    self._kept.popleft()


class JackReader:
    """A client of JACK with one input port. `source`: the port that is connected to it. Raises NoMidiSystem or PortLost."""

    def __init__(self, source: str | None) -> None:
        self._jack = library.load_system_jack()
        client = self._connect() if self._jack else None
        if client is None:
            raise NoMidiSystem(" (jack does not answer)")
        self._client = client
        self._source = source
        self.name = source or f"{CLIENT}:in"
        self._port = self._jack.jack_port_register(client, b"in", library.MIDI, library.IS_INPUT, 0)
        # These must live as long as the client.
        self._thread_init = library.THREAD_INIT(_keep_thread_state)
        self._process = library.PROCESS(self._take_off)
        self._on_shutdown = library.SHUTDOWN(lambda _: os._exit(0))
        self._jack.jack_set_thread_init_callback(client, self._thread_init, None)
        self._jack.jack_set_process_callback(client, self._process, None)
        self._jack.jack_on_shutdown(client, self._on_shutdown, None)

    def _connect(self) -> int | None:
        """A client of the server; one that is busy, as when another client has just ended, is asked again."""
        for _ in range(TRIES):
            client: int | None = self._jack.jack_client_open(CLIENT.encode(), library.NO_START_SERVER, None)
            if client is not None:
                return client
            time.sleep(PAUSE)
        return None

    def start(self, write: Callable[[float, Sequence[bytes]], None]) -> None:
        """Begin to read. Raises PortLost."""
        self._write = write
        name = self._jack.jack_port_name(self._port)
        self._jack.jack_activate(self._client)
        if self._source is not None and self._jack.jack_connect(self._client, self._source.encode(), name):
            raise PortLost(f"{self._source} cannot be opened: is another program using it, or was it unplugged?")

    def close(self) -> None:
        """Let go of the port."""
        self._jack.jack_client_close(self._client)

    def _take_off(self, frames: int, _: Any) -> int:
        """One period: take all messages off. On JACK's thread."""
        buffer = self._jack.jack_port_get_buffer(self._port, frames)
        count = self._jack.jack_midi_get_event_count(buffer)
        if count:
            when = time.perf_counter()
            event = library.MidiEvent()
            messages = []
            for number in range(count):
                self._jack.jack_midi_event_get(event, buffer, number)
                message = ctypes.string_at(event.buffer, event.size)
                if message[:1] not in IGNORED and len(message) <= MOST_SYSEX:
                    messages.append(message)
            self._write(when, messages)
        return 0


def _keep_thread_state(_: Any) -> None:
    """Keep the interpreter's state of JACK's thread, which else is made and thrown away in each period.

    It is asked for and never given back, on purpose: 3.7 % of a core at 64 frames, and 6.4 without it.
    """
    ctypes.pythonapi.PyGILState_Ensure()


def main() -> int:
    """Read one port until the standard input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # who started us ends us, when all notes are ended
    pipe = os.dup(sys.stdout.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a library prints is no message
    gc.disable()
    try:
        reader = JackReader(sys.argv[1] if len(sys.argv) > 1 else None)
        writer = RecordWriter(pipe)
        reader.start(writer.write)
    except NoMidiSystem:
        return 1
    except PortLost as error:
        os.write(pipe, json.dumps({"error": str(error)}).encode() + b"\n")
        return 1
    writer.begin(json.dumps({"name": reader.name}).encode() + b"\n")
    sys.stdin.buffer.read()
    reader.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
