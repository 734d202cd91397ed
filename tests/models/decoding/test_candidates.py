"""Drafts: what was thought of in spare time is there at once, leaves no trace, and counts only for what it was thought for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.decoding.candidates import Candidate, key_and_density_fit, ranked
from models.decoding.engine import Engine
from models.music.note_records import ANSWER, Bar, Note, Span, span_to_wire, to_wire
from models.runtime.backend import Backend
from models.worker import serve

from ...support.musicians import RecordingBackend, scale, small_network

SPAN = Span(3.0, 4.0, 6.0, 8.0)


def engine(seed: int = 3, count: int = 3, backend: Backend | None = None) -> Engine:
    e = Engine(backend or small_network())
    e.seed(seed)
    e.hear(0, scale(12))
    e.draft(SPAN, count)
    return e


def drafted(e: Engine) -> Engine:
    while e.spare():
        pass
    return e


def test_drafting_leaves_no_trace() -> None:
    plain = Engine(small_network())
    plain.seed(3)
    plain.hear(0, scale(12))
    e = drafted(engine())
    assert e.candidates.candidate_count == 3
    assert e.notes == plain.notes
    assert np.array_equal(e.context.hidden[-1], plain.context.hidden[-1])
    other = replace(
        SPAN, on_beat=True, bar=Bar(0.0, 2.0)
    )  # not what was thought of: thought of now, as if never drafted
    assert list(e.play(other)) == list(plain.play(other))
    assert e.candidates.use_count == 0


def test_the_best_draft_is_played_and_the_answer_goes_on_from_it() -> None:
    backend = RecordingBackend()
    e = drafted(engine(backend=backend))
    found = e.candidates.candidates
    best = ranked(found)[0]
    assert len({draft.notes for draft in found}) == 3
    backend.fed.clear()
    playing = e.play(SPAN)
    first = list(itertools.islice(playing, len(best.notes)))
    assert tuple(first) == best.notes
    assert not backend.fed  # nothing is computed before the last of them is told
    rest = list(playing)
    assert e.candidates.use_count == 1
    assert e.notes[12:] == [*first, *rest]
    again = engine()
    again.seed(3)
    again.draft(SPAN, 3)
    assert list(drafted(again).play(SPAN)) == [*first, *rest]


WHOLE = replace(SPAN, until=9.0)  # all of an answer is thought of,
STRETCHES = [
    replace(SPAN, earliest=at, until=at + 1.0) for at in (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
]  # and asked for bit by bit


def whole(seed: int = 3) -> tuple[Engine, list[Note]]:
    """An engine that has thought of whole answers, and the one that it would play."""
    e = Engine(small_network())
    e.seed(seed)
    e.hear(0, scale(12))
    e.draft(WHOLE, 2)
    return drafted(e), list(ranked(e.candidates.candidates)[0].notes)


def bit(e: Engine, span: Span) -> list[Note]:
    """A stretch that goes on from what was played."""
    return list(e.play(replace(span, earliest=e.notes[-1].onset) if e.notes[-1].role == ANSWER else span))


def test_a_draft_is_a_whole_answer_that_is_played_stretch_by_stretch() -> None:
    e, meant = whole()
    assert meant[-1].onset > STRETCHES[2].until
    played = [note for span in STRETCHES for note in bit(e, span)]
    assert played[: len(meant)] == meant


def test_a_chord_is_not_torn_apart_where_a_stretch_ends_in_it() -> None:
    """Who asks for more tells in six decimals from when on, which may be a little later than it was."""
    e, notes = whole()
    onset, above = notes[2].onset, replace(notes[2], pitch=notes[2].pitch % 12 + 96)
    meant = [*notes[:3], above, *notes[3:]]
    e.candidates.candidates = [Candidate(tuple(meant), "end", 0.0, 0.0)]
    played = list(e.play(replace(WHOLE, until=onset)))
    assert played == notes[:3]
    played += list(e.play(replace(WHOLE, earliest=onset + 4e-7)))
    assert played == meant


def test_a_key_that_is_let_go_meanwhile_changes_nothing_of_it() -> None:
    e, meant = whole()
    played = bit(e, STRETCHES[0])
    e.hear(11, [replace(scale(12)[-1], duration=0.7), *played])
    played += bit(e, STRETCHES[1])
    assert len(played) > len(bit(whole()[0], STRETCHES[0]))
    assert played == meant[: len(played)]


@pytest.mark.parametrize(
    "change",
    [
        lambda e, played: e.style(None, {"temperature": 1.3}),
        lambda e, played: e.hear(12, [*played[:-1], played[-1].shift(0.3)]),
        lambda e, played: e.hear(12 + len(played), [Note(played[-1].onset + 0.1, 0.1, 90, 60)]),
        lambda e, played: e.hear(12, played[:1]),
    ],
    ids=["style", "late", "key", "taken back"],
)
def test_what_changes_in_the_middle_is_heard_at_once(change: Callable[[Engine, list[Note]], None]) -> None:
    """What was meant is forgotten: it goes on as one who had never thought ahead."""
    e, _ = whole()
    played = bit(e, STRETCHES[0])
    change(e, played)
    plain = Engine(small_network())
    plain.hear(0, e.notes)
    if e.generation.sampling != plain.generation.sampling:
        plain.style(None, {"temperature": 1.3})
    e.seed(5)
    plain.seed(5)
    ahead = replace(STRETCHES[1], earliest=e.notes[-1].onset)
    assert list(e.play(ahead)) == list(plain.play(ahead))


def test_no_note_of_a_draft_goes_beyond_new_bounds() -> None:
    e, meant = whole()
    played = bit(e, STRETCHES[0])
    hush = meant[len(played)].onset + 0.5
    more = list(e.play(replace(WHOLE, earliest=played[-1].onset, hush=hush)))
    assert more
    assert all(note.end <= hush + 1e-9 for note in more)


def test_the_most_human_is_chosen_where_most_can_be_told_and_else_what_fits() -> None:
    drafts = [Candidate((), "end", human, fits) for human, fits in ((0.5, -3.0), (1.5, -2.0), (-1.0, -1.0))]
    assert ranked(drafts)[0] is drafts[1]
    short = Candidate((), "end", None, 0.0)
    assert ranked([*drafts, short])[0] is drafts[1]
    assert ranked([*drafts, *3 * [short]])[0] is short


@pytest.mark.parametrize("off", [0.03, -0.04])
def test_a_turn_that_comes_a_little_sooner_or_later_moves_the_draft(off: float) -> None:
    at_once, later = drafted(engine()), drafted(engine())
    a = list(at_once.play(SPAN))
    moved = replace(SPAN, earliest=SPAN.earliest + off, until=SPAN.until + off)
    b = list(later.play(moved))
    assert later.candidates.use_count == 1
    assert b[0].onset == pytest.approx(a[0].onset + off)
    assert b[0].onset >= moved.earliest


def test_what_changes_the_question_drops_the_draft() -> None:
    def heard(e: Engine) -> None:
        e.hear(12, [Note(2.6, 0.1, 70, 60)])

    changes = [heard, lambda e: e.style(None, {"temperature": 1.1}), lambda e: e.seed(4)]
    spans = [replace(SPAN, earliest=3.7), replace(SPAN, bar=Bar(0.0, 2.0)), replace(SPAN, together=True)]
    for change in changes:
        e = drafted(engine())
        change(e)
        list(e.play(SPAN))
        assert e.candidates.use_count == 0
    for span in spans:
        e = drafted(engine())
        list(e.play(span))
        assert e.candidates.use_count == 0


def test_bars_are_the_same_whichever_of_their_lines_is_named() -> None:
    e = Engine(small_network())
    e.hear(0, scale(12))
    e.draft(replace(SPAN, bar=Bar(0.0, 2.0), on_beat=True), 2)
    list(drafted(e).play(replace(SPAN, bar=Bar(-4.0, 2.0), on_beat=True)))
    assert e.candidates.use_count == 1


def test_the_guards_want_the_key_and_the_density_of_the_call() -> None:
    call = scale(16)  # C major, five a second
    same = [replace(n, role=ANSWER) for n in call]
    assert key_and_density_fit(call, same) == pytest.approx(0.0)
    strange = [replace(n, pitch=n.pitch + 1) for n in same]
    sparse = [n.shift(i * 0.4) for i, n in enumerate(same)]
    assert key_and_density_fit(call, strange) < -1.0
    assert key_and_density_fit(call, sparse) < -1.0


class CountingEngine(Engine):
    """Counts its steps in spare time."""

    steps = 0

    def spare(self) -> bool:
        self.steps += 1
        return super().spare()


def test_a_request_waits_for_one_note_of_a_draft_at_most() -> None:
    """The worker looks for the next line after each note that it thinks of in spare time."""
    e = CountingEngine(small_network())
    waiting = 5
    ask = {"do": "play", "id": 1, **span_to_wire(SPAN)}
    more = [to_wire(Note(2.6, 0.1, 70, 60))]
    requests = [
        {"do": "hear", "at": 0, "notes": [to_wire(n) for n in scale(12)]},
        {**ask, "do": "draft", "candidates": 4},
        {"do": "hear", "at": 12, "notes": more},
        ask,
    ]
    replies: list[dict[str, object]] = []

    def lines() -> Iterator[str]:
        for request in requests:
            yield json.dumps(request)

    def has_time() -> bool:
        return bool(e.candidates.span) and e.steps < waiting

    serve(e, lines(), replies.append, has_time)
    assert e.steps == waiting
    assert len(e.notes) == 13 + sum("note" in r for r in replies)
    assert e.candidates.use_count == 0
    assert replies[-1]["id"] == 1
