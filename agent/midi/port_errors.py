"""Errors of MIDI ports."""

from __future__ import annotations

import sys

from ..errors import UserError, hint


class PortLost(UserError):
    """A port that was open is gone."""


class NoMidiSystem(UserError):
    """This machine has no MIDI system that works. `why` is put in brackets behind the sentence's subject."""

    def __init__(self, why: str = "") -> None:
        cure = (
            "start JACK or load the ALSA sequencer (modprobe snd-seq)"
            if sys.platform == "linux"
            else "check the system"
        )
        super().__init__(f"No MIDI system works here{why}: {cure}, or hear it without one: {hint('demo')}")
