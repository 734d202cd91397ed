"""Cadence: an answer that may close is drawn home."""

from __future__ import annotations

import numpy as np

from models.decoding.engine import Engine
from models.music.note_records import CALL, Note, Span

from ...support.musicians import small_network

C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]


def endings(power: float) -> list[int]:
    """The pitch classes of notes that were played when the answer might close, of many answers of an untaught musician."""
    found: list[int] = []
    for seed in range(48):
        engine = Engine(small_network())
        engine.seed(seed)
        engine.style(None, {"cadence": power, "motif": 0.0})
        engine.hear(0, [Note(0.2 * i, 0.15, p, 64, CALL) for i, p in enumerate(C_MAJOR)])
        found += [n.pitch % 12 for n in engine.play(Span(3.0, 30.0, 6.0, 40.0)) if n.onset >= 6.0]
    return found


def test_an_answer_that_may_close_is_drawn_home() -> None:
    plain, drawn = endings(0.0), endings(4.0)
    assert min(len(plain), len(drawn)) > 20
    assert np.mean([c in (0, 4, 7) for c in drawn]) > np.mean([c in (0, 4, 7) for c in plain]) + 0.25
