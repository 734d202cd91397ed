"""Measure: how long an engine takes for what playing asks of it, on this machine.

Knows nothing of the present: a stopwatch is all it needs. The worker runs it when it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from . import codec, recall
from .engine import Engine
from .note import Note, Span

CONTEXTS = (64, 256, 512, 1024)
AT = 512  # notes of context, where one figure must do


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
            found["step"] = _steps(engine, notes)
            found["append"] = [_heard(engine, context, 1) for _ in range(notes)]
            found["prefill"] = [_heard(engine, context, 32) for _ in range(max(notes // 8, 4))]
    found["limit"] = _limit(engine, max(notes // 2, 8))
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


def _steps(engine: Engine, count: int) -> list[float]:
    """One step of the network alone."""
    step = recall.recalled(np.tile(codec.steps_of(_music(2))[1:], (2, 1)), engine.config.window, 1)
    before = step[[0, 0], : len(codec.FIELDS)]
    found = []
    length = engine.cache.length
    for _ in range(count):
        found.append(_timed(lambda: engine.network.feed(step, before, engine.memory.z)))
        engine.cache.rewind(length)
    return found


def _heard(engine: Engine, context: int, count: int) -> float:
    engine.hear(context, [])
    more = [n.moved(1000.0) for n in _music(count)]
    return _timed(lambda: engine.hear(context, more))


def _limit(engine: Engine, times: int) -> list[float]:
    """The least that a step can take: reading once what a step must read, its weights and the ring of keys and values."""
    memory = np.ones(engine.network.bulk // 4, np.float32)
    return [_timed(lambda: memory @ memory) for _ in range(times)]


def _timed(act: Callable[[], object]) -> float:
    begun = perf_counter()
    act()
    return perf_counter() - begun
