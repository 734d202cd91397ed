"""Latency: how long an engine takes on this machine for what playing asks of it.

The worker measures it on request. It needs no clock but a stopwatch.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from ..encoding import codec, longest_match_features
from ..music.note_records import Note, Span
from .candidate_pool import MOST
from .draft_rows import DraftRows
from .engine import Engine
from .generation import generate

CONTEXTS = (64, 256, 512, 1024)  # notes of context
MAIN_CONTEXT = 512  # notes of context for the figures that are measured at one length only
NOTES_PER_RUN = 32  # notes that are generated before the context is set back
PREFILL_NOTES = 32  # notes that are heard at once
TURN = 32  # steps in a row; of fewer, too many begin with memory that was just read and still is in the nearest cache
DRAFTS, DRAFT_NOTES = MOST, 25  # answers, and notes of each, that are compared side by side and one after another
MOST_TURNS = 8  # times that they are compared
PIECE_BYTES = 1 << 20  # larger arrays get memory pages of another size, which are read faster


def measure(engine: Engine, count: int) -> dict[str, list[float]]:
    """Seconds, about `count` times each: a note at each length of context, hearing one note (`append`) and 32 (`prefill`),
    a step of the network alone, and the least time that a step can take (`limit`).

    A few times: twelve answers of 25 notes side by side (`twelve`) and one after another (`apart`), by turns; and spare time until
    one can be chosen from twelve (`choice`). These are empty where the runtime computes one sequence at a time.
    """
    seconds: dict[str, list[float]] = {}
    engine.seed(0)
    engine.style([0.1] * engine.config.latent, {})
    for context in CONTEXTS:
        music = make_music(context)
        engine.hear(0, [])
        engine.hear(0, music)
        times = count if context == MAIN_CONTEXT else max(count // 4, 8)
        seconds[f"note_{context}"] = _time_notes(engine, context, music[-1].onset, times)
        if context == MAIN_CONTEXT:
            seconds["note"] = seconds[f"note_{context}"]
            seconds["step"], seconds["limit"] = _time_steps_and_limit(engine, count)
            seconds["append"] = [_time_hearing(engine, context, 1) for _ in range(count)]
            seconds["prefill"] = [_time_hearing(engine, context, PREFILL_NOTES) for _ in range(max(count // 8, 4))]
            seconds |= _time_drafts(engine, music, min(max(count // 60, 2), MOST_TURNS))
    return seconds


def make_music(count: int) -> list[Note]:
    """So many notes of one player, at random, about five a second."""
    rng = np.random.default_rng(count)
    onset = np.cumsum(rng.gamma(1.5, 0.12, count))
    return [Note(float(t), 0.3, int(p), 70) for t, p in zip(onset, rng.integers(45, 80, count), strict=True)]


def _time_notes(engine: Engine, context: int, last: float, count: int) -> list[float]:
    """Seconds for each of `count` notes after `context` ones, the last of which begins at `last`."""
    seconds: list[float] = []
    while len(seconds) < count:
        engine.hear(context, [])
        notes = engine.play(Span(last + 0.1, last + 1e6, last + 1e6, last + 1e6))
        next(notes)  # it begins from a hidden state that is there; each later one takes a step first
        for _ in range(NOTES_PER_RUN):
            seconds.append(_time(lambda: next(notes)))  # noqa: B023
    return seconds[:count]


def _time_steps_and_limit(engine: Engine, count: int) -> tuple[list[float], list[float]]:
    """Seconds of a step of the network, and of its limit, by turns, as memory is slower at one moment than at another.

    The limit: reading once what a step must read, its weights and the window of keys and values.
    """
    step = longest_match_features.add_recall(np.tile(codec.encode(make_music(2))[1:], (2, 1)), engine.config.window, 1)
    before = step[[0, 0], : len(codec.FIELDS)]
    whole, rest = divmod(engine.backend.bytes_per_step, PIECE_BYTES)
    pieces = [np.ones(size // 4, np.float32) for size in (*[PIECE_BYTES] * whole, rest)]
    steps: list[float] = []
    limit: list[float] = []
    length = engine.ring.length
    while len(steps) < count:
        for _ in range(TURN):
            steps.append(_time(lambda: engine.backend.feed(step, before, engine.context.z)))
            engine.ring.rewind(length)
        limit += [_time(lambda: [piece @ piece for piece in pieces]) for _ in range(TURN)]
    return steps[:count], limit[:count]


def _time_drafts(engine: Engine, music: list[Note], turns: int) -> dict[str, list[float]]:
    """`twelve`, `apart` and `choice`, so many times each."""
    seconds: dict[str, list[float]] = {"twelve": [], "apart": [], "choice": []}
    branches = engine.backend.branches()
    if branches is None:
        return seconds
    last = music[-1].onset
    span = Span(last + 0.1, last + 1e6, last + 1e6, last + 1e6)
    for turn in range(turns):
        engine.hear(len(music), [])
        randoms = [np.random.default_rng([turn, i]) for i in range(DRAFTS)]
        rows = DraftRows(engine.context, branches, span, engine.generation, randoms)
        seconds["twelve"].append(_time(lambda: [rows.step() for _ in range(2 * DRAFT_NOTES - 1)]))  # noqa: B023
        seconds["apart"].append(sum(_time_one_draft(engine, span, turn, i) for i in range(DRAFTS)))
        engine.draft(span, DRAFTS)
        seconds["choice"].append(_time(lambda: _work_until_choice(engine)))
        engine.candidates.drop()
    return seconds


def _time_one_draft(engine: Engine, span: Span, turn: int, number: int) -> float:
    """Seconds of one answer of `DRAFT_NOTES` notes, drawn in the context and taken back."""
    length = engine.length
    random = np.random.default_rng([turn, number])
    notes = generate(engine.context, span, engine.generation, random)
    seconds = _time(lambda: [next(notes) for _ in range(DRAFT_NOTES)])
    engine.context.truncate(length)
    return seconds


def _work_until_choice(engine: Engine) -> None:
    """Work in spare time until all candidates are long enough to be scored, and were."""
    while engine.candidates.scored_count < DRAFTS and engine.spare():
        pass


def _time_hearing(engine: Engine, context: int, count: int) -> float:
    engine.hear(context, [])
    more = [n.shift(1000.0) for n in make_music(count)]
    return _time(lambda: engine.hear(context, more))


def _time(action: Callable[[], object]) -> float:
    start = perf_counter()
    action()
    return perf_counter() - start
