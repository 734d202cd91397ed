"""Another answer to the same call is the next best of its candidates, as long as there are any and the call is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.decoding.candidates import Candidate, ranked
from models.decoding.engine import Engine
from models.music.note_records import ANSWER, Bar, Note, Span

from ...support.musicians import scale, small_network

SPAN = Span(3.0, 12.0, 6.0, 8.0)


def answered(span: Span = SPAN, count: int = 3) -> tuple[Engine, list[list[Note]]]:
    """An engine that has played its best answer, and the candidates, the best first."""
    e = Engine(small_network())
    e.seed(3)
    e.hear(0, scale(12))
    e.draft(span, count)
    while e.spare():
        pass
    order = [list(candidate.notes) for candidate in ranked(e.candidates.candidates)]
    assert list(e.play(span))[: len(order[0])] == order[0]
    return e, order


def later(span: Span, seconds: float) -> Span:
    return replace(
        span,
        earliest=span.earliest + seconds,
        until=span.until + seconds,
        close=span.close + seconds,
        stop=span.stop + seconds,
        another=True,
    )


@pytest.mark.parametrize("span", [SPAN, replace(SPAN, bar=Bar(0.0, 0.5, 1), on_beat=True)])
def test_each_next_one_is_the_next_best_and_then_a_new_one(span: Span) -> None:
    e, order = answered(span)
    for number, seconds in ((1, 10.0), (2, 20.0)):
        found = list(e.play(later(span, seconds)))
        expected = [n.onset + seconds for n in order[number]]
        assert [n.onset for n in found[: len(expected)]] == pytest.approx(expected)
        assert [n.pitch for n in found[: len(expected)]] == [n.pitch for n in order[number]]
        assert e.counts()["chosen_from"] == 3 - number
    new = list(e.play(later(span, 30.0)))
    assert new
    assert all(n.role == ANSWER for n in new)
    assert e.counts()["chosen_from"] == 0


def test_after_another_call_or_style_it_is_made_anew() -> None:
    for change in (
        lambda e: e.hear(e.length, [Note(11.0, 0.2, 70, 60), Note(11.4, 0.2, 72, 60)]),
        lambda e: e.style(None, {"temperature": 1.2}),
    ):
        e, _ = answered()
        change(e)
        assert list(e.play(later(SPAN, 10.0)))
        assert e.counts()["chosen_from"] == 0


def test_an_answer_that_was_cut_leaves_the_others() -> None:
    e, order = answered()
    e.hear(12, [replace(order[0][0], duration=0.1)])
    found = list(e.play(later(SPAN, 10.0)))
    assert found[0].pitch == order[1][0].pitch


def test_the_order_is_that_in_which_they_would_be_chosen() -> None:
    made = [Candidate((), "end", score, fit) for score, fit in ((0.5, -1.0), (2.0, -3.0), (None, 0.0), (1.0, -2.0))]
    assert ranked(made)[:3] == [made[1], made[3], made[0]]
