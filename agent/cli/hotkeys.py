"""Hotkeys: letters pressed in the terminal, read one by one, without Enter, and what is said of each.

A shell stops us with Ctrl-Z and goes on with `fg` or `bg`. What sounds ends first, as the synth would hold it until then. In the
background, the terminal is the shell's: we neither read from it nor change it.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from ..control.bindings import ACTION_ABOUT, HOTKEYS

FOREGROUND_SECONDS = 0.5  # between two looks at whether the terminal is ours
SETTLING = 0.1  # seconds in which the MIDI system sends the last note-offs before we are stopped
ASKED_SECONDS = 10.0  # in which a second `q` counts as the answer
MOST_BYTES = 1024  # that are read at once
SEQUENCE = re.compile(r"\x1b+(\[[0-?]*[ -/]*[@-~]|O.|[^\[O\x1b])?")  # of arrow keys and the like, as ECMA-48 has them
QUIT, HELP = "stop", "?"
NAMES = {" ": "space"}


class Letters:
    """What a letter does: `act` does it, `note` says so for a moment, and `sounds` tells whether notes sound.

    `say` takes a line that stays.
    """

    def __init__(
        self,
        act: Callable[[str, float], None],
        now: Callable[[], float],
        sounds: Callable[[], bool],
        note: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._act = act
        self._now = now
        self._sounds = sounds
        self._note = note
        self._say = say
        self._asked = float("-inf")  # when `q` was pressed while notes sounded

    def press(self, key: str) -> None:
        """A key was pressed; one that does nothing is told so."""
        key = key.lower()
        now = self._now()
        action = HOTKEYS.get(key)
        if action == QUIT and self._sounds() and now - self._asked > ASKED_SECONDS:
            self._asked = now
            self._note(f"{key}: notes still sound; press {key} again to quit.")
        elif action is not None:
            self._note(f"{NAMES.get(key, key)}: {ACTION_ABOUT[action]}")
            self._act(action, now)
        elif key == HELP:
            self._say(help_text())
        elif key.isprintable():
            self._note(f"{key} does nothing; {HELP} lists the letters.")


def help_text() -> str:
    """All letters, as a line."""
    return (
        "Letters: "
        + ", ".join(f"{NAMES.get(key, key)} {ACTION_ABOUT[action]}" for key, action in HOTKEYS.items())
        + "."
    )


def keys_of(text: str) -> str:
    """The keys in what a terminal sent, without the sequences of arrow keys and their like."""
    return SEQUENCE.sub("", text)


def is_foreground(stream: TextIO) -> bool:
    """Whether the terminal behind a stream is ours; also where there is none, or one without jobs."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # AttributeError: Windows has no such function
        return True


def stay_in_background() -> None:
    """In the background, never be stopped by a terminal for what we write or read there."""
    for name in ("SIGTTOU", "SIGTTIN"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


@contextlib.contextmanager
def read_hotkeys(
    loop: asyncio.AbstractEventLoop, on_key: Callable[[str], None], before_stop: Callable[[], None] = lambda: None
) -> Iterator[bool]:
    """While this lasts, every key calls `on_key`, on the loop. Yields whether there is a terminal to read from.

    There is none where standard input is a file or a pipe, or where the system has no `termios`. `before_stop` is called, on the loop,
    before a shell stops us.
    """
    stop = _StopAndContinue(loop, before_stop)
    terminal = None
    try:
        if sys.stdin.isatty():
            import termios  # noqa: F401 - Windows has none

            terminal = _Terminal(loop, on_key)
            stop.after = terminal.check
            stop.before.append(terminal.give_back)
    except (ImportError, OSError, ValueError):
        terminal = None
    try:
        stop.install()
        if terminal is not None:
            terminal.watch()
        yield terminal is not None
    finally:
        stop.remove()
        if terminal is not None:
            terminal.close()


class _Terminal:
    """The terminal of standard input: ours as long as we are in its foreground."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_key: Callable[[str], None]) -> None:
        self._loop = loop
        self._on_key = on_key
        self._descriptor = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf8")("replace")
        self._former: list[Any] | None = None  # the terminal's settings before ours
        self._is_reading = False
        self._has_ended = False
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Take the terminal as soon as it is ours, and again after each time that it was not."""
        self.check()
        self._timer = self._loop.call_later(FOREGROUND_SECONDS, self.watch)

    def check(self) -> None:
        """Read keys one by one where the terminal is ours; leave it alone where it is not."""
        import termios
        import tty

        if self._has_ended:
            return
        if not is_foreground(sys.stdin):
            self._stop_reading()
            return
        try:
            settings = termios.tcgetattr(self._descriptor)
            if settings[3] & termios.ICANON:  # the shell, or whoever had it meanwhile, wants whole lines
                self._former = settings
                tty.setcbreak(self._descriptor, termios.TCSANOW)
        except termios.error:
            return
        if not self._is_reading:
            self._loop.add_reader(self._descriptor, self._read)
            self._is_reading = True

    def give_back(self) -> None:
        """Stop reading, and restore the terminal's settings where it is ours."""
        import termios

        self._stop_reading()
        if self._former is not None and is_foreground(sys.stdin):
            with contextlib.suppress(termios.error):
                # Not TCSADRAIN: that waits for a terminal that Ctrl-S has stopped.
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._former)

    def close(self) -> None:
        """Give the terminal back for good."""
        self._has_ended = True
        if self._timer is not None:
            self._timer.cancel()
        self.give_back()

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._loop.remove_reader(self._descriptor)
            self._is_reading = False

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:  # the terminal has gone, or is no longer ours
            data = b""
        if not data:
            self._has_ended = is_foreground(sys.stdin)
            self._stop_reading()
            return
        for key in keys_of(self._decoder.decode(data)):
            self._on_key(key)


class _StopAndContinue:
    """What a shell does with its jobs: stop us with Ctrl-Z, and let us go on. Systems without jobs have no such signals."""

    def __init__(self, loop: asyncio.AbstractEventLoop, before_stop: Callable[[], None]) -> None:
        self._loop = loop
        self.before = [before_stop]  # done before we are stopped
        self.after: Callable[[], None] = lambda: None  # done when we go on
        self._former: dict[int, object] = {}
        self._is_stopping = False

    def install(self) -> None:
        """Obey Ctrl-Z in our own way, unless whoever started us had it ignored."""
        if not hasattr(signal, "SIGTSTP") or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            self._former[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._on_signal)

    def remove(self) -> None:
        """Obey these signals as before."""
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._former = {}

    def _on_signal(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._prepare)

    def _prepare(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        for do in self.before:
            do()
        self._loop.call_later(SETTLING, self._stop)

    def _stop(self) -> None:
        """Be stopped, as if we had not handled the signal; where there is no shell to go on, the system passes over it."""
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        # Here we go on.
        if signal.SIGTSTP in self._former:
            signal.signal(signal.SIGTSTP, self._on_signal)
        self._is_stopping = False
        self.after()
