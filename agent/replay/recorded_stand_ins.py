"""Recorded: the loop, the clock, the player and the musician of a take, which do what and when the take says that they did.

Knows nothing of files. A take with *moments* (`agent.timing.replayable_clock`) tells all that came from without, from other
threads and processes too,
and when it was dealt with. What is left is decided by the session alone; so it must come out the same, to the last bit.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter, deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from ..control.bindings import read_trigger
from ..errors import UserError
from ..midi.messages import Event
from ..playing.playback_thread import Player
from ..session.session import Session
from ..styles.presets import Preset
from ..timing.replayable_clock import DECIMALS, Moments
from .session_replay import Row, ScriptedWorker, SessionReplay
from .virtual_time import VirtualLoop

Step = tuple[float, list[Callable[[], None]]]  # a moment, and what came from without then


class RecordedLoop(VirtualLoop):
    """An event loop in which nothing happens but at the moments of a take."""

    def __init__(self, begins: float) -> None:
        super().__init__()
        self._clock_resolution = 10.0**-DECIMALS  # what is due at a moment is due, however that was rounded
        self.virtual = begins
        self.steps: deque[Step] = deque()
        self.over: Callable[[], bool] = lambda: False  # when there are no more: whether somebody goes on all the same

    def idle(self, timeout: float | None) -> None:
        if self.steps:
            moment, acts = self.steps.popleft()
            self.virtual = max(self.virtual, moment)
            for act in acts:
                self.call_soon(act)
        elif not self.over():
            super().idle(timeout)


class RecordedMoments(Moments):
    """A clock that shows the moments of the take, and lets each task go on when the take says that it did."""

    def __init__(self, loop: RecordedLoop) -> None:
        super().__init__(loop, lambda when, row: None)
        self._loop = loop
        self._may: Counter[str] = Counter()  # steps that each task may do
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._is_open = False

    def grant(self, step: str) -> None:
        """That task may go on, as soon as what it waits for is there."""
        self._may[step] += 1
        self._wake(step)

    def open(self) -> bool:
        """From now on all may go on; whether anybody was waiting."""
        self._is_open = True
        waiting = list(self._waiting)
        for step in waiting:
            self._wake(step)
        return bool(waiting)

    def wait(self, step: str) -> Generator[Any, None, None]:
        cancelled: asyncio.CancelledError | None = None
        while not self._is_open and not self._may[step]:
            waiting = self._waiting[step] = self._loop.create_future()
            try:
                yield from waiting
            except asyncio.CancelledError as error:  # it is told when it goes on
                cancelled = error
        self._may[step] -= 1
        if cancelled is not None:
            raise cancelled

    def begin(self, step: str = "") -> None:
        self._moment = self._loop.virtual

    def _wake(self, step: str) -> None:
        waiting = self._waiting.pop(step, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class RecordedPlayer(Player):
    """A player whose thread does what it `did` then, after as many orders of the event loop's."""

    def __init__(self, did: list[Row], *args: Any) -> None:
        super().__init__(*args)
        self._did = deque(did)

    def start(self) -> None:
        pass

    def claim_pitch(self, pitch: int) -> None:
        pass

    def free_pitch(self, pitch: int) -> None:
        pass

    def _order(self) -> None:
        while self._did and self._did[0]["after"] <= self.orders:
            row = self._did.popleft()
            if "taken" in row:
                self._send(self.schedule.claim_pitch(row["taken"], row["t"]))
            elif "freed" in row:
                self.schedule.free_pitch(row["freed"])
            else:
                self._send(self.schedule.due(row["t"]))
        super()._order()


class RecordedWorker(ScriptedWorker):
    """A musician who is born, answers and is lost as in the take, and notices the least thing that is asked otherwise."""

    tolerance = 0.0

    def __init__(self, told: list[Row]) -> None:
        super().__init__([row for row in told if not row.get("aside")])
        self._births: asyncio.Queue[None] = asyncio.Queue()
        self._beside: set[int] = set()  # requests that somebody else has made
        self._lives = False
        self._breaks_off = not any("ends" in row for row in told)

    async def start(self) -> None:
        await self._births.get()
        self._replies = asyncio.Queue()
        self.gone = asyncio.Event()
        self._is_replaced = False
        self._lives = True

    async def close(self) -> None:
        self._lives = False

    def is_born(self) -> None:
        """Its process has begun."""
        self._births.put_nowait(None)

    def beside(self) -> None:
        """Somebody else asks for something."""
        self._beside.add(self._next_ident())

    def answer(self, reply: Row | None, lost: str = "") -> None:
        if reply is None or reply.get("id") not in self._beside:
            super().answer(reply, lost)

    def _tell(self, request: Row, *, aside: bool = False) -> None:
        if self._breaks_off and self._at == len(self._then):
            return  # the take does not tell what came then
        if self._lives and not self.gone.is_set():
            super()._tell(request)


