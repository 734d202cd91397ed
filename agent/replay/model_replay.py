"""The encore: the musician of a take is asked all that it was asked, and must play the same, bit for bit.

Knows nothing of sessions or time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .. import launcher
from .session_replay import Row

OURS = ["-m", "models.worker"]


def ask_again(told: list[Row], musician: Sequence[str]) -> str:
    """Ask a musician all that it was asked, and compare each answer; the first difference, or ""."""
    process: subprocess.Popen[str] | None = None
    lives = [r for r in told if "ask" in r or "seat" in r or "ready" in r.get("got", {})]
    got, chosen_from = _answers(told)
    life, draft = 0, dict[str, Any]()
    try:
        for row in lives:
            if "seat" in row:
                musician = row["seat"]
                continue
            if "got" in row:
                life += 1
                _end(process)
                if not _ours(musician):
                    return "not asked: it was started by a command that is not ours, and a take starts no other program"
                command = launcher.isolate([sys.executable, *musician])
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
                ready, before = _line(process).get("ready", {}), row["got"]["ready"]
                for what in ("fingerprint", "engine"):
                    if ready.get(what) != before.get(what):
                        return f"another one: {what} {before.get(what)} then, {ready.get(what, 'none')} now"
                continue
            assert process is not None
            asked, ident = row["ask"], row["ask"].get("id")
            if asked["do"] == "draft":
                draft = asked
                continue
            if count := chosen_from.get((life, ident), 0):
                _send(process, {**draft, "candidates": count, "at_once": True})
            _send(process, asked)
            if ident is None:
                continue
            replies = got.get((life, ident), [])
            for before in replies:
                if (now := _without_counts(_line(process))) != before:
                    return f"at {row['t']:.3f} s: {json.dumps(before)} then, {json.dumps(now)} now"
            while not replies or "note" in replies[-1]:  # what it went on to say when the session was over
                replies = [_line(process)]
    except (OSError, ValueError) as error:
        return f"it did not answer ({error})"
    finally:
        _end(process)
    return ""


def _answers(told: list[Row]) -> tuple[dict[tuple[int, Any], list[Row]], dict[tuple[int, Any], int]]:
    """What was answered to each request of each life, and from how many drafts it was chosen: how many there is time for is chance."""
    got: dict[tuple[int, Any], list[Row]] = {}
    chosen_from: dict[tuple[int, Any], int] = {}
    life = 0
    for reply in (row["got"] for row in told if "got" in row):
        life += "ready" in reply
        if "id" in reply:
            got.setdefault((life, reply["id"]), []).append(_without_counts(reply))
            if (did := reply.get("did")) is not None:
                chosen_from[life, reply["id"]] = int(did.get("chosen_from", 0))
    return got, chosen_from


def _without_counts(reply: Row) -> Row:
    return {k: v for k, v in reply.items() if k != "did"}


def _ours(command: object) -> bool:
    """Whether a command starts our own worker, whatever it is told. A take may come from anyone."""
    return isinstance(command, list) and command[: len(OURS)] == OURS and all(isinstance(word, str) for word in command)


def _send(process: subprocess.Popen[str], request: Row) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> Row:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise ValueError("it ended")
    reply = json.loads(line)
    return reply if isinstance(reply, dict) else {}


def _end(process: subprocess.Popen[str] | None) -> None:
    if process is not None:
        process.kill()
        process.communicate()
