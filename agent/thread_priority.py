"""Ask the system for real-time priority for threads. A best effort: nothing depends on it.

Where other programs keep the cores busy, a high priority of the player's thread alone is not enough. If the event loop loses its core
while it holds the interpreter's lock, the player waits for it (priority inversion). So the event loop, and every other thread of ours
that runs Python, gets the priority just below the player's.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

REALTIME = "real-time"
NORMAL = "as usual"
#: SCHED_FIFO, 1 to 99: above everything that is not real-time, below sound servers and their clients. jackd has 10 unless told
#: otherwise, and its clients 5 less; one that waits for us loses messages.
PLAYER = 4
EVENT_LOOP = 3  # SCHED_FIFO: the event loop, and the MIDI system's threads that call us
_WINDOWS_CRITICAL = 15  # THREAD_PRIORITY_TIME_CRITICAL
_WINDOWS_HIGHEST = 2  # THREAD_PRIORITY_HIGHEST
_WINDOWS_NORMAL = 0  # THREAD_PRIORITY_NORMAL
_thread = threading.local()


def request(level: int = PLAYER) -> str:
    """Ask for real-time priority for the calling thread; returns `REALTIME` where it is granted, else `NORMAL`.

    Threads and processes that it starts have normal priority. A thread that has real-time priority already keeps its own.
    """
    try:
        if sys.platform == "win32":
            windows_level = _WINDOWS_CRITICAL if level >= PLAYER else _WINDOWS_HIGHEST
            return REALTIME if _set_windows_priority(windows_level) else NORMAL
        if sys.platform == "linux":
            if is_realtime():
                return REALTIME
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(level))
            return REALTIME
    except (OSError, AttributeError):
        pass
    return NORMAL


def request_once() -> None:
    """Ask for the event loop's priority at a thread's first call; later calls, and the main thread, change nothing."""
    if not hasattr(_thread, "has_asked"):
        _thread.has_asked = True
        if threading.current_thread() is not threading.main_thread():
            request(EVENT_LOOP)


def is_realtime() -> bool:
    """Whether the calling thread has real-time priority. False where the system is not Linux, as it is not known there."""
    if sys.platform != "linux":
        return False
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR)


def reset() -> None:
    """Give the calling thread normal priority again."""
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "win32":
            _set_windows_priority(_WINDOWS_NORMAL)
        elif sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def realtime(level: int = EVENT_LOOP) -> Iterator[str]:
    """A context in which the calling thread has real-time priority, where the system grants it; yields what `request` returned."""
    was_realtime = is_realtime()
    priority = request(level)
    try:
        yield priority
    finally:
        if priority == REALTIME and not was_realtime:
            reset()


def available() -> str:
    """What `request` returns on this system. It is tried in a thread of its own, so nothing else changes."""
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(request()), name="priority")
    thread.start()
    thread.join()
    return results[0]


def _set_windows_priority(level: int) -> bool:
    if sys.platform != "win32":
        raise OSError("not Windows")
    import ctypes

    kernel = ctypes.windll.kernel32
    return bool(kernel.SetThreadPriority(kernel.GetCurrentThread(), level))
