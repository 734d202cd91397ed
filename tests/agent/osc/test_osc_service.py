"""OSC over real UDP on this computer: as from a tablet with TouchOSC, and what is said where a port is not to be had."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
from pythonosc.udp_client import SimpleUDPClient

from agent.cli.argument_types import endpoint
from agent.cli.arguments import parser
from agent.clock import SystemClock
from agent.osc.addresses import BEAT, MODE, NOTE_ADDRESS, PRESET_ADDRESS, ROOT, TURN
from agent.osc.datagrams import Message, read_datagram
from agent.osc.osc_service import OscService
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.takes.recorder import SessionRecorder
from agent.turns.mode_settings import BeatSettings

from ...support.fakes import FakeInput, FakeOutput, FakeWorker

HERE = "127.0.0.1"
PATIENCE = 10.0  # seconds


class Recorder:
    """A take that keeps nothing."""

    def record_input(self, event: Any, port: str) -> None:
        pass

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        pass

    def record_panic(self, when: float) -> None:
        pass

    def close(self) -> None:
        pass


class Tablet:
    """A device that receives, and what it has received."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HERE, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self.heard: list[Message] = []

    def client(self, endpoint: tuple[str, int]) -> SimpleUDPClient:
        """What it sends with."""
        self.sender = SimpleUDPClient(*endpoint)
        return self.sender

    def close(self) -> None:
        self.socket.close()
        self.sender._sock.close()

    async def until(self, is_there: Callable[[list[Message]], bool]) -> None:
        """Receive until something has arrived."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while not is_there(self.heard):
                self.heard += read_datagram(await loop.sock_recv(self.socket, 4096))


class Stage:
    """A session in real time with OSC."""

    def __init__(self, service: OscService) -> None:
        self.service = service
        self.said: list[str] = []
        clock = SystemClock()
        self.keys = FakeInput(clock)
        recorder: SessionRecorder = Recorder()
        io = SessionIO(
            inputs=[self.keys],
            output=FakeOutput(clock),
            worker=FakeWorker(),
            clock=clock,
            take=service.witness(recorder),
            say=self.said.append,
            show=service.show,
        )
        self.session = Session(SessionConfig(Preset("plain"), beat=BeatSettings(tempo=240.0, count_in=0)), io)

    def run(self, script: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
        async def play() -> None:
            running = asyncio.ensure_future(
                self.session.run(lambda session: self.service.run(session, "listening", self.said.append))
            )
            async with asyncio.timeout(PATIENCE):
                while not any(line.startswith("OSC") for line in self.said):
                    await asyncio.sleep(0.01)
            await script(self)
            self.session.stop()
            await running

        asyncio.run(play())


def test_a_tablet_turns_knobs_switches_modes_and_sees_turn_beat_and_notes() -> None:
    tablet = Tablet()
    stage = Stage(OscService((HERE, 0), (HERE, tablet.port), SystemClock()))

    async def script(stage: Stage) -> None:
        assert stage.service.listens_at is not None
        client = tablet.client(stage.service.listens_at)
        client.send_message(f"{ROOT}fader/density", 0.75)
        client.send_message(f"{ROOT}duet", 1.0)
        client.send_message(f"{ROOT}duet", 0.0)
        client.send_message(f"{ROOT}preset", "ragtime")
        client.send_message("/1/fader1", 0.3)
        await tablet.until(lambda heard: (PRESET_ADDRESS, ["ragtime"]) in heard and (MODE, ["duet"]) in heard)
        client.send_message(f"{ROOT}call", 1.0)
        stage.keys.play(0x90, 60, 80)
        stage.keys.play(0x80, 60, 0)
        await tablet.until(lambda heard: (f"{NOTE_ADDRESS}player", [60, 0]) in heard)
        client.send_message(f"{ROOT}answer", 1.0)
        await tablet.until(lambda heard: (TURN, ["answering"]) in heard)
        await tablet.until(lambda heard: any(m[0] == f"{NOTE_ADDRESS}agent" for m in heard))
        stage.keys.play(0x90, 61, 80)
        client.send_message(f"{ROOT}panic", 1.0)
        await tablet.until(lambda heard: (f"{NOTE_ADDRESS}player", [61, 0]) in heard)
        await tablet.until(lambda heard: sum(m[0] == BEAT for m in heard) >= 6)

    stage.run(script)
    tablet.close()
    beats = [m[1][0] for m in tablet.heard if m[0] == BEAT]
    assert all(after == before % 4 + 1 for before, after in pairwise(beats))
    assert sum("not understood (/1/fader1)" in line for line in stage.said) == 1
    assert stage.said[-1].startswith("OSC: ")
    assert f"{ROOT}knob/tempo" in dict(tablet.heard)


def test_nothing_is_sent_where_nobody_asked() -> None:
    stage = Stage(OscService((HERE, 0), None, SystemClock()))
    recorder: SessionRecorder = Recorder()
    assert stage.service.witness(recorder) is recorder

    async def script(stage: Stage) -> None:
        assert stage.service._sender is None
        assert stage.service.listens_at is not None
        assert stage.service.listens_at[0] == HERE

    stage.run(script)
    assert [line for line in stage.said if "sent to" in line] == []


def test_a_port_in_use_and_a_host_that_is_not_there_are_a_sentence_each_and_the_music_goes_on() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HERE, 0))
        port = taken.getsockname()[1]
        stage = Stage(OscService((HERE, port), ("no-such-host.invalid", 9001), SystemClock()))

        async def script(stage: Stage) -> None:
            stage.keys.play(0x90, 60, 80)
            stage.keys.play(0x80, 60, 0)
            async with asyncio.timeout(PATIENCE):
                while len([line for line in stage.said if line.startswith("OSC")]) < 2:
                    await asyncio.sleep(0.01)

        stage.run(script)
    lines = [line for line in stage.said if line.startswith("OSC")]
    assert lines[0].startswith(f"OSC is not heard at {HERE}:{port} (")
    assert lines[0].endswith("choose another with --osc. All else works.")
    assert lines[1].startswith("OSC cannot be sent to no-such-host.invalid:9001 (")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9000", (HERE, 9000)),
        (":9000", (HERE, 9000)),
        ("0.0.0.0:9000", ("0.0.0.0", 9000)),
        ("stage.local:65535", ("stage.local", 65535)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_an_endpoint_is_read(text: str, found: tuple[str, int]) -> None:
    assert endpoint(text) == found
    args = parser(["play"]).parse_args(["play", "--osc", text, "--osc-out", text])
    assert (args.osc, args.osc_out) == (found, found)


@pytest.mark.parametrize("text", ["", "x", "0", "65536", "-1", "9000:", "host:port", "::1", "::1:9000", "1e3", "٣"])
def test_what_is_no_endpoint_says_what_to_write(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser(["play"]).parse_args(["play", "--osc", text])
    assert "is no port; write 9000" in capsys.readouterr().err
