"""Floods and malformed messages: thru stays quick, memory stays bounded, no note hangs, and no error is raised."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.control.bindings import Bindings
from agent.midi.messages import MOST_SYSEX, is_whole
from agent.playing.worker_client import WorkerClient
from agent.playing.worker_client_interface import WorkerLost
from models.music.note_records import Span

from ..agent.session.test_session import Jam, jam
from ..measure.flood import THRU_MS, flood
from .test_sessions import judge

N = int(os.environ.get("FLOOD", "6000"))  # events; 60000 are a minute


def check_session(made: Jam) -> None:
    """Nothing was raised, and nothing sounds."""
    assert not [line for line in made.said if "went wrong" in line], made.said
    judge(message for _, message in made.output.sent)


def test_a_thousand_events_a_second() -> None:
    took: list[float] = []

    async def script(j: Jam) -> None:
        chance = random.Random(1)
        for i in range(N):
            kind = i % 4
            channel, pitch = chance.randrange(16), chance.randrange(128)
            began = time.perf_counter()
            if kind == 0:
                j.keys.play(0x90 | channel, pitch, 90)
            elif kind == 1:
                j.keys.play(0xE0 | channel, pitch, 64)
            elif kind == 2:
                j.keys.play(0xB0 | channel, 74, pitch)
            else:
                for key in list(j.keys.down)[: 1 if len(j.keys.down) < 128 else 3]:
                    j.keys.play(0x80 | key[0], key[1], 0)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.001)

    made, _ = checked_jam(script)
    took.sort()
    assert took[len(took) // 2] < THRU_MS / 1000
    session = made.session
    assert len(session.partner.history.notes) <= 2000
    assert len(session.input_filter.feedback._note_ons) <= 4097
    assert len(session.player.schedule.begun_numbers) <= 4097
    assert len(session.partner.calls) <= 200
    assert session.thru is not None
    assert not session.thru._sounding


def checked_jam(script: Any, **more: Any) -> tuple[Jam, Any]:
    made, report = jam(script, judged=False, **more)
    check_session(made)
    return made, report


@pytest.mark.parametrize(
    "messages",
    [
        [(0xFE,)] * 5000,
        [(0xF8,)] * 5000,
        [(0xF8,), (0xFA,), (0xF2, 127, 127), (0xFC,), (0xFB,)] * 500,
        [(0xF0, *([1] * (MOST_SYSEX + 1)), 0xF7)] * 5,
        [(0xF0, *([1] * 1_000_000), 0xF7)],
        [(0xF0, 1, 2), (3, 4), (0xF7,), (0xF7, 0xF0)] * 50,
        [(60, 90), (62, 90), (0x90,), (0x90, 60), (0x90, 60, 200), (0x90, 200, 60), (0xF4,), (0xFD,), (0xFF,), ()] * 50,
        [(0x90 | c, p, 1) for c in range(16) for p in range(128)],
        [(0x90, p, 100) for p in range(128)] * 3,
        [
            m
            for p in range(40, 100)
            for m in (
                (0x90 | p % 15 + 1, p, 99),
                (0xE0 | p % 15 + 1, p, p),
                (0xD0 | p % 15 + 1, p),
                (0xB0 | p % 15 + 1, 74, p),
            )
        ],
    ],
    ids=[
        "sensing",
        "clock",
        "transport",
        "sysex",
        "a megabyte",
        "torn sysex",
        "illegal",
        "all channels",
        "all keys",
        "MPE",
    ],
)
@pytest.mark.parametrize("follow", [False, True])
def test_floods_and_malformed_messages_leave_valid_output(messages: list[tuple[int, ...]], follow: bool) -> None:
    from agent.turns.mode_settings import BeatSettings

    async def script(j: Jam) -> None:
        for message in messages:
            j.keys.play(*message)
            if len(messages) > 1000:
                await asyncio.sleep(0.0001)
        await asyncio.sleep(5.0)

    made, _ = checked_jam(script, beat=BeatSettings(follow=follow))
    assert all(is_whole(m) and len(m) <= MOST_SYSEX for _, m in made.output.sent)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=6), max_size=40))
def test_no_bytes_raise_an_error_in_a_session(messages: list[bytes]) -> None:
    async def script(j: Jam) -> None:
        for message in messages:
            j.keys.play(*message)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)

    made, _ = checked_jam(script, controls=Bindings.parse(["cc20=duet", "note36=panic", "cc21=knob:density"]))
    assert all(is_whole(m) for _, m in made.output.sent)


@settings(max_examples=300)
@given(st.binary(max_size=8))
def test_a_whole_message_is_one_message(message: bytes) -> None:
    if is_whole(message):
        assert message[0] >= 0x80
        assert all(b < 0x80 for b in message[1 : -1 if message[0] == 0xF0 else None])


async def until_lost(client: WorkerClient) -> int:
    """How many notes it plays before it is given up."""
    notes = 0
    try:
        async for _ in client.play(Span(1.0, 3.0, 4.0, 5.0)):
            notes += 1
    except WorkerLost:
        return notes
    raise AssertionError("it came to an end")


BABBLE = """
import json, sys
print(json.dumps({"ready": {}}), flush=True)
for line in sys.stdin:
    if '"play"' in line:
        ident = json.loads(line)["id"]
        for i in range(10**9):
            print(json.dumps(%s), flush=True)
