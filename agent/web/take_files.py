"""The files of takes, for pages to download: notes as a .mid file, sound as a .wav file, and the notes of the small picture."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web


class TakeHost(Protocol):
    """Who knows the takes. A name that a page gives may be anything."""

    def take_file(self, name: str) -> Path | None:
        """The .mid file of a take."""

    def take_sound(self, name: str) -> Path | None:
        """The .wav file of a take, where it has been made."""

    def take_notes(self, name: str) -> list[list[Any]] | None:
        """The notes of a take: who, onset, duration, pitch, velocity. From any thread."""


class TakeFiles:
    """Answers requests for the files of takes."""

    def __init__(self, host: TakeHost) -> None:
        self._host = host

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer for the takes' addresses."""
        router.add_get("/takes/{name}.mid", self._midi)
        router.add_get("/takes/{name}.wav", self._sound)
        router.add_get("/takes/{name}.json", self._notes)

    async def _midi(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self._host.take_file(name)
        if path is None:
            raise web.HTTPNotFound(text="There is no such take.")
        return web.Response(body=path.read_bytes(), headers=_attachment(f"{name}.mid", "audio/midi"))

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self._host.take_sound(name)
        if path is None or not path.is_file():
            raise web.HTTPNotFound(text="This sound has not been made.")
        return web.FileResponse(path, headers=_attachment(f"{name}.wav", "audio/wav"))  # read beside the event loop

    async def _notes(self, request: web.Request) -> web.StreamResponse:
        notes = await asyncio.to_thread(self._host.take_notes, request.match_info["name"])
        if notes is None:
            raise web.HTTPNotFound(text="There is no such take.")
        return web.json_response({"notes": notes})


def _attachment(name: str, kind: str) -> dict[str, str]:
    """Headers of a file that the browser is to keep. `name` is a take's: letters that need no quotes."""
    return {"Content-Disposition": f'attachment; filename="tradefours-{name}"', "Content-Type": kind}
