"""`python -m tests.measure.key_latency [ROUNDS]`: how soon a letter on the page is heard, from the browser's event to
the synth's first frame.

Real parts: the program with its own voices on a JACK server, and Chromium without a screen. Prints a line for each round of a hundred
strokes, and all rounds as one; the exit code is 1 where the promise is not kept.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..system.rigs.browser import HANDS, PROMISED, Visit, chromium, room
from ..system.rigs.jack import wakes

STROKES = 100  # as many as the program's figure is of
FIGURES = "tradefours.state().figures['key to sound']"


@dataclass(frozen=True)
class Round:
    """Milliseconds. `buffer` is the audio's own; `machine`, what a busy one may add by waking sleepers late."""

    p50: float
    p99: float
    buffer: float
    machine: float

    @property
    def beyond(self) -> float:
        """What is the program's own doing, at p99: a frame waits for its buffer, and a busy machine is nobody's fault."""
        return self.p99 - self.buffer - self.machine

    def __str__(self) -> str:
        return (
            f"letter to first frame: p50 {self.p50:.1f} ms, p99 {self.p99:.1f}; from there to the ear, the audio buffer: "
            f"{self.buffer:.1f}; this machine woke five sleepers in a row late by {self.machine:.1f} (p99)"
        )


def strike(visit: Visit) -> Round:
    """One round on an open page."""
    with wakes() as late:
        for i in range(STROKES):
            visit.page.keyboard.press("asdfgh"[i % 6], delay=15)
            visit.page.wait_for_timeout(15)
    visit.until(f"{FIGURES}?.p99 !== undefined")
    visit.page.wait_for_timeout(1200)  # until the last strokes are in the figures
    found = visit.eval(f"({{...{FIGURES}, buffer: tradefours.state().sound.buffer}})")
    return Round(found["p50"], found["p99"], found["buffer"], HANDS * sorted(late)[int(0.99 * len(late))])


def main(rounds: int) -> int:
    """So many rounds; 0 where the middle one keeps the promise, the audio buffer apart."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        room(Path(home)) as (_, address),
        chromium() as browser,
    ):
        visit = Visit(browser, address)
        found = []
        for _ in range(rounds):
            found.append(strike(visit))
            print(found[-1], flush=True)
        visit.close()
    p99, limit = median(r.p99 for r in found), PROMISED + found[0].buffer
    print(f"the middle one of {rounds}: p99 {p99:.1f} ms; promised {PROMISED:.0f} and the audio buffer, {limit:.1f}")
    return int(p99 > limit)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
