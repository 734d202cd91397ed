"""Measure duets: play melodies that the musician has never seen, and compare its accompaniment with the arranger's.

    python -m tests.measure.duet --corpus DIR            melodies of POP909 in virtual time, which advances by the
    musician's CPU time
    python -m tests.measure.duet --corpus DIR --live     in real time, with the musician as a process of its own

There are four figures: the share of notes that were ready, that fit the harmony, that are on the beat, and the similarity of each
four bars to earlier ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.clock import SystemClock
from agent.playing.playback_thread import Player
from agent.playing.worker_client import WorkerClient, worker_command
from agent.session.config import SessionConfig, SessionIO
from agent.session.session import Session
from agent.styles.presets import Preset, load
from agent.turns.mode_settings import DUET, BeatSettings, ModeSettings
from models.data.corpus import Piece, read
from models.decoding import backend_choice
from models.decoding.engine import Engine
from models.music.note_records import ANSWER, CALL, Note, Span

from ..support.fakes import FakeInput, FakeOutput, LoopPlayer, in_virtual_time

AGENT = 1  # its channel, from 0
AROUND = 8.0  # seconds to either side from which the key is estimated
SCALE = (0, 2, 4, 5, 7, 9, 11)  # major
BARS = 4  # of a block of which the similarity is measured


@dataclass(frozen=True)
class Tune:
    """A melody, and its arranger's accompaniment. The first downbeat is at 0; `bar` is a bar's length in seconds."""

    name: str
    melody: list[Note]
    accompaniment: list[Note]
    bar: float


@dataclass(frozen=True)
class PlayingOptions:
    """PlayingOptions the agent plays: its style, its groove, its luck."""

    preset: Preset
    groove: float | None = None
    seed: int = 0


@dataclass
class Figures:
    """The figures of one tune, or the average of several; those in `_real` are of the arranger's accompaniment."""

    ready: float
    notes_a_second: float
    harmony: float
    harmony_real: float
    on_beat: float
    on_beat_real: float
    similarity: float
    similarity_real: float
    notes: int = 0
    seconds: float = 0.0


class EngineWorker:
    """The engine in this process. In virtual time a note takes its CPU time, or `takes` seconds where that is given."""

    def __init__(self, engine: Engine, takes: float | None = None) -> None:
        self.engine, self.takes, self._debt = engine, takes, 0.0
        self.gone, self.last_words = asyncio.Event(), ""
        self.did: dict[str, int] = {}

    async def start(self) -> None:
        self.engine.context.restart(0, [])

    async def wait_ready(self) -> dict[str, Any]:
        return self.engine.about()

    def hear(self, at: int, notes: Sequence[Note]) -> None:
        begun = time.process_time()
        self.engine.hear(at, list(notes))
        self._debt += (time.process_time() - begun) if self.takes is None else 0.5 * self.takes

    join = hear

    def style(self, z: Any, sampling: dict[str, float]) -> None:
        self.engine.style(None if z is None else list(z), sampling)

    def vamp(self, notes: Sequence[Note]) -> None:
        self.engine.vamp(list(notes))

    def seed(self, seed: int) -> None:
        self.engine.seed(seed)

    async def play(self, span: Span) -> AsyncGenerator[Note | str, None]:
        playing = self.engine.play(span)
        while True:
            begun, item = time.process_time(), None
            try:
                item = next(playing)
            except StopIteration as end:
                item = str(end.value)
            took = (time.process_time() - begun) if self.takes is None else self.takes
            await asyncio.sleep(took + self._debt)
            self._debt = 0.0
            yield item
            if isinstance(item, str):
                return

    async def close(self) -> None:
        pass


async def play_along(
    tune: Tune, worker: Any, clock: Any, make_player: Any, options: PlayingOptions
) -> tuple[list[Note], float]:
    """Play one duet: the agent's notes, in seconds from the first downbeat, and the share of them that was ready in time."""
    keys, output = FakeInput(clock), FakeOutput(clock)
    beat = BeatSettings(tempo=240.0 / tune.bar, count_in=0)
    mode_settings = ModeSettings(DUET, part="comp", groove=options.groove)
    config = SessionConfig(options.preset, mode_settings=mode_settings, beat=beat, channel=AGENT, seed=options.seed)
    io = SessionIO(inputs=[keys], output=output, worker=worker, clock=clock, make_player=make_player)
    session = Session(config, io)
    running = asyncio.ensure_future(session.run())
    while is_starting(worker) or not session.transport.running:
        await asyncio.sleep(0.01)
    zero = session.transport.time_at(8.0)  # two bars, then the first downbeat
    events = [(n.onset, bytes((0x90, n.pitch, n.velocity))) for n in tune.melody]
    events += [(n.end, bytes((0x80, n.pitch, 0))) for n in tune.melody]
    for when, message in sorted(events, key=lambda e: (e[0], e[1][0])):
        await asyncio.sleep(max(zero + when - clock.now(), 0.0))
        keys.play(*message)
    await asyncio.sleep(2.0)
    session.stop()
    await running
    stats = session.stats
    ready = 1.0 - (stats.unready + stats.misses) / max(stats.notes + stats.misses, 1)
    return agent_notes(output, zero), ready


