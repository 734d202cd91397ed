"""Lines stay, the block is drawn in place; without a terminal there are only lines."""

from __future__ import annotations

import io
import os

import pytest

from agent.cli.terminal_display import StatusLine
from agent.control.parameters import PARAMETERS
from agent.session.snapshot import lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Screen:
    """What a terminal would show: it knows returns, new lines, so many lines up, and clearing to the end."""

    def __init__(self, text: str) -> None:
        self.rows, self.row, self.column, self.lowest = [""], 0, 0, 0
        i = 0
        while i < len(text):
            if text[i] == "\x1b":
                end = next(k for k in range(i, len(text)) if text[k].isalpha())
                self.obey(text[i + 2 : end], text[end])
                i = end + 1
                continue
            self.put(text[i])
            i += 1

    def obey(self, number: str, letter: str) -> None:
        if letter == "A":
            self.row -= int(number)
            assert self.row >= 0, "above the screen"
        elif letter == "J":
            self.rows = [*self.rows[: self.row], self.rows[self.row][: self.column]]

    def put(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        else:
            row = self.rows[self.row]
            self.rows[self.row] = row[: self.column] + sign + row[self.column + 1 :]
            self.column += 1


def test_a_terminal_keeps_one_block_below_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((20, 24)))
    with StatusLine() as status:
        status.line("Listening.")
        status.show(["listening", "style: slow"])
        status.show(["answering", "style: slow", "x" * 50])
        written = len(terminal.getvalue())
        status.show(["answering", "style: slow", "x" * 50])
        assert len(terminal.getvalue()) == written  # nothing new, nothing drawn
        status.line("Saved.")
        shown = Screen(terminal.getvalue()).rows
        assert shown == ["Listening.", "Saved.", "answering", "style: slow", "x" * 19]  # cut, not wrapped
        status.show(["listening"])
        assert Screen(terminal.getvalue()).rows == ["Listening.", "Saved.", "listening"]
    assert Screen(terminal.getvalue()).rows == ["Listening.", "Saved.", ""]


def test_without_a_terminal_there_are_only_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with StatusLine() as status:
        status.show(["listening"])
        status.line("One.")
    with StatusLine(plain=True) as status:
        status.line("Two.")
    captured = capsys.readouterr()
    assert captured.out == "One.\n"
    assert captured.err == "Two.\n"


def test_the_block_says_what_matters() -> None:
    row = {
        "ready": True,
        "showing": "answering",
        "mode": "trade",
        "preset": {"name": "ragtime", "title": "Ragtime"},
        "parameters": {name: p.rest for name, p in PARAMETERS.items()} | {"density": 0.5, "swing": 62.0},
        "bar": {"start": 10.0, "length": 2.0, "beats": 4},
        "figures": {"first note": {"p50": 4.6}, "lateness": {"p99": 0.31}, "cut-in": {}},
        "level": {"step": 1, "word": "fewer candidates"},
        "misses": 1,
        "notes": 40,
    }
    block = lines(row, 13.1, ["Keystation"], "tradefours:out")
    assert block == [
        "● its turn",
        "style     Ragtime · trade · 120 beats a minute, beat 3 of 4 · density +0.5 · swing 62 %",
        "health    40 notes, 1 missed · late by 0.3 ms at p99 · first note after 5 ms · fewer candidates",
        "ports     Keystation → tradefours:out",
    ]
    row |= {
        "ready": False,
        "bar": None,
        "figures": {"first note": {}, "lateness": {}},
        "level": {"step": 0, "word": ""},
    }
    assert lines(row, 13.1, [], "the page")[0] == "● play, it is waking up"
    assert "free time" in lines(row, 13.1, [], "the page")[1]
