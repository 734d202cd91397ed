"""What chooses and what prompts can be switched off: the reranker and the style prompt."""

from __future__ import annotations

from models.decoding.engine import Engine
from models.decoding.reranker import Reranker
from models.music.note_records import ANSWER, CALL, Note, Span
from models.music.style_settings_table import WITHOUT

from ...support.musicians import scale, small_network

SPAN = Span(3.0, 99.0, 6.0, 8.0)
PROMPT = [Note(0.2 * i, 0.15, 60 + 2 * (i % 4), 64) for i in range(16)]


def engine(off: str = "", reranker: Reranker | None = None) -> Engine:
    """One that has heard a call, has bars in the ear, and is without something."""
    made = Engine(small_network(), reranker=reranker)
    made.style(None, {WITHOUT + off: 1.0} if off else {})
    made.vamp(PROMPT)
    made.seed(4)
    made.hear(0, [Note(n.onset, n.duration, n.pitch, n.velocity, CALL) for n in scale(12)])
    return made


def drafted(off: str) -> tuple[list[Note], int]:
    """The answer that is chosen from eight drafts, and how many there were."""
    made = engine(off)
    made.draft(SPAN, 8)
    while made.spare():
        pass
    return list(made.play(SPAN)), made.counts()["chosen_from"]


def test_without_the_reranker_the_first_draft_is_played() -> None:
    notes, chosen_from = drafted("reranker")
    assert chosen_from == 1
    assert drafted("")[1] == 8
    made = engine()
    made.draft(SPAN, 1)
    while made.spare():
        pass
    assert list(made.play(SPAN)) == notes


def test_without_the_style_prompt_nothing_is_told_aside() -> None:
    with_it, without = engine(), engine("style-prompt")
    for made in (with_it, without):
        assert next(made.play(SPAN)).role == ANSWER
    assert with_it.context.prompt_length == len(PROMPT)
    assert without.context.prompt_length == 0
    silent = engine()
    silent.vamp([])
    assert list(silent.play(SPAN)) == list(engine("style-prompt").play(SPAN))


def test_it_is_off_from_the_next_answer_on_and_on_again() -> None:
    made = engine("style-prompt")
    next(made.play(SPAN))
    made.hear(made.length, [Note(9.0 + 0.2 * i, 0.15, 60 + i, 64, CALL) for i in range(6)])
    made.style(None, {})
    next(made.play(Span(11.0, 99.0, 14.0, 16.0)))
    assert made.context.prompt_length == len(PROMPT)
