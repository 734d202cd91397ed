"""Leanings choose among what the musician expects, and never beyond."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding.engine import Engine
from models.encoding import codec
from models.music.note import ANSWER, LOWEST, Note, Span
from models.runtime.numpy_backend import NumpyBackend
from models.steering import style_habits
from models.steering.dynamics import Level
from models.steering.pipeline import LIKELY, Asked, Leaning, Leanings
from models.steering.sampling import Sampling

from ...support.musicians import SMALL, scale, small_weights

RECENT = [Note(0.2 * i, 0.2, 50 + i % 5, 64, ANSWER) for i in range(12)]
SPAN = Span(3.0, 99.0, 98.0, 99.0)


def leaning(turned: dict[str, float], kept: style_habits.Habits | None = None) -> Leaning:
    nothing = np.zeros(codec.SIZES[codec.PITCH])
    asked = Asked(nothing, nothing, nothing, None, None)
    return Leaning(Sampling(habits=kept or {}), SPAN, RECENT, turned, Level(64.0, 0.0), [], None, None, asked)


@given(
    st.sampled_from(sorted(LIKELY)),
    st.integers(0, 2**32 - 1),
    st.floats(-1.0, 1.0),
    st.floats(-style_habits.FARTHEST, style_habits.FARTHEST),
)
def test_style_and_knobs_choose_among_what_is_expected(field: int, seed: int, turn: float, odds: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 3.0, codec.SIZES[field])
    turned = dict.fromkeys(("register", "articulation"), turn)
    kept = {name: np.linspace(-odds, odds, 11) for name in ("place", "length")}
    out = leaning(turned, kept).of(logits, field, 3.0)
    assert logits[out.argmax()] >= logits.max() + math.log(LIKELY[field])


def test_a_long_tail_is_not_taken_by_its_end() -> None:
    for tail, turn in itertools.product((-6.0, -25.0), (-1.0, 1.0)):  # the surer the musician, the steeper a tilt
        logits = np.full(codec.SIZES[codec.PITCH], tail)
        logits[60 - LOWEST] = 0.0
        out = leaning({"register": turn}).of(logits, codec.PITCH, 3.0)
        p = np.exp(out - out.max())
        assert p[60 - LOWEST] / p.sum() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("register", "share"), [(0.0, 1.0), (0.5, 0.5), (-1.0, 0.0)])
def test_who_is_asked_for_another_register_leaves_the_motifs_own(register: float, share: float) -> None:
    call = [Note(0.3 * i, 0.2, p, 64) for i, p in enumerate((60, 64, 62, 67, 65, 71))]
    leanings = Leanings(8)
    leanings.style(np.zeros(8, np.float32), Sampling(knobs={"register": register}), True)
    taken = leanings.next(call, 0, SPAN, 1).taken
    assert taken is not None
    assert (taken.pitch, taken.weight) == (60, share)


def test_waits_are_left_alone() -> None:
    logits = np.zeros(codec.SIZES[codec.TIME])
    logits[3] = 9.0
    assert (leaning({}).of(logits, codec.TIME, 3.0) == logits).all()


@pytest.mark.parametrize("together", [False, True])
def test_an_answer_is_as_loud_as_itself(together: bool) -> None:
    """What it has played so far tells how loud it is, not what it played before; in a duet there is no before."""
    old = [Note(0.2 * i, 0.1, 60, 100, ANSWER) for i in range(6)]
    call = [Note(2.0 + 0.2 * i, 0.1, 60, 40) for i in range(6)]
    begun = [Note(4.0, 0.1, 60, 50, ANSWER)]
    leanings = Leanings(8)
    leanings.style(np.zeros(8, np.float32), Sampling(), True)
    found = leanings.next([*old, *call, *begun], 0, replace(SPAN, together=together), 1)
    assert found.struck == ([100] * 6 if together else []) + [50]


class Doubted(Leanings):
    """Leanings whose every word is held against that of others that have kept nothing."""

    asked = 0

    def next(self, notes: Sequence[Note], forgotten: int, span: Span, seed: int) -> Leaning:
        found = super().next(notes, forgotten, span, seed)
        fresh = Leanings(len(self.point))
        fresh.style(self.point, self.sampling, self._styled)
        other = fresh.next(notes, forgotten, span, seed)
        for what in ("turned", "level", "struck", "taken", "worn"):
            assert getattr(found, what) == getattr(other, what)
        self.asked += 1
        return found


deeds = st.lists(
    st.tuples(
        st.sampled_from(("hear", "revise", "play", "part", "draft", "style", "seed", "spare")), st.integers(0, 60)
    ),
    min_size=4,
    max_size=24,
)


@settings(max_examples=25, deadline=None)
@given(deeds, st.integers(0, 9))
def test_what_is_kept_from_note_to_note_is_what_a_fresh_look_finds(done: list[tuple[str, int]], seed: int) -> None:
    """Whatever is heard, revised, forgotten, drafted or asked for in between."""
    engine = Engine(NumpyBackend(small_weights(seed), SMALL, margin=20))  # it forgets after 132 notes
    engine.leanings = Doubted(SMALL.latent)
    engine.style([0.3] * SMALL.latent, {})
    engine.hear(0, scale(8))
    for deed, count in [*done, ("play", 40), ("spare", 9), ("play", 9)]:
        if deed in ("hear", "revise"):
            engine.drafts.pause()  # notes of a draft that is not done are nobody's
        now = engine.notes[-1].onset if engine.notes else 0.0
        span = Span(now + 0.1, now + 0.1 * count, now + 0.05 * count, now + 30.0, together=deed == "part")
        if deed == "hear":
            engine.hear(engine.length, scale(count, now + 0.5))
        elif deed == "revise":
            at = max(engine.length - count, engine.memory.forgotten)
            old = engine.notes[at - engine.memory.forgotten :][: count if seed % 2 else count // 2]
            engine.hear(at, [replace(n, onset=n.onset + 0.01, velocity=1 + 2 * count) for n in old])
        elif deed == "draft":
            engine.draft(span, 2)
        elif deed == "style":
            engine.style([count / 30.0 - 1.0] * SMALL.latent, {"stand": count / 60.0, "knob.register": 0.5})
        elif deed == "seed":
            engine.seed(count)
        elif deed == "spare":
            for _ in range(count):
                engine.spare()
        else:
            list(itertools.islice(engine.play(span), count))
    assert engine.leanings.asked > 0