class RecordedSession(SessionReplay):
    """The session of a take with moments, once more."""

    def run(self) -> str:
        loop = RecordedLoop(self.begins)
        try:
            return loop.run_until_complete(self._relive(loop))
        except RuntimeError as error:  # of the loop, where nothing will ever happen
            return f"the session does not go on as it did ({error})"
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _relive(self, loop: RecordedLoop) -> str:
        worker = RecordedWorker(self.told)
        clock = RecordedMoments(loop)
        players = iter([[r for r in self.told if "after" in r], []])  # the agent's, and the metronome's

        def make_player(*args: Any) -> Player:
            return RecordedPlayer(next(players), *args)

        loads = iter([row["loads"] for row in self.told if "loads" in row])

        def load(find: Callable[[], Preset]) -> Preset:
            if (row := next(loads, None)) is None:
                raise UserError("There was no such style.")
            return Preset.of(row)

        session = self._session(worker, clock, make_player, thru=False, load=load)
        loop.steps.extend(self._steps(session, worker, clock))
        loop.over = clock.open
        with contextlib.suppress(UserError):  # which ended it then, too
            await session.run()
        return worker.difference or self._compare()

    def _steps(self, session: Session, worker: RecordedWorker, clock: RecordedMoments) -> list[Step]:
        """The moments, and who went on or what came from without at each."""
        steps: list[Step] = []
        for row in self.told:
            if "moment" in row:
                steps.append((row["t"], []))
            elif "step" in row:
                steps.append((row["t"], [partial(clock.grant, row["step"])]))
            elif steps and (act := self._act(row, session, worker)) is not None:
                steps[-1][1].append(act)
        steps.append((steps[-1][0] if steps else self.begins, [partial(session._end, None)]))
        return steps

    def _act(self, row: Row, session: Session, worker: RecordedWorker) -> Callable[[], None] | None:
        """What a row says that came from without."""
        if "in" in row:
            return partial(session._arrived, Event(row["t"], bytes.fromhex(row["bytes"])), row["in"])
        if "act" in row:
            return partial(session.act, row["act"], row["when"])
        if "preset" in row:
            return partial(_set_style, session, Preset.of(row["preset"]))
        if "learns" in row:
            *name, action = row["learns"]  # older takes have kind and number
            trigger = read_trigger("".join(map(str, name)))
            return None if trigger is None else partial(session.config.controls.bind, trigger, action)
        if "forgets" in row:
            return partial(session.config.controls.remove, row["forgets"])
        if "starts" in row:
            return worker.is_born
        if "got" in row or "lost" in row:
            return partial(worker.answer, row.get("got"), row.get("lost", ""))
        if row.get("aside"):
            return worker.beside
        return partial(session._end, None) if "over" in row else None

    def _compare(self) -> str:
        then = [(r["t"], bytes.fromhex(r["out"])) for r in self.told if "out" in r]
        now = [(round(when, DECIMALS), message) for when, message in self.sent]
        ends = next((r["t"] for r in self.told if r.get("ends")), math.inf)  # then all is silenced, as soon as can be
        for number, (a, b) in enumerate(zip(then, now, strict=False), 1):
            if a[1] != b[1] or (a[0] != b[0] and a[0] < ends):
                return f"message {number}: {a[1].hex(' ')} at {a[0]:.6f} s then, {b[1].hex(' ')} at {b[0]:.6f} s now"
        if len(then) == len(now) or (len(then) < len(now) and ends == math.inf):  # a take that breaks off
            return ""
        return f"{len(then)} messages were sent then, {len(now)} now"


def _set_style(session: Session, preset: Preset) -> None:
    with contextlib.suppress(UserError):  # it did not fit then either
        session.set_style(preset)
