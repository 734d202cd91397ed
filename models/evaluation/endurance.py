"""Endurance: an engine that has played for hours expects what a fresh one expects, in the same time and memory.

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
from ..encoding import longest_match_features
from ..music.note_records import HELD, Note, Span
from ..runtime import weights_file

PHRASE_NOTES = 8  # of each call and each answer
SEGMENTS = 10  # of the session, that are measured each by itself
FEWEST_ALIKE = 0.999  # correlation: in eight bits, steps at once and one by one are rounded differently


@dataclass(frozen=True)
class Segment:
    """A tenth of the session: notes so far, the median milliseconds of hearing and of generating one, and megabytes in use."""

    notes: int
    heard_ms: float
    generated_ms: float
    memory_mb: float


def run_session(engine: Engine, notes: int, last_notes: list[Note]) -> Iterator[Segment]:
    """Hear a phrase, each note as its key goes down and up; answer it; and so on. The notes that still count go to `last_notes`."""
    rng = np.random.default_rng(0)
    heard: list[float] = []
    generated: list[float] = []
    now = 0.0
    marks = [notes * (i + 1) // SEGMENTS for i in range(SEGMENTS)]
    while engine.length < notes:
        for _ in range(PHRASE_NOTES):
            note = Note(now, HELD, int(rng.integers(45, 80)), int(rng.integers(40, 100)))
            began = perf_counter()
            at = engine.length
            engine.hear(at, [note])
            engine.hear(at, [replace(note, duration=0.2)])
            heard.append(perf_counter() - began)
            last_notes.append(replace(note, duration=0.2))
            now += float(rng.gamma(1.5, 0.15))
        answer = engine.play(Span(now + 0.5, now + 1e6, now + 1e6, now + 1e6))
        for _ in range(PHRASE_NOTES):
            began = perf_counter()
            last_notes.append(next(answer))
            generated.append(perf_counter() - began)
        now = last_notes[-1].onset + 0.5
        del last_notes[: -receptive_field(engine)]
        if engine.length >= marks[0]:
            heard_ms = 1000 * float(np.median(heard))
            generated_ms = 1000 * float(np.median(generated))
            yield Segment(engine.length, heard_ms, generated_ms, resident_megabytes())
            heard = []
            generated = []
            marks = [m for m in marks if m > engine.length] or [notes + 1]


def receptive_field(engine: Engine) -> int:
    """How many past notes can count: each layer looks back one window, and recall another."""
    return (engine.config.layers + 1) * engine.config.window + longest_match_features.lookback(engine.config.window)


def correlation_with_fresh(engine: Engine, fresh: Engine, last_notes: list[Note]) -> float:
    """Let a fresh engine hear the end of this one's session: the correlation of their hidden states."""
    fresh.style(None, {})
    fresh.hear(0, last_notes)
    return float(np.corrcoef(engine.state, fresh.state)[0, 1])


def resident_megabytes() -> float:
    """Megabytes of memory of this process; 0 where the system does not say."""
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
        engine, fresh = (backend_choice.load(args.weights, args.engine) for _ in range(2))
    except weights_file.CheckpointError as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 2
    print("notes".rjust(9) + "heard, ms".rjust(12) + "generated, ms".rjust(15) + "MB".rjust(8))
    last_notes: list[Note] = []
    for part in run_session(engine, args.notes, last_notes):
        print(f"{part.notes:9}{part.heard_ms:12.2f}{part.generated_ms:15.2f}{part.memory_mb:8.1f}", flush=True)
    correlation = correlation_with_fresh(engine, fresh, last_notes)
    print(f"a fresh engine that hears the end of it expects the same: correlation {correlation:.5f}")
    return int(correlation < FEWEST_ALIKE)


if __name__ == "__main__":
    sys.exit(main())
