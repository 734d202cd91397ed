"""The encore: the musician of a take is asked all that it was asked, and must play the same, bit for bit.

Knows nothing of sessions or time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .. import isolated_launcher
from .session_replay import Row

OURS = ["-m", "models.worker"]


class ModelReplay:
    """One musician after another, as in the take.

    How much one did in spare time before each request is chance; its replies told it, so it is asked to do as much. Older takes tell
    only from how many drafts an answer was chosen.
    """

    def __init__(self, told: list[Row], musician: Sequence[str]) -> None:
        self.musician = musician
        self.got, self.chosen_from = _answers(told)
        self.spared = _spared(told)
        self._started = any("starts" in row for row in told)  # older takes do not tell when a process began
        self._process: subprocess.Popen[str] | None = None
        # what it says of itself once it is ready
        self._unread = False
        self._about = dict[str, Any]()
        self._life = self._asked = 0
        self._draft: Row = {}

    def row(self, row: Row) -> str:
        """One row of the take; the first difference, or "". Raises OSError, ValueError."""
        if "seat" in row:
            self.musician = row["seat"]
        elif "starts" in row:
            return self._start()
        elif "ready" in row.get("got", {}):
            why = "" if self._started else self._start()
            return why or self._ready(row["got"]["ready"])
        elif "ask" in row:
            return self._ask(row["ask"], row["t"])
        return ""

    def end(self) -> None:
        """End the process that there is."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> str:
        self.end()
        if not _ours(self.musician):
            return "not asked: it was started by a command that is not ours, and a take starts no other program"
        command = isolated_launcher.isolate([sys.executable, *self.musician])
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._life = self._life + 1
        self._asked = 0
        self._draft = {}
        self._unread = True
        return ""

    def _ready(self, before: Row) -> str:
        now = self._told_ready()
        for what in ("fingerprint", "engine"):
            if now.get(what) != before.get(what):
                return f"another one: {what} {before.get(what)} then, {now.get(what, 'none')} now"
        return ""

    def _told_ready(self) -> Row:
        """What it says of itself, once."""
        if self._unread:
            self._unread = False
            ready = self._line().get("ready", {})
            self._about = ready if isinstance(ready, dict) else {}
        return self._about

    def _ask(self, asked: Row, when: float) -> str:
        if self._process is None:
            return ""  # nobody was there to hear it
        number = self._asked
        self._asked = self._asked + 1
        ident = asked.get("id")
        if self._started:
            self._send({"do": "spare", "steps": self.spared.get((self._life, number), 0)})
        elif asked["do"] == "draft":
            self._draft = asked
            return ""
        elif count := self.chosen_from.get((self._life, ident), 0):
            self._send({**self._draft, "candidates": count, "at_once": True})
        self._send(asked)
        return "" if ident is None else self._compare(ident, when)

    def _compare(self, ident: Any, when: float) -> str:
        """What it answers now, beside what it did then."""
        self._told_ready()
        replies = self.got.get((self._life, ident), [])
        for before in replies:
            if (now := _without_counts(self._line())) != before:
                return f"at {when:.3f} s: {json.dumps(before)} then, {json.dumps(now)} now"
        while not replies or "note" in replies[-1]:  # what it went on to say when the session was over
            replies = [self._line()]
        return ""

    def _send(self, request: Row) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _line(self) -> Row:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError("it ended")
        reply = json.loads(line)
        return reply if isinstance(reply, dict) else {}


def ask_again(told: list[Row], musician: Sequence[str]) -> str:
    """Ask a musician all that it was asked, and compare each answer; the first difference, or ""."""
    replay = ModelReplay(told, musician)
    try:
        return next((why for row in told if (why := replay.row(row))), "")
    except (OSError, ValueError) as error:
        return f"it did not answer ({error})"
    finally:
        replay.end()


def _spared(told: list[Row]) -> dict[tuple[int, int], int]:
    """Steps in spare time before each request of each life, as the replies tell; {} where none does."""
    spared: dict[tuple[int, int], int] = {}
    started = any("starts" in row for row in told)
    life = asked = 0
    number: dict[Any, int] = {}  # of the request with each id
    for row in told:
        if "starts" in row or (not started and "ready" in row.get("got", {})):
            life = life + 1
            asked = 0
            number = {}
        if "ask" in row:
            if "id" in row["ask"]:
                number[row["ask"]["id"]] = asked
            asked += 1
        steps = row.get("got", {}).get("spared", ())
        last = number.get(row.get("got", {}).get("id"), -1)
        for back, count in enumerate(reversed(steps)):
            spared[life, last - back] = int(count)
    return spared


def _answers(told: list[Row]) -> tuple[dict[tuple[int, Any], list[Row]], dict[tuple[int, Any], int]]:
    """What was answered to each request of each life, and from how many drafts it was chosen: how many there is time for is chance."""
    got: dict[tuple[int, Any], list[Row]] = {}
    chosen_from: dict[tuple[int, Any], int] = {}
    life = 0
    started = any("starts" in row for row in told)
    for row in told:
        reply = row.get("got", {})
        life += "starts" in row or (not started and "ready" in reply)
        if "id" in reply:
            got.setdefault((life, reply["id"]), []).append(_without_counts(reply))
            if (did := reply.get("did")) is not None:
                chosen_from[life, reply["id"]] = int(did.get("chosen_from", 0))
    return got, chosen_from


def _without_counts(reply: Row) -> Row:
    return {k: v for k, v in reply.items() if k not in ("did", "spared")}


def _ours(command: object) -> bool:
    """Whether a command starts our own worker, whatever it is told. A take may come from anyone."""
    return isinstance(command, list) and command[: len(OURS)] == OURS and all(isinstance(word, str) for word in command)
