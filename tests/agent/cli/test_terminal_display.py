"""Lines stay, the block is drawn in place; without a terminal there are only lines."""

from __future__ import annotations

import io
import os
import threading

import pytest

from agent.cli import terminal_display
from agent.cli.terminal_display import BLACK_ON_CYAN, BLACK_ON_YELLOW, StatusLine, width_of
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
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((20, 10)))
    with StatusLine() as status:
        status.line("Listening.")
        status.show(["listening", "style: slow"])
        status.show(["answering", "style: slow", "x" * 50])
        status.settle()
        written = len(terminal.getvalue())
        status.show(["answering", "style: slow", "x" * 50])
        status.settle()
        assert len(terminal.getvalue()) == written  # nothing new, nothing drawn
        status.line("Saved.")
        status.settle()
        shown = Screen(terminal.getvalue()).rows
        assert shown == ["Listening.", "Saved.", "answering", "style: slow", "x" * 19]  # cut, not wrapped
        status.show(["listening"])
        status.settle()
        assert Screen(terminal.getvalue()).rows == ["Listening.", "Saved.", "listening"]
    assert Screen(terminal.getvalue()).rows == ["Listening.", "Saved.", ""]


BLOCK = ["● its turn", "style     Ragtime", "health    3 notes", "ports     none"]


def drawn(monkeypatch: pytest.MonkeyPatch, block: list[str], size: tuple[int, int], **env: str) -> str:
    """What a terminal of so many columns and rows gets for one block and a note, before it is taken away."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size(size))
    with StatusLine() as status:
        status.line("Hello.")
        status.show(block)
        status.note("d: duet")
        status.settle()
        return terminal.getvalue()


def test_the_turn_is_large_and_has_a_colour_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    text = drawn(monkeypatch, BLOCK, (40, 24), **colours)
    rows = Screen(text).rows
    assert [row.strip() for row in rows] == ["Hello.", "", "● I T S   T U R N", "", *BLOCK[1:], "d: duet"]
    assert text.count(BLACK_ON_YELLOW) >= 3
    assert BLACK_ON_CYAN not in text
    assert BLACK_ON_CYAN in drawn(monkeypatch, ["● your turn"], (40, 24), **colours)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, BLOCK, (40, 24), TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1")
    assert "46m" not in text
    assert "43m" not in text
    assert [row.strip("- ") for row in Screen(text).rows][2] == "● I T S   T U R N"


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_dumb_terminal_gets_lines_alone(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    assert drawn(monkeypatch, BLOCK, (40, 24), TERM=kind) == "Hello.\nd: duet\n"


@pytest.mark.parametrize("size", [(1, 1), (3, 24), (10, 2), (12, 4), (80, 13), (300, 80)])
def test_the_block_fits_into_every_terminal(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    rows = Screen(drawn(monkeypatch, BLOCK, size, TERM="xterm")).rows
    assert rows[0] == "Hello."
    assert 1 <= len(rows) - 1 <= max(size[1] - 1, 1)
    assert all(width_of(row) <= max(size[0] - 1, 1) for row in rows[1:])


def test_names_cannot_move_the_cursor_and_wide_signs_do_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    block = ["● your turn", "style     a\nb\x1b[2Jc", "ports     日本語の鍵盤日本語の鍵盤 → out"]
    rows = Screen(drawn(monkeypatch, block, (30, 10), TERM="xterm")).rows
    assert rows[2] == "style     a b [2Jc"
    assert width_of(rows[3]) in (28, 29)
    assert len(rows) == 5


def test_in_the_background_nothing_is_drawn_into_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_display, "is_foreground", lambda stream: False)
    assert drawn(monkeypatch, BLOCK, (40, 24), TERM="xterm") == "Hello.\n"


def test_a_terminal_that_takes_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Terminal):
        def write(self, text: str) -> int:
            released.wait(10)
            return super().write(text)

    released = threading.Event()
    terminal = Stopped()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    status = StatusLine()
    with status:
        for number in range(2000):
            status.line(f"{number}")
            status.show([f"● {number}"])  # none of it waits
        assert terminal.getvalue() == ""
        released.set()
        status.settle()
        assert terminal.getvalue().startswith("0\n")


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
        "song": {"at": 1, "names": ["Opening", "Blues in F"]},
        "bar": {"start": 10.0, "length": 2.0, "beats": 4},
        "figures": {"first note": {"p50": 4.6}, "lateness": {"p99": 0.31}, "cut-in": {}},
        "level": {"step": 1, "word": "fewer candidates"},
        "chosen_from": 12,
        "misses": 1,
        "notes": 40,
    }
    block = lines(row, 13.1, ["Keystation"], "tradefours:out")
    assert block == [
        "● its turn",
        "style     2 of 2: Blues in F · Ragtime · trade · 120 beats a minute, beat 3 of 4 · density +0.5 · swing 62 %",
        "health    40 notes, 1 missed · late by 0.3 ms at p99 · first note after 5 ms · chosen from 12 · fewer candidates",
        "ports     Keystation → tradefours:out",
    ]
    row |= {
        "ready": False,
        "song": {"at": 0, "names": []},
        "chosen_from": 0,
        "bar": None,
        "figures": {"first note": {}, "lateness": {}},
        "level": {"step": 0, "word": ""},
    }
    assert lines(row, 13.1, [], "the page")[0] == "● play, it is waking up"
    assert "free time" in lines(row, 13.1, [], "the page")[1]
