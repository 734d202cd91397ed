"""The darkroom: where takes that are over get their picture and their words, by a process of its own, in the machine's spare time.

Knows nothing of sessions. Who plays gets the prompt back at once. What was not made, as the machine went off, is made after the next
session, or when it is asked for.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .. import launcher
from ..errors import UserError
from . import library

MOST = 12  # takes at a time
LEAST_URGENT = 19
WINDOWS = ("BELOW_NORMAL_PRIORITY_CLASS", "CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW")
_at_work: list[subprocess.Popen[bytes]] = []


def develop(folders: Iterable[Path]) -> None:
    """Have made what these takes lack. Does not wait; a process that cannot be had is no reason to worry anyone."""
    names = list(dict.fromkeys(str(folder.absolute()) for folder in folders))[:MOST]
    if not names:
        return
    with contextlib.suppress(OSError):
        _at_work.append(
            subprocess.Popen(
                launcher.command("agent.takes.postprocess", *names),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what ends us, or our terminal, must not end it
                creationflags=sum(getattr(subprocess, flag, 0) for flag in WINDOWS),
                cwd=launcher.root(),
            )
        )


def main(folders: list[str]) -> None:
    """Make what is lacking, one take after the other; one that is broken, or was deleted meanwhile, is passed over."""
    if hasattr(os, "nice"):
        os.nice(LEAST_URGENT)
    for folder in map(Path, folders):
        with contextlib.suppress(UserError, OSError):
            library.finish(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
