"""The rehearsal: the session of a take once more, in virtual time. It hears what was heard then, and must decide the same.

Knows nothing of files, ports or pages, nor of the musician: a script says what that one said.

A session in real time wakes a little late; a rehearsal wakes as late where that is known. Moments that are decided may still differ by
`TOLERANCE`. What is played may not differ at all.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from ..band.chart_play import ChartPlay
from ..clock import Clock
from ..control.bindings import Bindings
from ..control.set_list import Song
from ..midi.keyboard_zones import KeyboardZones
from ..midi.messages import Event
from ..playing.playback_thread import Player
from ..playing.worker_client import WorkerClient
from ..playing.worker_client_interface import REPLACED
from ..session.config import SessionConfig, SessionIO
from ..session.session import Session
from ..styles.presets import Preset
from ..turns.mode_settings import BeatSettings, ModeSettings
from .virtual_time import LoopPlayer, VirtualLoop

TOLERANCE = 0.05  # seconds between a decision in real time and the same in virtual time
COMPARED = 64  # notes, of what the musician had heard
BY_THE_WAY = ("hear", "draft")  # asked whenever something happens; events that come close together are one or two
Row = dict[str, Any]


class LateLoop(VirtualLoop):
    """A loop that wakes as late as it did then: for each of the moments `woke`, where it was woken by what is due just before."""

    def __init__(self, woke: list[float]) -> None:
        super().__init__()
        self._woke = woke
        self._handles = list[asyncio.TimerHandle]()
        self.punctual = math.inf  # when something comes from without: that was never late

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        handle: asyncio.TimerHandle = super().call_at(when, callback, *args, context=context)
        self._handles = [*(h for h in self._handles if h.when() > self.virtual and not h.cancelled()), handle]
        return handle

    def jump(self, due: float) -> float:
        next_ = min((h.when() for h in self._handles if h.when() > due + 1e-9 and not h.cancelled()), default=math.inf)
        at = bisect_left(self._woke, due)
        woke = self._woke[at] if at < len(self._woke) else math.inf
        return woke if woke <= due + TOLERANCE and woke < min(next_, self.punctual) else due


class ScriptedWorker(WorkerClient):
    """A musician who answers what the take says it did, and notices when it is asked something else, or knows something else by then.

    In how many pieces it was told of the notes, and what it drafted meanwhile, is no difference.
    """

    tolerance = TOLERANCE  # seconds

    def __init__(self, told: list[Row]) -> None:
        super().__init__([])
        self._then: list[tuple[float, Row, list[Any]]] = []  # when, what was asked, and what it knew
        knows: list[Any] = []
        for row in told:
            if "ask" in row:
                knows = _told(knows, row["ask"])
                if row["ask"].get("do") not in BY_THE_WAY:
                    self._then.append((row["t"], row["ask"], knows))
        self._at = 0
        self._knows: list[Any] = []
        self.difference = ""

    async def start(self) -> None:
        if self.gone.is_set():  # another life; what the first one says may be there before it has been started
            self._replies = asyncio.Queue()
            self.gone = asyncio.Event()
            self._is_replaced = False

    async def close(self) -> None:
        pass

    def answer(self, reply: Row | None, lost: str = "") -> None:
        """It says this now; None: it is lost, for that reason."""
        self._is_replaced = lost == REPLACED
        self._replies.put_nowait(reply)
        if reply is None:
            self.gone.set()

    def _tell(self, request: Row, *, aside: bool = False) -> None:
        self._knows = _told(self._knows, request)
        if request["do"] in BY_THE_WAY or self.difference:
            return
        when, asked, knew = self._then[self._at] if self._at < len(self._then) else (0.0, {}, [])
        self._at += 1
        what = differs(asked, request, within=self.tolerance)
        if not what and "id" in request:
            what = differs(knew[-COMPARED:], self._knows[-COMPARED:], "what it had heard,", self.tolerance)
        if what:
            self.difference = f"at {when:.3f} s, request {self._at}: {what}"


def _told(knows: list[Any], request: Row) -> list[Any]:
    """What a musician knows of the player's after a request."""
    return [*knows[: request["at"]], *request["notes"]] if request.get("do") == "hear" else knows


