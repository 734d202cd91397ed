"""Letters of the terminal: each acts when it is pressed, is acknowledged, and the terminal is the shell's when we are in the background."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.cli import hotkeys
from agent.cli.hotkeys import ASKED_SECONDS, Letters, help_text, keys_of, read_hotkeys, stay_in_background
from agent.cli.run_session import call_on_signals
from agent.control.bindings import HOTKEYS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals and jobs are those of Unix")


class Pty:
    """A terminal whose keys the test presses; it is this process's standard input."""

    def __init__(self) -> None:
        self.keys, self.ours = os.openpty()
        self.stdin = os.fdopen(self.ours, encoding="utf8", closefd=False)

    def is_cooked(self) -> bool:
        import termios

        return bool(termios.tcgetattr(self.ours)[3] & termios.ICANON)

    def close(self) -> None:
        self.stdin.close()
        for descriptor in (self.keys, self.ours):
            os.close(descriptor)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pty]:
    pty = Pty()
    monkeypatch.setattr("sys.stdin", pty.stdin)
    yield pty
    pty.close()


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.01)


class Panel:
    """Hears what letters do; notes sound as long as `sounding` says so."""

    def __init__(self, sounding: bool = False) -> None:
        self.done: list[str] = []
        self.notes: list[str] = []
        self.lines: list[str] = []
        self.now = 100.0
        self.sounding = sounding
        self.letters = Letters(
            lambda action, when: self.done.append(action),
            lambda: self.now,
            lambda: self.sounding,
            self.notes.append,
            self.lines.append,
        )


@pytest.mark.parametrize(("key", "action"), HOTKEYS.items())
def test_each_letter_acts_and_is_acknowledged(key: str, action: str) -> None:
    panel = Panel()
    for pressed in {key, key.upper()}:
        panel.letters.press(pressed)
        assert panel.done.pop() == action
        assert panel.notes.pop().startswith("space: " if key == " " else f"{key}: ")


def test_a_question_mark_lists_all_letters_and_others_say_that_they_do_nothing() -> None:
    panel = Panel()
    panel.letters.press("?")
    assert panel.lines == [help_text()]
    assert all(f" {'space' if key == ' ' else key} " in panel.lines[0] for key in HOTKEYS)
    panel.letters.press("x")
    assert panel.notes == ["x does nothing; ? lists the letters."]
    panel.letters.press("\x07")
    assert panel.done == []


def test_q_asks_once_while_notes_sound() -> None:
    panel = Panel(sounding=True)
    panel.letters.press("q")
    assert panel.done == []
    assert "press q again" in panel.notes[-1]
    panel.letters.press("q")
    assert panel.done == ["stop"]
    panel.now += ASKED_SECONDS + 1  # long after, it is no answer
    panel.letters.press("q")
    assert panel.done == ["stop"]
    panel.sounding = False
    panel.now += ASKED_SECONDS + 1
    panel.letters.press("Q")
    assert panel.done == ["stop", "stop"]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("d", "d"),
        ("\x1b[Ad", "d"),
        ("\x1b[1;5C\x1bOPd", "d"),
        ("\x1b[15~t\x1b[3~", "t"),
        ("\x1b[200~ab\x1b[201~", "ab"),
        ("\x1b", ""),
        ("\x1bd", ""),
        ("\x1b\x1b[Bc", "c"),
        ("\x1b[<35;10;12Mc", "c"),
        ("tü?", "tü?"),
    ],
)
def test_arrow_keys_are_no_letters(sent: str, keys: str) -> None:
    assert keys_of(sent) == keys


def test_every_key_acts_at_once_also_after_arrow_keys(terminal: Pty) -> None:
    pressed: list[str] = []

    async def play() -> None:
        with read_hotkeys(asyncio.get_running_loop(), pressed.append) as has_terminal:
            assert has_terminal
            assert not terminal.is_cooked()
            for sent, seen in ((b"\x1b[A", ""), (b"d", "d"), (b"\x1b[A\x1b[Bt", "dt"), ("ü".encode(), "dtü")):
                os.write(terminal.keys, sent)
                await asyncio.sleep(0.05)
                await until(lambda seen=seen: "".join(pressed) == seen)  # type: ignore[misc]

    asyncio.run(play())
    assert terminal.is_cooked()


def test_in_the_background_the_terminal_is_left_alone_until_it_is_ours(
    terminal: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[str] = []
    is_ours = False
    monkeypatch.setattr(hotkeys, "is_foreground", lambda stream: is_ours)
    monkeypatch.setattr(hotkeys, "FOREGROUND_SECONDS", 0.02)

    async def play() -> None:
        nonlocal is_ours
        with read_hotkeys(asyncio.get_running_loop(), pressed.append):
            os.write(terminal.keys, b"d\n")
            await asyncio.sleep(0.1)
            assert terminal.is_cooked()
            assert pressed == []  # that is for the shell
            is_ours = True
            await until(lambda: not terminal.is_cooked())
            os.write(terminal.keys, b"t")
            await until(lambda: pressed[-1:] == ["t"])
            is_ours = False
            await asyncio.sleep(0.1)
            count = len(pressed)
            os.write(terminal.keys, b"c")
            await asyncio.sleep(0.1)
            assert len(pressed) == count

    asyncio.run(play())


def test_ctrl_z_ends_what_sounds_before_we_are_stopped(terminal: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[Any] = []

    def stopped(thread: int, number: int) -> None:
        happened.append(("stopped", number, terminal.is_cooked(), signal.getsignal(number)))

    monkeypatch.setattr(signal, "pthread_kill", stopped)

    async def play() -> None:
        with read_hotkeys(asyncio.get_running_loop(), happened.append, lambda: happened.append("silent")):
            for _ in range(2):  # after `fg` it can be done again
                os.kill(os.getpid(), signal.SIGTSTP)
                os.kill(os.getpid(), signal.SIGTSTP)
                await until(lambda: len(happened) == 2)
                assert happened == ["silent", ("stopped", signal.SIGTSTP, True, signal.SIG_DFL)]
                assert not terminal.is_cooked()  # it goes on
                os.write(terminal.keys, b"d")
                await until(lambda: happened[-1] == "d")
                happened.clear()

    former = signal.getsignal(signal.SIGTSTP)
    asyncio.run(play())
    assert signal.getsignal(signal.SIGTSTP) == former


def test_a_terminal_does_not_stop_us_in_the_background() -> None:
    numbers = (signal.SIGTTOU, signal.SIGTTIN)
    former = [signal.getsignal(number) for number in numbers]
    try:
        stay_in_background()
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN] * 2
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def test_signals_that_were_ignored_at_the_start_stay_so() -> None:
    """`nohup tradefours play &` goes on when its window is closed."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = [signal.getsignal(number) for number in numbers]
    stopped: list[bool] = []
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        call_on_signals(lambda: stopped.append(True))
        os.kill(os.getpid(), signal.SIGHUP)
        assert stopped == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped == [True]
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def test_without_a_terminal_there_are_no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    async def has_letters() -> bool:
        with read_hotkeys(asyncio.get_running_loop(), lambda key: None) as has_terminal:
            return has_terminal

    with open(os.devnull, encoding="utf8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert not asyncio.run(has_letters())
    assert sys.stdin is nothing
    assert not asyncio.run(has_letters())  # it is closed now
