"""The server as an attacker meets it: other hosts, other sites, floods, nonsense; nothing of it disturbs the music."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent.clock import SystemClock
from agent.web import server as server_module
from agent.web.server import MOST_PAGES, MOST_REFUSED, Page, Server


class Quiet:
    """A host that remembers what was requested."""

    def __init__(self, take: Path | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.left = 0
        self.released: list[Page] = []
        self.take = take

    def welcome(self) -> dict[str, Any]:
        return {"t": "welcome"}

    def handle_request(self, page: Page, request: dict[str, Any]) -> None:
        self.requests.append(request)

    def remove_page(self, page: Page) -> None:
        self.left += 1

    def release_keys(self, page: Page) -> None:
        self.released.append(page)

    def take_file(self, name: str) -> Path | None:
        return self.take if name == "good" else None

    def take_sound(self, name: str) -> Path | None:
        return self.take.with_suffix(".wav") if self.take is not None and name in ("good", "lost") else None

    def take_notes(self, name: str) -> list[list[Any]] | None:
        return [["player", 0.0, 0.5, 60, 80]] if name == "good" else None


@asynccontextmanager
async def served(host: Quiet) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    server = Server(host, SystemClock(), 0)
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield server, client
    finally:
        await server.close()


def own(server: Server) -> dict[str, str]:
    return {"Origin": server.url.rstrip("/")}


def test_it_listens_on_this_computer_only() -> None:
    async def look() -> None:
        async with served(Quiet()) as (server, _):
            assert server.url.startswith("http://127.0.0.1:")
            assert server._runner is not None
            assert {a[0] for a in server._runner.addresses} == {"127.0.0.1"}
            with socket.socket() as other:  # a second one finds another place
                other.settimeout(1)
                second = Server(Quiet(), SystemClock(), server.port)
                await second.start()
                assert second.port != server.port
                await second.close()

    asyncio.run(look())


def test_foreign_hosts_and_sites_are_refused() -> None:
    async def attack() -> None:
        host = Quiet()
        async with served(host) as (server, client):
            for name in (
                "evil.example",
                f"evil.example:{server.port}",
                "127.0.0.1",
                "",
                f"localhost.evil:{server.port}",
            ):
                async with client.get(server.url, headers={"Host": name}) as got:
                    assert got.status == 403, name
            async with client.get(server.url, headers={"Host": f"localhost:{server.port}"}) as got:
                assert got.status == 200
            async with client.get(server.url, headers={"Origin": "http://evil.example"}) as got:
                assert got.status == 403
            for origin in (
                "http://evil.example",
                "null",
                f"https://127.0.0.1:{server.port}",
                "http://127.0.0.1:1",
                None,
            ):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await client.ws_connect(server.url + "socket", headers={"Origin": origin} if origin else {})
                assert refused.value.status == 403, origin
            assert not server.pages
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(server.url + "socket", headers={**own(server), "Host": "evil.example"})

    asyncio.run(attack())


def test_only_the_pages_own_files_are_handed_out(tmp_path: Path) -> None:
    async def attack() -> None:
        take = tmp_path / "good" / "take.mid"
        take.parent.mkdir()
        take.write_bytes(b"MThd")
        async with served(Quiet(take)) as (server, client):
            for name in (
                "..%2fweb.py",
                "%2e%2e/cli.py",
                "..%2f..%2fpyproject.toml",
                "web.py",
                "page.css%00",
                "takes/..%2fx.mid",
                "takes/..%2fx.json",
                "takes/bad.json",
                "takes/bad.wav",
                "takes/..%2fgood.wav",
            ):
                async with client.get(server.url + name) as got:
                    assert got.status in (400, 403, 404), name
            async with client.get(server.url + "takes/good.mid") as got:
                assert got.status == 200
                assert "attachment" in got.headers["Content-Disposition"]
            take.with_suffix(".wav").write_bytes(b"RIFF" + bytes(100_000))
            async with client.get(server.url + "takes/good.wav") as got:
                assert (got.status, got.content_type) == (200, "audio/wav")
                assert got.headers["Content-Disposition"] == 'attachment; filename="tradefours-good.wav"'
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                assert len(await got.read()) == 100_004
            take.with_suffix(".wav").unlink()
            async with client.get(server.url + "takes/lost.wav") as got:  # deleted meanwhile
                assert got.status == 404
            async with client.get(server.url + "takes/good.json") as got:
                assert (await got.json())["notes"] == [["player", 0.0, 0.5, 60, 80]]
            async with client.post(server.url, data=b"x" * 5000) as got:
                assert got.status in (405, 413)
            for name in ("", "main.js", "page.css", "icon.svg"):
                async with client.get(server.url + name) as got:
                    assert got.status == 200
                    assert "default-src 'self'" in got.headers["Content-Security-Policy"]
                    assert got.headers["X-Content-Type-Options"] == "nosniff"

    asyncio.run(attack())


def test_the_piano_is_handed_out_key_by_key_to_those_who_may_come_in() -> None:
    async def fetch() -> None:
        async with served(Quiet()) as (server, client):
            async with client.get(server.url + "piano/keys.json") as got:
                table = await got.json()
                assert sorted(map(int, table["keys"])) == list(range(21, 109))
                assert all(len(key["gains"]) == len(table["forces"]) for key in table["keys"].values())
            several = [client.get(server.url + f"piano/{pitch}.wav") for pitch in (60, 108, 108)]
            for got in await asyncio.gather(*several):
                assert got.status == 200
                assert got.content_type == "audio/wav"
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                body = await got.read()
                assert body[:4] == b"RIFF"
                assert 100_000 < len(body) < 1_000_000
            for name in (
                "20.wav",
                "109.wav",
                "0.wav",
                "999.wav",
                "1000.wav",
                "-1.wav",
                "60.mp3",
                "x.wav",
                "",
                "..%2f60.wav",
            ):
                async with client.get(server.url + "piano/" + name) as got:
                    assert got.status in (403, 404), name
            for name in ("keys.json", "60.wav"):
                async with client.get(server.url + "piano/" + name, headers={"Host": "evil.example"}) as got:
                    assert got.status == 403

    asyncio.run(fetch())


def test_floods_and_nonsense_end_the_connection_and_nothing_else() -> None:
    async def closes(ws: aiohttp.ClientWebSocketResponse) -> int | None:
        while (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
        return ws.close_code

    async def attack() -> None:
        host = Quiet()
        async with served(host) as (server, client):
            good = await client.ws_connect(server.url + "socket", headers=own(server))
            assert (await good.receive_json())["t"] == "welcome"

            flood = await client.ws_connect(server.url + "socket", headers=own(server))
            for _ in range(1500):
                await flood.send_str('{"do": "on", "pitch": 60, "velocity": 1}')
            assert await closes(flood) == 1008
            assert len(host.requests) < 1000

            long = await client.ws_connect(server.url + "socket", headers=own(server))
            await long.send_str("x" * 100_000)
            assert await closes(long) == 1009

            binary = await client.ws_connect(server.url + "socket", headers=own(server))
            await binary.send_bytes(b"\x90\x3c\x50")
            assert await closes(binary) == 1008

            silly = await client.ws_connect(server.url + "socket", headers=own(server))
            for _ in range(MOST_REFUSED + 1):
                await silly.send_str("[]")
            assert await closes(silly) == 1008

            before = len(host.requests)
            await good.send_str('{"do": "phrase"}')
            await good.send_str(json.dumps({"do": "ping", "sent": 5}))
            pong = await good.receive_json(timeout=5)
            assert pong["t"] == "pong"
            assert pong["sent"] == 5
            assert host.requests[before:] == [{"do": "phrase"}]
            await good.close()
            await asyncio.sleep(0.1)
            assert host.left == 5
            assert not server.pages

    asyncio.run(attack())


def test_there_are_only_so_many_pages_and_a_slow_one_is_let_go() -> None:
    async def attack() -> None:
        async with served(Quiet()) as (server, client):
            pages = [await client.ws_connect(server.url + "socket", headers=own(server)) for _ in range(MOST_PAGES)]
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(server.url + "socket", headers=own(server))
            slow = next(iter(server.pages))
            for _ in range(5000):
                slow.send("{}")
            assert slow.queue.qsize() == 1
            for page in pages:
                await page.close()

    asyncio.run(attack())


def test_a_page_that_is_silent_lets_go_and_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SILENCE_SECONDS", 0.3)
    sign = json.dumps({"do": "ping", "sent": 1})

    async def vanish() -> None:
        host = Quiet()
        async with served(host) as (server, client):
            page = await client.ws_connect(server.url + "socket", headers=own(server))
            for _ in range(6):  # longer than the silence, with signs of life
                await page.send_str(sign)
                await asyncio.sleep(0.1)
            assert not host.released
            await asyncio.sleep(0.5)
            assert len(host.released) == 1  # once, not again and again
            assert len(server.pages) == 1
            await page.send_str(sign)
            assert (await page.receive_json(timeout=5))["t"] == "welcome"
            await page.close()
            await asyncio.sleep(0.5)
            assert len(host.released) == 1  # who has left says good-bye another way
            assert host.left == 1

    asyncio.run(vanish())


def test_silence_is_noticed_within_five_seconds() -> None:
    assert 3.0 <= server_module.SILENCE_SECONDS <= 5.0  # three signs of life may be lost
