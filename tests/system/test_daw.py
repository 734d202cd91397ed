"""A DAW leads and records: what we trade with it lies on its bars. Ardour, its clock, its track."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.takes.recorder import AGENT, JSONL, take_notes

from .rigs.ardour import CLOCK, TRACK, ardour
from .rigs.jack import (
    PERIOD,
    RATE,
    Heard,
    Program,
    Recorder,
    jack_server,
    ons,
    retry_if_jack_missed_periods,
    still_sounding,
    wait_for,
)

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

TEMPO, BEATS, ROUNDS = 150.0, 4, 2
BEAT = 60.0 / TEMPO
NEAR = PERIOD / RATE + 0.002  # seconds
STUMBLE = 0.008  # seconds by which the server, the hearing of its ticks or a thread's waking may stray: what is lost, no follower can know
ATTEMPTS = 5
USUALLY_LATE = 0.002  # seconds


def trade(folder: Path) -> tuple[Heard, float]:
    """Two rounds of a bar each; what the DAW recorded, times in beats, and how far the server stumbled."""
    folder.mkdir()
    with (
        jack_server(folder / "jackd.log"),
        ardour(folder, TEMPO, RATE) as daw,
        Recorder() as recorder,
        Program(
            *("play", "--mode", "trade", "--bars", "1", "--clock", "--groove", "100", "--no-thru", "--seed", "1"),
            *("--take", str(folder / "take")),
        ) as program,
    ):
        program.wait_for_line("ready")
        if (
            CLOCK not in recorder.names()
        ):  # the server throws out who is late, and on a busy machine that is now and then the DAW
            return [], math.inf
        for source, sink in (
            (CLOCK, "tradefours:in"),
            (CLOCK, "recorder:clock"),
            ("recorder:keys", "tradefours:in"),
            ("tradefours:out", TRACK),
        ):
            recorder.connect(source, sink)
        recorder.shifts.clear()
        daw.command("roll")
        program.wait_for_line("The clock runs", 10)
        begun = next(t for t, m in recorder.heard["clock"] if m == b"\xf8")
        calls = [
            ((2 * r * BEATS + i) * BEAT + after, message)
            for r in range(ROUNDS)
            for i in range(BEATS - 1)
            for after, message in ((0.0, bytes((0x90, 60 + 2 * i, 80))), (0.8 * BEAT, bytes((0x80, 60 + 2 * i, 0))))
        ]
        recorder.play(calls, begun)
        wait_for(lambda: recorder.now() > begun + (2 * ROUNDS * BEATS + 0.5) * BEAT, 60, "all rounds")
        rows = [json.loads(line) for line in (folder / "take" / JSONL).read_text().splitlines() if line.endswith("}")]
        ticks = np.array([row["t"] for row in rows if row.get("bytes") == "f8"])
        uneven = float(np.ptp(ticks - np.arange(len(ticks)) * BEAT / 24)) - PERIOD / RATE
        woken = max((row["at"] - row["t"] for row in rows if "out" in row), default=0.0)  # a thread that gets no core
        stumbled = max(recorder.clock_error(), uneven, woken)
        # One thread that gets no core is the machine's; notes that are late as a rule are ours, and no attempt excuses them.
        late = float(np.median([row["at"] - row["t"] for row in rows if "out" in row]))
        assert late < USUALLY_LATE, f"half of our notes leave more than {1000 * late:.1f} ms late"
        daw.command("stop")
        program.wait_for_line("The clock has stopped", 10)
        found = daw.read_track()
        daw.command("leave")
        assert "Traceback" not in program.said
    return found, stumbled


@retry_if_jack_missed_periods
def test_what_a_daw_records_lies_on_the_bars_that_were_meant(tmp_path: Path) -> None:
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        recorded, stumbled = trade(folder)
        if stumbled < STUMBLE:
            break
    assert stumbled < STUMBLE, (
        f"the machine is too busy to keep time: it strayed by {1000 * stumbled:.0f} ms, or lost the DAW"
    )

    began = ons(recorded, 0)
    meant = take_notes(folder / "take" / JSONL)[AGENT]
    assert sorted(p for _, p in began) == sorted(n.pitch for n in meant)
    turns: dict[int, list[float]] = {}
    for beat, _ in began:
        turns.setdefault(math.floor((beat + 0.1) / BEATS), []).append(beat)
    assert sorted(turns) == [1, 3], turns
    for onsets in turns.values():
        assert abs(onsets[0] - round(onsets[0])) * BEAT <= NEAR, onsets  # the first is on a beat,
        for beat in onsets:  # and at full groove, each on a sixteenth
            assert abs(beat * 4 - round(beat * 4)) / 4 * BEAT <= NEAR, onsets
    ended = [beat for beat, m in recorded if m[0] == 0x80]
    assert len(ended) == len(began)
    assert all(math.floor(beat / BEATS) in (1, 3) for beat in ended), ended  # silent when the player's bar comes
    assert still_sounding(recorded) == set()
