"""Note profile: where the time of a note goes, by itself and in twelve drafts at once.

    python -m models.evaluation.note_profile [--preset FILE] [--weights open]

It plays after 512 notes of context and wraps each part in a stopwatch of processor time, which other programs disturb less
than a clock. A stopwatch costs about half a microsecond a part.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np

from ..decoding import draft_rows, generation, latency
from ..decoding.backend_choice import LIVE, NAMES, load
from ..decoding.draft_rows import DraftRows
from ..decoding.engine import Engine
from ..encoding import longest_match_features
from ..encoding.codec import PREDICTED
from ..encoding.longest_match_features import StepHistory
from ..music.note_records import Span
from ..steering import constraints
from ..steering.pipeline import PIPELINE, Pipeline
from .answers import read_preset

NOTES = 400  # notes one after another, and in rows
CONTEXT_NOTES = 512


@dataclass
class Stopwatches:
    """Seconds and calls by the name of a part."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def watch(self, owner: Any, name: str, part: str, of_field: bool = False) -> Callable[[], None]:
        """Time each call of an attribute from now on; `of_field`: apart by the field of its step. Returns how to stop."""
        original = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = thread_time()
            found = original(*args, **kwargs)
            key = f"{part}, {PREDICTED[_field_of(args)]}" if of_field else part
            self.seconds[key] += thread_time() - start
            self.calls[key] += 1
            return found

        own = name in vars(owner)
        setattr(owner, name, timed)
        return lambda: setattr(owner, name, original) if own or isinstance(owner, type) else delattr(owner, name)

    def rows(self, notes: int) -> list[dict[str, Any]]:
        """Each part, the longest first: microseconds a note, and a call."""
        order = sorted(self.seconds, key=lambda part: -self.seconds[part])
        return [
            {
                "part": part,
                "us_a_note": round(1e6 * self.seconds[part] / notes, 1),
                "us_a_call": round(1e6 * self.seconds[part] / self.calls[part], 1),
            }
            for part in order
        ]


def _field_of(args: tuple[Any, ...]) -> int:
    """The field of the step, or of the first step, among the arguments of a term of steering."""
    step = args[-2][0] if isinstance(args[-2], list) else args[-2]
    return int(step.field)


def _watch_parts(watches: Stopwatches, backend: Any, decoding: Any, draw: str) -> list[Callable[[], None]]:
    """Time the parts that a note has either way. Returns how to stop."""
    steer = "steer_rows" if draw == "draw_rows" else "__call__"
    stops = [
        watches.watch(backend, "feed", "a step of the network"),
        watches.watch(backend, "logits", "the heads"),
        watches.watch(backend, "condition", "the heads' conditions"),
        watches.watch(decoding, draw, "drawing"),
        watches.watch(StepHistory, "recall", "recall"),
        watches.watch(constraints, "allowed_pitches", "allowed pitches"),
    ]
    stops += [watches.watch(type(term), steer, f"steering: {term.name}", of_field=True) for term in PIPELINE]
    return stops


def profile_alone(engine: Engine, span: Span, notes: int) -> tuple[float, list[dict[str, Any]]]:
    """Microseconds a note without stopwatches, and the parts; notes one after another, as an answer is played."""

    def play(count: int) -> float:
        length = engine.length
        playing = engine.play(span)
        next(playing)  # its state is there; each later note takes a step first
        start = thread_time()
        for _ in range(count):
            next(playing)
        seconds = thread_time() - start
        engine.hear(length, [])
        return seconds

    turns = max(notes // latency.NOTES_PER_RUN, 1)
    plain = min(play(latency.NOTES_PER_RUN) for _ in range(turns))
    watches = Stopwatches()
    stops = _watch_parts(watches, engine.backend, generation, "draw")
    stops.append(watches.watch(longest_match_features, "add_recall_to_last", "recall, with its step"))
    stops.append(watches.watch(Pipeline, "note", "steering: the step"))
    for _ in range(turns):
        play(latency.NOTES_PER_RUN)
    for stop in stops:
        stop()
    return 1e6 * plain / latency.NOTES_PER_RUN, watches.rows(turns * latency.NOTES_PER_RUN)


def profile_rows(engine: Engine, span: Span, notes: int) -> tuple[float, list[dict[str, Any]]]:
    """The same of twelve drafts side by side; a note is a row's. Raises ValueError where the runtime has no rows."""
    branches = engine.backend.branches()
    if branches is None:
        raise ValueError(f"{engine.backend.runtime} drafts one after another")
    count = latency.DRAFTS
    steps = 2 * latency.DRAFT_NOTES - 1

    def draft(turn: int) -> float:
        randoms = [np.random.default_rng([turn, i]) for i in range(count)]
        rows = DraftRows(engine.context, branches, span, engine.generation, randoms)
        start = thread_time()
        for _ in range(steps):
            rows.step()
        return thread_time() - start

    turns = max(notes // (count * latency.DRAFT_NOTES), 1)
    drawn = count * latency.DRAFT_NOTES
    plain = min(draft(turn) for turn in range(turns + 2))
    watches = Stopwatches()
    stops = _watch_parts(watches, branches, draft_rows, "draw_rows")
    stops.append(watches.watch(constraints, "allowed_waits_of_rows", "allowed waits"))
    stops.append(watches.watch(Pipeline, "rows", "steering: the steps"))
    engine.generation.steering.forget_call()  # it has taken the terms' ways for rows as they were before
    for turn in range(turns):
        draft(turn)
    for stop in stops:
        stop()
    engine.generation.steering.forget_call()
    return 1e6 * plain / drawn, watches.rows(turns * drawn)


def main(argv: list[str] | None = None) -> int:
    """The command: print both tables, or JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.note_profile", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--engine", default=LIVE, choices=NAMES, help="what runs the network")
    parser.add_argument("--preset", type=Path, help="a preset file, in whose style it plays (default: no style)")
    parser.add_argument(
        "--notes", type=int, default=NOTES, help="notes that are measured either way (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # as in the worker
        os.environ.setdefault(threads, "1")
    engine = load(args.weights, args.engine)
    if args.preset:
        z, sampling, _ = read_preset(args.preset)
        engine.style(z, sampling)
    engine.seed(0)
    music = latency.make_music(CONTEXT_NOTES)
    engine.hear(0, music)
    last = music[-1].onset
    span = Span(last + 0.1, last + 1e6, last + 1e6, last + 1e6)
    found: dict[str, dict[str, Any]] = {}
    for title, profile in (("one after another", profile_alone), ("twelve at once", profile_rows)):
        total, parts = profile(engine, span, max(args.notes, 1))
        found[title] = {"us_a_note": round(total, 1), "parts": parts}
    if args.json:
        print(json.dumps(found))
        return 0
    for title, table in found.items():
        print(
            f"{title}: {table['us_a_note']:.0f} microseconds a note\n\n| part | µs a note | µs a call |\n|---|---|---|"
        )
        print("\n".join(f"| {r['part']} | {r['us_a_note']} | {r['us_a_call']} |" for r in table["parts"]), end="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
