"""Who may come in: the rules by themselves, and then the real server open to the local network, as an attacker there meets it."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import SystemClock
from agent.web.access import (
    MOST_ADDRESSES,
    TOKEN_LENGTH,
    TOKEN_LETTERS,
    TRIES_AT_ONCE,
    AccessControl,
    AccessDenied,
    Caller,
    is_loopback,
    own_address,
)
from agent.web.server import Server

from ...system.rigs.jack import Program
from .test_server import Quiet

PORT = 4404
TABLET, LAPTOP = "192.168.1.20", "192.168.1.5"
HOUSE = own_address() if not is_loopback(own_address()) else "127.0.0.2"  # where this machine is met from without


def caller(**other: object) -> Caller:
    """The tablet, which has typed the address."""
    return Caller(**{"local": LAPTOP, "remote": TABLET, "host": f"{LAPTOP}:{PORT}", **other})  # type: ignore[arg-type]


def refused(access: AccessControl, who: Caller, now: float = 0.0) -> int:
    with pytest.raises(AccessDenied) as no:
        access.admit(who, now)
    assert str(no.value).endswith(".")
    assert access.token not in str(no.value) or not access.token
    return no.value.status


def test_who_shows_the_token_is_given_a_pass_and_who_has_it_comes_in() -> None:
    access = AccessControl(PORT, lan=True)
    assert len(access.token) == TOKEN_LENGTH
    assert set(access.token) <= set(TOKEN_LETTERS)
    assert access.token != AccessControl(PORT, lan=True).token
    assert access.admit(caller(token=access.token), 0.0)
    assert not access.admit(caller(pass_=access.pass_), 0.0)
    assert not access.admit(caller(pass_=access.pass_, wants_socket=True, origin=f"http://{LAPTOP}:{PORT}"), 0.0)
    assert not access.admit(Caller(local="127.0.0.1", remote="127.0.0.1", host=f"localhost:{PORT}"), 0.0)
    for name in (socket.gethostname(), f"{socket.gethostname().partition('.')[0]}.LOCAL"):
        assert access.admit(caller(host=f"{name}:{PORT}", token=access.token), 0.0)
        assert refused(access, caller(host=f"{name}:{PORT}")) == 403


@given(st.text(max_size=80) | st.binary(max_size=40).map(lambda b: b.decode("utf8", "surrogateescape")))
def test_nothing_else_is_a_token_or_a_pass(shown: str) -> None:
    access = AccessControl(PORT, lan=True)
    assert refused(access, caller(token=shown)) == 403
    assert refused(access, caller(pass_=shown)) == 403
    assert refused(access, caller(token="", pass_=access.token)) == 403  # the token is no pass


@pytest.mark.parametrize(
    "who",
    [
        {"host": f"evil.example:{PORT}"},  # a name of theirs that leads here
        {"host": f"127.0.0.1:{PORT}"},
        {"host": f"192.168.1.6:{PORT}"},
        {"host": LAPTOP},
        {"host": f"{LAPTOP}:80"},
        {"host": ""},
        {"host": ":"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"https://{LAPTOP}:{PORT}"},
        {"origin": f"http://localhost:{PORT}"},
        {"wants_socket": True},
    ],
)
def test_a_foreign_name_or_site_is_refused_whatever_it_shows(who: dict[str, object]) -> None:
    access = AccessControl(PORT, lan=True)
    assert refused(access, caller(token=access.token, pass_=access.pass_, **who)) == 403


def test_without_the_house_only_this_computer_comes_in() -> None:
    access = AccessControl(PORT)
    for shown in ("", "x", None):
        assert refused(access, caller(token=shown, pass_=shown)) == 403
    assert refused(access, Caller(local=LAPTOP, remote=TABLET, host=f"localhost:{PORT}")) == 403
    assert not access.admit(Caller(local="127.0.0.1", remote="127.0.0.1", host=f"127.0.0.1:{PORT}"), 0.0)


def test_tokens_are_tried_slowly_and_not_for_ever_by_too_many() -> None:
    access = AccessControl(PORT, lan=True)
    answers = [refused(access, caller(token="x"), 0.001 * i) for i in range(1000)]
    assert answers.count(403) == TRIES_AT_ONCE
    assert refused(access, caller(token=access.token), 1.0) == 429  # not even the right one, from there
    assert not access.admit(caller(pass_=access.pass_), 1.0)  # who is in stays in
    assert access.admit(caller(token=access.token, remote="192.168.1.21"), 1.0)  # others may
    assert access.admit(caller(token=access.token), 61.0)  # and so may they, later
    for i in range(10 * MOST_ADDRESSES):
        refused(access, caller(token="x", remote=f"10.0.{i // 256}.{i % 256}"), 2.0)
    assert len(access._tries) <= MOST_ADDRESSES


def test_what_is_shown_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    monkeypatch.setattr("secrets.compare_digest", lambda shown, true: bool(compared.append(shown)))
    access = AccessControl(PORT, lan=True)
    refused(access, caller(token=access.token, pass_=access.pass_))
    assert compared == [access.pass_.encode(), access.token.encode()]


# -- the real server -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(host: Quiet) -> AsyncIterator[tuple[Server, str, aiohttp.ClientSession]]:
    """The server, open to the local network, where it is, and a browser that keeps what it is given."""
    server = Server(host, SystemClock(), 0, lan=True)
    await server.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            yield server, f"http://{HOUSE}:{server.port}/", client
    finally:
        await server.close()


def test_nobody_in_the_house_comes_in_without_the_token(tmp_path: Path) -> None:
    async def attack() -> None:
        take = tmp_path / "good" / "take.mid"
        take.parent.mkdir()
        take.write_bytes(b"MThd")
        host = Quiet(take)
        async with opened(host) as (server, url, client):
            assert server.invitation.endswith(f"/?token={server.access.token}")
            for path in ("", "main.js", "page.css", "takes/good.mid", "takes/good.json", "nothing", "..%2fweb.py"):
                for shown in ("", "?token=", "?token=wrong", f"?other={server.access.token}"):
                    async with client.get(url + path + shown) as got:
                        assert got.status in (403, 429), path + shown
                        assert not got.cookies
                        assert got.headers["Referrer-Policy"] == "no-referrer"
                        assert server.access.token not in await got.text()
            with pytest.raises(aiohttp.WSServerHandshakeError) as no:
                await client.ws_connect(url + "socket", headers={"Origin": url.rstrip("/")})
            assert no.value.status == 403
            assert not server.pages
            assert not host.requests

    asyncio.run(attack())


def test_the_token_opens_all_that_the_page_needs_and_nothing_else(tmp_path: Path) -> None:
    async def visit() -> None:
        take = tmp_path / "good" / "take.mid"
        take.parent.mkdir()
        take.write_bytes(b"MThd")
        async with opened(Quiet(take)) as (server, url, client):
            origin = {"Origin": url.rstrip("/")}
            async with client.get(f"{url}?token={server.access.token}") as got:
                assert got.status == 200
                said = got.headers["Set-Cookie"]
                assert "HttpOnly" in said
                assert "SameSite=Strict" in said
                assert server.access.token not in said + await got.text()
                assert got.headers["Referrer-Policy"] == "no-referrer"
                assert f"ws://{HOUSE}:{server.port};" in got.headers["Content-Security-Policy"]
            for path in ("", "main.js", "takes/good.mid", "takes/good.json"):
                async with client.get(url + path) as got:
                    assert got.status == 200, path
                    assert got.headers["Referrer-Policy"] == "no-referrer"
            for path in ("..%2fweb.py", "%2e%2e/cli.py", "takes/..%2fx.mid", "web.py"):
                async with client.get(url + path) as got:
                    assert got.status in (400, 404), path
            page = await client.ws_connect(url + "socket", headers=origin)
            assert (await page.receive_json())["t"] == "welcome"
            await page.close()
            for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": server.url.rstrip("/")}):
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await client.ws_connect(url + "socket", headers=headers)
            for name in (f"evil.example:{server.port}", f"127.0.0.1:{server.port}", HOUSE):  # a name that leads here
                async with client.get(url, headers={"Host": name}) as got:
                    assert got.status == 403, name
            async with client.get(server.url) as got:  # who sits at this computer shows nothing
                assert got.status == 200

    asyncio.run(visit())


def test_the_address_for_the_house_is_said_once_and_kept_nowhere(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have MIDI, which this is not about")
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    musician = ("--mind", f"{sys.executable} -m models.worker --echo")
    with Program("play", "--lan", "--page-port", "0", "--sound", "off", *musician, env=env) as program:
        line = program.wait_for_line("tablet")
        program.wait_for_line("ready")
        program.process.terminate()
        assert program.wait(15) == 0, program.said
    token = re.findall(r"http://[\d.]+:\d+/\?token=(\w+)\n", line)[0]
    assert program.said.count(token) == 1
    kept = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.name == "take.jsonl" for p in kept)
    assert not [p for p in kept if token.encode() in p.read_bytes()]
    refused = Program("play", "--lan", "--no-page", env=env)
    with refused:
        assert refused.wait(20) == 2
        assert "leave one of them out" in refused.said