"""


@pytest.mark.parametrize(
    "reply",
    [
        '{"id": ident, "note": [2.0, 0.1, 60, 90, 1, None]}',  # for ever
        '{"id": ident, "note": [1e9, 0.1, 60, 90, 1, None]}',  # in thirty years
        '{"id": ident, "note": [-50.0, 0.1, 60, 90, 1, None]}',  # before it was asked
        '{"id": ident + 1000}',  # to what nobody asked
        '{"id": ident, "note": [2.0, 0.1, 600, 90, 1, None]}',
        '{"id": ident, "note": "la"}',
    ],
)
def test_a_musician_that_babbles_is_given_up(reply: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.playing.worker_subprocess.PATIENCE", 1.0)

    async def act() -> int:
        client = WorkerClient([sys.executable, "-c", BABBLE % reply])
        await client.start()
        notes = 0
        try:
            await client.wait_ready()
            notes = await until_lost(client)
        finally:
            await client.close()
        return notes

    assert asyncio.run(act()) <= 1000


def test_a_musician_that_reads_no_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        monkeypatch.setattr("agent.playing.worker_subprocess.MOST_UNREAD", 100_000)
        client = WorkerClient(
            [sys.executable, "-c", "print('{\"ready\": {}}', flush=True); import time; time.sleep(60)"]
        )
        await client.start()
        try:
            await client.wait_ready()
            for _ in range(400):
                client.style([0.0] * 100, {})
            await asyncio.wait_for(client.gone.wait(), 10.0)
            assert "stopped reading" in client.last_words
        finally:
            await client.close()

    asyncio.run(act())


def test_a_musician_without_memory_left_is_lost_and_no_more() -> None:
    async def act() -> None:
        code = (
            "import resource, sys; print('{\"ready\": {}}', flush=True); sys.stdin.readline(); "
            "resource.setrlimit(resource.RLIMIT_AS, (1, 1)); x = bytes(10**9)"
        )
        client = WorkerClient([sys.executable, "-c", code])
        await client.start()
        try:
            await client.wait_ready()
            await until_lost(client)
        finally:
            await client.close()

    asyncio.run(act())


def test_everything_at_once_in_real_time() -> None:
    """Three seconds of what `python -m tests.measure.flood` does for a minute; how late thru is at p99 is for that to say."""
    found = flood(3.0)
    assert found["hung"] == found["struck_twice"] == 0
    assert not found["said"]
    assert found["events"] > 1000
    assert found["passed_on"] > found["events"] // 2
    assert found["thru_ms"]["p50"] < THRU_MS
    assert found["growth_mb"] < 20
