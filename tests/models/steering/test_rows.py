"""Steering and drawing of several rows at once say what they say of each row alone, but for rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoding import codec
from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.chords import TimedChord
from models.music.note_records import ANSWER, Bar, Note, Span
from models.steering import constraints
from models.steering.base import RowSteering
from models.steering.pipeline import PIPELINE, Pipeline
from models.steering.sampling import Sampling, draw, draw_rows

SPAN = Span(4.0, 9.0, 5.0, 9.0)
KNOBS = ("density", "register", "polyphony", "articulation", "freedom", "chromaticism", "loudness")
HABITS = {
    f"habit.{kind}.{i}": 0.3 * i - 1.0
    for kind in ("wait", "leap", "length", "place", "chord", "stride")
    for i in range(5)
}


def answer(rng: np.random.Generator, call: list[Note]) -> list[Note]:
    """The call and a few notes of an answer, at random."""
    notes = list(call)
    onset = 4.0
    for _ in range(int(rng.integers(0, 30))):
        onset += float(rng.choice([0.0, 0.01, 0.12, 0.25, 0.4]))
        pitch = int(rng.integers(30, 90))
        notes.append(Note(onset, float(rng.uniform(0.05, 1.5)), pitch, int(rng.integers(20, 110)), ANSWER))
    return notes


def test_every_term_has_a_quick_way_for_rows() -> None:
    assert all(isinstance(term, RowSteering) for term in PIPELINE)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 6),
    beat=st.sampled_from([None, Bar(0.0, 2.0), Bar(0.1, 0.5, 1)]),
    knobs=st.dictionaries(st.sampled_from(KNOBS), st.floats(-1.0, 1.0)),
    styled=st.booleans(),
    together=st.booleans(),
)
def test_rows_are_steered_as_each_alone(
    seed: int, rows: int, beat: Bar | None, knobs: dict[str, float], styled: bool, together: bool
) -> None:
    rng = np.random.default_rng(seed)
    call = [
        Note(0.25 * i, 0.3, int(p), int(v))
        for i, (p, v) in enumerate(zip(rng.integers(36, 80, 14), rng.integers(30, 100, 14), strict=True))
    ]
    drafts = [answer(rng, call) for _ in range(rows)]
    sampling = Sampling.of({**{f"knob.{k}": v for k, v in knobs.items()}, **(HABITS if styled else {})})
    changes = tuple(TimedChord(0.7 * i, read_chord(symbol)) for i, symbol in enumerate(("F7", "N.C.", "Bb7", "Gm7b5")))
    span = replace(SPAN, bar=beat, together=together, chords=changes if seed % 2 else ())
    pipelines = [Pipeline(8), Pipeline(8)]
    for pipeline in pipelines:
        pipeline.style(np.full(8, 0.7, np.float32), sampling, styled)
    at_once = pipelines[0].rows(call, 0, 1, [(heard, span, {}) for heard in drafts])
    pipelines[1].note(call, 0, span, 1)  # the call is looked at before any answer
    alone = [pipelines[1].note(heard, 0, span, 1) for heard in drafts]
    kept = sorted(rng.permutation(rows)[: int(rng.integers(1, rows + 1))].tolist())
    for field in range(codec.TIME, len(codec.SIZES)):
        logits = rng.normal(0.0, 3.0, (len(kept), codec.SIZES[field])).astype(np.float32)
        onsets = [drafts[row][-1].onset + (0.0 if field == codec.TIME else 0.3) for row in kept]
        given_logits = logits.copy()
        found = at_once(logits, field, onsets, kept)
        each = [alone[row](own, field, onset) for row, own, onset in zip(kept, logits, onsets, strict=True)]
        assert np.array_equal(logits, given_logits)
        assert np.allclose(found, np.stack(each), atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    top_p=st.floats(0.1, 1.0),
    min_p=st.floats(0.0, 0.3),
    heat=st.sampled_from([0.5, 1.0, 1.4]),
)
def test_each_row_is_drawn_as_alone(seed: int, top_p: float, min_p: float, heat: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 2.0, (7, 36))
    logits[rng.random((7, 36)) < 0.3] = -np.inf
    logits[:, 5] = 0.0
    each = [draw(row, heat, top_p, min_p, np.random.default_rng([seed, i])) for i, row in enumerate(logits)]
    generators = [np.random.default_rng([seed, i]) for i in range(7)]
    assert draw_rows(logits, heat, top_p, min_p, generators).tolist() == each


@pytest.mark.parametrize("density", [1.0, 4.0, 20.0])
def test_waits_are_allowed_in_rows_as_alone(density: float) -> None:
    rng = np.random.default_rng(int(density))
    drafts = [answer(rng, [Note(1.0, 0.3, 60, 60)]) for _ in range(20)]
    last = [notes[-1] for notes in drafts]
    earliest = [float(rng.uniform(0.0, 12.0)) for _ in drafts]
    rows = constraints.allowed_waits_of_rows(drafts, last, earliest, density)
    for i, notes in enumerate(drafts):
        assert np.array_equal(rows[i], constraints.allowed_waits(notes, last[i], earliest[i], density))
