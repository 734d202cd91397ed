"""The piano for the page: one recording a key, computed when a page asks for it, and the table by which it plays them."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..audio import piano_key_renderer
from ..audio.piano_model import HIGHEST, LOWEST


class PianoFiles:
    """Answers requests for the piano's files. One recording is computed at a time, so that many requests cannot stop the music."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer for the piano's addresses."""
        router.add_get("/piano/keys.json", self._table)
        router.add_get(r"/piano/{pitch:\d{1,3}}.wav", self._recording)

    async def _table(self, request: web.Request) -> web.StreamResponse:
        async with self._turn:
            return web.json_response(await asyncio.to_thread(piano_key_renderer.table))

    async def _recording(self, request: web.Request) -> web.StreamResponse:
        pitch = int(request.match_info["pitch"])
        if not LOWEST <= pitch <= HIGHEST:
            raise web.HTTPNotFound(text="The piano has no such key.")
        async with self._turn:
            body = await asyncio.to_thread(piano_key_renderer.recording, pitch)
        return web.Response(body=body, content_type="audio/wav")
