"""Draw pictures and write summaries of finished takes in a background process, at the lowest priority.

So the user gets the prompt back at once. A take that was not finished, because the machine went off, is finished after the next session,
or when somebody asks for it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .. import isolated_launcher
from ..errors import UserError
from . import library

MOST = 12  # takes at a time
LOWEST_PRIORITY = 19  # Unix niceness
WINDOWS_FLAGS = ("BELOW_NORMAL_PRIORITY_CLASS", "CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW")
CREATION_FLAGS = sum(getattr(subprocess, flag, 0) for flag in WINDOWS_FLAGS)  # of a process; 0 elsewhere
_processes: list[subprocess.Popen[bytes]] = []


def finish_in_background(folders: Iterable[Path]) -> None:
    """Start a process that finishes these takes. Does not wait; where no process can be started, nothing happens."""
    names = list(dict.fromkeys(str(folder.absolute()) for folder in folders))[:MOST]
    if not names:
        return
    with contextlib.suppress(OSError):
        _processes.append(
            subprocess.Popen(
                isolated_launcher.command("agent.takes.background_finishing", *names),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a signal to this program, or its terminal, must not end it
                creationflags=CREATION_FLAGS,
                cwd=isolated_launcher.root(),
            )
        )


def lower_priority() -> None:
    """Let this process have only what time others leave. On Windows, who starts it must (`CREATION_FLAGS`)."""
    if hasattr(os, "nice"):
        os.nice(LOWEST_PRIORITY)


def main(folders: list[str]) -> None:
    """Finish takes one after another; a broken one, or one that was deleted meanwhile, is left out."""
    lower_priority()
    for folder in map(Path, folders):
        with contextlib.suppress(UserError, OSError):
            library.finish(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
