"""Hotkeys: keys pressed in the terminal, read one by one, without Enter."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def read_hotkeys(loop: asyncio.AbstractEventLoop, on_key: Callable[[str], None]) -> Iterator[bool]:
    """While this lasts, every key calls `on_key`, on the loop. Yields whether there is a terminal to read from.

    There is none where standard input is a file or a pipe, or where the system has no `termios`.
    """
    try:
        import termios
        import tty

        stdin = sys.stdin.fileno()
        if not sys.stdin.isatty():
            raise OSError
        former = termios.tcgetattr(stdin)
    except (ImportError, OSError, ValueError):
        yield False
        return

    def read() -> None:
        text = sys.stdin.read(1)
        if text:
            on_key(text)
        else:
            loop.remove_reader(stdin)

    try:
        tty.setcbreak(stdin)
        loop.add_reader(stdin, read)
        yield True
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, former)
