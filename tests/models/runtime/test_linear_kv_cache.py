"""What a step may look at lies in a row on the tape, right before it, whatever was taken back, and however long the session."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.network.config import Config
from models.network.ring_index import RingIndex
from models.runtime.linear_kv_cache import SPARE_ROWS, KvTape

SHAPE = Config(layers=2, heads=2, kv_heads=2, width=8)
WINDOW, MARGIN = 24, 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, MARGIN), st.integers(0, 12), st.booleans()), min_size=1, max_size=150))
def test_a_run_finds_all_that_it_may_look_at(runs: list[tuple[int, int, bool]]) -> None:
    ring = RingIndex(WINDOW, MARGIN)
    tape = KvTape(SHAPE, ring)
    for count, back, forget in runs:
        if forget and back == 0:
            ring.clear()
        ring.rewind(max(ring.length - back, ring.oldest))
        first = ring.reserve(count)
        begin, there = tape.make_room(count)
        assert there == min(first, WINDOW - 1)
        assert count > 1 or begin in tape.read_starts
        for layer in range(SHAPE.layers):
            for kind in (0, 1):
                seen = tape.view_from(layer, kind, begin)
                for head in range(SHAPE.kv_heads):
                    mark = 100_000 * (4 * layer + 2 * kind + head)
                    positions = mark + np.arange(first - there, first)
                    assert (seen[head, :there] == positions[:, None]).all()
                    seen[head, there : there + count] = mark + np.arange(first, first + count)[:, None]


def test_a_session_without_end_takes_no_more_room() -> None:
    ring = RingIndex(WINDOW, MARGIN)
    tape = KvTape(SHAPE, ring)
    size, begins = tape.memory.nbytes, set()
    for _ in range(5 * SPARE_ROWS):
        ring.reserve(1)
        begins.add(tape.make_room(1)[0])
    assert tape.memory.nbytes == size
    assert begins == set(tape.read_starts)
