"""The musician's process as the rest of the performer sees it: the interface of a worker client, and of its fake in tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from models.music.note_records import Note, Span

REPLACED = "another musician takes the seat"  # why a worker ended whose place another one takes


class WorkerLost(Exception):
    """The worker's process is gone, hangs or says nonsense."""


class WorkerReplaced(WorkerLost):
    """It is gone because another worker takes its place: nothing is wrong."""


class Worker(Protocol):
    """A musician that can be started, told what was played, and asked for notes.

    `agent.playing.worker_client.WorkerClient` is the real one, `tests.support.fakes.FakeWorker` the fake.
    """

    @property
    def gone(self) -> asyncio.Event:
        """Set once the process has ended, or was given up. Each start makes a new one."""

    @property
    def ready(self) -> dict[str, Any] | None:
        """What the worker said of itself when it was ready; None before that."""

    @property
    def did(self) -> dict[str, int]:
        """Counts of what the worker did so far: see `models.decoding.engine`."""

    async def start(self) -> None:
        """Start the process. Raises UserError."""

    async def wait_ready(self) -> dict[str, Any]:
        """Wait until it can play; returns what it says of itself. Raises WorkerLost, or UserError where it says why it cannot."""

    async def close(self) -> None:
        """End the process. May be called twice."""

    def loss(self) -> WorkerLost:
        """The WorkerLost to raise where it is gone."""

    def seat(self, weights: str) -> bool:
        """Have a worker with these weights instead; returns whether there will be another."""

    def hear(self, at: int, notes: Sequence[Note]) -> None:
        """From note number `at` of the session on, this was played."""

    def join(self, at: int, notes: Sequence[Note]) -> None:
        """Tell a new process the session's last notes; the first of them is number `at`."""

    def style(self, z: Sequence[float] | None, sampling: dict[str, float]) -> None:
        """Style and sampling settings, from the next note on."""

    def vamp(self, notes: Sequence[Note]) -> None:
        """The style prompt: a few bars that come before each answer."""

    def seed(self, seed: int) -> None:
        """Make what follows repeatable."""

    def draft(self, span: Span, candidates: int) -> None:
        """In spare time, prepare so many candidates for what `play` will ask for."""

    def play(self, span: Span) -> AsyncGenerator[Note | str, None]:
        """The next notes of the answer as they are generated, and at last "more" or "end". Raises WorkerLost."""

    async def encode(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """The style of some notes: a point, and habits as settings. Raises UserError where there are too few, WorkerLost."""

    async def encode_aside(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """`encode`, for somebody else than who plays: both may wait for a reply at the same time."""