def is_starting(worker: Any) -> bool:
    """Whether a musician in a process of its own is not ready yet."""
    return isinstance(worker, WorkerClient) and worker.ready is None


def agent_notes(output: FakeOutput, zero: float) -> list[Note]:
    """The agent's notes in what was sent, in seconds from `zero`."""
    found, down = [], {}
    for when, m in output.sent:
        if len(m) == 3 and m[0] == 0x90 | AGENT and m[2] > 0:
            down[m[1]] = (when, m[2])
        elif len(m) == 3 and m[0] == 0x80 | AGENT and m[1] in down:
            begun, velocity = down.pop(m[1])
            found.append(Note(begun - zero, when - begun, m[1], velocity, ANSWER))
    return sorted(found, key=lambda n: n.onset)


# -- the figures -----------------------------------------------------------------------------------------------------


def share_in_harmony(notes: Iterable[Note], melody: Sequence[Note]) -> float:
    """The share of notes whose pitch class the melody sounds at that moment, or that lie in the melody's key around it."""
    onset, end = np.array([n.onset for n in melody]), np.array([n.end for n in melody])
    pitch = np.array([n.pitch % 12 for n in melody])
    scales = np.zeros((12, 12), dtype=bool)
    for root in range(12):
        scales[root, [(root + s) % 12 for s in SCALE]] = True
    hits = []
    for note in notes:
        sounding = set(pitch[(onset <= note.onset + 0.03) & (end > note.onset)])
        near = (onset > note.onset - AROUND) & (onset < note.onset + AROUND)
        if not near.any():
            continue  # without a melody there is no harmony to fit
        weight = np.bincount(pitch[near], (end - onset)[near], 12)
        covered = scales @ weight
        best = scales[covered >= covered.max() - 1e-9]  # a short melody fits several keys: each of them counts
        hits.append(note.pitch % 12 in sounding or bool(best[:, note.pitch % 12].any()))
    return float(np.mean(hits)) if hits else 0.0


def share_on_beat(notes: Iterable[Note], bar: float) -> float:
    """The share of onsets within 40 ms of a sixteenth, beyond what chance gives: 1 is all, 0 is chance."""
    step = bar / 16
    off = np.array([abs(n.onset / step - round(n.onset / step)) * step for n in notes])
    chance = min(0.08 / step, 0.99)
    return float(((off < 0.04).mean() - chance) / (1 - chance)) if len(off) else 0.0


