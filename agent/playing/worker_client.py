"""The mind: the musician's process, as the performer sees it.

Knows nothing of music or of time; it carries requests and answers, and notices when the other side is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import shlex
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import Any

from models.music.note import Note, Span, from_wire, span_to_wire, to_wire

from .. import launcher
from ..errors import UserError

PATIENCE = 5.0  # seconds without a word in reply to a request: it hangs
LINE_LIMIT = 1 << 20  # bytes
UNREAD = 4 << 20  # bytes of requests that it has not read: it hangs
RELIEVED = "another musician takes the seat"
UNASKED = 10_000  # replies that nobody waits for: it babbles
MOST_NOTES = 1000  # in reply to one request
MOST_STYLE = 1024  # of a style
EARLY, LATE = 1.0, 60.0  # seconds outside what was asked for; a note beyond is nonsense


def worker_command(weights: str = "open", engine: str = "live", instead: str | None = None) -> list[str]:
    """How to start the musician on this machine, or another one `instead`, whose command is given in words."""
    if instead:
        return shlex.split(instead)
    return [sys.executable, "-m", "models.worker", "--weights", weights, "--engine", engine]


class WorkerLost(Exception):
    """The musician's process is gone, hangs or talks nonsense."""


class WorkerReplaced(WorkerLost):
    """It is gone because another one takes its seat: nothing is wrong."""


