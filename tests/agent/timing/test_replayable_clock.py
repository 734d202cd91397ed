"""A take with moments is replayed to the last bit: in virtual time here; with the real musician and real threads in test_replays."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.clock import measured
from agent.replay.verify_take import replay
from agent.styles.presets import Preset
from agent.takes.recorder import JSONL, rows
from agent.timing.replayable_clock import Moments, stepwise
from agent.turns.mode_settings import MODES

from ...measure.record_golden import ECHO, jam

STYLES = [Preset("jazz", musician="full"), Preset("walk", musician="full"), Preset("plain")]


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 1.0
        return self.time


def following() -> tuple[Moments, list[tuple[float, dict[str, Any]]]]:
    told: list[tuple[float, dict[str, Any]]] = []
    clock = Moments(Ticking(), lambda when, row: told.append((when, row)))
    clock.follow()
    return clock, told


def test_a_moment_lasts_until_the_next_one_and_is_told_first() -> None:
    clock, told = following()
    assert clock.now() == clock.now() == 1.0
    assert measured(clock) == 2.0
    clock.keep({"ask": {"do": "seed"}})
    clock.keep({"got": {"id": 1}})
    assert clock.now() == 3.0
    assert told == [
        (1.0, {"moment": True}),
        (1.0, {"ask": {"do": "seed"}}),
        (3.0, {"moment": True}),
        (3.0, {"got": {"id": 1}}),
    ]


def test_other_threads_see_the_time_as_it_is() -> None:
    clock, told = following()
    seen: list[float] = []
    thread = threading.Thread(target=lambda: seen.extend((clock.now(), clock.now())))
    thread.start()
    thread.join()
    assert seen == [2.0, 3.0]
    assert clock.now() == 1.0
    assert len(told) == 1


def test_work_goes_on_in_steps_and_fails_or_is_cancelled_as_ever() -> None:
    async def act() -> None:
        clock, told = following()

        async def work() -> str:
            first = clock.now()
            await asyncio.sleep(0)
            assert clock.now() > first
            with pytest.raises(ZeroDivisionError):
                await asyncio.ensure_future(fails())
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                return "done"
            return "never"

        async def fails() -> None:
            raise ZeroDivisionError

        task = asyncio.ensure_future(stepwise(clock, work(), "worker"))
        for _ in range(8):
            await asyncio.sleep(0)
        task.cancel()
        assert await task == "done"
        assert [row for _, row in told] == [{"moment": True}, *[{"step": "worker"}] * 4]

    asyncio.run(act())


def test_other_clocks_take_no_steps() -> None:
    async def work() -> int:
        return 7

    coroutine = work()
    assert stepwise(Ticking(), coroutine, "worker") is coroutine
    assert asyncio.run(coroutine) == 7


@pytest.mark.parametrize("mode", MODES)
def test_a_jam_with_moments_is_the_same_to_the_last_bit(mode: str, tmp_path: Path) -> None:
    jam(mode, tmp_path, styles=STYLES, exact=True)
    told = list(rows(tmp_path / JSONL))
    report = replay(tmp_path, ECHO[1:])
    assert report["same"], report
    assert report["sent"] >= 40
    assert sum("starts" in row for row in told) == 3


@pytest.mark.parametrize("what", ["ask", "out", "in"])
def test_the_least_difference_is_shown(what: str, tmp_path: Path) -> None:
    jam("call", tmp_path, exact=True)
    told = list(rows(tmp_path / JSONL))
    kind = [row for row in told if what in row and row.get("ask", {"do": "play"})["do"] == "play"]
    if what == "ask":
        kind[1]["ask"]["until"] += 1e-6
    elif what == "in":  # a key that was struck a little later
        next(row for row in kind if row["bytes"].startswith("90"))["t"] += 0.002
    else:
        kind[2]["t"] += 1e-6
    (tmp_path / JSONL).write_text("\n".join(json.dumps(row) for row in told))
    report = replay(tmp_path, ECHO[1:])
    assert report["session"]
    assert not report["same"]


def test_a_take_that_breaks_off_is_replayed_as_far_as_it_goes(tmp_path: Path) -> None:
    """As where the power failed: nothing of the end is in the take."""
    jam("duet", tmp_path, exact=True)
    told = list(rows(tmp_path / JSONL))
    (tmp_path / JSONL).write_text("\n".join(json.dumps(row) for row in told[: len(told) // 2]))
    report = replay(tmp_path, ECHO[1:])
    assert report["same"], report
    assert report["sent"] > 0
