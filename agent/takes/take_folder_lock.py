"""The folder of a take: claimed by one session alone, and locked as long as it records.

No take is ever overwritten: where a folder holds one, the next free name is taken. The lock is the system's, and ends with the process,
however that ends; so it tells a session that still plays from one that was cut off.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

JSONL, MIDI, PICTURE, TEXT = "take.jsonl", "take.mid", "take.png", "take.txt"
BINARY = getattr(os, "O_BINARY", 0)  # without it, Windows writes two bytes at the end of a line
MOST_NAMES = 1000  # that are tried: take, take-2, take-3, …
HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)  # errors of a lock that somebody else has
LOCKED_BYTE = 1 << 40  # on Windows a locked byte cannot be read, so it is one that no take has


def claim(folder: Path) -> tuple[Path, int]:
    """The folder, or one beside it where it holds a take already, and its open and locked take.jsonl. Raises OSError."""
    whole = folder.resolve()
    for number in range(1, MOST_NAMES + 1):
        free = folder if number == 1 else whole.with_name(f"{whole.name}-{number}")
        free.mkdir(parents=True, exist_ok=True)
        if any((free / name).exists() for name in (MIDI, PICTURE, TEXT)):
            continue
        try:
            file = os.open(free / JSONL, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o644)
        except FileExistsError:
            continue
        with contextlib.suppress(OSError):  # some file systems know no locks
            _lock(file, waits=True)  # somebody may just be looking whether it is locked
        return free, file
    raise OSError(errno.EEXIST, "it holds too many takes")


def is_recording(folder: Path) -> bool:
    """Whether a session, of any process, records into this folder just now."""
    try:
        file = os.open(folder / JSONL, os.O_RDWR | BINARY)
    except OSError:
        return False
    try:
        _lock(file, waits=False)
    except OSError as error:
        return error.errno in HELD
    finally:
        os.close(file)
    return False


def _lock(file: int, *, waits: bool) -> None:
    """Lock an open file for ourselves until it is closed. Raises OSError where somebody else has, and where that cannot be done."""
    if sys.platform == "win32":
        import msvcrt

        position = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, position, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
