"""The web server: hands out the page, carries requests of the pages in and news out.

It listens on 127.0.0.1 only, unless other devices of the house are let in, and opens sockets only for pages that it has handed out itself.
Who may come in, `agent.web.access` decides, for pages, files, sockets and takes alike.
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
from .access import LOOPBACK_NAMES, AccessControl, AccessDenied, Caller, own_address
from .page_requests import COSTLY, LARGEST, RequestRefused, read_request, request_limits
from .piano_files import PianoFiles
from .take_files import TakeFiles, TakeHost

STATIC = Path(__file__).resolve().parent / "static"
ADDRESS = LOOPBACK_NAMES[0]
ALL_ADDRESSES = "0.0.0.0"
USUAL_PORT = 4404  # of TCP, chosen
MOST_PAGES = 12  # open at once
SEND_SECONDS = 0.05  # what happens within one such is sent as one, so that much news is few messages
LONGEST_QUEUE = 400  # messages that wait for a page that does not take them; then it is let go
SILENCE_SECONDS = 4.0  # a page gives a sign of life each second; one that is silent for so long has vanished
MOST_REFUSED = 25  # requests of a page that may be nonsense; then it is let go
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class PageHost(TakeHost, Protocol):
    """What the pages talk to."""

    def welcome(self) -> dict[str, Any]:
        """What a page must know that has just come."""

    def handle_request(self, page: Page, request: dict[str, Any]) -> None:
        """Do what a page asks for, or say why not."""

    def remove_page(self, page: Page) -> None:
        """A page has left."""

    def release_keys(self, page: Page) -> None:
        """A page gives no sign of life: end what it holds. It may come back."""


class Page:
    """One open page."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(LONGEST_QUEUE)  # messages; None: good-bye
        self._is_behind = False
        self._silence: asyncio.TimerHandle | None = None

    def expect_sign(self, release: Callable[[], None]) -> None:
        """It has just given a sign of life: `release` is called when none follows for too long."""
        self.expect_nothing()
        self._silence = asyncio.get_running_loop().call_later(SILENCE_SECONDS, release)

    def expect_nothing(self) -> None:
        """It has left."""
        if self._silence is not None:
            self._silence.cancel()

    def send(self, text: str | None) -> None:
        """Send it a message; a page that is too far behind is let go."""
        if self._is_behind:
            return
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self._is_behind = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


