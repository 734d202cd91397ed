"""The note-off watchdog never stays behind, whatever the MIDI system does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from agent.isolated_launcher import root

BLOCKED = """
import time
from agent.midi import note_off_watchdog, ports
note_off_watchdog.MOST_SECONDS = 1
ports.open_output = lambda name, api: time.sleep(60)
note_off_watchdog.main()
"""


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="Windows has no alarm")
def test_a_midi_system_that_never_answers_does_not_keep_it() -> None:
    line = b"\0" + json.dumps({"api": "jack", "to": ["synth:midi"]}).encode() + b"\n"
    ended = subprocess.run(
        [sys.executable, "-c", BLOCKED], input=line + b"\x90\x40\x50", cwd=root(), timeout=50, check=False
    )
    assert ended.returncode == -signal.SIGALRM
