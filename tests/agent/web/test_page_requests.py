"""Anything at all, sent to the page's server: it is a request, or one clear sentence; and whatever is requested, the music goes on."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.audio.synth import INSTRUMENTS
from agent.control.bindings import ACTIONS
from agent.control.parameters import PARAMETERS
from agent.styles import presets
from agent.takes import library
from agent.takes.recorder import MIDI
from agent.turns.mode_settings import PARTS
from agent.web.page_requests import (
    COSTLY,
    COSTLY_AT_ONCE,
    LARGEST,
    OPTIONAL_FIELDS,
    REQUESTS,
    RequestRefused,
    read_request,
)

from .test_page_connections import Evening, evening
from .test_server import Quiet, own, served

ENORMOUS = [10**400, -(10**400), 1e308, -1e308, float("inf"), float("nan"), 2**63, -1, 0]
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from(ENORMOUS)
    | st.sampled_from(["../..", "/etc/passwd", "\x00", "\ud800", "a" * 61, "preset:../x", "knob:", "ragtime", "note999"])
)  # fmt: skip
anything = st.recursive(leaves, lambda x: st.lists(x, max_size=5) | st.dictionaries(st.text(max_size=6), x, max_size=4))


@st.composite
def nearly(draw: st.DrawFn) -> dict[str, Any]:
    """A request that has the right fields, or nearly, with anything in them."""
    what = draw(st.sampled_from(sorted(REQUESTS)))
    request = {name: draw(anything) for name in REQUESTS[what] if draw(st.integers(0, 9))}
    if not draw(st.integers(0, 9)):
        request[draw(st.text(max_size=6))] = draw(anything)
    return {**request, "do": what}


names = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9 _-]{0,19}[a-zA-Z0-9])?", fullmatch=True) | st.sampled_from(
    ["ragtime", "last", "baroque", "Été", "Für Elise", "東京", "it's (2)"]
)
pitches, unit = st.integers(0, 127), st.floats(0, 1)
GOOD: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "on": {"pitch": pitches, "velocity": st.integers(1, 127), "at": st.floats(0, 1e12) | st.just(10**11)},
    "off": {"pitch": pitches},
    "pedal": {"down": st.booleans()},
    "midi": {"bytes": st.tuples(st.integers(0x80, 0xBF) | st.integers(0xE0, 0xEF), pitches, pitches).map(list)
             | st.tuples(st.integers(0xC0, 0xDF), pitches).map(list)},
    "act": {"action": st.sampled_from([a for a in ACTIONS if a != "stop"] + ["song:1", "song:99"])},
    "form": {"name": st.sampled_from(["bars", "beats", "part"]), "value": st.integers(1, 32) | st.sampled_from(PARTS)},
    "preset": {"name": names},
    "knob": {"name": st.sampled_from(sorted(PARAMETERS)), "value": st.floats(-1000, 1000)},
    "pad": {"x": unit, "y": unit, "corners": st.lists(names, min_size=4, max_size=4)},
    "timbre": {"who": st.sampled_from(["player", "agent"]), "name": names | st.sampled_from(INSTRUMENTS)},
    "volume": {"value": unit},
    "sound": {"name": st.just("page")},
    "soundfont": {"name": names},
    "listen": {"port": st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=200), "on": st.booleans()},
    "output": {"port": st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=200)},
    "phrase": {},
    "save": {},
    "save preset": {"name": names},
    "sound like that": {"name": names},
    "rename preset": {"name": names, "title": names},
    "delete preset": {"name": names},
    "rename take": {"name": names, "title": names},
    "learn": {"action": st.none() | st.sampled_from(ACTIONS) | st.sampled_from([f"knob:{p}" for p in PARAMETERS])},
    "forget": {"trigger": st.from_regex(r"(note|cc|pc|wide)[0-9]{1,3}(@[0-9]{1,2})?", fullmatch=True)},
    "takes": {},
    "delete take": {"name": names},
    "take sound": {"name": names},
    "ping": {"sent": st.floats(0, 1e12)},
}  # fmt: skip


@st.composite
def good(draw: st.DrawFn) -> dict[str, Any]:
    """A request as it should be."""
    what = draw(st.sampled_from(sorted(GOOD)))
    return {"do": what, **{name: draw(value) for name, value in GOOD[what].items()}}


def refusal(text: str) -> str:
    """Why a text is refused; "" where it is not."""
    begun = time.process_time()
    try:
        request, why = read_request(text), ""
    except RequestRefused as error:
        why = str(error)
    assert time.process_time() - begun < 1.0
    if why:
        assert re.fullmatch(r"[^\n]{5,200}", why)
        return why
    fields = REQUESTS[request["do"]]
    assert set(fields) - OPTIONAL_FIELDS.get(request["do"], set()) <= set(request) - {"do"} <= set(fields)
    return ""


@settings(max_examples=200, deadline=None)
@given(
    st.text() | st.binary(max_size=4 * LARGEST).map(lambda b: b.decode("utf8", "replace")) | anything.map(json.dumps)
)
def test_any_text_and_any_json_is_a_request_or_one_sentence(text: str) -> None:
    refusal(text)


@settings(max_examples=250, deadline=None)
@given(nearly())
def test_any_value_in_any_field_is_a_request_or_one_sentence(request: dict[str, Any]) -> None:
    refusal(json.dumps(request))


@settings(max_examples=150, deadline=None)
@given(good())
def test_what_fits_is_read_as_it_is(request: dict[str, Any]) -> None:
    assert set(GOOD) == set(REQUESTS)
    if ".." not in json.dumps(request):
        assert read_request(json.dumps(request)) == request


@pytest.mark.parametrize("depth", [900, 2000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_depth_and_size_are_bounded(brackets: str, depth: int) -> None:
    assert refusal(brackets[:-1] * depth)
    assert refusal('{"do": "ping", "sent": ' + "9" * (LARGEST - 40) + "}")
    assert refusal("9" * 1_000_000) == "that was too long"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(good() | nearly(), max_size=120), st.floats(0.0, 0.2))
def test_whatever_is_requested_the_session_goes_on(requests: list[dict[str, Any]], pause: float) -> None:
    stumbled: list[str] = []

    async def script(e: Evening) -> None:
        def stumble(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            stumbled.append(repr(context))

        e.loop.set_exception_handler(stumble)
        for request in requests:
            try:
                asked = read_request(json.dumps(request))
            except RequestRefused:
                continue
            if asked["do"] != "ping":  # which the server answers itself
                e.hub.handle_request(e.page, asked)
            await asyncio.sleep(pause)
        await e.settle()
        e.request(do="act", action="call")
        e.hub.remove_page(e.page)
        await asyncio.sleep(0.3)
        assert not any(port.held.holds(e.page) for port in e.hub.keyboard.inputs)
        assert len(json.dumps(e.hub.welcome())) < 1_000_000
        assert len(e.hub._tasks) < 5
        assert all(len(line) < 500 for line in e.said())

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        folder = Path(name)
        patched.setattr(presets, "OWN", folder / "own")
        evening(script, folder / "takes")
        assert not stumbled
        inside = [p.relative_to(folder).parts[0] for p in folder.rglob("*")]
        assert set(inside) <= {"own", "takes"}


def test_the_last_minutes_are_kept_once_a_moment_and_one_phrase_is_played_at_a_time(tmp_path: Path) -> None:
    async def script(e: Evening) -> None:
        for _ in range(20):
            e.request(do="phrase")
        await e.phrase()
        for _ in range(5):
            e.request(do="save")
        assert len(e.hub._tasks) < 30
        await asyncio.sleep(20)
        assert not e.hub._tasks

    made = evening(script, tmp_path)
    assert len([p for p in library.list_takes(tmp_path) if p.name.endswith("-moment") and (p / MIDI).is_file()]) in (
        1,
        2,
    )
    assert any("kept just now" in line for line in made.said())
    ons = [n for n in made.news if n["t"] == "on" and n["who"] == "player"]
    assert len(ons) < 40


# -- the real server -------------------------------------------------------------------------------------------------


def test_the_server_answers_anything_with_a_sentence_or_a_closed_door() -> None:
    rubbish = st.lists(
        st.text(max_size=300) | nearly().map(json.dumps) | anything.map(json.dumps) | st.binary(max_size=50),
        max_size=24,
    )

    async def say(server: Any, client: aiohttp.ClientSession, messages: list[str | bytes]) -> None:
        async with client.ws_connect(server.url + "socket", headers=own(server)) as page:
            for message in messages:
                if isinstance(message, bytes):
                    await page.send_bytes(message)
                else:
                    await page.send_str(message.encode("utf8", "replace").decode())
            await page.send_str('{"do": "ping", "sent": 1}')
            while (got := await page.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
                news = json.loads(got.data)
                assert news["t"] in ("welcome", "refused", "pong")
                if news["t"] == "refused":
                    assert re.fullmatch(r"[^\n]{5,200}", news["why"])
                if news["t"] == "pong" and news["sent"] == 1:
                    break
            else:
                assert page.close_code in (1008, 1009)

    with asyncio.Runner() as runner:
        troubles: list[dict[str, Any]] = []
        runner.get_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        room = served(Quiet())
        server, client = runner.run(room.__aenter__())

        @settings(max_examples=40, deadline=None)
        @given(rubbish)
        def attack(messages: list[str | bytes]) -> None:
            runner.run(say(server, client, messages))

        attack()
        runner.run(room.__aexit__(None, None, None))
        assert not server.pages
        assert not troubles


def test_what_takes_long_is_not_done_as_often_as_anyone_likes() -> None:
    async def ask() -> None:
        host = Quiet()
        async with served(host) as (server, client):
            page = await client.ws_connect(server.url + "socket", headers=own(server))
            for _ in range(100):
                await page.send_str('{"do": "save"}')
            await page.send_str('{"do": "act", "action": "panic"}')
            await page.send_str('{"do": "ping", "sent": 1}')
            why = set()
            while (news := await page.receive_json(timeout=20))["t"] != "pong":
                why.add(news.get("why"))
            assert COSTLY_AT_ONCE <= len(host.requests) - 1 < COSTLY_AT_ONCE + 30
            assert host.requests[-1]["do"] == "act"  # what is quick is done all the same
            assert any("wait a moment" in str(w) for w in why)

    assert set(REQUESTS) >= COSTLY
    asyncio.run(ask())