class Server:
    """The server. `url` is where it is once it has started; `invitation`, with `lan`, where others of the house come in."""

    def __init__(self, host: PageHost, clock: Clock, port: int = USUAL_PORT, *, lan: bool = False) -> None:
        self.host = host
        self.clock = clock
        self.port = port
        self.lan = lan
        self.pages: set[Page] = set()
        self.url = ""
        self.invitation = ""
        self.access = AccessControl(port, lan)
        self.messages_sent = 0
        self.bytes_sent = 0
        self._news: list[dict[str, Any]] = []
        self._sending: asyncio.TimerHandle | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on the usual port, or on any where that is taken. Raises OSError."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.router.add_get("/", self._file)
        app.router.add_get("/socket", self._socket)
        TakeFiles(self.host).add_routes(app.router)
        PianoFiles().add_routes(app.router)
        app.router.add_get("/{file}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        address = ALL_ADDRESSES if self.lan else ADDRESS
        try:
            await web.TCPSite(self._runner, address, self.port).start()
        except OSError:
            await web.TCPSite(self._runner, address, 0).start()
        self.port = self._runner.addresses[0][1]
        self.access.port = self.port
        self.url = f"http://{ADDRESS}:{self.port}/"
        if self.lan:
            self.invitation = f"http://{own_address()}:{self.port}/?token={self.access.token}"

    async def close(self) -> None:
        """Say good-bye to every page."""
        self._news.append({"t": "over"})
        self._send()
        for page in list(self.pages):
            page.send(None)
        if self._runner is not None:
            await self._runner.cleanup()

    def broadcast(self, news: dict[str, Any] | None) -> None:
        """Tell every page: at once where nothing was sent recent_percentiles, else with all that happens until the next time."""
        if news is not None and self.pages:
            self._news.append(news)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().call_later(0.0, self._send)

    def _send(self) -> None:
        """Send the news since the last time, as one message; and again after a while, until there is none."""
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None
        if self._news:
            text = json.dumps(self._news)
            self._news = []
            for page in self.pages:
                page.send(text)
            self.messages_sent += len(self.pages)
            self.bytes_sent += len(text) * len(self.pages)
            self._sending = asyncio.get_running_loop().call_later(SEND_SECONDS, self._send)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        cookie = f"tradefours-{self.port}"
        try:
            is_new = self.access.admit(_caller(request, cookie), self.clock.now())
            response = await handler(request)
        except AccessDenied as error:
            response = web.Response(status=error.status, text=str(error))
            _add_security_headers(response)
            return response
        except web.HTTPException as error:
            _add_security_headers(error)
            raise
        if not response.prepared:
            _add_security_headers(response, f"ws://{request.headers['Host']}")
            if is_new:
                response.set_cookie(cookie, self.access.pass_, httponly=True, samesite="Strict")
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("file", "index.html")
        path = STATIC / name
        if path.parent != STATIC or path.suffix not in CONTENT_TYPES or not path.is_file():
            raise web.HTTPNotFound(text="There is no such page.")
        return web.Response(text=path.read_text(encoding="utf8"), content_type=CONTENT_TYPES[path.suffix])

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self.pages) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open; close one.")
        socket = web.WebSocketResponse(max_msg_size=2 * LARGEST, heartbeat=20.0, compress=False)
        await socket.prepare(request)
        self._send()  # what is older than the welcome is for the others
        page = Page()
        page.send(json.dumps(self.host.welcome()))
        self.pages.add(page)
        writer = asyncio.create_task(_write_queue(socket, page))
        try:
            await self._read_requests(socket, page)
        finally:
            self.pages.discard(page)
            page.expect_nothing()
            self.host.remove_page(page)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _read_requests(self, socket: web.WebSocketResponse, page: Page) -> None:
        refused = 0
        limit, costly_limit = request_limits(self.clock.now())
        async for message in socket:
            page.expect_sign(lambda: self.host.release_keys(page))
            if message.type is not WSMsgType.TEXT or not limit.allows(self.clock.now()):
                await socket.close(code=1008)
                return
            try:
                request = read_request(message.data)
                if request["do"] in COSTLY and not costly_limit.allows(self.clock.now()):
                    page.send(json.dumps({"t": "refused", "why": "that was asked for very often; wait a moment"}))
                    continue
            except RequestRefused as error:
                refused += 1
                if refused > MOST_REFUSED:
                    await socket.close(code=1008)
                    return
                page.send(json.dumps({"t": "refused", "why": str(error)}))
                continue
            if request["do"] == "ping":
                page.send(json.dumps({"t": "pong", "sent": request["sent"], "now": self.clock.now()}))
            else:
                self.host.handle_request(page, request)


async def _write_queue(socket: web.WebSocketResponse, page: Page) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        text = await page.queue.get()
        while text is not None:
            await socket.send_str(text)
            text = await page.queue.get()
        await socket.close()


def _caller(request: web.Request, cookie: str) -> Caller:
    """What access control must know."""
    socket_name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return Caller(
        local=str(socket_name[0]) if socket_name else "",
        remote=request.remote or "",
        host=request.headers.get("Host", ""),
        origin=request.headers.get("Origin"),
        token=request.query.get("token"),
        pass_=request.cookies.get(cookie),
        wants_socket=request.path == "/socket",
    )


def _add_security_headers(response: web.StreamResponse, socket: str = "") -> None:
    """Headers that make the browser keep other sites out, and tell nobody our address with its token."""
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
