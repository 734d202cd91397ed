"""Opens the program's page in the user's browser, in a headless one, or in a reader of its messages where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path

from ..clock import SystemClock
from ..errors import UserError
from ..web.page_connections import Hub
from ..web.server import Server, has_browser

HEADLESS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
OPEN_TIMEOUT = 20.0  # seconds in which a browser opens a page
READER = (
    "import asyncio, aiohttp, sys\n"
    "async def read(url):\n"
    "    async with aiohttp.ClientSession() as client:\n"
    "        async with client.ws_connect(url + 'socket', headers={'Origin': url.rstrip('/')}) as socket:\n"
    "            async for _ in socket: pass\n"
    "asyncio.run(read(sys.argv[1]))\n"
)


@contextlib.asynccontextmanager
async def open_page(hub: Hub, clock: SystemClock) -> AsyncIterator[tuple[str, Server]]:
    """Open the page; yields who opened it, and its server. Raises UserError where nothing opens it in time."""
    server = Server(hub, clock, 0)
    await server.start()
    hub.broadcast = server.broadcast
    process = None
    by = "the browser"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            if has_browser():
                await asyncio.to_thread(webbrowser.open, server.url)
            else:
                program = next(filter(None, map(shutil.which, HEADLESS)), None)
                command = [sys.executable, "-P", "-c", READER, server.url]
                if program is not None:
                    command = [program, *BROWSER_FLAGS, f"--user-data-dir={profile}", server.url]
                by = Path(program).name if program is not None else "a reader"
                quiet = subprocess.DEVNULL
                process = subprocess.Popen(command, stdout=quiet, stderr=quiet, stdin=quiet)
            end = clock.now() + OPEN_TIMEOUT
            while not server.pages:
                if clock.now() > end:
                    raise UserError(f"{by} did not open {server.url}; is there a browser that works?")
                await asyncio.sleep(0.05)
            yield by, server
        finally:
            await server.close()
            if process is not None:
                process.terminate()
                await asyncio.to_thread(process.wait)
