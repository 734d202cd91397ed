"""The labour: how much of a core each of our processes takes, where the system tells (Linux).

Knows nothing of what they do.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICK = 1.0 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01  # seconds


def spent(root: int) -> dict[int, float]:
    """Seconds of a core that a process has taken by itself, and each of its children with all that come from it.

    Empty where nobody knows.
    """
    parents, took = dict[int, int](), dict[int, float]()
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf8", errors="replace").rpartition(")")[2].split()
            pid, parent, ticks = int(folder.name), int(fields[1]), int(fields[11]) + int(fields[12])
        except (OSError, ValueError, IndexError):  # it has ended meanwhile
            continue
        parents[pid], took[pid] = parent, ticks * TICK
    found: dict[int, float] = {}
    for pid, seconds in took.items():
        top = pid
        while top != root and parents.get(top, root) != root:
            top = parents[top]
        if top == root or parents.get(top) == root:
            found[top] = found.get(top, 0.0) + seconds
    return found


def shares(before: dict[int, float], after: dict[int, float], seconds: float) -> dict[int, float]:
    """The shares of a core that were taken between two looks, so many seconds apart."""
    return {pid: round((now - before.get(pid, 0.0)) / seconds, 3) for pid, now in after.items()}