class WorkerClient:
    """One worker process. `ready` is what it said of itself, once it has.

    Another one may take its seat, where `others` says how one with weights of some name is started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.others: Callable[[str], list[str]] | None = None
        self._former: list[str] = []  # the command of the one whose seat was taken, until the other is ready
        self._relieved = False
        self.journal: Callable[[dict[str, Any]], None] = lambda row: None  # told of what is asked, got, and of its end
        self.ready: dict[str, Any] | None = None
        self.gone = asyncio.Event()  # set once the process has ended, or was given up
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = b""
        self._tasks: list[asyncio.Task[None]] = []
        self._replies: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._aside: dict[Any, asyncio.Future[dict[str, Any] | None]] = {}  # who else waits for a reply, by request
        self.did: dict[str, int] = {}  # what it had to hear, and hear again, and drafts: see `models.decoding.engine`
        self._ident = 0
        self._base = 0  # the number of the first note that this process was told

    async def start(self) -> None:
        """Start the process. It can be talked to at once, and answers when it is ready. Raises UserError."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *launcher.isolate(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
                start_new_session=True,  # Ctrl-C is for us; the musician ends when its input does
            )
        except OSError as error:
            raise UserError(f"the musician cannot be started ({self.command[0]}: {error.strerror}).") from error
        self._replies, self.gone, self._stderr, self._relieved = asyncio.Queue(), asyncio.Event(), b"", False
        self.journal({"starts": True})
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def wait_ready(self, seconds: float = 120.0) -> dict[str, Any]:
        """Wait for the musician to say that it can play. Raises MindLost, or UserError where it says why it cannot."""
        try:
            reply = await self._next(seconds)
            if "ready" not in reply:
                why = reply.get("error", "the musician said something else than that it is ready.")
                raise UserError(str(why)[:500])
        except WorkerReplaced:
            raise
        except (WorkerLost, UserError):
            if self._former:  # the one before it could play
                self._take_seat(self._former)
            self._former = []
            raise
        self._former = []
        ready = reply["ready"]
        if not isinstance(ready, dict):
            raise WorkerLost("it said something that is not a reply")
        if not isinstance(size := ready.get("style", 0), int) or not 0 <= size <= MOST_STYLE:
            raise WorkerLost("it said something that is not a reply")
        self.ready = ready
        return ready

    def seat(self, weights: str) -> bool:
        """Have a musician with these weights instead; whether there will be another: not where the user has named one."""
        if self.others is None or (command := self.others(weights)) == self.command:
            return False
        self._former = self._former or self.command
        self._take_seat(command)
        self._relieved = True
        self._give_up(RELIEVED)
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
        self._tell({"do": "draft", "candidates": candidates, **span_to_wire(span)})

    async def play(self, span: Span) -> AsyncGenerator[Note | str, None]:
        """The next notes of the answer as they are invented, and at last "more" or "end". Raises MindLost."""
        ident = self._ask({"do": "play", **span_to_wire(span)})
        for _ in range(MOST_NOTES):
            reply = await self._reply_to(ident)
            if "note" in reply:
                try:
                    note = from_wire(reply["note"])
                except ValueError as error:
                    raise WorkerLost(str(error)) from error
                if not span.earliest - EARLY <= note.onset <= span.until + LATE:
                    raise WorkerLost(f"it plays out of time: {str(reply['note'])[:80]}")
                yield note
            elif "done" in reply:
                if isinstance(did := reply.get("did"), dict):
                    self.did = {str(k)[:20]: int(v) for k, v in did.items() if isinstance(v, int)}
                yield str(reply["done"])
                return
            else:
                raise WorkerLost(str(reply.get("error", reply))[:200])
        raise WorkerLost("it plays without end")

    async def encode(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """The style of some notes: a point, and habits as settings. Raises UserError where there are too few, MindLost."""
        return self._style_of(await self._reply_to(self._ask(_encode(notes))))

    async def encode_aside(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        """`encode`, for somebody else than who plays: both may wait for a reply at the same time."""
        if self._process is None or self.gone.is_set():
            raise self.loss()
        request = {**_encode(notes), "id": self._next_ident()}
        waiting = self._aside[request["id"]] = asyncio.get_running_loop().create_future()
        self._tell(request, aside=True)
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await waiting
        except TimeoutError:
            raise WorkerLost(f"it has said nothing for {PATIENCE:.0f} s") from None
        finally:
            self._aside.pop(request["id"], None)
        if reply is None:
            raise self.loss()
        return self._style_of(reply)

    def _style_of(self, reply: dict[str, Any]) -> tuple[list[float], dict[str, float]]:
        """The style that a reply tells. Raises UserError where there is none, MindLost."""
        if "z" not in reply:
            raise UserError(str(reply.get("error", "these notes have no style."))[:500])
        try:
            z, habits = list(_numbers(reply["z"])), {str(k): float(x) for k, x in reply.get("habits", {}).items()}
            list(_numbers(habits.values()))
            if len(z) != (self.ready or {}).get("style", len(z)):
                raise ValueError("another number of numbers")
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise WorkerLost("it said something that is not a style") from error
        return z, habits

    async def measure(self, notes: int, patience: float = 300.0) -> dict[str, list[float]]:
        """How long the musician takes for what it does, in seconds; it forgets the session. Raises MindLost."""
        ident = self._ask({"do": "measure", "notes": notes})
        reply = await self._reply_to(ident, patience)
        if "seconds" not in reply:
            raise WorkerLost(str(reply.get("error", reply))[:200])
        try:
            return {str(name): list(_numbers(row)) for name, row in reply["seconds"].items()}
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise WorkerLost("it said something that is not a measurement") from error

    @property
    def pid(self) -> int | None:
        """The number of its process on this machine."""
        return None if self._process is None else self._process.pid

    async def close(self) -> None:
        """End the process. May be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(0.5):
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
        return WorkerReplaced(RELIEVED) if self._relieved else WorkerLost(self.last_words or "it ended")

    @property
    def last_words(self) -> str:
        """The last line that it wrote on standard error."""
        return self._stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]

    def _take_seat(self, command: list[str]) -> None:
        self.command = command
        self.journal({"seat": command[1:]})

    def _ask(self, request: dict[str, Any]) -> int:
        ident = self._next_ident()
        self._tell({**request, "id": ident})
        return ident

    def _next_ident(self) -> int:
        self._ident += 1
        return self._ident

    def _tell(self, request: dict[str, Any], *, aside: bool = False) -> None:
        """Send a request. `aside`: nothing that is decided in the session asks for it; a replay must be told so."""
        if self._process is None or self._process.stdin is None or self.gone.is_set():
            return  # whoever waits for a reply will learn it
        self.journal({"ask": request, "aside": True} if aside else {"ask": request})
        if self._process.stdin.is_closing():
            return  # it is gone, and `_read` is about to notice
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        if self._process.stdin.transport.get_write_buffer_size() > UNREAD:
            self._give_up("it has stopped reading")

    async def _reply_to(self, ident: int, patience: float | None = None) -> dict[str, Any]:
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

    async def _next(self, seconds: float) -> dict[str, Any]:
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
                if self._replies.qsize() > UNASKED:
                    raise ValueError("far too many")
                self._said(reply)
        except (ValueError, RecursionError):  # not JSON, or a line without end: nothing it says can be trusted now
            self._give_up("it said something that is not a reply")
        self.journal({"lost": RELIEVED if self._relieved else self.last_words})
        self._end()
        # What it still babbles is thrown away: the process does not count as ended while its pipe is full.
        with contextlib.suppress(ValueError):
            while await stdout.read(1 << 16):
                pass

    def _said(self, reply: dict[str, Any]) -> None:
        """A reply has come; whoever waits for it gets it."""
        self.journal({"got": reply})
        ident = reply.get("id")
        waiting = self._aside.get(ident) if isinstance(ident, int) else None
        if waiting is None:
            self._replies.put_nowait(reply)
        elif not waiting.done():
            waiting.set_result(reply)

    def _end(self) -> None:
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
            self._stderr = (self._stderr + some)[-2000:]

    def _give_up(self, why: str) -> None:
        """Its end, which `_read` will notice."""
        self._stderr += f"\n{why}".encode()
        with contextlib.suppress(ProcessLookupError):
            if self._process is not None:
                self._process.kill()


def _encode(notes: Sequence[Note]) -> dict[str, Any]:
    """What is asked for to know the style of some notes."""
    return {"do": "encode", "notes": [to_wire(n) for n in notes]}


def _numbers(row: Iterable[Any]) -> Iterator[float]:
    """Numbers that can be counted with. Raises ValueError."""
    for x in row:
        if not math.isfinite(number := float(x)):
            raise ValueError("not a number")
        yield number
