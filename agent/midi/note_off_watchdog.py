"""The guardian: a small process beside us that ends what we have left sounding, if we are killed without warning.

Knows nothing of sessions. It keeps the output's ledger in a second place, and does nothing until its input ends.

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

from .. import launcher
from ..errors import UserError
from . import ports
from .ledger import SETTLING, Ledger
from .messages import ALL_NOTES_OFF, CONTROL, KIND, NOTE_OFF, NOTE_ON, SUSTAIN

LATELY = 0.5  # seconds before the end, in which what was handed over may not have left
LEAVING = 0.3  # seconds in which the MIDI system takes what was handed over
AGAIN = 3  # times that it is said: a MIDI system that has just lost a client may pass over what comes meanwhile


class Watchdog:
    """Our end of it. A guardian that is gone is no reason to stop."""

    def __init__(self, api: str) -> None:
        self._api, self._to = api, [""]
        self._process = subprocess.Popen(
            launcher.command("agent.midi.note_off_watchdog"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends us must not end it
            cwd=launcher.root(),
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)  # a guardian that sleeps must not keep a key waiting

    def passed(self, message: bytes) -> None:
        """This has left."""
        kind = message[0] & KIND
        if len(message) == 3 and (
            kind in (NOTE_OFF, NOTE_ON) or (kind == CONTROL and message[1] in (SUSTAIN, ALL_NOTES_OFF))
        ):
            self._tell(message)

    def leads_to(self, names: list[str]) -> None:
        """Where our output leads."""
        if names != self._to:
            self._to = names
            self._tell(b"\0" + json.dumps({"api": self._api, "to": names}).encode() + b"\n")

    def close(self) -> None:
        """No more is to be guarded."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait(2.0)

    def _tell(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._pipe, data)


def listen(stream: BinaryIO) -> tuple[str, list[str], Ledger]:
    """Read to the end: which MIDI system, where to, and what is owed there."""
    api, to, ledger = "", [], Ledger()
    while first := stream.read(1):  # blocks until there is more
        if first == b"\0":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                told = json.loads(stream.readline(1 << 16))
                api, to = str(told["api"]), [str(name) for name in told["to"]]
        else:
            ledger.note(first + stream.read(2), time.monotonic())
    return api, to, ledger


def main() -> int:
    """Wait for the end; end what sounds."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    api, to, ledger = listen(sys.stdin.buffer)
    ends = ledger.ends(time.monotonic() - LATELY)
    if not ledger.channels or not ends:
        return 0
    for name in to:
        with contextlib.suppress(UserError):
            port = ports.open_output(name, api)
            time.sleep(SETTLING)
            for _ in range(AGAIN):
                for message in [*ends, *(bytes((CONTROL | c, ALL_NOTES_OFF, 0)) for c in sorted(ledger.channels))]:
                    port.send(message)
                time.sleep(LEAVING)
            port.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
