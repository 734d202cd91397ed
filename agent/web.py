"""The web: a server for this computer alone, that hands out the page and carries wishes in and news out.

Knows nothing of music. It listens on 127.0.0.1 only, answers only requests that were addressed to it by that name, and opens sockets only
for pages that it has handed out itself: another site in the same browser is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from .clock import Clock
from .wishes import LARGEST, Pace, Refused, read

PAGE = Path(__file__).resolve().parent / "page"
ADDRESS, USUAL_PORT = "127.0.0.1", 4404
MOST_PAGES = 12
BEHIND = 2000  # news that wait for a page that does not take them; then it is let go
PATIENT = 25  # wishes that may be nonsense
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Host(Protocol):
    """Who is asked by the pages."""

    def welcome(self) -> dict[str, Any]:
        """What a page must know that has just come."""

    def wish(self, page: Page, wish: dict[str, Any]) -> None:
        """Grant a wish, or say why not."""

    def gone(self, page: Page) -> None:
        """A page has left."""

    def take_file(self, name: str) -> Path | None:
        """The .mid file of a take."""

    def take_notes(self, name: str) -> list[list[Any]] | None:
        """The notes of a take: who, onset, duration, pitch, velocity. From any thread."""


class Page:
    """One open page."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[str | None] = asyncio.Queue(BEHIND)
        self.keys: set[int] = set()  # pitches that it holds
        self.plugged: set[tuple[int, int]] = set()  # channels and pitches that an instrument in its browser holds
        self._behind = False

    def tell(self, text: str | None) -> None:
        """Send it something; a page that is too far behind is let go."""
        if self._behind:
            return
        try:
            self.news.put_nowait(text)
        except asyncio.QueueFull:
            self._behind = True
            while not self.news.empty():
                self.news.get_nowait()
            self.news.put_nowait(None)


class Server:
    """The server. `url` is where it is once it has started."""

    def __init__(self, host: Host, clock: Clock, port: int = USUAL_PORT) -> None:
        self.host, self.clock, self.port = host, clock, port
        self.pages: set[Page] = set()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on the usual port, or on any where that is taken. Raises OSError."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/", self._file)
        app.router.add_get("/socket", self._socket)
        app.router.add_get("/takes/{name}.mid", self._take)
        app.router.add_get("/takes/{name}.json", self._notes)
        app.router.add_get("/{file}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, ADDRESS, self.port).start()
        except OSError:
            await web.TCPSite(self._runner, ADDRESS, 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://{ADDRESS}:{self.port}/"

    async def close(self) -> None:
        """Say good-bye to every page."""
        self.broadcast({"t": "over"})
        for page in list(self.pages):
            page.tell(None)
        if self._runner is not None:
            await self._runner.cleanup()

    def broadcast(self, news: dict[str, Any] | None) -> None:
        """Tell every page."""
        if news is not None and self.pages:
            text = json.dumps(news)
            for page in self.pages:
                page.tell(text)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        names = (f"{ADDRESS}:{self.port}", f"localhost:{self.port}")
        origin = request.headers.get("Origin")
        if request.headers.get("Host", "") not in names:
            raise web.HTTPForbidden(text="This page is for this computer only.")
        if origin is None if request.path == "/socket" else False:
            raise web.HTTPForbidden(text="Open the page, and it opens this.")
        if origin is not None and origin not in {f"http://{name}" for name in names}:
            raise web.HTTPForbidden(text="Another site may not come in here.")
        response = await handler(request)
        if not response.prepared:
            sockets = " ".join(f"ws://{name}" for name in names)
            response.headers["Content-Security-Policy"] = (
                f"default-src 'self'; connect-src 'self' {sockets}; style-src 'self'; img-src 'self' data:; "
                "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
            )
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("file", "index.html")
        path = PAGE / name
        if path.parent != PAGE or path.suffix not in KINDS or not path.is_file():
            raise web.HTTPNotFound(text="There is no such page.")
        return web.Response(text=path.read_text(encoding="utf8"), content_type=KINDS[path.suffix])

    async def _take(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self.host.take_file(name)
        if path is None:
            raise web.HTTPNotFound(text="There is no such take.")
        kept = {"Content-Disposition": f'attachment; filename="tradefours-{path.parent.name}.mid"'}
        return web.Response(body=path.read_bytes(), content_type="audio/midi", headers=kept)

    async def _notes(self, request: web.Request) -> web.StreamResponse:
        notes = await asyncio.to_thread(self.host.take_notes, request.match_info["name"])
        if notes is None:
            raise web.HTTPNotFound(text="There is no such take.")
        return web.json_response({"notes": notes})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self.pages) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open; close one.")
        socket = web.WebSocketResponse(max_msg_size=2 * LARGEST, heartbeat=20.0, compress=False)
        await socket.prepare(request)
        page = Page()
        page.tell(json.dumps(self.host.welcome()))
        self.pages.add(page)
        writing = asyncio.create_task(_write(socket, page))
        try:
            await self._read(socket, page)
        finally:
            self.pages.discard(page)
            self.host.gone(page)
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
        return socket

    async def _read(self, socket: web.WebSocketResponse, page: Page) -> None:
        pace, nonsense = Pace(self.clock.now()), 0
        async for message in socket:
            if message.type is not WSMsgType.TEXT or not pace.allows(self.clock.now()):
                await socket.close(code=1008)
                return
            try:
                wish = read(message.data)
            except Refused as error:
                nonsense += 1
                if nonsense > PATIENT:
                    await socket.close(code=1008)
                    return
                page.tell(json.dumps({"t": "refused", "why": str(error)}))
                continue
            if wish["do"] == "ping":
                page.tell(json.dumps({"t": "pong", "sent": wish["sent"], "now": self.clock.now()}))
            else:
                self.host.wish(page, wish)


async def _write(socket: web.WebSocketResponse, page: Page) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        while (text := await page.news.get()) is not None:
            await socket.send_str(text)
        await socket.close()
