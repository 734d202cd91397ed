"""The priority: what the system grants a thread that keeps time. A best effort: nothing depends on it.

Knows nothing of what the thread does.
"""

from __future__ import annotations

import os
import sys
import threading

REALTIME, USUAL = "real-time", "as usual"
LEVEL = 10  # of 1 to 99: before everything that is not real-time, behind the sound servers
_CRITICAL = 15  # Windows: THREAD_PRIORITY_TIME_CRITICAL


def ask() -> str:
    """Ask for real-time priority for the calling thread; `REALTIME` where it is granted, else `USUAL`."""
    try:
        if sys.platform == "win32":
            import ctypes

            kernel = ctypes.windll.kernel32
            return REALTIME if kernel.SetThreadPriority(kernel.GetCurrentThread(), _CRITICAL) else USUAL
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(LEVEL))
            return REALTIME
    except (OSError, AttributeError):
        pass
    return USUAL


def granted() -> str:
    """What a thread that asks would get here. Nothing else is changed."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(ask()), name="priority")
    thread.start()
    thread.join()
    return found[0]
