"""Random sessions with the real musician, beside two busy loops; each take is replayed. `python -m tests.measure.replays --sessions 50`.

Keys come from a thread of their own, as from a port; all else is asked for on the event loop, as from a page: styles chosen and learnt,
modes, knobs, controls taught and used, a musician killed, one with other weights. A table tells which replays are the same, bit for bit.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from agent.clock import SystemClock
from agent.control.bindings import KNOB
from agent.control.midi_learn import MidiLearn
from agent.midi.keyboard_zones import KeyboardZones
from agent.midi.messages import Event
from agent.midi.output_merge import OutputMerge
from agent.playing.worker_client import WorkerClient, worker_command
from agent.replay import verify_take
from agent.session.config import SessionConfig, SessionIO
from agent.session.patchbay import Patchbay
from agent.session.session import Session
from agent.styles import presets
from agent.takes.recorder import JSONL, Take, rows
from agent.timing.replayable_clock import Moments
from agent.turns.mode_settings import MODES, BeatSettings, ModeSettings
from agent.web.page_connections import Hub
from agent.web.page_request_handlers import handle
from agent.web.server import Page
from agent.web.take_list import TakeList

from ..support.fakes import FakeOutput
from ..support.synth import NOTES_OFF, PEDALS, Synth

BUSY = "while True: pass"
SHORTEST, LONGEST = 8.0, 14.0  # seconds of a session, once the musician is ready
STYLES = ("ragtime", "bebop-line", "nocturne", "pop-ballad", "songbook")
OTHERS = ("stride-piano", "modern-jazz")  # which ask for other weights
TAUGHT = 30  # the controller that is taught to be a knob
ACTS = ("mode", "style", "learn", "answer", "knob", "control", "kill", "others", "hush", "panic", "tap", "pad")


@dataclass
class Plan:
    """What happens in one session: its settings, and what is asked for and when, in seconds from when the musician is ready."""

    seed: int
    manner: ModeSettings
    beat: BeatSettings
    zone: KeyboardZones
    channel: int
    preset: str
    seconds: float
    requests: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    def drawn(cls, seed: int) -> Plan:
        """A session that depends on nothing but its number."""
        chance = random.Random(seed)
        mode = MODES[seed % 3]
        tempo = chance.choice((100.0, 132.0)) if mode == "trade" or chance.random() < 0.4 else None
        seconds = chance.uniform(SHORTEST, LONGEST)
        often = [a for a in ACTS if a not in ("kill", "others")] + ["learn", "control", "mode"]
        rare = [a for a in ("kill", "others") if chance.random() < 0.35]
        acts = [chance.choice(often) for _ in range(chance.randint(2, 5))] + rare
        return cls(
            seed,
            ModeSettings(mode, bars=1, mirror=chance.choice((0.0, 0.0, 0.6))),
            BeatSettings(tempo=tempo, count_in=0, click=chance.random() < 0.5),
            KeyboardZones(transpose=chance.choice((0, -12)), curve=chance.choice(("linear", "soft"))),
            chance.choice((0, 1)),
            chance.choice(STYLES),
            seconds,
            sorted((chance.uniform(1.5, seconds - 1.0), act) for act in acts),
        )


class Keys:
    """A keyboard that a thread plays."""

    name = "keys"

    def __init__(self) -> None:
        self._on_event: Callable[[Event], None] | None = None

    def open(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event

    def close(self) -> None:
        self._on_event = None

    def play(self, *message: int) -> None:
        if self._on_event is not None:
            self._on_event(Event(time.perf_counter(), bytes(message)))


def phrases(keys: Keys, chance: random.Random, over: threading.Event) -> None:
    """Phrases of three to sixteen notes until it is over, with chords, pedals and odd ends; whoever answers may be cut into."""
    while not over.is_set():
        channel, pitch = chance.choice((0, 0, 0, 1)), chance.randint(50, 74)
        pedal = chance.choice(PEDALS) if chance.random() < 0.4 else None
        end = chance.choice(("off", "off", "off", "off and all notes off", "all notes off", "shifted"))
        if pedal is not None:
            keys.play(0xB0 | channel, pedal, chance.choice((40, 64, 127)))
        step = chance.choice((0.11, 0.16, 0.24))
        for i in range(chance.randint(3, 16)):
            pitch = min(max(pitch + chance.choice((-5, -2, -1, 1, 2, 4)), 40), 88)
            chord = [pitch, pitch + 4, pitch + 7] if chance.random() < 0.15 else [pitch]
            for key in chord:
                keys.play(0x90 | channel, key, chance.randint(35, 115))
            over.wait(step * chance.choice((0.5, 0.9, 1.0)))
            lift(keys, channel, chord, end, chance)
            if pedal is not None and chance.random() < 0.5:
                keys.play(0xB0 | channel, pedal, (63, 64, 65, 64)[i % 4])  # it wavers
            over.wait(step * chance.choice((0.1, 0.3, 1.0)))
            if over.is_set():
                break
        if pedal is not None:
            lifts = (0xB0 | channel, pedal, 0), (0xB0 | channel, 121, 0)
            keys.play(*chance.choice(lifts))
        over.wait(chance.choice((0.2, 0.6, 1.5, 2.5, 3.5)))


def lift(keys: Keys, channel: int, chord: list[int], end: str, chance: random.Random) -> None:
    """These keys come up, as keyboards and DAWs say it; `shifted`: at other pitches now and then, so that they hang until panic."""
    shift = 12 if end == "shifted" and chance.random() < 0.2 else 0
    if end != "all notes off":
        for key in chord:
            keys.play(0x80 | channel, key + shift, 0)
    if "all notes off" in end:
        keys.play(0xB0 | channel, chance.choice(NOTES_OFF), 0)


class LiveSession:
    """One session, its hub, and the requests of its plan."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.chance = plan, random.Random(plan.seed + 1)
        self.keys, self.page, self.over = Keys(), Page(), threading.Event()
        args = argparse.Namespace(weights=None, engine="live", mind=None)
        more = {"manner": plan.manner, "beat": plan.beat, "zone": plan.zone}
        preset, learning = presets.load(plan.preset), MidiLearn.load([], folder.parent / "none.txt")
        setting = {"channel": plan.channel, "thru": True, "rounds": None, **more}
        known = verify_take.setting(preset, args, learning.bindings, setting)
        self.take = Take(folder, preset=preset.name, seed=plan.seed, setting=known)
        clock = Moments(SystemClock(), self.take.record_row)
        self.worker = WorkerClient(worker_command(preset.player(None), "live"))
        self.worker.others = partial(worker_command, engine="live")
        self.worker.journal = learning.journal = clock.keep
        self.output = FakeOutput(clock)
        outputs = OutputMerge(self.output)
        patchbay = Patchbay(None, outputs, ours=False)
        self.hub = Hub(
            outputs=outputs,
            takes=TakeList(self.take, folder.parent),
            clock=SystemClock(),
            midi_learn=learning,
            patchbay=patchbay,
            handle=handle,
        )
        config = SessionConfig(
            preset,
            mode_settings=plan.manner,
            beat=plan.beat,
            zones=plan.zone,
            controls=learning.bindings,
            channel=plan.channel,
            seed=plan.seed,
        )
        io = SessionIO(
            inputs=[self.keys, *self.hub.keyboard.inputs],
            output=outputs.agent,
            thru_output=outputs.player,
            worker=self.worker,
            clock=clock,
            take=self.hub,
            journal=self.take.record_row,
        )
        self.session = Session(config, io)
        self.hub.session = self.session

    async def run(self) -> None:
        """Play it."""
        await self.session.run(self._beside)

    async def _beside(self, session: Session) -> None:
        """All that happens, once the musician is ready."""
        while self.worker.ready is None:
            await asyncio.sleep(0.05)
        player = threading.Thread(target=phrases, args=(self.keys, random.Random(self.plan.seed + 2), self.over))
        start = time.perf_counter()
        player.start()
        try:
            for at, request in [*self.plan.requests, (self.plan.seconds, "stop")]:
                await asyncio.sleep(max(start + at - time.perf_counter(), 0.0))
                if request == "stop":
                    session.stop()
                else:
                    await self._wish(request)
            await asyncio.sleep(60.0)
        finally:
            self.over.set()
            await asyncio.to_thread(player.join)

    async def _wish(self, request: str) -> None:
        chance = self.chance
        match request:
            case "mode":
                self._ask({"do": "act", "action": chance.choice((*MODES, "fours"))})
            case "style" | "others":
                self._ask({"do": "preset", "name": chance.choice(STYLES if request == "style" else OTHERS)})
            case "learn":
                self._ask({"do": "sound like that", "name": f"mine {chance.randrange(3)}"})
            case "knob":
                self._ask({"do": "knob", "name": chance.choice(("density", "register", "tempo")), "value": 0.7})
            case "pad":
                corners = list(STYLES[:4])
                self._ask({"do": "pad", "x": chance.random(), "y": chance.random(), "corners": corners})
            case "kill":
                if self.worker.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.worker.pid, signal.SIGKILL)
            case "control":
                action = chance.choice((f"{KNOB}density", "hush", "next-mode", "preset:nocturne"))
                self._ask({"do": "learn", "action": action})
                for value in (100, 0, 127, 64, 0):
                    await asyncio.to_thread(self.keys.play, 0xB0, TAUGHT + chance.randrange(2), value)
                    await asyncio.sleep(0.07)
            case act:
                self._ask({"do": "act", "action": act})

    def _ask(self, request: dict[str, Any]) -> None:
        self.hub.handle_request(self.page, request)


