"""Measure how much of a core each of our processes uses. On Linux alone; elsewhere there are no figures."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICK = 1.0 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01  # seconds


def cpu_seconds(root: int) -> dict[int, float]:
    """CPU seconds by process: of `root` itself, and of each of its children with all their descendants. Empty where unknown."""
    parents = dict[int, int]()
    used = dict[int, float]()
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf8", errors="replace").rpartition(")")[2].split()
            pid = int(folder.name)
            parent = int(fields[1])
            ticks = int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
        except (OSError, ValueError, IndexError):  # the process has ended meanwhile
            continue
        parents[pid] = parent
        used[pid] = ticks * TICK
    found: dict[int, float] = {}
    for pid, seconds in used.items():
        top = pid
        while top != root and parents.get(top, root) != root:
            top = parents[top]
        if top == root or parents.get(top) == root:
            found[top] = found.get(top, 0.0) + seconds
    return found


def shares(before: dict[int, float], after: dict[int, float], seconds: float) -> dict[int, float]:
    """The share of a core that each process used between two results of `cpu_seconds`, `seconds` apart."""
    return {pid: round((now - before.get(pid, 0.0)) / seconds, 3) for pid, now in after.items()}
