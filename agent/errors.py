"""Errors that are told to the user: each is one sentence that says what to do. And how commands in such sentences are written."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys


class UserError(Exception):
    """Something the user can mend. Its text is one sentence."""


def hint(*arguments: str) -> str:
    """A command of ours as this user can paste it: started as this process was, and quoted where that is needed."""
    return " ".join([_program(), *map(quote, arguments)])


def quote(argument: str) -> str:
    """One argument for a shell of this system."""
    return subprocess.list2cmdline([argument]) if os.name == "nt" else shlex.quote(argument)


def _program() -> str:
    """How we were started: `python3 -m agent` in a clone, `tradefours` where that is installed, or the path to it."""
    started = sys.argv[0] if sys.argv else ""
    folder, name = os.path.split(started)
    if name == "__main__.py" and os.path.basename(folder) == "agent":
        return "python -m agent" if os.name == "nt" else "python3 -m agent"
    if name == "tradefours" and os.path.isfile(started):
        found = shutil.which("tradefours")
        if found is None or not os.path.samefile(found, started):
            return quote(started)
    return "tradefours"
