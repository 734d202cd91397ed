"""Errors of MIDI ports, and silence for C libraries, whose complaints are ours to put into words."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from ..errors import UserError


class PortLost(UserError):
    """A port that was open is gone."""


class NoMidiSystem(UserError):
    """This machine has no MIDI system that works. `why` is put in brackets behind the sentence's subject."""

    def __init__(self, why: str = "") -> None:
        hint = (
            "start JACK or load the ALSA sequencer (modprobe snd-seq)"
            if sys.platform == "linux"
            else "check the system"
        )
        super().__init__(f"No MIDI system works here{why}: {hint}, or hear it without one: tradefours demo")


@contextlib.contextmanager
def silence_stderr() -> Iterator[None]:
    """Nothing reaches standard error meanwhile: C libraries complain there when a MIDI or sound system is missing."""
    if sys.platform == "win32":
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
