"""The note-off watchdog: a small process beside us that ends what we have left sounding, if we are killed without warning.

It keeps the output's ledger in a second place, and does nothing until its input ends.

On its standard input: three bytes for each message that left, and lines of JSON that say where to, each after a zero byte:
`{"api": "jack", "to": ["synth:midi"]}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import BinaryIO

from .. import isolated_launcher
from ..errors import UserError
from . import ports
from .keys_down_ledger import SETTLING, Ledger
from .messages import ALL_NOTES_OFF, CONTROL, KEYS_UP, KIND, NOTE_OFF, NOTE_ON, PEDALS, RESET_CONTROLS, controls

UNSURE_SECONDS = 0.5  # before the end, in which what was handed over may not have left
FLUSH_SECONDS = 0.3  # in which the MIDI system takes what was handed over
REPEATS = 3  # a MIDI system that has just lost a client may pass over what comes meanwhile
MOST_SECONDS = 20  # to end what sounds: a MIDI system that ends at the same time may never answer
MOST_LINE = 1 << 16  # bytes of a line of JSON
WATCHED = (*PEDALS, *KEYS_UP, RESET_CONTROLS)  # controllers that hold or end notes


class Watchdog:
    """Our end of it. A watchdog that is gone is no reason to stop."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._targets = [""]
        self._process = subprocess.Popen(
            isolated_launcher.command("agent.midi.note_off_watchdog"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends us must not end it
            cwd=isolated_launcher.root(),
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)  # a watchdog that sleeps must not keep a key waiting

    def record(self, message: bytes) -> None:
        """A message has left."""
        kind = message[0] & KIND
        if len(message) == 3 and (kind in (NOTE_OFF, NOTE_ON) or (kind == CONTROL and message[1] in WATCHED)):
            self._write(message)

    def set_targets(self, names: list[str]) -> None:
        """The ports that our output leads to."""
        if names != self._targets:
            self._targets = names
            self._write(b"\0" + json.dumps({"api": self._api, "to": names}).encode() + b"\n")

    def close(self) -> None:
        """End the process: there is nothing more to watch."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait(2.0)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._pipe, data)


def read_messages(stream: BinaryIO) -> tuple[str, list[str], Ledger]:
    """Read to the end: which MIDI system, the ports that the output led to, and what sounds there."""
    api = ""
    targets: list[str] = []
    ledger = Ledger()
    while first := stream.read(1):  # blocks until there is more
        if first == b"\0":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(stream.readline(MOST_LINE))
                targets = [str(name) for name in row["to"]]
                api = str(row["api"])
        else:
            ledger.record(first + stream.read(2), time.monotonic())
    return api, targets, ledger


def main() -> int:
    """Wait until the input ends; then end what sounds."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    api, targets, ledger = read_messages(sys.stdin.buffer)
    ends = ledger.ends(time.monotonic() - UNSURE_SECONDS)
    if not ends:
        return 0
    silence = [message for channel in sorted(ledger.channels) for message in controls(channel, (ALL_NOTES_OFF,))]
    if hasattr(signal, "alarm"):
        signal.alarm(MOST_SECONDS)  # which ends this process, also while it waits for the MIDI system
    for name in targets:
        with contextlib.suppress(UserError):
            port = ports.open_output(name, api)
            time.sleep(SETTLING)
            for _ in range(REPEATS):
                for message in [*ends, *silence]:
                    port.send(message)
                time.sleep(FLUSH_SECONDS)
            port.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
