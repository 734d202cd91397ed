"""Endurance: an engine that hears and plays for hours says in the end what a fresh one says, in the same time and memory.

Knows nothing of the present; a stopwatch is all it needs.

    python -m models.evaluation.endurance --notes 100000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..encoding import longest_match
from ..music.note import HELD, Note, Span
from ..runtime import weights_file

PHRASE, PARTS = 8, 10
ALIKE = 0.999  # correlation: in eight bits, steps at once and one by one are rounded differently


@dataclass(frozen=True)
class Stretch:
    """A tenth of the session: notes so far, the median milliseconds of hearing and of inventing one, and megabytes in use."""

    notes: int
    heard_ms: float
    invented_ms: float
    memory: float


def session(engine: Engine, notes: int, told: list[Note]) -> Iterator[Stretch]:
    """Hear a phrase, each note as it is struck and as it is let go; answer it; and so on. `told` gets the last notes."""
    rng, heard, invented = np.random.default_rng(0), [], []
    now, marks = 0.0, [notes * (i + 1) // PARTS for i in range(PARTS)]
    while engine.length < notes:
        for _ in range(PHRASE):
            note = Note(now, HELD, int(rng.integers(45, 80)), int(rng.integers(40, 100)))
            begun, at = perf_counter(), engine.length
            engine.hear(at, [note])
            engine.hear(at, [replace(note, duration=0.2)])
            heard.append(perf_counter() - begun)
            told.append(replace(note, duration=0.2))
            now += float(rng.gamma(1.5, 0.15))
        playing = engine.play(Span(now + 0.5, now + 1e6, now + 1e6, now + 1e6))
        for _ in range(PHRASE):
            begun = perf_counter()
            told.append(next(playing))
            invented.append(perf_counter() - begun)
        now = told[-1].onset + 0.5
        del told[: -reach(engine)]
        if engine.length >= marks[0]:
            yield Stretch(engine.length, 1000 * float(np.median(heard)), 1000 * float(np.median(invented)), memory())
            heard, invented = [], []
            marks = [m for m in marks if m > engine.length] or [notes + 1]


def reach(engine: Engine) -> int:
    """How many notes can count: each layer looks back one window, and recall another."""
    return (engine.config.layers + 1) * engine.config.window + longest_match.lookback(engine.config.window)


def fresh(engine: Engine, other: Engine, told: list[Note]) -> float:
    """Let another engine hear the end of this one's session: the correlation of what the two expect."""
    other.style(None, {})
    other.hear(0, told)
    return float(np.corrcoef(engine.state, other.state)[0, 1])


def memory() -> float:
    """Megabytes that this process takes; nothing where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf8").splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024, 1)
    except (OSError, StopIteration):
        return 0.0


def main(argv: list[str] | None = None) -> int:
    """Play, and print each tenth; 0 where the end agrees with a fresh engine's."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.endurance", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--notes", type=int, default=100_000, metavar="N", help="how many (default 100,000)")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--engine", default=backend_choice.LIVE, choices=backend_choice.NAMES)
    args = parser.parse_args(argv)
    try:
        engine, other = (backend_choice.load(args.weights, args.engine) for _ in range(2))
    except weights_file.CheckpointError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 2
    print("notes".rjust(9) + "heard, ms".rjust(12) + "invented, ms".rjust(14) + "MB".rjust(8))
    told: list[Note] = []
    for part in session(engine, args.notes, told):
        print(f"{part.notes:9}{part.heard_ms:12.2f}{part.invented_ms:14.2f}{part.memory:8.1f}", flush=True)
    alike = fresh(engine, other, told)
    print(f"a fresh engine that hears the end of it expects the same: correlation {alike:.5f}")
    return int(alike < ALIKE)


if __name__ == "__main__":
    sys.exit(main())
