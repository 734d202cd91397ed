"""Measure: how long an engine takes for what playing asks of it, on this machine.

Knows nothing of the present: a stopwatch is all it needs. The worker runs it when it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from ..encoding import codec, longest_match
from ..music.note import Note, Span
from .engine import Engine

CONTEXTS = (64, 256, 512, 1024)
AT = 512  # notes of context, where one figure must do
TURN = 32  # steps, before the memory is read as often; of fewer, too many begin with what was read last in the nearest cache
PIECE = 1 << 20  # bytes; the system lays out what is far larger in another way, which reads quicker


def figures(engine: Engine, notes: int) -> dict[str, list[float]]:
    """Seconds, each so many times: a note at each length of context, one heard note, 32 heard at once, and the limit of a step."""
    found: dict[str, list[float]] = {}
    engine.seed(0)
    engine.style([0.1] * engine.config.latent, {})
    for context in CONTEXTS:
        music = _music(context)
        engine.hear(0, [])
        engine.hear(0, music)
        count = notes if context == AT else max(notes // 4, 8)
        found[f"note_{context}"] = _notes(engine, context, music[-1].onset, count)
        if context == AT:
            found["note"] = found[f"note_{context}"]
            found["step"], found["limit"] = _steps_and_limit(engine, notes)
            found["append"] = [_heard(engine, context, 1) for _ in range(notes)]
            found["prefill"] = [_heard(engine, context, 32) for _ in range(max(notes // 8, 4))]
    return found


def _music(count: int) -> list[Note]:
    rng = np.random.default_rng(count)
    onset = np.cumsum(rng.gamma(1.5, 0.12, count))
    return [Note(float(t), 0.3, int(p), 70) for t, p in zip(onset, rng.integers(45, 80, count), strict=True)]


def _notes(engine: Engine, context: int, last: float, count: int) -> list[float]:
    found: list[float] = []
    while len(found) < count:
        engine.hear(context, [])
        playing = engine.play(Span(last + 0.1, last + 1e6, last + 1e6, last + 1e6))
        next(playing)  # it begins from a hidden state that is there; each later one takes a step first
        for _ in range(32):
            found.append(_timed(lambda: next(playing)))  # noqa: B023
    return found[:count]


def _steps_and_limit(engine: Engine, count: int) -> tuple[list[float], list[float]]:
    """One step of the network alone, and the least that it can take; by turns, as memory is slower at one moment than at another.

    The least: reading once what a step must read, its weights and the window of keys and values, in pieces as these lie.
    """
    step = longest_match.add_recall(np.tile(codec.encode(_music(2))[1:], (2, 1)), engine.config.window, 1)
    before = step[[0, 0], : len(codec.FIELDS)]
    whole, rest = divmod(engine.network.bytes_per_step, PIECE)
    pieces = [np.ones(size // 4, np.float32) for size in (*[PIECE] * whole, rest)]
    steps: list[float] = []
    limit: list[float] = []
    length = engine.cache.length
    while len(steps) < count:
        for _ in range(TURN):
            steps.append(_timed(lambda: engine.network.feed(step, before, engine.memory.z)))
            engine.cache.rewind(length)
        limit += [_timed(lambda: [piece @ piece for piece in pieces]) for _ in range(TURN)]
    return steps[:count], limit[:count]


def _heard(engine: Engine, context: int, count: int) -> float:
    engine.hear(context, [])
    more = [n.shift(1000.0) for n in _music(count)]
    return _timed(lambda: engine.hear(context, more))


def _timed(act: Callable[[], object]) -> float:
    begun = perf_counter()
    act()
    return perf_counter() - begun
