"""The status: what the terminal shows. Lines stay; below them one calm block is drawn in place, over and over.

Knows nothing of what it shows. Where standard output is no terminal there are only lines.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from types import TracebackType

CLEAR, UP = "\r\x1b[J", "\x1b[{}A"  # from here to the screen's end; so many lines up
MARGIN = 1  # columns that stay free: a line that is full would wrap


class Status:
    """Lines on standard output and, on a terminal, a block below them. With `plain`, lines go to standard error."""

    def __init__(self, plain: bool = False) -> None:
        self._out = sys.stderr if plain else sys.stdout
        self.is_live = self._out.isatty() and not plain
        self._block: list[str] = []
        self._drawn = ""

    def __enter__(self) -> Status:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_live and self._block:
            self._write(self._back())

    def line(self, text: str) -> None:
        """A line that stays, above the block."""
        if not self.is_live:
            self._write(f"{text}\n")
            return
        back, self._drawn = self._back(), ""
        self._write(f"{back}{text}\n{self._fresh()}")

    def show(self, block: Sequence[str]) -> None:
        """The state of things, in a few lines; nothing is written where it is what is there already."""
        if not self.is_live:
            return
        former, self._block = self._drawn, list(block)
        back = self._back()
        if (fresh := self._fresh()) != former:
            self._write(back + fresh)

    def _fresh(self) -> str:
        wide = shutil.get_terminal_size().columns - MARGIN
        self._drawn = "\n".join(line[:wide] for line in self._block)
        return self._drawn

    def _back(self) -> str:
        """To where the block begins, and nothing is there."""
        up = self._drawn.count("\n")
        return "\r" + (UP.format(up) if up else "") + CLEAR[1:]

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
