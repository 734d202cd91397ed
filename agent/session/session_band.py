"""The band of one session, and how long its work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ..playing.note_schedule import SentMessage
from ..playing.over_chart.band_player import BandPlayer
from ..timing.transport import Transport
from ..turns.mode_settings import ModeSettings
from .config import SessionConfig, SessionIO


def open_band(
    config: SessionConfig,
    io: SessionIO,
    transport: Transport,
    on_sent: Callable[[SentMessage, float], None],
    mode: Callable[[], ModeSettings],
    on_over: Callable[[], None],
) -> BandPlayer | None:
    """The band that plays over the chart; None without a chart, or where nobody is to play."""
    over = config.over
    if over is None or over.band is None:
        return None
    make_player = partial(_make_player, io, on_sent)
    return BandPlayer(over, over.band, transport, make_player, mode, on_over, config.channel)


def _make_player(io: SessionIO, on_sent: Callable[[SentMessage, float], None], channel: int) -> Any:
    return io.make_player(io.output, io.clock, channel, on_sent)


async def work_until(work: list[Coroutine[Any, Any, None]], over: asyncio.Event) -> None:
    """Work until someone ends it, or it cannot go on."""
    ending = asyncio.create_task(over.wait())
    tasks = [asyncio.create_task(w) for w in work]
    await asyncio.wait((*tasks, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    for task in tasks:
        task.cancel()
    for done in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(done, BaseException) and not isinstance(done, asyncio.CancelledError):
            raise done