def similarity(notes: Iterable[Note], bar: float) -> float:
    """PlayingOptions much each four bars are like the most alike four before them: shared (sixteenth, pitch), of all of both."""
    blocks: dict[int, set[tuple[int, int]]] = {}
    for n in notes:
        step = round(n.onset / bar * 16)
        blocks.setdefault(step // (16 * BARS), set()).add((step % (16 * BARS), n.pitch))
    found = [b for _, b in sorted(blocks.items()) if len(b) >= 8]
    best = [max(len(b & a) / len(b | a) for a in found[:i]) for i, b in enumerate(found) if i]
    return float(np.mean(best)) if best else 0.0


def figures(tune: Tune, notes: list[Note], ready: float) -> Figures:
    """The figures of one duet."""
    seconds = max(n.end for n in tune.melody)
    return Figures(
        **{"ready": ready, "notes_a_second": len(notes) / seconds, "notes": len(notes), "seconds": seconds},
        **{
            "harmony": share_in_harmony(notes, tune.melody),
            "harmony_real": share_in_harmony(tune.accompaniment, tune.melody),
        },
        **{"on_beat": share_on_beat(notes, tune.bar), "on_beat_real": share_on_beat(tune.accompaniment, tune.bar)},
        **{"similarity": similarity(notes, tune.bar), "similarity_real": similarity(tune.accompaniment, tune.bar)},
    )


def average(found: Sequence[Figures]) -> Figures:
    """The average of several: weighted by notes for shares of notes, by seconds for the rest."""
    by_note, by_second = np.array([f.notes for f in found]), np.array([f.seconds for f in found])
    mean = {
        key: float(
            np.average([getattr(f, key) for f in found], weights=by_note if key in ("ready", "harmony") else by_second)
        )
        for key in asdict(found[0])
    }
    return Figures(**{**mean, "notes": int(by_note.sum()), "seconds": float(by_second.sum())})


# -- the tunes -------------------------------------------------------------------------------------------------------


def read_tunes(corpus: Path, split: str, seconds: float, each: float) -> list[Tune]:
    """Held-out tunes of POP909, from where the melody begins, so many seconds of each."""
    found: list[Tune] = []
    for piece in read(corpus, split, ["pop909"]):
        tune = to_tune(piece, each)
        if tune is not None:
            found.append(tune)
        if len(found) * each >= seconds:
            break
    return found


def to_tune(piece: Piece, each: float) -> Tune | None:
    """A piece as a tune, played to a metronome of its mean tempo; None where it has too little melody, or no beats."""
    known = np.flatnonzero(np.isfinite(piece.place))
    if len(known) < 100 or (piece.part[known] == 1).sum() < 40:
        return None
    time, place = piece.onset[known], piece.place[known]
    turned = np.diff(place)
    bar = float(np.median(np.diff(time)[turned > 0.03] / turned[turned > 0.03]))
    number = np.concatenate([[0.0], np.cumsum(np.round(np.diff(time) / bar - turned))])  # of each note's bar
    number -= number[piece.part[known] == 1][0]
    onset = (number + place) * bar

    def notes(of_melody: bool, role: int) -> list[Note]:
        inside = (onset >= 0) & (onset < each) & ((piece.part[known] == 1) == of_melody)
        columns = (onset[inside], *(a[known][inside] for a in (piece.duration, piece.pitch, piece.velocity)))
        return [Note(float(o), float(d), int(p), int(v), role) for o, d, p, v in zip(*columns, strict=True)]

    return Tune(piece.name, without_overlaps(notes(True, CALL)), notes(False, ANSWER), bar)


def without_overlaps(melody: list[Note]) -> list[Note]:
    """A melody in which each note ends before the next one begins."""
    out: list[Note] = []
    for note, after in zip(melody, [*melody[1:], None], strict=True):
        end = note.end if after is None else min(note.end, max(after.onset - 0.005, note.onset + 0.02))
        out.append(Note(note.onset, end - note.onset, note.pitch, note.velocity))
    return out


def duet(tune: Tune, engine: Engine | None, options: PlayingOptions, takes: float | None = None) -> Figures:
    """Measure one duet: in virtual time with an engine, or, without one, in real time with the musician as a process."""
    if engine is not None:
        worker = EngineWorker(engine, takes)
        return figures(tune, *in_virtual_time(lambda loop: play_along(tune, worker, loop, LoopPlayer, options)))

    def live() -> Coroutine[Any, Any, tuple[list[Note], float]]:
        return play_along(tune, WorkerClient(worker_command()), SystemClock(), Player, options)

    return figures(tune, *asyncio.run(live()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.measure.duet", description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="test", choices=("valid", "test"))
    parser.add_argument("--seconds", type=float, default=600.0, help="of melody, in all (default 600)")
    parser.add_argument("--each", type=float, default=120.0, help="of one tune (default 120)")
    parser.add_argument("--preset", default="pop-ballad", help="a style; none: the middle of all")
    parser.add_argument("--groove", type=float, help="percent (default: that of a duet)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--live", action="store_true", help="in real time, the musician as a process")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    engine = None if args.live else backend_choice.load("open")
    preset = Preset("none") if args.preset == "none" else load(args.preset)
    groove = None if args.groove is None else args.groove / 100
    found = []
    for number, tune in enumerate(read_tunes(args.corpus, args.split, args.seconds, args.each)):
        found.append(duet(tune, engine, PlayingOptions(preset, groove, args.seed + number)))
        if not args.json:
            print(tune.name, {k: round(v, 4) for k, v in asdict(found[-1]).items()}, flush=True)
    total = {k: round(v, 4) for k, v in asdict(average(found)).items()}
    print(json.dumps(total) if args.json else total)


if __name__ == "__main__":
    main()
