"""Record the golden takes anew, after a change of decisions that is meant: `python -m tests.measure.record_golden`

A test replays them and expects the same notes. The player is a random walk; the musician is the echo.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agent.band.chart_play import ChartPlay
from agent.control.bindings import Bindings
from agent.control.set_list import Song
from agent.midi.keyboard_zones import KeyboardZones
from agent.playing.worker_client import WorkerClient
from agent.replay import verify_take
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset
from agent.takes.recorder import JSONL, Take
from agent.timing.replayable_clock import Moments
from agent.turns.mode_settings import MODES, BeatSettings, ModeSettings
from models.decoding.echo_test_musician import Echo
from models.worker import serve

from ..support.fakes import FakeInput, FakeOutput, LoopPlayer, VirtualLoop, in_virtual_time
from .soak import phrase

FOLDER = Path(__file__).resolve().parents[1] / "golden"
NOTE_TAKES, RESTART_TAKES = 0.004, 0.4  # seconds
ECHO = [sys.executable, "-m", "models.worker", "--echo"]


class Inline(WorkerClient):
    """The echo in this process, with the same protocol as over a pipe: a note each few milliseconds."""

    exact = False  # whether the take is told when it begins

    async def start(self) -> None:
        again, self._echo = self.gone.is_set(), Echo()
        self._replies, self.gone, self._is_replaced = asyncio.Queue(), asyncio.Event(), False
        if self.exact:
            self.journal({"starts": True})
        if again:  # a process that is begun anew takes a while
            asyncio.get_running_loop().call_later(RESTART_TAKES, self._say, {"ready": self._echo.about()})
        else:
            self._say({"ready": self._echo.about()})

    async def close(self) -> None:
        pass

    def _give_up(self, why: str) -> None:
        self.journal({"lost": why})
        self._end_replies()

    def _say(self, reply: dict[str, Any]) -> None:
        self._receive(reply)

    def _tell(self, request: dict[str, Any], *, aside: bool = False) -> None:
        import json

        if self.gone.is_set():
            return
        self.journal({"ask": request})
        replies: list[dict[str, Any]] = []
        serve(self._echo, iter([json.dumps(request)]), replies.append)
        for number, reply in enumerate(replies[1:], 1):
            asyncio.get_running_loop().call_later(number * NOTE_TAKES, self._say, reply)


def jam(
    mode: str,
    folder: Path,
    seconds: float = 14.0,
    styles: Sequence[Preset] = (),
    *,
    exact: bool = False,
    after_phrase: Callable[[Session], None] = lambda session: None,
    set_list: tuple[Song, ...] = (),
    over: ChartPlay | None = None,
) -> None:
    """A jam in virtual time, kept as a take; after each phrase the next of the `styles`, if any. `exact`: the take has moments."""
    chance, manner = random.Random(mode), ModeSettings(mode, bars=1, groove=0.5)
    beat = BeatSettings(tempo=None if mode == "call" else 110.0)
    controls = Bindings.parse(["cc20=panic", "cc21=knob:density"])
    zones = KeyboardZones(transpose=-12)
    setting: dict[str, Any] = {"channel": 1, "thru": True, "manner": manner, "beat": beat, "zone": zones}
    if set_list:
        setting["set_list"] = [song.row() for song in set_list]
    if over is not None:
        setting["over"] = over.row()
    args = Namespace(weights="none", engine="live", mind=" ".join(ECHO))
    preset = Preset("plain")

    async def play(loop: VirtualLoop) -> None:
        take = Take(folder, preset="plain", seed=3, setting=verify_take.setting(preset, args, controls, setting))
        keys, worker = FakeInput(loop), Inline([])
        clock = Moments(loop, take.record_row) if exact else loop
        worker.journal = clock.keep if isinstance(clock, Moments) else lambda row: take.record_row(loop.now(), row)
        worker.others = lambda weights: [*ECHO, "--weights", weights]
        worker.exact = exact
        coming = iter(styles)
        config = SessionConfig(
            preset,
            mode_settings=manner,
            beat=beat,
            zones=zones,
            controls=controls,
            channel=1,
            seed=3,
            set_list=set_list,
            over=over,
        )
        io = SessionIO(
            inputs=[keys],
            output=FakeOutput(loop),
            worker=worker,
            clock=clock,
            take=take,
            journal=take.record_row,
            make_player=LoopPlayer,
        )
        session = Session(config, io)
        running = asyncio.ensure_future(session.run())
        await asyncio.sleep(0.5)
        while loop.now() < 1000.0 + seconds:
            for at, message in (notes := sorted(phrase(chance))):
                keys.play(*message)
                await asyncio.sleep(max(min(n[0] for n in [*notes, (at, b"")] if n[0] >= at) - at, 0.037))
            await asyncio.sleep(chance.choice((0.1, 0.9, 3.0)))
            if (style := next(coming, None)) is not None:
                session.set_style(style)
            after_phrase(session)
            match chance.randrange(6):
                case 0:
                    session.act("answer", loop.now())
                case 1:
                    keys.play(0xB0, 21, chance.randrange(128))
                case 2:
                    keys.play(0xB0, 20, 127)
                    keys.play(0xB0, 20, 0)
        session.stop()
        await running

    in_virtual_time(play)


def main() -> None:
    """Record a take of each mode."""
    FOLDER.mkdir(exist_ok=True)
    for mode in MODES:
        with tempfile.TemporaryDirectory() as name:
            jam(mode, Path(name))
            text = (Path(name) / JSONL).read_text(encoding="utf8")
        (FOLDER / f"{mode}.jsonl").write_text(text.replace(sys.executable, "python"), encoding="utf8")
        print(f"{mode}: {len(text)} bytes")


if __name__ == "__main__":
    main()
