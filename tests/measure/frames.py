"""Measure how smoothly the page draws two hundred notes, in Chromium without a screen: `python -m tests.measure.frames [SECONDS]`

Prints the frames a second, the time from one to the next (p50, and the share of those over 25 ms), and what one picture takes of the
processor, with notes in view and on an empty stage. Chromium without a graphics card draws by the processor alone.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..system.rigs.browser import Visit, chromium, page_without_ports

NOTES, LONG = 200, 25.0  # milliseconds from a frame to the next that are seen as a stumble
LONGEST = 3.5  # seconds for which all notes stay in view
FILL = (
    f"(() => {{ const many = {NOTES};"
    " const now = tradefours.now(), n = tradefours.notes; n.clear(); for (let i = 0; i < many; i++)"
    " n.set(`x${i}`, {id: `x${i}`, who: i % 2 ? 'player' : 'agent', pitch: 36 + i % 60, velocity: 40 + i % 80,"
    " at: now - 5 + i * 0.02, end: i % 9 ? now - 4.8 + i * 0.02 : null}); dispatchEvent(new Event('resize')); })()"
)
WATCH = (
    "new Promise((done) => { const drawn = tradefours.roll.frames, begun = {...drawn}, found = [], first = performance.now();"
    " let last = 0; const frame = (now) => { if (last) found.push(now - last); last = now;"
    " if (performance.now() - first < %f) requestAnimationFrame(frame);"
    " else done([found, drawn.count - begun.count, drawn.cost - begun.cost]); }; requestAnimationFrame(frame); })"
)
EMPTY = "(() => { tradefours.notes.clear(); dispatchEvent(new Event('resize')); })()"


@dataclass(frozen=True)
class Frames:
    """Figures of some seconds. `gaps`: milliseconds from frame to frame; `cost`: milliseconds in all for the pictures of the roll."""

    seconds: float
    gaps: list[float]
    pictures: int
    cost: float

    def __str__(self) -> str:
        long = sum(gap > LONG for gap in self.gaps) / len(self.gaps)
        each = f", each {self.cost / self.pictures:.2f} ms" if self.pictures else ""
        return (
            f"{len(self.gaps) / self.seconds:.0f} frames a second, p50 {sorted(self.gaps)[len(self.gaps) // 2]:.1f} ms, "
            f"{long:.1%} over {LONG:.0f} ms; {self.pictures / self.seconds:.0f} pictures a second{each}"
        )


def watch(visit: Visit, seconds: float) -> Frames:
    """Measure the frames of an open page."""
    gaps, pictures, cost = visit.eval(WATCH % (1000 * seconds))
    return Frames(seconds, gaps, pictures, cost)


def main(seconds: float) -> None:
    """Print the figures."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        page_without_ports(Path(home)) as address,
        chromium() as browser,
    ):
        visit = Visit(browser, address)
        for _ in range(max(round(seconds / LONGEST), 1)):
            visit.eval(FILL)
            print(f"{NOTES} notes in view: {watch(visit, min(seconds, LONGEST))}", flush=True)
        visit.eval(EMPTY)
        visit.page.wait_for_timeout(3000)
        print(f"empty stage: {watch(visit, 2.0)}")
        visit.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
