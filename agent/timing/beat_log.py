"""Where the beat was, as a take keeps it: some points, and straight lines between them. Pure.

A beat of our own is told exactly. One that follows a clock changes a little at each tick, and is told again only where it has left the
line that was told.
"""

from __future__ import annotations

from typing import Any

from .transport import Transport

LARGEST_ERROR = 0.01  # beats by which a followed beat may leave the line that was told
JUMP = 0.25  # beats: a larger step begins a new line
DECIMALS = 6  # of seconds and beats
Row = dict[str, Any]


class BeatLog:
    """The points of one session. `is_followed`: the beat is another's."""

    def __init__(self, transport: Transport, is_followed: bool) -> None:
        self._transport = transport
        self._is_followed = is_followed
        self._told: tuple[float, float, float] | None = None  # time, beat, seconds a beat; None while there is no beat
        self._seen = -1.0  # time of the last piece of the transport that was looked at

    def news(self, now: float) -> list[Row]:
        """Rows for the take: what is not known yet of the time until `now`. `beat` is null from where the beat stops."""
        pieces = [piece for piece in self._transport.pieces if self._seen < piece[0] <= now]
        if pieces:
            self._seen = pieces[-1][0]
        if not self._transport.running:
            if self._told is None:
                return []
            self._told = None
            return [{"beat": None, "since": round(pieces[-1][0] if pieces else now, DECIMALS)}]
        rows = []
        for time, beat, period in pieces:
            is_new = self._told is None or self._error(time, beat) > (JUMP if self._is_followed else 0.0)
            if is_new or (not self._is_followed and self._told is not None and self._told[2] != period):
                rows.append(self._tell(time, beat, period))
        if self._told is not None and now > self._told[0]:
            beat = self._transport.beat_at(now)
            if self._error(now, beat) > LARGEST_ERROR:
                rows.append(self._tell(now, beat, 60.0 / self._transport.tempo))
        return rows

    def _error(self, time: float, beat: float) -> float:
        """Beats by which the line that was told fails there."""
        if self._told is None:
            return 0.0
        since, told, period = self._told
        return round(abs(told + (time - since) / period - beat), DECIMALS)

    def _tell(self, time: float, beat: float, period: float) -> Row:
        self._told = (time, beat, period)
        return {
            "beat": round(beat, DECIMALS),
            "since": round(time, DECIMALS),
            "tempo": round(60.0 / period, 4),
            "beats": self._transport.beats,
        }
