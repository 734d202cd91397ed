"""The worker's process: started, told requests, read line by line, given up where it hangs or says nonsense, and ended.

Requests and replies are JSON objects, a line each (`models.worker`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from .. import isolated_launcher
from ..errors import UserError
from .worker_client_interface import REPLACED, WorkerLost, WorkerReplaced

PATIENCE = 5.0  # seconds without a word in reply to a request: it hangs
CLOSING = 0.5  # seconds in which a worker ends by itself once its input has ended
LINE_LIMIT = 1 << 20  # bytes of a reply
MOST_UNREAD = 4 << 20  # bytes of requests that it has not read: it hangs
MOST_UNASKED = 10_000  # replies that nobody waits for: it babbles
MOST_STDERR = 2000  # bytes that are kept of what it wrote there

Row = dict[str, Any]


class WorkerProcess:
    """One process at a time. `journal` is told of each request, each reply, and the start and end of each process."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.journal: Callable[[Row], None] = lambda row: None
        self.gone = asyncio.Event()  # set once the process has ended, or was given up
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = b""
        self._is_replaced = False
        self._tasks: list[asyncio.Task[None]] = []
        self._replies: asyncio.Queue[Row | None] = asyncio.Queue()
        self._aside: dict[Any, asyncio.Future[Row | None]] = {}  # who else waits for a reply, by request
        self._ident = 0

    async def start(self) -> None:
        """Start the process. It can be talked to at once, and answers when it is ready. Raises UserError."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *isolated_launcher.isolate(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
                start_new_session=True,  # Ctrl-C is for us; the worker ends when its input does
            )
        except OSError as error:
            raise UserError(f"the musician cannot be started ({self.command[0]}: {error.strerror}).") from error
        self._replies = asyncio.Queue()
        self.gone = asyncio.Event()
        self._stderr = b""
        self._is_replaced = False
        self.journal({"starts": True})
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    @property
    def pid(self) -> int | None:
        """The number of its process on this machine."""
        return None if self._process is None else self._process.pid

    async def close(self) -> None:
        """End the process. May be called twice."""
        process = self._process
        self._process = None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(CLOSING):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def loss(self) -> WorkerLost:
        """What to raise where it is gone."""
        return WorkerReplaced(REPLACED) if self._is_replaced else WorkerLost(self.last_words or "it ended")

    @property
    def last_words(self) -> str:
        """The last line that it wrote on standard error."""
        return self._stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]

    def _ask(self, request: Row) -> int:
        ident = self._next_ident()
        self._tell({**request, "id": ident})
        return ident

    async def _ask_aside(self, request: Row) -> Row:
        """The reply to a request of somebody else than who plays: both may wait at the same time. Raises WorkerLost."""
        if self._process is None or self.gone.is_set():
            raise self.loss()
        ident = self._next_ident()
        waiting: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._aside[ident] = waiting
        self._tell({**request, "id": ident}, aside=True)
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await waiting
        except TimeoutError:
            raise WorkerLost(f"it has said nothing for {PATIENCE:.0f} s") from None
        finally:
            self._aside.pop(ident, None)
        if reply is None:
            raise self.loss()
        return reply

    def _next_ident(self) -> int:
        self._ident += 1
        return self._ident

    def _tell(self, request: Row, *, aside: bool = False) -> None:
        """Send a request. `aside`: nothing that is decided in the session asks for it; a replay must be told so."""
        if self._process is None or self._process.stdin is None or self.gone.is_set():
            return  # whoever waits for a reply will learn it
        self.journal({"ask": request, "aside": True} if aside else {"ask": request})
        if self._process.stdin.is_closing():
            return  # it is gone, and `_read` is about to notice
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        if self._process.stdin.transport.get_write_buffer_size() > MOST_UNREAD:
            self._give_up("it has stopped reading")

    async def _reply_to(self, ident: int, patience: float | None = None) -> Row:
        """The next reply to request `ident`; replies to earlier ones, which nobody waits for any more, are passed over."""
        patience = PATIENCE if patience is None else patience
        end = asyncio.get_running_loop().time() + patience
        while True:
            reply = await self._next(patience)
            if reply.get("id") == ident:
                return reply
            if "error" in reply and "id" not in reply:
                raise WorkerLost(str(reply["error"])[:200])
            if asyncio.get_running_loop().time() > end:
                raise WorkerLost(f"it has said nothing to the purpose for {patience:.0f} s")

    async def _next(self, seconds: float) -> Row:
        try:
            async with asyncio.timeout(seconds):  # wait_for of 3.11 loses a cancellation that comes with a reply
                reply = await self._replies.get()
        except TimeoutError:
            raise WorkerLost(f"it has said nothing for {seconds:.0f} s") from None
        if reply is None:
            self._replies.put_nowait(None)  # for the next who asks
            raise self.loss()
        return reply

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        stdout = self._process.stdout
        try:
            async for line in stdout:
                reply = json.loads(line)
                if not isinstance(reply, dict):
                    raise ValueError("not an object")
                if self._replies.qsize() > MOST_UNASKED:
                    raise ValueError("far too many")
                self._receive(reply)
        except (ValueError, RecursionError):  # not JSON, or a line without end: nothing it says can be trusted now
            self._give_up("it said something that is not a reply")
        self.journal({"lost": REPLACED if self._is_replaced else self.last_words})
        self._end_replies()
        # What it still babbles is thrown away: the process does not count as ended while its pipe is full.
        with contextlib.suppress(ValueError):
            while await stdout.read(1 << 16):
                pass

    def _receive(self, reply: Row) -> None:
        """A reply has come; whoever waits for it gets it."""
        self.journal({"got": reply})
        ident = reply.get("id")
        waiting = self._aside.get(ident) if isinstance(ident, int) else None
        if waiting is None:
            self._replies.put_nowait(reply)
        elif not waiting.done():
            waiting.set_result(reply)

    def _end_replies(self) -> None:
        """No reply will come any more."""
        self._replies.put_nowait(None)
        self.gone.set()
        for waiting in self._aside.values():
            if not waiting.done():
                waiting.set_result(None)

    async def _read_errors(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while some := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + some)[-MOST_STDERR:]

    def _give_up(self, why: str) -> None:
        """Its end, which `_read` will notice."""
        self._stderr += f"\n{why}".encode()
        with contextlib.suppress(ProcessLookupError):
            if self._process is not None:
                self._process.kill()
