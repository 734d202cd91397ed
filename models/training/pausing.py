"""Pausing: a signal asks training to stop after the step that it is at, so that all that was learned is written."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SAME_SECONDS = 1.0  # a signal that comes to a whole group of processes, and is passed on, comes twice


class PauseSignals:
    """While it is entered, Ctrl-C and the system's polite request only set `signal`; Ctrl-C once more ends training at once."""

    def __init__(self) -> None:
        self.signal = 0  # the number of the one that came; 0: none
        self._came = 0.0  # when, in monotonic seconds
        self._before: dict[int, Any] = {}

    def __enter__(self) -> PauseSignals:
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal and now - self._came > SAME_SECONDS:
            raise KeyboardInterrupt
        if not self.signal:
            self.signal = number
            self._came = now
            print("pausing after this step; once more ends it at once.", file=sys.stderr, flush=True)
