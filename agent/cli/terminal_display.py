"""What the terminal shows: lines that stay, and below them one block that is drawn in place, over and over."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from types import TracebackType

CLEAR_TO_END = "\x1b[J"  # ANSI escape sequences, as ECMA-48 has them
CURSOR_UP = "\x1b[{}A"  # so many lines
MARGIN = 1  # columns that stay free: a line that is full would wrap


class StatusLine:
    """Lines on standard output and, on a terminal, a block below them. With `plain`, lines go to standard error.

    Where standard output is no terminal there are only lines.
    """

    def __init__(self, plain: bool = False) -> None:
        self._out = sys.stderr if plain else sys.stdout
        self.is_live = self._out.isatty() and not plain
        self._block: list[str] = []
        self._drawn = ""  # the block as it stands on the screen

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_live and self._block:
            self._write(self._erase())

    def line(self, text: str) -> None:
        """Write a line that stays, above the block."""
        if not self.is_live:
            self._write(f"{text}\n")
            return
        erase = self._erase()
        self._drawn = self._cut_to_width()
        self._write(f"{erase}{text}\n{self._drawn}")

    def show(self, block: Sequence[str]) -> None:
        """Draw the block anew; nothing is written where the same is there already."""
        if not self.is_live:
            return
        self._block = list(block)
        fresh = self._cut_to_width()
        if fresh != self._drawn:
            self._write(self._erase() + fresh)
            self._drawn = fresh

    def _cut_to_width(self) -> str:
        """The block, each line cut to the terminal's width."""
        width = shutil.get_terminal_size().columns - MARGIN
        return "\n".join(line[:width] for line in self._block)

    def _erase(self) -> str:
        """What moves the cursor to where the block begins, and clears from there."""
        rows = self._drawn.count("\n")
        up = CURSOR_UP.format(rows) if rows else ""
        return f"\r{up}{CLEAR_TO_END}"

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
