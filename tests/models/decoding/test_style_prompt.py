"""A few bars in the ear: they are never played, leave no trace, and make the answer go on as they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding import backend_choice, style_prompt
from models.decoding.candidates import ranked
from models.decoding.engine import Engine
from models.music.keys import key_of
from models.music.note_records import ANSWER, HELD, Bar, Note, Span
from models.music.style_settings_table import PROMPT_NOTES

from ...support.musicians import scale, small_network

SPAN = Span(3.0, 4.0, 6.0, 8.0)
LINE = [Note(0.25 * i, 0.2, 48 + 7 * i % 24, 90) for i in range(40)]


def engine(vamp: list[Note] = LINE, seed: int = 3) -> Engine:
    e = Engine(small_network())
    e.seed(seed)
    e.vamp(vamp)
    e.hear(0, scale(12))
    return e


def settled(e: Engine) -> Engine:
    while e.spare():
        pass
    return e


def a_fresh_one_says_the_same(e: Engine) -> bool:
    fresh = Engine(small_network())
    fresh.hear(0, list(e.notes))
    return bool(np.allclose(e.state, fresh.state, atol=1e-4))


@given(
    st.integers(-12, 12), st.floats(0, 1), st.lists(st.tuples(st.integers(21, 108), st.integers(1, 127)), min_size=1)
)
def test_it_is_put_into_the_calls_key_and_near_its_loudness(
    up: int, share: float, struck: list[tuple[int, int]]
) -> None:
    call = [Note(n.onset, n.duration, n.pitch + up, n.velocity) for n in scale(14)]
    vamp = [Note(0.1 * i + 5.0, 0.1, pitch, velocity) for i, (pitch, velocity) in enumerate(struck)]
    led = style_prompt.fit(vamp, call, share)
    moved = (key_of(n.pitch for n in call) - key_of(n.pitch for n in vamp)) % 12
    assert [(b.pitch - a.pitch) % 12 for a, b in zip(vamp, led, strict=True)] == [moved] * len(vamp)
    assert all(21 <= n.pitch <= 108 and 1 <= n.velocity <= 127 and n.role == ANSWER for n in led)
    assert [n.onset for n in led] == pytest.approx([0.1 * i for i in range(len(vamp))], abs=1e-6)
    away, was = (abs(np.mean([n.velocity for n in notes]) - 70) for notes in (led, vamp))
    assert away <= was + 0.5


@pytest.mark.parametrize(
    ("step", "beat", "wanted"), [(0.25, 0.5, 0.25), (0.25, 0.6, 0.3), (0.14, 0.5, 0.125), (0.2, 0.9, 0.225)]
)
def test_it_is_put_in_time(step: float, beat: float, wanted: float) -> None:
    vamp = [Note(step * i, 0.5 * step, 60, 70) for i in (0, 1, 2, 4, 5, 6, 7, 10, 12, 13, 16)]
    assert style_prompt.find_step(tuple(n.onset for n in vamp)) == pytest.approx(step, rel=0.01)
    led = style_prompt.fit(vamp, scale(8), beat=beat)
    assert led[1].onset == pytest.approx(wanted, rel=0.01)
    assert led[1].duration == pytest.approx(0.5 * wanted, rel=0.01)
    assert style_prompt.fit(vamp, scale(8))[1].onset == pytest.approx(step)


def test_what_has_no_steps_keeps_its_time() -> None:
    rubato = tuple(np.cumsum([0.0, *np.random.default_rng(2).uniform(0.11, 0.71, 40)]))
    assert style_prompt.find_step(rubato) is None
    vamp = [Note(t, 0.1, 60, 70) for t in rubato]
    assert [n.onset for n in style_prompt.fit(vamp, scale(8), beat=0.5)] == pytest.approx(list(rubato))


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 20), drafts=st.integers(0, 3), rests=st.booleans())
def test_nothing_of_it_is_left_whenever_the_player_cuts_in(cut: int, drafts: int, rests: bool) -> None:
    e = engine()
    e.draft(SPAN, drafts)
    settled(e)
    answer = [note for _, note in zip(range(cut), e.play(SPAN), strict=False)]
    assert e.notes == [*scale(12), *answer]
    assert all(n.onset >= SPAN.earliest for n in answer)
    if rests:
        settled(e)
    e.hear(12 + len(answer) // 2, [Note(9.0, HELD, 60, 64)])
    assert e.length == 13 + len(answer) // 2
    assert a_fresh_one_says_the_same(e)
    assert e.feed_counts["anew"] == 0


def test_once_the_answer_is_over_it_is_forgotten_in_spare_time() -> None:
    e = engine()
    assert list(e.play(replace(SPAN, until=99.0)))
    assert e.context.prompt_length == len(LINE)
    settled(e)
    assert e.context.prompt_length == 0
    assert len(e.context.rows) == len(e.notes) + 3
    assert a_fresh_one_says_the_same(e)


def test_the_longest_answer_to_the_longest_vamp_needs_nothing_heard_anew() -> None:
    e = engine([Note(0.1 * i, 0.1, 60, 70) for i in range(PROMPT_NOTES)])
    answer = list(zip(range(e.ring.margin - PROMPT_NOTES - 1), e.play(Span(3.0, 1e9, 1e9, 1e9)), strict=False))
    assert len(answer) == 159
    e.hear(e.length, [Note(answer[-1][1].onset + 1.0, HELD, 60, 64)])
    assert e.feed_counts["anew"] == 0
    with pytest.raises(ValueError, match="at most 96 notes; this one has 97"):
        e.vamp([Note(0.0, 0.1, 60, 70)] * (PROMPT_NOTES + 1))


def test_there_is_none_in_a_duet_nor_in_the_middle_of_an_answer() -> None:
    def played(e: Engine, span: Span = SPAN) -> list[Note]:
        return list(e.play(span))

    together = replace(SPAN, together=True)
    assert played(engine(), together) == played(engine([]), together)
    assert played(engine()) != played(engine([]))
    begun, other = engine([]), engine([])
    more = played(begun), played(other)
    assert more[0] == more[1]
    begun.vamp(LINE)
    on = replace(SPAN, until=9.0, close=9.0, stop=12.0)
    assert played(begun, on) == played(other, on)


def test_drafts_have_it_in_the_ear_and_another_beat_or_style_has_it_told_again() -> None:
    e = engine()
    e.draft(SPAN, 2)
    settled(e)
    best = ranked(e.candidates.candidates)[0]
    assert list(e.play(SPAN)) == list(best.notes)
    changes = (
        (lambda e: e.vamp(LINE[:20]), SPAN),
        (lambda e: e.style(None, {"dynamics": 0.0}), SPAN),
        (lambda e: None, replace(SPAN, bar=Bar(0.0, 0.45, 1))),
    )
    for change, span in changes:
        e, plain = engine(), engine()
        e.draft(SPAN, 2)
        settled(e)
        change(e)
        change(plain)
        answer = list(e.play(span))
        assert answer == list(plain.play(span)) != list(best.notes)
        assert np.array_equal(e.context.rows, plain.context.rows)


def test_a_musician_goes_on_as_the_bars_went_that_it_has_in_the_ear() -> None:
    e, call = backend_choice.load("open"), [Note(0.3 * i, 0.25, 60 + (0, 2, 4, 7, 9, 12)[i % 6], 70) for i in range(16)]
    slow = [Note(0.8 * i, 1.5, p, 70) for i in range(10) for p in (36, 52, 55, 64)]
    quick = [Note(0.12 * i, 0.08, (72, 74, 76, 79)[i % 4], 70) for i in range(40)]
    found = []
    for vamp in (slow, quick):
        lengths, pitches = [], []
        for seed in range(6):
            e.hear(0, [])
            e.style(None, {})
            e.vamp(vamp)
            e.seed(seed)
            e.hear(0, call)
            answer = list(e.play(Span(5.0, 14.0, 11.0, 13.0)))
            lengths += [n.duration for n in answer]
            pitches += [n.pitch for n in answer]
        found.append((np.median(lengths), np.mean(pitches)))
    assert found[0][0] > 2 * found[1][0]
    assert found[0][1] < found[1][1] - 5


@settings(max_examples=25, deadline=None)
@given(back=st.integers(-8, 6), late=st.booleans(), more=st.integers(0, 6))
def test_a_key_that_is_let_go_in_the_middle_of_an_answer_changes_nothing_else(back: int, late: bool, more: int) -> None:
    """Whatever of the call or of the answer is told anew, while the answer goes on it has its bars in the ear; and none after it."""
    e = engine()
    playing = e.play(replace(SPAN, until=99.0, close=99.0, stop=99.0))
    answer = [next(playing) for _ in range(7)]
    at = 12 + back
    anew = [replace(n, duration=0.31) if late or n.role != ANSWER else n for n in e.notes[at:]]
    answer = [n for n in [*e.notes[:at], *anew] if n.role == ANSWER]
    e.hear(at, anew)
    other = engine()
    other.hear(0, e.notes[:12])
    other.prompt.insert(other.context, SPAN, other.generation.sampling)
    other.context.append(answer)
    assert np.allclose(e.state, other.state, atol=1e-4)
    on = replace(SPAN, earliest=answer[-1].onset, until=99.0, close=99.0, stop=99.0)
    e.seed(5)
    other.seed(5)
    other.generation.steering.forget_call()
    for _, a, b in zip(range(more), e.play(on), other.play(on), strict=False):
        assert a == b
    e.hear(e.length, [Note(30.0, HELD, 60, 64)])
    assert a_fresh_one_says_the_same(e)
