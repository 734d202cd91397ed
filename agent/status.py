"""The status: what the terminal shows. Lines stay; below them one calm line is drawn over and over.

Knows nothing of what it shows. Where standard output is no terminal there are only lines.
"""

from __future__ import annotations

import sys
from types import TracebackType

CLEAR = "\r\x1b[2K"


class Status:
    """Lines on standard output and, on a terminal, a state below them. With `plain`, lines go to standard error."""

    def __init__(self, plain: bool = False) -> None:
        self._out = sys.stderr if plain else sys.stdout
        self._live = self._out.isatty() and not plain
        self._state = ""

    def __enter__(self) -> Status:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live and self._state:
            self._write(CLEAR)

    def line(self, text: str) -> None:
        """A line that stays."""
        self._write(f"{CLEAR if self._live else ''}{text}\n{self._state if self._live else ''}")

    def show(self, state: str) -> None:
        """The state of things, in a word or two."""
        shown = f"· {state}"
        if self._live and shown != self._state:
            self._state = shown
            self._write(f"{CLEAR}{self._state}")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
