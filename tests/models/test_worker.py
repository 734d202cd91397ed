"""The worker answers every line, and survives every line."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding.echo_test_musician import Echo
from models.decoding.engine import Engine
from models.music.note_records import ANSWER, from_wire, to_wire
from models.worker import LINE_LIMIT, Musician, serve

from ..support.musicians import SMALL, scale, small_network


def ask(musician: Musician, *requests: Any) -> list[dict[str, Any]]:
    replies: list[dict[str, Any]] = []
    lines = [r if isinstance(r, str) else json.dumps(r) for r in requests]
    serve(musician, iter(lines), lambda reply: replies.append(json.loads(json.dumps(reply, allow_nan=False))))
    return replies


HEAR = {"do": "hear", "at": 0, "notes": [to_wire(n) for n in scale(12)]}
PLAY = {"do": "play", "id": 1, "earliest": 3.0, "until": 99.0, "close": 4.0, "stop": 6.0}


def test_a_session_with_the_engine() -> None:
    replies = ask(
        Engine(small_network()),
        {"do": "seed", "seed": 3},
        HEAR,
        PLAY,
        {"do": "encode", "id": 2, "notes": HEAR["notes"]},
    )
    assert replies[0]["ready"]["style"] == SMALL.latent
    notes = [from_wire(r["note"]) for r in replies if "note" in r]
    assert notes
    assert all(n.role == ANSWER for n in notes)
    done = next(r for r in replies if "done" in r)
    assert (done["id"], done["done"]) == (1, "end")
    assert (done["did"]["fed"], done["did"]["anew"], done["did"]["drafts"]) == (12, 0, 0)
    assert len(replies[-1]["z"]) == SMALL.latent


def test_what_it_has_in_the_ear_is_not_played_but_changes_what_is() -> None:
    def answer(*before: dict[str, Any]) -> list[Any]:
        return [
            r["note"]
            for r in ask(Engine(small_network()), {"do": "seed", "seed": 3}, *before, HEAR, PLAY)
            if "note" in r
        ]

    vamp = {"do": "vamp", "notes": [to_wire(n.shift(100.0)) for n in scale(20)]}
    assert answer(vamp) != answer()
    assert answer(vamp, {"do": "vamp", "notes": []}) == answer()
    assert all(3.0 <= from_wire(row).onset <= 7.0 for row in answer(vamp))


def test_the_echo_plays_the_call_back_in_instalments() -> None:
    first = {**PLAY, "until": 3.5}
    replies = ask(Echo(), HEAR, first, {**first, "id": 2, "until": 99.0, "stop": 99.0})
    notes = [from_wire(r["note"]) for r in replies if "note" in r]
    assert [n.pitch - 12 for n in notes] == [n.pitch for n in scale(12)]
    assert [r["done"] for r in replies if "done" in r] == ["more", "end"]
    gaps = [round(b.onset - a.onset, 6) for a, b in itertools.pairwise(notes)]
    assert gaps == [0.2] * 11


VAMP = {"do": "vamp", "notes": [to_wire(n) for n in scale(20)]}
DRAFT = {**PLAY, "do": "draft", "candidates": 4}
STYLE = {"do": "style", "z": [0.5] * SMALL.latent, "sampling": {}}
MORE = {"do": "hear", "at": 12, "notes": [to_wire(n) for n in scale(6, 4.0)]}
LATER = {**PLAY, "id": 2, "earliest": 6.0, "close": 7.0, "stop": 9.0}
SESSION = [{"do": "seed", "seed": 3}, VAMP, HEAR, DRAFT, {**PLAY, "until": 4.0}, STYLE, MORE, DRAFT, LATER]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=len(SESSION), max_size=len(SESSION)))
def test_what_was_done_in_spare_time_is_told_and_can_be_done_again(steps: list[int]) -> None:
    """However much time there was: who is told so can do the same again, and then answers the same, bit for bit."""
    left = [0]
    lines = iter(SESSION)

    def before() -> Iterator[str]:
        for number, request in enumerate(lines):
            left[0] = steps[number]
            yield json.dumps(request)

    def has_time() -> bool:
        left[0] -= 1
        return left[0] >= 0

    then: list[dict[str, Any]] = []
    serve(Engine(small_network()), before(), lambda reply: then.append(dict(reply)), has_time)
    spared = []
    for ident, requests in ((1, 5), (2, 4)):
        first = next(reply for reply in then if reply.get("id") == ident)
        spared += first.pop("spared", [0] * requests)
    assert all("spared" not in reply for reply in then)
    assert all(count <= most for count, most in zip(spared, [0, *steps], strict=False))
    again = [{"do": "spare", "steps": count} for count in spared]
    asked = [request for pair in zip(again, SESSION, strict=True) for request in pair]
    now = ask(Engine(small_network()), *asked)
    assert [{**r, "did": 0} for r in now] == [{**r, "did": 0} for r in then]


def test_bad_lines_are_answered_and_forgotten() -> None:
    bad = [
        "{",
        "[]",
        '{"do": "dance", "id": 9}',
        '{"do": "hear", "at": 0, "notes": [[1, 2]]}',
        '{"do": "hear", "at": 0, "notes": [[NaN, 1, 60, 60, 0, null]]}',
        '{"do": "hear", "at": 77, "notes": []}',
        '{"do": "style", "z": [1, 2]}',
        '{"do": "vamp", "notes": [7]}',
        json.dumps({"do": "vamp", "notes": [to_wire(n) for n in scale(97)]}),
        '{"do": "play", "id": 4}',
        "x" * (LINE_LIMIT + 1),
        "[" * 5000,
    ]
    replies = ask(Engine(small_network()), *bad, HEAR, PLAY)
    assert len([r for r in replies if "error" in r]) == len(bad)
    assert all(len(r["error"]) < 300 for r in replies if "error" in r)
    assert any("note" in r for r in replies)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
fields = st.fixed_dictionaries({"do": st.sampled_from(["hear", "style", "seed", "play", "encode", "?"])}).flatmap(
    lambda base: st.dictionaries(
        st.sampled_from(["at", "notes", "z", "sampling", "seed", "earliest", "until", "close", "stop", "id"]),
        json_values,
    ).map(lambda more: {**more, **base})
)


@settings(max_examples=150, deadline=None)
@given(st.lists(fields | json_values, max_size=6))
def test_no_message_stops_the_worker(requests: list[Any]) -> None:
    lines = [json.dumps(r) for r in requests]
    replies = ask(Echo(), *lines, "{")
    assert "error" in replies[-1]


def test_as_a_process_it_ends_when_its_input_ends() -> None:
    lines = "".join(json.dumps(r) + "\n" for r in (HEAR, PLAY))
    done = subprocess.run(
        [sys.executable, "-m", "models.worker", "--echo"], input=lines, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stderr == ""
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert "ready" in replies[0]
    assert replies[-1] == {"id": 1, "done": "end"}


def test_missing_weights_are_said_on_the_wire() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models.worker", "--weights", "nowhere"],
        input="",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "not found" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
