"""The priority: what the system grants a thread that keeps time. A best effort: nothing depends on it.

Knows nothing of what the threads do.

Where other programs keep the cores busy, it is not enough that the player goes first: if the event loop is taken off its core while it
holds the interpreter's lock, the player waits with it (priority inversion). So the loop, and every other thread of ours that runs
Python, stand right behind the player.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

REALTIME, USUAL = "real-time", "as usual"
PLAYER = 10  # of 1 to 99: before everything that is not real-time, behind the sound servers
CONDUCTOR = 9  # the event loop, and the MIDI system's threads that call us
_CRITICAL, _HIGHEST, _NORMAL = 15, 2, 0  # Windows: time critical, highest, normal
_here = threading.local()


def ask(level: int = PLAYER) -> str:
    """Ask for real-time priority for the calling thread; `REALTIME` where it is granted, else `USUAL`.

    What the thread starts, threads and processes, begins as usual again. A thread that has such a priority already keeps it.
    """
    try:
        if sys.platform == "win32":
            return REALTIME if _windows(_CRITICAL if level >= PLAYER else _HIGHEST) else USUAL
        if sys.platform == "linux":
            if is_granted():
                return REALTIME
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(level))
            return REALTIME
    except (OSError, AttributeError):
        pass
    return USUAL


def once() -> None:
    """Ask for the calling thread, the first time that it comes by; the main thread, which others own, is left alone."""
    if not hasattr(_here, "asked"):
        _here.asked = True
        if threading.current_thread() is not threading.main_thread():
            ask(CONDUCTOR)


def is_granted() -> bool:
    """Whether the calling thread has real-time priority, as far as that can be known."""
    if sys.platform != "linux":
        return False
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_FIFO, os.SCHED_RR)


def give_back() -> None:
    """The calling thread is as any other again."""
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "win32":
            _windows(_NORMAL)
        elif sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def raised(level: int = CONDUCTOR) -> Iterator[str]:
    """As long as it lasts, the calling thread has the priority that it is granted."""
    before = is_granted()
    granted = ask(level)
    try:
        yield granted
    finally:
        if granted == REALTIME and not before:
            give_back()


def granted() -> str:
    """What a thread that asks would get here. Nothing else is changed."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(ask()), name="priority")
    thread.start()
    thread.join()
    return found[0]


def _windows(level: int) -> bool:
    if sys.platform != "win32":
        raise OSError("not Windows")
    import ctypes

    kernel = ctypes.windll.kernel32
    return bool(kernel.SetThreadPriority(kernel.GetCurrentThread(), level))