def one(seed: int, folder: Path) -> dict[str, Any]:
    """Play one session and replay it; what came of it."""
    presets.OWN = folder.parent / "presets"  # what is learnt here is no user's
    plan = Plan.drawn(seed)
    live = LiveSession(plan, folder)
    asyncio.run(live.run())
    synth = Synth(message for _, message in live.output.sent)
    told = list(rows(folder / JSONL))
    try:
        report = verify_take.replay(folder)
    except Exception as error:  # a replay that fails is one that is not the same
        report = {"same": False, "session": repr(error), "musician": "", "decisions": 0, "sent": 0, "seconds": 0.0}
    hung = [*(f"key {key}" for key in sorted(synth.keys)), *(f"pedal {pedal}" for pedal in sorted(synth.pedals))]
    hung += [f"cut {key}" for key in synth.cut]
    if hung:
        report = {**report, "same": False, "session": f"hung: {', '.join(hung)}"}
    acts = [act for _, act in plan.requests]
    return {"seed": seed, "mode": plan.manner.mode, "acts": acts, "rows": len(told), **report}


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Beside so many loops that do nothing."""
    loops = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def apart(seed: int, folder: Path) -> dict[str, Any]:
    """`one`, in a process of its own."""
    command = [sys.executable, "-m", "tests.measure.replays", "--one", str(seed), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"seed": seed, "same": False, "session": done.stderr[-2000:], "musician": ""}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def tell(report: dict[str, Any]) -> str:
    """A line of the table."""
    same = "same" if report["same"] else "DIFFERS"
    about = (
        f"{report['seed']:5d}  {report.get('mode', ''):5s}  {report.get('decisions', 0):4d}  {report.get('sent', 0):5d}"
    )
    why = " | ".join(str(report[half])[:160] for half in ("session", "musician") if report[half])
    return f"{about}  {same:7s}  {' '.join(report.get('acts', ()))}  {why}"


def main(argv: Sequence[str] | None = None) -> int:
    """0: every replay is the same."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.replays", description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="the number of the first session")
    parser.add_argument("--jobs", type=int, default=2, help="sessions at a time")
    parser.add_argument("--busy", type=int, default=2, help="loops beside them that do nothing")
    parser.add_argument("--folder", type=Path, help="where the takes are kept")
    parser.add_argument("--one", type=int, help="play this session alone, and tell it as JSON")
    args = parser.parse_args(argv)
    if args.one is not None:
        print(json.dumps(one(args.one, args.folder)))
        return 0
    print(" seed  mode   asked  sent  replay  requests")
    with contextlib.ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(busy(args.busy))
        pool = stack.enter_context(ThreadPoolExecutor(args.jobs))
        seeds = range(args.first, args.first + args.sessions)
        reports = []
        for report in pool.map(lambda seed: apart(seed, folder / f"session-{seed}" / "take"), seeds):
            reports.append(report)
            print(tell(report), flush=True)
    same = sum(report["same"] for report in reports)
    print(f"{same} of {len(reports)} replays are the same, bit for bit")
    return 0 if same == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
