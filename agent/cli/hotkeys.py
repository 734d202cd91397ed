"""Letters: keys pressed in the terminal, one by one, without Enter.

Knows nothing of what they mean. Where standard input is no terminal, or the system has no such thing, there are none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def letters(loop: asyncio.AbstractEventLoop, on_letter: Callable[[str], None]) -> Iterator[bool]:
    """While this lasts, every key calls `on_letter`, on the loop; whether there is such a terminal."""
    try:
        import termios
        import tty

        number = sys.stdin.fileno()
        if not sys.stdin.isatty():
            raise OSError
        former = termios.tcgetattr(number)
    except (ImportError, OSError, ValueError):
        yield False
        return

    def pressed() -> None:
        text = sys.stdin.read(1)
        if text:
            on_letter(text)
        else:
            loop.remove_reader(number)

    try:
        tty.setcbreak(number)
        loop.add_reader(number, pressed)
        yield True
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, former)
