"""The client of the worker: a musician in a process of its own, asked for notes and styles."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from models.music.note_records import Note, Span, span_to_wire, to_wire

from ..errors import UserError
from .worker_client_interface import REPLACED, WorkerLost, WorkerReplaced
from .worker_reply_checks import read_counts, read_note, read_ready, read_seconds, read_style
from .worker_subprocess import WorkerProcess

STARTING = 120.0  # seconds in which a worker gets ready
MEASURING = 300.0  # seconds in which a worker measures itself
MOST_NOTES = 1000  # in reply to one request


def worker_command(weights: str = "open", engine: str = "live", instead: str | None = None) -> list[str]:
    """How to start the musician on this machine, or another one `instead`, whose command is given in words."""
    if instead:
        return shlex.split(instead)
    return [sys.executable, "-m", "models.worker", "--weights", weights, "--engine", engine]


class WorkerClient(WorkerProcess):
    """One worker. `ready` is what it said of itself, once it has.

    Another one may take its place, where `others` says how one with weights of some name is started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command)
        self.others: Callable[[str], list[str]] | None = None
        self.ready: dict[str, Any] | None = None
        self.did: dict[str, int] = {}  # counts of what it did so far: see `models.decoding.engine`
        self._former: list[str] = []  # the command of the one whose place was taken, until the other is ready
        self._base = 0  # the number of the first note that this process was told

    async def wait_ready(self, seconds: float = STARTING) -> dict[str, Any]:
        """Wait for the musician to say that it can play. Raises WorkerLost, or UserError where it says why it cannot."""
        try:
            ready = read_ready(await self._next(seconds))
        except WorkerReplaced:
            raise
        except (WorkerLost, UserError):
            if self._former:  # the one before it could play
                self._set_command(self._former)
            self._former = []
            raise
        self._former = []
        self.ready = ready
        return ready

    def seat(self, weights: str) -> bool:
        """Have a musician with these weights instead; whether there will be another: not where the user has named one."""
        if self.others is None or (command := self.others(weights)) == self.command:
            return False
        self._former = self._former or self.command
        self._set_command(command)
        self._is_replaced = True
        self._give_up(REPLACED)
        return True

    def hear(self, at: int, notes: Sequence[Note]) -> None:
        """From note `at` of the session on, this is what was heard."""
        self._tell({"do": "hear", "at": max(at - self._base, 0), "notes": [to_wire(n) for n in notes]})

    def join(self, at: int, notes: Sequence[Note]) -> None:
        """Tell a process that is new to the session its last notes, the first of which is number `at`."""
        self._base = at
        self.hear(at, notes)

    def style(self, z: Sequence[float] | None, sampling: dict[str, float]) -> None:
        """Style and sampling from the next note on."""
        self._tell({"do": "style", "z": None if z is None else list(z), "sampling": sampling})

    def vamp(self, notes: Sequence[Note]) -> None:
        """A few bars of the style, to have in the ear before each answer to come."""
        self._tell({"do": "vamp", "notes": [to_wire(n) for n in notes]})

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""
        self._tell({"do": "seed", "seed": seed})

    def draft(self, span: Span, candidates: int) -> None:
        """In spare time, think of what `play` will ask for: the best of so many answers is then there at once."""
        self._tell({"do": "draft", "candidates": candidates, "side_by_side": True, **span_to_wire(span)})

    async def play(self, span: Span) -> AsyncGenerator[Note | str, None]:
        """The next notes of the answer as they are invented, and at last "more" or "end". Raises WorkerLost."""
        ident = self._ask({"do": "play", **span_to_wire(span)})
        for _ in range(MOST_NOTES):
            reply = await self._reply_to(ident)
            if "note" in reply:
                yield read_note(reply, span)
            elif "done" in reply:
                if isinstance(reply.get("did"), dict):
                    self.did = read_counts(reply["did"])
                yield str(reply["done"])
                return
            else:
                raise WorkerLost(str(reply.get("error", reply))[:200])
        raise WorkerLost("it plays without end")

    async def encode(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """The style of some notes: a point, and habits as settings. Raises UserError where there are too few, WorkerLost."""
        return self._read_style(await self._reply_to(self._ask(_encode(notes))))

    async def encode_aside(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """`encode`, for somebody else than who plays: both may wait for a reply at the same time."""
        return self._read_style(await self._ask_aside(_encode(notes)))

    async def measure(self, notes: int, patience: float = MEASURING) -> dict[str, list[float]]:
        """How long the musician takes for what it does, in seconds; it forgets the session. Raises WorkerLost."""
        ident = self._ask({"do": "measure", "notes": notes})
        reply = await self._reply_to(ident, patience)
        return read_seconds(reply)

    def _read_style(self, reply: dict[str, Any]) -> tuple[list[float], dict[str, float]]:
        return read_style(reply, (self.ready or {}).get("style"))

    def _set_command(self, command: list[str]) -> None:
        self.command = command
        self.journal({"seat": command[1:]})


def _encode(notes: Sequence[Note]) -> dict[str, Any]:
    """What is asked for to know the style of some notes."""
    return {"do": "encode", "notes": [to_wire(n) for n in notes]}
