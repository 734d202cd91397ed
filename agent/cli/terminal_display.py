"""What the terminal shows: lines that stay, and below them one block that is drawn in place, over and over.

A terminal may take nothing for a while: Ctrl-S stops it, and so does a selection in a console of Windows. So a thread of its own writes.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import shutil
import sys
import threading
import unicodedata
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

from .. import standard_streams
from .hotkeys import is_foreground

CLEAR_TO_END = "\x1b[J"  # ANSI escape sequences, as ECMA-48 has them
CURSOR_UP = "\x1b[{}A"  # so many lines
BOLD, BLACK_ON_CYAN, BLACK_ON_YELLOW, RESET = "\x1b[1m", "\x1b[1;30;46m", "\x1b[1;30;43m", "\x1b[0m"
MARGIN = 1  # columns that stay free: a line that is full would wrap
LEAST_ROWS = 14  # of a terminal in which the turn takes three rows
MOST_WAITING = 1000  # texts that wait to be written; more of them are thrown away
MOST_BEHIND = 8  # texts that wait, from which on the block is not drawn anew
MOST_AT_ONCE = 512  # bytes: a pipe that has room takes as many without waiting (POSIX's least PIPE_BUF)
CLOSING = 1.0  # seconds in which the last lines must be written
ITS_TURN = "its"  # how the agent's own turns begin


class StatusLine:
    """Lines on standard output and, on a terminal, a block below them. With `plain`, lines go to standard error.

    Where standard output is no terminal, or one that knows no escape sequences, there are only lines.
    """

    def __init__(self, plain: bool = False) -> None:
        self._out = sys.stderr if plain else sys.stdout
        self.is_live = not plain and _can_draw(self._out)
        self._has_colour = self.is_live and _has_colour(self._out)
        self._block: list[str] = []
        self._drawn: list[str] = []  # the block's lines as they stand on the screen, without colours
        self._note = ""
        self._writer = _Writer(self._out)

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()
        if not self._writer.close(CLOSING):
            standard_streams.abandon(self._out)

    def line(self, text: str) -> None:
        """Write a line that stays, above the block."""
        former = self._erase()
        self._drawn = []
        self._writer.write(f"{former}{printable(text)}\n")
        if former:
            self._draw(self._block)

    def show(self, block: Sequence[str]) -> None:
        """Draw the block anew, the turn first; nothing is written where the same is there already."""
        self._block = list(block)
        if self.is_live and is_foreground(self._out):
            self._draw(self._block)

    def note(self, text: str) -> None:
        """Say something for a moment: below the block, until the next note. Without a block, it is a line."""
        if not self.is_live:
            if text:
                self.line(text)
            return
        self._note = text
        if self._block:
            self.show(self._block)

    def hide(self) -> None:
        """Take the block away until it is shown again."""
        if self._drawn:
            self._writer.write(self._erase())
            self._drawn = []

    def settle(self) -> None:
        """Wait until everything is written."""
        self._writer.settle()

    def _draw(self, block: Sequence[str]) -> None:
        size = shutil.get_terminal_size()
        width = max(size.columns - MARGIN, 1)
        turn = list(block[:1])
        if turn and size.lines >= LEAST_ROWS:
            turn = turn_lines(turn[0], width, " " if self._has_colour else "-")
        rest = [*block[1:], *([self._note] if self._note else [])]
        plain = [cut(line, width) for line in (*turn, *rest)][: max(size.lines - 1, 1)]
        if plain == self._drawn or self._writer.is_behind:
            return
        colour = self._colour(block[0]) if block else ""
        drawn = [f"{colour}{line}{RESET}" if i < len(turn) else line for i, line in enumerate(plain)]
        self._writer.write(self._erase() + "\n".join(drawn))
        self._drawn = plain

    def _colour(self, turn: str) -> str:
        if not self._has_colour:
            return BOLD
        return BLACK_ON_YELLOW if turn.lstrip("● ").startswith(ITS_TURN) else BLACK_ON_CYAN

    def _erase(self) -> str:
        """What moves the cursor to where the block begins, and clears from there; nothing where no block is drawn."""
        if not self._drawn:
            return ""
        columns = max(shutil.get_terminal_size().columns, 1)  # narrower than it was, lines have wrapped
        rows = sum(max(-(-width_of(line) // columns), 1) for line in self._drawn) - 1
        up = CURSOR_UP.format(rows) if rows else ""
        return f"\r{up}{CLEAR_TO_END}"


def printable(text: str) -> str:
    """The text without what would move the cursor: names of ports and styles may hold anything."""
    return "".join(c if c.isprintable() or 0xDC80 <= ord(c) <= 0xDCFF else " " for c in text)


def width_of(text: str) -> int:
    """Columns of a text: Chinese, Japanese and Korean signs and most emoji take two, accents of their own none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def cut(text: str, width: int) -> str:
    """As much of a text as fits into so many columns."""
    text = printable(text)
    while width_of(text) > width:
        text = text[:-1]
    return text


def turn_lines(turn: str, width: int, edge: str) -> list[str]:
    """Whose turn it is, to be read from a music stand: spaced capitals between two rows of `edge`."""
    words = turn.lstrip("● ").upper()
    spaced = " ".join(words)
    text = spaced if len(spaced) + 3 <= width else words
    return [edge * width, f" ● {text}".ljust(width), edge * width]


def _can_draw(out: TextIO) -> bool:
    """Whether this is a terminal that can move its cursor."""
    with contextlib.suppress(OSError, ValueError):
        kind = os.environ.get("TERM") or ("dumb" if os.name == "posix" else "ansi")
        return out.isatty() and kind not in ("dumb", "unknown")
    return False


def _has_colour(out: TextIO) -> bool:
    """Whether the terminal has colours, and its user wants some (see no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    try:
        import curses

        curses.setupterm(fd=out.fileno())
        return curses.tigetnum("colors") >= 8
    except Exception:  # no curses, no descriptor, or a terminal that this machine does not know
        return bool(os.environ.get("COLORTERM")) or os.name == "nt"


class _Writer:
    """A thread that writes texts to a stream, one after another. What cannot be written is lost, and nothing waits for it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._texts: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    @property
    def is_behind(self) -> bool:
        return self._texts.qsize() > MOST_BEHIND

    def write(self, text: str) -> None:
        if self._thread.ident is None:
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._texts.put_nowait(text)

    def settle(self) -> None:
        if self._thread.is_alive():
            self._texts.join()

    def close(self, seconds: float) -> bool:
        """Write what waits; False where it could not be written in so many seconds."""
        if not self._thread.is_alive():
            return True
        with contextlib.suppress(queue.Full):
            self._texts.put_nowait(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (text := self._texts.get()) is not None:
            self._write(text)
            self._texts.task_done()
        self._texts.task_done()

    def _write(self, text: str) -> None:
        """Write a text. A disk that is full may have room for the next one."""
        with contextlib.suppress(OSError, ValueError):
            if os.name != "posix" or self._out not in (sys.__stdout__, sys.__stderr__):
                self._out.write(text)
                self._out.flush()
                return
            # The stream's own lock would be held while the terminal takes nothing, and could not be had at the end.
            data = text.encode(self._out.encoding, self._out.errors or "replace")
            descriptor = self._out.fileno()
            while data:
                select.select([], [descriptor], [])
                data = data[os.write(descriptor, data[:MOST_AT_ONCE]) :]
