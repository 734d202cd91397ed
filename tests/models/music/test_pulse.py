"""The pulse of a phrase in free time: found where there is one, and not where there is none."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from models.music.note_records import Note
from models.music.pulse import beat_alignment, find_pulse

from ...agent.session.test_session import Jam, jam
from ...system.rigs.jack import ROOT

RHYTHM = (0, 1, 1.5, 2, 3, 3.5, 4, 5, 6, 6.5, 7)  # beats


def phrase(beats: tuple[float, ...], period: float, unsteady: float = 0.0, seed: int = 0) -> list[Note]:
    off = np.random.default_rng(seed).normal(0.0, unsteady, len(beats))
    return [Note(100.0 + b * period + float(o), 0.2, 60, 70) for b, o in zip(beats, off, strict=True)]


@pytest.mark.parametrize("tempo", [75, 92, 110, 140, 180])
@pytest.mark.parametrize("seed", range(4))
def test_a_played_rhythm_has_its_pulse(tempo: int, seed: int) -> None:
    period = 60 / tempo
    found = find_pulse(phrase(RHYTHM, period, 0.012, seed))
    assert found is not None
    assert found.beats == 1
    ratio = found.length / period
    assert min(abs(ratio - r) for r in (0.5, 1.0, 2.0)) < 0.03
    after = 100.0 + 9 * period if ratio < 1.5 else 100.0 + 10 * period
    off = (found.next_beat(after - 0.06) - after) / period
    off -= round(2 * off) / 2  # on a beat of theirs, or half-way
    assert abs(off) * period < 0.05


@pytest.mark.parametrize("seed", range(8))
def test_rubato_has_no_pulse(seed: int) -> None:
    gaps = np.random.default_rng(seed).uniform(0.15, 1.1, 14)
    assert find_pulse([Note(float(t), 0.2, 60, 70) for t in np.cumsum(gaps)]) is None


def test_a_few_notes_or_one_chord_have_none() -> None:
    assert find_pulse([]) is None
    assert find_pulse(phrase((0, 1, 2), 0.5)) is None
    assert find_pulse([Note(1.0 + 0.002 * i, 1.0, 50 + i, 60) for i in range(9)]) is None


def test_how_closely_a_pulse_is_kept() -> None:
    steady = phrase(RHYTHM, 0.5)
    found = find_pulse(steady)
    assert found is not None
    assert beat_alignment(steady, found) > 0.95
    assert beat_alignment([n.shift(found.length / 4) for n in steady], found) < -0.9  # half-way between the eighths
    free = [Note(float(t), 0.2, 60, 70) for t in np.random.default_rng(0).uniform(100, 200, 400)]
    assert abs(beat_alignment(free, found)) < 0.1
    assert beat_alignment([], found) == 0.0


def test_in_free_time_the_answer_comes_in_on_the_players_pulse() -> None:
    period = 0.48

    async def script(j: Jam) -> None:
        j.zero = j.loop.now()  # type: ignore[attr-defined]
        await j.play(*(60, 62, 64, 65, 67, 65, 64), gap=period)
        await asyncio.sleep(6)

    made, report = jam(script)
    assert report.stats["answers"] == 1
    beats = (made.agent_ons()[0][0] - made.zero) / period  # type: ignore[attr-defined]
    off = beats - round(beats)
    assert abs(off) * period < 0.03


def test_no_other_thread_is_kept_awake_for_it() -> None:
    """A library for matrices may leave threads behind that wait awake, and take a core from whoever keeps time."""
    code = (
        "import time\nfrom models.music.note_records import Note\nfrom models.music.pulse import find_pulse\n"
        "phrase = [Note(0.1 * i, 0.1, 60, 70) for i in range(80)]\n"
        "time.sleep(0.3)  # threads that a library makes when it is imported may wait awake for a moment, once\n"
        "all_, mine = time.process_time(), time.thread_time()\n"
        "for _ in range(60):\n    find_pulse(phrase)\n    time.sleep(0.005)\n"
        "print(time.process_time() - all_, time.thread_time() - mine)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    every, mine = map(float, done.stdout.split())
    assert every < 1.5 * mine + 0.02
