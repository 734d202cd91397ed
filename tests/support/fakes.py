"""The fakes of all tests: virtual time, ports, sound, and a musician in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.midi.messages import Event
from agent.midi.port_errors import PortLost
from agent.playing.worker_client_interface import REPLACED, Worker, WorkerLost, WorkerReplaced
from agent.replay.virtual_time import LoopPlayer, VirtualLoop, in_virtual_time
from models.decoding.echo_test_musician import Echo
from models.music.note_records import ANSWER, Note, Span

from .synth import PEDALS

__all__ = ["LoopPlayer", "VirtualLoop", "in_virtual_time"]  # these are real: see `agent.replay.virtual_time`


class FakeOutput:
    """An output that keeps the messages with their times; `lost` makes it fail as an unplugged one."""

    name = "fake:out"

    def __init__(self, clock: Any = None) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.lost = False
        self.closed = False
        self._clock = clock

    def send(self, message: bytes) -> None:
        if self.lost:
            raise PortLost("the output fake:out is gone; connect it and start again.")
        self.sent.append((self._clock.now() if self._clock else 0.0, message))

    def close(self) -> None:
        self.closed = True


class FakeSound:
    """A sound that keeps the messages, each with its player."""

    name = "fake"

    def __init__(self) -> None:
        self.played: list[tuple[int, bytes]] = []
        self.timbres: dict[int, str] = {}
        self.loudness = 1.0
        self.is_quiet = self.closed = False

    is_alive = True

    def play(self, who: int, message: bytes) -> None:
        self.played.append((who, message))

    def timbre(self, who: int, name: str) -> None:
        self.timbres[who] = name

    def volume(self, share: float) -> None:
        self.loudness = share

    def quiet(self, is_quiet: bool) -> None:
        self.is_quiet = is_quiet

    def close(self) -> None:
        self.closed = True


class FakeInput:
    """A keyboard that a test plays on."""

    def __init__(self, clock: Any, name: str = "fake:in") -> None:
        self._clock, self.name = clock, name
        self.closed = False
        self.down: set[tuple[int, int]] = set()  # channels and pitches
        self.pedals: set[tuple[int, int]] = set()  # channels and controllers of those that are not at rest
        self._on_event: Callable[[Event], None] = lambda event: None

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event

    def play(self, *message: int) -> None:
        if len(message) == 3:
            kind, channel, a, b = message[0] & 0xF0, message[0] & 0x0F, *message[1:]
            if kind in (0x80, 0x90):
                (self.down.add if kind == 0x90 and b else self.down.discard)((channel, a))
            elif kind == 0xB0 and a in PEDALS:
                (self.pedals.add if b else self.pedals.discard)((channel, a))
        self._on_event(Event(self._clock.now(), bytes(message)))

    def close(self) -> None:
        self.closed = True


class FakeWorker:
    """The echo, or another musician, in the same process, with its delays and troubles. `fails`: calls of `play` that die.

    `stillborn`: it never gets ready.
    """

    def __init__(
        self,
        *,
        wakes_after: float = 0.0,
        note_takes: float = 0.005,
        fails: Sequence[int] = (),
        stillborn: bool = False,
        musician: Callable[[], Any] = Echo,
    ) -> None:
        self.stillborn, self.musician, self.echo = stillborn, musician, musician()
        self.wakes_after, self.note_takes, self.fails = wakes_after, note_takes, set(fails)
        self.gone = asyncio.Event()
        self.last_words = "it ended"
        self.ready: dict[str, Any] | None = None
        self.changes: list[tuple[int, list[Note]]] = []
        self.styles: list[Any] = []
        self.vamps: list[tuple[Note, ...]] = []
        self.styles_have = 0
        self.drafts: list[tuple[Span, int]] = []
        self.encoded: list[list[Note]] = []
        self.starts = self.plays = self._base = 0
        self.closed = self.relieved = False
        self.weights = "open"

    async def start(self) -> None:
        self.starts += 1
        self.echo, self.gone, self.closed, self.relieved = self.musician(), asyncio.Event(), False, False

    def seat(self, weights: str) -> bool:
        taken, self.weights = weights != self.weights, weights
        if taken:
            self.relieved = True
            self.gone.set()
        return taken

    def loss(self) -> WorkerLost:
        return WorkerReplaced(REPLACED) if self.relieved else WorkerLost(self.last_words)

    async def wait_ready(self) -> dict[str, Any]:
        await asyncio.sleep(self.wakes_after)
        if self.stillborn:
            raise WorkerLost("it ended")
        self.ready = {**self.echo.about(), "style": self.styles_have}
        return self.ready

    def hear(self, at: int, notes: Sequence[Note]) -> None:
        self.changes.append((at, list(notes)))
        if isinstance(self.echo, Echo):
            assert 0 <= at - self._base <= len(self.echo.notes), "told from a note on that it has never heard of"
        self.echo.hear(at - self._base, list(notes))

    def join(self, at: int, notes: Sequence[Note]) -> None:
        self._base = at
        self.hear(at, notes)

    def style(self, z: Any, sampling: dict[str, float]) -> None:
        self.styles.append((z, sampling))

    def vamp(self, notes: Sequence[Note]) -> None:
        self.vamps.append(tuple(notes))
        self.echo.vamp(list(notes))

    def seed(self, seed: int) -> None:
        self.echo.seed(seed)

    async def encode(self, notes: Sequence[Note]) -> tuple[list[float], dict[str, float]]:
        self.encoded.append(list(notes))
        return [float(len(notes))] * self.styles_have, {"habit.wait.0": len(notes) / 10}

    encode_aside = encode

    async def play(self, span: Span) -> AsyncGenerator[Note | str, None]:
        self.plays += 1
        if self.plays in self.fails:
            self.gone.set()
            raise WorkerLost("it fell over")
        playing = self.echo.play(span)
        while True:
            await asyncio.sleep(self.note_takes)
            if self.relieved:
                raise self.loss()
            try:
                yield next(playing)
            except StopIteration as end:
                yield end.value
                return

    @property
    def did(self) -> dict[str, int]:
        return dict(self.echo.counts())

    def draft(self, span: Span, candidates: int) -> None:
        self.drafts.append((span, candidates))
        self.echo.draft(span, candidates, True)
        while self.echo.spare():
            pass

    async def close(self) -> None:
        self.closed = True


if TYPE_CHECKING:
    _: Worker = FakeWorker()  # the type checker compares it with the interface


def assert_no_hung_notes(sent: Sequence[tuple[float, bytes]]) -> None:
    """Each note-on has one note-off, none ends a newer note, and at the end no note sounds."""
    sounding: dict[tuple[int, int], float] = {}
    for when, message in sent:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        key = (channel, message[1])
        if kind == 0x90 and message[2] > 0:
            assert key not in sounding, f"{key} was struck twice without an end between"
            sounding[key] = when
        elif kind in (0x80, 0x90):
            assert key in sounding, f"{key} was ended without a beginning"
            del sounding[key]
    assert not sounding, f"still sounding: {sounding}"


def agent_notes(notes: Sequence[Note]) -> list[Note]:
    """Those of the agent."""
    return [n for n in notes if n.role == ANSWER]
