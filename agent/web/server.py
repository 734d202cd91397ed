"""The web: a server that hands out the page and carries wishes in and news out.

Knows nothing of music. It listens on 127.0.0.1 only, unless the house is let in, and opens sockets only for pages that it has handed out
itself. Who may come in, `agent.web.access` decides, for pages, files, sockets and takes alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from ..clock import Clock
from .access import HOME, AccessControl, AccessDenied, Caller, own_address
from .requests import COSTLY, COSTLY_A_SECOND, COSTLY_AT_ONCE, LARGEST, RateLimit, RequestRefused, read

PAGE = Path(__file__).resolve().parent / "static"
ADDRESS, EVERYWHERE, USUAL_PORT = HOME[0], "0.0.0.0", 4404
MOST_PAGES = 12
TOGETHER = 0.05  # seconds: what happens in one such is sent as one, so that much news is few messages
BEHIND = 400  # messages that wait for a page that does not take them; then it is let go
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
    """The server. `url` is where it is once it has started; `invitation`, with `lan`, where others of the house come in."""

    def __init__(self, host: Host, clock: Clock, port: int = USUAL_PORT, *, lan: bool = False) -> None:
        self.host, self.clock, self.port, self.lan = host, clock, port, lan
        self.pages: set[Page] = set()
        self.url = self.invitation = ""
        self.door = AccessControl(port, lan)
        self.sent = self.bytes = 0  # messages to pages, and what they weighed
        self._news: list[dict[str, Any]] = []
        self._sending: asyncio.TimerHandle | None = None
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
        where = EVERYWHERE if self.lan else ADDRESS
        try:
            await web.TCPSite(self._runner, where, self.port).start()
        except OSError:
            await web.TCPSite(self._runner, where, 0).start()
        self.port = self.door.port = self._runner.addresses[0][1]
        self.url = f"http://{ADDRESS}:{self.port}/"
        if self.lan:
            self.invitation = f"http://{own_address()}:{self.port}/?token={self.door.token}"

    async def close(self) -> None:
        """Say good-bye to every page."""
        self._news.append({"t": "over"})
        self._send()
        for page in list(self.pages):
            page.tell(None)
        if self._runner is not None:
            await self._runner.cleanup()

    def broadcast(self, news: dict[str, Any] | None) -> None:
        """Tell every page: at once where it was quiet, else with all that happens until the next time."""
        if news is not None and self.pages:
            self._news.append(news)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().call_later(0.0, self._send)

    def _send(self) -> None:
        """What has gathered, as one message; and again after a while, until nothing has."""
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None
        if self._news:
            text = json.dumps(self._news)
            self._news = []
            for page in self.pages:
                page.tell(text)
            self.sent += len(self.pages)
            self.bytes += len(text) * len(self.pages)
            self._sending = asyncio.get_running_loop().call_later(TOGETHER, self._send)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        cookie = f"tradefours-{self.port}"
        try:
            is_new = self.door.admit(_caller(request, cookie), self.clock.now())
            response = await handler(request)
        except AccessDenied as no:
            response = web.Response(status=no.status, text=str(no))
            _seal(response)
            return response
        except web.HTTPException as other:
            _seal(other)
            raise
        if not response.prepared:
            _seal(response, f"ws://{request.headers['Host']}")
            if is_new:
                response.set_cookie(cookie, self.door.pass_, httponly=True, samesite="Strict")
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
        self._send()  # what is older than the welcome is for the others
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
        now, nonsense = self.clock.now(), 0
        pace, slow = RateLimit(now), RateLimit(now, COSTLY_A_SECOND, COSTLY_AT_ONCE)
        async for message in socket:
            if message.type is not WSMsgType.TEXT or not pace.allows(self.clock.now()):
                await socket.close(code=1008)
                return
            try:
                wish = read(message.data)
                if wish["do"] in COSTLY and not slow.allows(self.clock.now()):
                    page.tell(json.dumps({"t": "refused", "why": "that was asked for very often; wait a moment"}))
                    continue
            except RequestRefused as error:
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


def _caller(request: web.Request, cookie: str) -> Caller:
    """What the doorkeeper must know."""
    at = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return Caller(
        at=str(at[0]) if at else "",
        of=request.remote or "",
        host=request.headers.get("Host", ""),
        origin=request.headers.get("Origin"),
        token=request.query.get("token"),
        pass_=request.cookies.get(cookie),
        wants_socket=request.path == "/socket",
    )


def _seal(response: web.StreamResponse, socket: str = "") -> None:
    """What a browser must know to keep others out; and no address of ours, with its token, is told to anyone."""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; connect-src 'self' {socket}; style-src 'self'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"


def has_browser() -> bool:
    """Whether a page can be opened on a screen."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
