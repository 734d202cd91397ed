"""The pipeline: terms in their order, any of which can be switched off; style and knobs choose among what is expected."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding.engine import Engine
from models.encoding import codec
from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.chords import TimedChord
from models.music.note_records import ANSWER, LOWEST, Bar, Note, Span
from models.music.style_settings_table import SAMPLING, TERMS, WITHOUT
from models.runtime.numpy_backend import NumpyBackend
from models.steering import style_habits
from models.steering.base import Step, Style
from models.steering.motif import Motif
from models.steering.pipeline import PIPELINE, NoteSteering, Pipeline
from models.steering.plausible import LIKELY, Plausible
from models.steering.player_knobs import Knobs
from models.steering.sampling import Habits, Sampling
from models.steering.style_habits import StyleHabits

from ...support.musicians import SMALL, scale, small_weights
from ...support.steering import SPAN, called, steered

RECENT = [Note(0.2 * i, 0.2, 50 + i % 5, 64, ANSWER) for i in range(12)]


def turned_knobs(logits: np.ndarray, field: int, turned: dict[str, float], kept: Habits | None = None) -> np.ndarray:
    """The logits with knobs at these strengths, habits, and what holds both to what is expected."""
    style = Style(np.zeros(8, np.float32), Sampling(habits=kept or {}), False)
    step = Step.after(RECENT, SPAN)
    step.field = field
    step.onset = 3.0
    step.expected = logits
    step.memo["knobs"] = turned
    for term in (Knobs(), StyleHabits(), Plausible()):
        if field in term.fields:
            step.prepared = term.prepare(called(RECENT), style)
            logits = term(logits, step, 1.0)
    return logits


@given(
    st.sampled_from(sorted(LIKELY)),
    st.integers(0, 2**32 - 1),
    st.floats(-1.0, 1.0),
    st.floats(-style_habits.MOST_NATS, style_habits.MOST_NATS),
)
def test_style_and_knobs_choose_among_what_is_expected(field: int, seed: int, turn: float, odds: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 3.0, codec.SIZES[field])
    turned = dict.fromkeys(("register", "articulation"), turn)
    kept = {name: np.linspace(-odds, odds, 11) for name in ("place", "length")}
    out = turned_knobs(logits, field, turned, kept)
    assert logits[out.argmax()] >= logits.max() + math.log(LIKELY[field])


def test_a_long_tail_is_not_taken_by_its_end() -> None:
    for tail, turn in itertools.product((-6.0, -25.0), (-1.0, 1.0)):  # the surer the musician, the steeper a tilt
        logits = np.full(codec.SIZES[codec.PITCH], tail)
        logits[60 - LOWEST] = 0.0
        out = turned_knobs(logits, codec.PITCH, {"register": turn})
        p = np.exp(out - out.max())
        assert p[60 - LOWEST] / p.sum() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("register", "share"), [(0.0, 1.0), (0.5, 0.5), (-1.0, 0.0)])
def test_who_is_asked_for_another_register_leaves_the_motifs_own(register: float, share: float) -> None:
    call = [Note(0.3 * i, 0.2, p, 64) for i, p in enumerate((60, 64, 62, 67, 65, 71))]
    flat = np.zeros(codec.SIZES[codec.PITCH])
    out = steered(Motif(), flat, codec.PITCH, 2.0, call, sampling=Sampling(knobs={"register": register}))
    assert out[60 - LOWEST] == 2.0 * share
    assert np.flatnonzero(out).tolist() == ([60 - LOWEST] if share else [])


def test_waits_are_left_alone() -> None:
    logits = np.zeros(codec.SIZES[codec.TIME])
    logits[3] = 9.0
    assert (turned_knobs(logits, codec.TIME, {}) == logits).all()


@pytest.mark.parametrize("together", [False, True])
def test_an_answer_is_as_loud_as_itself(together: bool) -> None:
    """What it has played so far tells how loud it is, not what it played before; in a duet there is no before."""
    old = [Note(0.2 * i, 0.1, 60, 100, ANSWER) for i in range(6)]
    call = [Note(2.0 + 0.2 * i, 0.1, 60, 40) for i in range(6)]
    begun = [Note(4.0, 0.1, 60, 50, ANSWER)]
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 2.0, codec.SIZES[codec.VELOCITY])

    def moved(notes: list[Note]) -> np.ndarray:
        pipeline = Pipeline(8)
        pipeline.style(np.zeros(8, np.float32), Sampling.of({"stand": 0.0, "dynamics": 0.0}), True)
        return pipeline.note(notes, 0, replace(SPAN, together=together), 1)(logits, codec.VELOCITY, 4.0)

    softer = [replace(n, velocity=20) for n in old]
    assert np.array_equal(moved([*old, *call, *begun]), moved([*softer, *call, *begun])) != together


ROWS = {field: np.random.default_rng(field).normal(0.0, 2.0, size) for field, size in enumerate(codec.SIZES)}
#: Terms that go by the call as it was when it was first looked at; in a long answer, a fresh look finds less of it.
FIRST_LOOK = {WITHOUT + name: 1.0 for name in ("rhythm", "key", "tones", "cadence")}


class Doubted(Pipeline):
    """A pipeline that is held, note by note, against another one that has kept nothing."""

    asked = 0

    def note(
        self, notes: Sequence[Note], offset: int, span: Span, seed: int, kept: dict[str, Any] | None = None
    ) -> NoteSteering:
        found = super().note(notes, offset, span, seed, kept)
        fresh = Pipeline(len(self._style.point))
        fresh.style(self._style.point, self._style.sampling, self._style.has_style)
        other = fresh.note(notes, offset, span, seed)
        onset = notes[-1].onset + 0.1 if notes else 0.0
        for field in range(codec.TIME, len(codec.SIZES)):
            assert np.array_equal(found(ROWS[field], field, onset), other(ROWS[field], field, onset))
        self.asked += 1
        return super().note(notes, offset, span, seed, kept)


def test_the_table_of_settings_has_a_strength_for_each_term_and_its_name() -> None:
    assert [term.name for term in PIPELINE] == [name for name in ORDER if name in TERMS]
    assert {term.name for term in PIPELINE} | {"stand"} == set(TERMS)  # which makes the aim of all of them
    for term in PIPELINE:
        assert term.setting is TERMS[term.name] is SAMPLING[term.setting.name]
        assert term.fields <= set(range(codec.TIME, len(codec.SIZES)))
    assert Sampling.of({setting.name: setting.default for setting in SAMPLING.values()}) == Sampling()


#: In which they are added.
ORDER = (
    "knobs", "habits", "plausible", "motif", "rhythm", "beat", "key", "tones", "changes", "clash", "cadence", "repetition", "dynamics"
)  # fmt: skip
CALLED = [Note(0.25 * i, 0.5, p, 90) for i, p in enumerate((60, 60, 67, 65, 62, 60, 64, 67) * 2)]
BEGUN = [*CALLED, *(Note(4.0 + 0.25 * i, 0.9, 60, 40, ANSWER) for i in range(6))]  # what rings on, and goes round
BUSY = Span(4.0, 9.0, 4.0, 9.0, bar=Bar(0.0, 2.0), chords=(TimedChord(0.0, read_chord("Abm7")),))


def everything(told: dict[str, float], without: Sequence[str] = ()) -> list[np.ndarray]:
    """All fields, steered in a style with knobs and habits in which every term has something to say."""
    habits = {f"habit.{kind}.{i}": 0.3 * i for kind in ("length", "place") for i in range(8)}
    off = {WITHOUT + name: 1.0 for name in without}
    pipeline = Pipeline(8)
    pipeline.style(np.full(8, 1.5, np.float32), Sampling.of({"knob.density": 0.4, **habits, **told, **off}), True)
    steer = pipeline.note(BEGUN, 0, BUSY, 1)
    return [steer(ROWS[field], field, 5.6) for field in range(codec.TIME, len(codec.SIZES))]


def alike(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", TERMS)
def test_every_term_can_be_switched_off(name: str) -> None:
    assert not alike(everything({}), everything({}, [name]))
    if name != "knobs":  # those that are turned have a strength of their own
        off = everything({TERMS[name].name: 0.0})
        assert all(np.allclose(x, y, atol=1e-12) for x, y in zip(off, everything({}, [name]), strict=True))


def test_with_all_of_them_off_the_logits_are_the_networks() -> None:
    assert alike(everything({}, list(TERMS)), [ROWS[field] for field in range(codec.TIME, len(codec.SIZES))])


def test_what_cannot_be_switched_off_is_one_sentence_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="'motiv' cannot be switched off; did you mean motif"):
        Sampling.of({"without.motiv": 1.0})


actions = st.lists(
    st.tuples(
        st.sampled_from(("hear", "revise", "play", "part", "draft", "style", "seed", "spare")), st.integers(0, 60)
    ),
    min_size=4,
    max_size=24,
)


@settings(max_examples=25, deadline=None)
@given(actions, st.integers(0, 9))
def test_what_is_kept_from_note_to_note_is_what_a_fresh_look_finds(done: list[tuple[str, int]], seed: int) -> None:
    """Whatever is heard, revised, forgotten, drafted or asked for in between."""
    engine = Engine(NumpyBackend(small_weights(seed), SMALL, margin=20))  # it forgets after 132 notes
    engine.generation.steering = doubted = Doubted(SMALL.latent)
    engine.style([0.3] * SMALL.latent, FIRST_LOOK)
    engine.hear(0, scale(8))
    for action, count in [*done, ("play", 40), ("spare", 9), ("play", 9)]:
        if action in ("hear", "revise"):
            engine.candidates.cancel()  # notes of a draft that is not done are nobody's
        now = engine.notes[-1].onset if engine.notes else 0.0
        span = Span(now + 0.1, now + 0.1 * count, now + 0.05 * count, now + 30.0, together=action == "part")
        if action == "hear":
            engine.hear(engine.length, scale(count, now + 0.5))
        elif action == "revise":
            at = max(engine.length - count, engine.context.offset)
            old = engine.notes[at - engine.context.offset :][: count if seed % 2 else count // 2]
            engine.hear(at, [replace(n, onset=n.onset + 0.01, velocity=1 + 2 * count) for n in old])
        elif action == "draft":
            engine.draft(span, 2)
        elif action == "style":
            engine.style(
                [count / 30.0 - 1.0] * SMALL.latent, {"stand": count / 60.0, "knob.register": 0.5, **FIRST_LOOK}
            )
        elif action == "seed":
            engine.seed(count)
        elif action == "spare":
            for _ in range(count):
                engine.spare()
        else:
            list(itertools.islice(engine.play(span), count))
    assert doubted.asked > 0
