"""Lines stay, the state is drawn over; without a terminal there are only lines."""

from __future__ import annotations

import io

import pytest

from agent.status import CLEAR, Status


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_keeps_one_state_below_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    with Status() as status:
        status.line("Listening.")
        status.show("listening")
        status.show("answering")
        status.show("answering")
        status.line("Saved.")
    text = out.getvalue()
    assert text.count("· answering") == 3 - 1  # drawn once, and once more below the new line
    assert text.endswith(CLEAR)
    assert "Listening.\n" in text
    assert "Saved.\n" in text


def test_without_a_terminal_there_are_only_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Status() as status:
        status.show("listening")
        status.line("One.")
    with Status(plain=True) as status:
        status.line("Two.")
    captured = capsys.readouterr()
    assert captured.out == "One.\n"
    assert captured.err == "Two.\n"
