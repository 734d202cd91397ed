"""Real faults on real parts: a dozen of those that `python -m tests.measure.faults` makes by the hundred."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .rigs.jack import ROOT

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real


def test_a_dozen_faults_leave_nothing_hanging_and_no_take_lost() -> None:
    # In a process of its own: clients of a JACK server that has died cannot be closed.
    done = subprocess.run(
        [sys.executable, "-m", "tests.measure.faults", "--faults", "11", "--quick"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=400,
    )
    report = json.loads(done.stdout)
    assert report["ok"], done.stderr
    assert report["faults"] == 11
    assert report["lost_notes"] == 0
    assert {fault for fault, row in report["rows"].items() if row["failed"] == 0} >= {
        *("sigterm", "sigint", "program_killed", "musician_killed", "unplugged", "flood", "jack_restarted")
    }
