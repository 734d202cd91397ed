"""Measure the time from a key on the page to the synth's first frame: `python -m tests.measure.key_latency [ROUNDS]`

Real parts: the program with its built-in sound on a JACK server, and Chromium without a screen. Prints a line for each round of a hundred
keys, and the median of all rounds; the exit code is 1 where the budget is missed.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..system.rigs.browser import KEY_TO_SOUND_MS, WAKE_UPS, Visit, chromium, page_with_sound
from ..system.rigs.jack import wake_up_delays

KEYS = 100  # as many as the program's own figure covers
FIGURES = "tradefours.state().figures['key to sound']"


@dataclass(frozen=True)
class Round:
    """Milliseconds. `buffer`: the audio buffer; `machine`: what a busy machine may add, as it wakes threads late."""

    p50: float
    p99: float
    buffer: float
    machine: float

    @property
    def beyond(self) -> float:
        """The program's own share of the p99: without the audio buffer and the machine's delays."""
        return self.p99 - self.buffer - self.machine

    def __str__(self) -> str:
        return (
            f"letter to first frame: p50 {self.p50:.1f} ms, p99 {self.p99:.1f}; from there to the ear, the audio buffer: "
            f"{self.buffer:.1f}; this machine woke five sleepers in a row late by {self.machine:.1f} (p99)"
        )


def measure_round(visit: Visit) -> Round:
    """One round of keys on an open page."""
    with wake_up_delays() as late:
        for i in range(KEYS):
            visit.page.keyboard.press("asdfgh"[i % 6], delay=15)
            visit.page.wait_for_timeout(15)
    visit.until(f"{FIGURES}?.p99 !== undefined")
    visit.page.wait_for_timeout(1200)  # until the last strokes are in the figures
    found = visit.eval(f"({{...{FIGURES}, buffer: tradefours.state().sound.buffer}})")
    return Round(found["p50"], found["p99"], found["buffer"], WAKE_UPS * sorted(late)[int(0.99 * len(late))])


def main(rounds: int) -> int:
    """So many rounds; 0 where the median p99, without the audio buffer, is within the budget."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        page_with_sound(Path(home)) as (_, address),
        chromium() as browser,
    ):
        visit = Visit(browser, address)
        found = []
        for _ in range(rounds):
            found.append(measure_round(visit))
            print(found[-1], flush=True)
        visit.close()
    p99, limit = median(r.p99 for r in found), KEY_TO_SOUND_MS + found[0].buffer
    print(
        f"the middle one of {rounds}: p99 {p99:.1f} ms; promised {KEY_TO_SOUND_MS:.0f} and the audio buffer, {limit:.1f}"
    )
    return int(p99 > limit)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