class SessionReplay:
    """The session, once more."""

    def __init__(self, told: list[Row], known: Row, begins: float) -> None:
        self.told = told
        self.known = known
        self.begins = begins
        self.name = "replay"
        self.closed = False
        self.sent: list[tuple[float, bytes]] = []

    def run(self) -> str:
        """Play it all; the first difference, or ""."""
        loop = LateLoop([r["t"] for r in self.told if r.get("ask", {}).get("do") == "play"])
        loop.virtual = self.begins
        try:
            return loop.run_until_complete(self._play(loop))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _play(self, loop: LateLoop) -> str:
        worker = ScriptedWorker(self.told)
        session = self._session(worker, loop, LoopPlayer, thru=self.known["thru"])
        running = asyncio.ensure_future(session.run())
        await asyncio.sleep(0)
        await self._happen(loop, session, worker)
        session.stop()
        await running
        return worker.difference or self._compare()

    def _session(
        self,
        worker: WorkerClient,
        clock: Clock,
        make_player: Callable[..., Player],
        *,
        thru: bool,
        load: Callable[[Callable[[], Preset]], Preset] = lambda find: find(),
    ) -> Session:
        k = self.known
        config = SessionConfig(
            preset=Preset.of(k["preset"]),
            mode_settings=ModeSettings(**k.get("manner", {})),
            beat=BeatSettings(**k.get("beat", {})),
            zones=KeyboardZones(**k.get("zone", {})),
            controls=Bindings.parse(k["controls"]),
            channel=k["channel"],
            thru=thru,
            seed=self.told[0].get("seed"),
            rounds=k.get("rounds"),
            set_list=tuple(map(Song.of, k.get("set_list", []))),
            over=ChartPlay.of(k["over"]) if "over" in k else None,
        )
        io = SessionIO(
            inputs=[], output=self, worker=worker, clock=clock, take=self, make_player=make_player, load=load
        )
        return Session(config, io)

    async def _happen(self, loop: LateLoop, session: Session, worker: ScriptedWorker) -> None:
        """All that came from without, when it came."""
        for row in self.told[1:]:
            if not any(kind in row for kind in ("in", "act", "preset", "got", "lost", "ends")):
                continue
            loop.punctual = row["t"]
            if (wait := row["t"] - loop.now()) > 0:
                await asyncio.sleep(wait)
            if "in" in row:
                session.receive(Event(row["t"], bytes.fromhex(row["bytes"])), row["in"])
            elif "act" in row:
                session.act(row["act"], row["t"])
            elif "preset" in row:
                session.set_style(Preset.of(row["preset"]))
            elif "got" in row or "lost" in row:
                worker.answer(row.get("got"), row.get("lost", ""))
            else:
                return
            await asyncio.sleep(0)

    def _compare(self) -> str:
        """What was sent then and now."""
        ends = next((r["t"] for r in self.told if r.get("ends")), math.inf)  # after it, all is ended as soon as can be
        then = [(r["t"], bytes.fromhex(r["out"])) for r in self.told if "out" in r]
        for number, (a, b) in enumerate(zip(then, self.sent, strict=False), 1):
            if a[1] != b[1] or (a[0] < ends and abs(a[0] - b[0]) > TOLERANCE):
                return f"message {number}: {a[1].hex(' ')} at {a[0]:.3f} s then, {b[1].hex(' ')} at {b[0]:.3f} s now"
        if len(then) > len(self.sent):
            return f"{len(then)} messages were sent then, {len(self.sent)} now"
        return ""

    # -- an output port, and a witness -------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def record_input(self, event: Event, port: str) -> None:
        pass

    def record_output(self, planned: float, actual: float, message: bytes) -> None:
        self.sent.append((planned, message))

    def record_panic(self, when: float) -> None:
        pass


def differs(then: Any, now: Any, path: str = "", within: float = TOLERANCE) -> str:
    """What is not the same in two things of JSON, numbers within so much; "" where all is."""
    if isinstance(then, dict) and isinstance(now, dict):
        if then.get("do") != now.get("do"):
            return f"{then.get('do', 'nothing')} then, {now.get('do', 'nothing')} now"
        return _first(differs(then.get(key), now.get(key), f"{path} {key}", within) for key in {**then, **now})
    if isinstance(then, list) and isinstance(now, list | tuple):
        if len(then) != len(now):
            return f"{path}: {len(then)} values then, {len(now)} now".strip()
        pairs = enumerate(zip(then, now, strict=True))
        return _first(differs(a, b, f"{path} {i}", within) for i, (a, b) in pairs)
    numbers = isinstance(then, int | float) and isinstance(now, int | float)
    if then == now or (numbers and abs(then - now) <= within):
        return ""
    return f"{path}: {then} then, {now} now".strip()


def _first(found: Iterable[str]) -> str:
    return next((what for what in found if what), "")
