"""What is done so that time is kept: notes sent ahead of a slow instrument, priority as far as it is granted, garbage when nobody waits."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading

import pytest

from agent import thread_priority
from agent.cli.arguments import parser
from agent.midi.keyboard_zones import KeyboardZones
from agent.timing.garbage_collection import FULL_AFTER, FULL_EVERY, GarbageCollection
from models.music.note_records import ANSWER

from ..session.test_session import AGENT_CHANNEL, Jam, jam


def test_a_note_is_sent_sooner_by_what_the_port_and_the_hammer_take() -> None:
    zone = KeyboardZones(latency=0.03, hammer=(0.18, 0.06))
    assert zone.lead(1) == pytest.approx(0.21)
    assert zone.lead(127) == pytest.approx(0.09)
    assert zone.lead(1) == pytest.approx(zone.longest_lead)
    assert KeyboardZones().lead(64) == 0.0


@pytest.mark.parametrize("zone", [KeyboardZones(latency=0.05), KeyboardZones(latency=0.02, hammer=(0.15, 0.05))])
def test_what_is_sent_early_sounds_in_time_and_is_not_late(zone: KeyboardZones) -> None:
    async def script(j: Jam) -> None:
        await j.play(60, 62, 64, 65, 67)
        await asyncio.sleep(6)

    made, report = jam(script, zones=zone)
    sounds = [n.onset for n in made.session.partner.history.notes if n.role == ANSWER]
    sent = [(t, m[2]) for t, m in made.output.sent if m[0] == 0x90 | AGENT_CHANNEL]
    assert len(sent) == 5
    assert [t + zone.lead(v) for t, v in sent] == pytest.approx(sounds)
    assert report.stats["unready"] == 0
    assert report.stats["lateness_ms"]["max"] < 1.0


def test_the_times_of_a_port_are_asked_for_in_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    args = parser().parse_args(["play", "--out-latency", "30", "--hammer", "180:60"])
    assert (args.out_latency, args.hammer) == (30.0, (180.0, 60.0))
    for wrong in (["--hammer", "180"], ["--hammer", "a:b"], ["--out-latency", "-1"]):
        with pytest.raises(SystemExit):
            parser().parse_args(["play", *wrong])
        assert "error" in capsys.readouterr().err


def test_priority_is_asked_for_one_thread_only() -> None:
    before = os.sched_getscheduler(0) if sys.platform == "linux" else None
    assert thread_priority.available() in (thread_priority.REALTIME, thread_priority.NORMAL)
    assert before == (os.sched_getscheduler(0) if sys.platform == "linux" else None)


def test_priority_lasts_as_long_as_it_is_needed_and_never_falls() -> None:
    seen: list[bool] = []

    def work() -> None:
        with thread_priority.realtime() as granted:
            seen.append(
                thread_priority.is_realtime() == (granted == thread_priority.REALTIME and sys.platform == "linux")
            )
            inside = thread_priority.is_realtime()
            with thread_priority.realtime(thread_priority.PLAYER):
                pass
            seen.append(
                thread_priority.is_realtime() == inside
            )  # an inner one takes nothing back that it did not bring
        seen.append(not thread_priority.is_realtime())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True, True, True]


def test_the_main_thread_is_not_asked_for_by_a_message_that_arrives() -> None:
    before = thread_priority.is_realtime()
    thread_priority.request_once()
    assert thread_priority.is_realtime() == before


def test_garbage_is_collected_in_silence_only() -> None:
    seen: list[int] = []

    def looked(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(looked)
    try:
        tidy = GarbageCollection(100.0)
        assert not gc.isenabled()
        seen.clear()
        tidy.collect_when_idle(101.0, 0.01)
        assert seen == []
        tidy.collect_when_idle(102.0, 1.0)
        tidy.collect_when_idle(103.0, FULL_AFTER + 1.0)
        assert seen == [1, 1]
        tidy.collect_when_idle(101.0 + FULL_EVERY, FULL_AFTER + 1.0)
        assert seen == [1, 1, 2]
        tidy.end()
        assert gc.isenabled()
    finally:
        gc.callbacks.remove(looked)
        gc.enable()
