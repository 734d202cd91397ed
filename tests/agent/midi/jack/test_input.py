"""The process that reads JACK for us: whatever it takes off arrives whole, in order, and once."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.midi.jack import input as jack_input
from agent.midi.jack.input import HEAD, JackInput, RecordReader, RecordWriter
from agent.midi.messages import Event
from agent.midi.port_errors import NoMidiSystem, PortLost

ON, OFF = b"\x90\x40\x50", b"\x80\x40\x00"


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.lists(st.integers(1, 30), min_size=1, max_size=50))
def test_messages_are_read_however_the_stream_is_chopped(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(HEAD.pack(i, len(m)) + m for i, m in enumerate(messages))
    reader, read, at = RecordReader(), [], 0
    while at < len(stream):
        size = cuts[len(read) % len(cuts)]
        read += list(reader.feed(stream[at : at + size]))
        at += size
    assert read == [Event(float(i), m) for i, m in enumerate(messages)]


def test_a_full_pipe_loses_nothing_and_keeps_nobody_waiting() -> None:
    """As when the reader is stopped: the messages wait, in order."""
    out, into = os.pipe()
    writer, reader = RecordWriter(into), RecordReader()
    writer.write(0.0, [ON])
    writer.begin(b"head\n")
    sent = [bytes((0x90, n % 128, 1 + n % 127)) for n in range(20_000)]
    began = time.monotonic()
    for i in range(0, len(sent), 40):
        writer.write(float(i), sent[i : i + 40])
    assert time.monotonic() - began < 5.0
    assert os.read(out, 5) == b"head\n"
    read: list[bytes] = []
    while len(read) < 1 + len(sent):
        read += [e.message for e in reader.feed(os.read(out, 1 << 16))]
    assert read == [ON, *sent]
    os.close(out)
    os.close(into)


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let a few lines of Python take the place of the process. They have `record(seconds ago, message)`."""
    lines = (
        "import os, sys, time, struct, json",
        "def record(ago, m): os.write(1, struct.pack('<dI', time.perf_counter() - ago, len(m)) + m)",
        code,
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    monkeypatch.setattr(jack_input.isolated_launcher, "command", lambda *_: command)


def heard_from(port: JackInput, count: int) -> list[bytes]:
    heard: list[bytes] = []
    enough = threading.Event()

    def hear(event: Event) -> None:
        heard.append(event.message)
        if len(heard) == count:
            enough.set()

    port.open(hear)
    assert enough.wait(10), heard
    return heard


def test_what_the_process_takes_off_is_heard_and_it_ends_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    child(
        monkeypatch,
        f'os.write(1, b\'{{"name": "Keys"}}\\n\')\nfor i in range(40): record(0, {ON!r})\nsys.stdin.read()',
    )
    port = JackInput("Keys")
    assert port.name == "Keys"
    assert heard_from(port, 40) == [ON] * 40
    assert port.is_alive
    port.close()
    port.close()
    assert port._process.returncode == 0


def test_what_begins_late_is_not_played_and_what_ends_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after Ctrl-Z: nobody wants to hear the keys of a minute ago, and none of them may hang."""
    child(
        monkeypatch,
        f'os.write(1, b\'{{"name": "Keys"}}\\n\')\nrecord(0, {ON!r})\nrecord(9, {ON!r})\nrecord(9, {OFF!r})\nsys.stdin.read()',
    )
    port = JackInput("Keys")
    assert heard_from(port, 2) == [ON, OFF]
    port.close()


def test_a_process_that_has_died_is_told_from_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, f'os.write(1, b\'{{"name": "Keys"}}\\n\')\nrecord(0, {OFF!r})')
    port = JackInput("Keys")
    assert heard_from(port, 1) == [OFF]
    until = time.monotonic() + 10
    while port.is_alive and time.monotonic() < until:
        time.sleep(0.01)
    assert not port.is_alive
    port.close()


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ('os.write(1, b\'{"error": "Keys cannot be opened"}\\n\')', PortLost, "Keys cannot be opened"),
        ("sys.exit(1)", NoMidiSystem, "jack does not answer"),
        ("print('not a line of JSON')", NoMidiSystem, "jack does not answer"),
    ],
)
def test_what_cannot_be_opened_is_said(
    monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception], said: str
) -> None:
    child(monkeypatch, code)
    with pytest.raises(error, match=said):
        JackInput("Keys")
