"""Follow Ableton Link, a beat that programs share over the network. An optional extra, as the library is under the GPL.

Called on the event loop; `now` is an argument, in monotonic seconds.
"""

from __future__ import annotations

from typing import Any

from ..errors import UserError
from .transport import FASTEST, SLOWEST, Transport


class LinkFollower:
    """Keeps a transport at the beat of the Link session. Tests pass a `peer` of their own. Raises UserError without the library."""

    def __init__(self, transport: Transport, peer: Any = None) -> None:
        self.transport = transport
        self._peer = peer if peer is not None else _join_session(transport)

    def follow(self, now: float) -> None:
        """Take over the session's beat and tempo; call it a few times a second."""
        beat = float(self._peer.beat)
        tempo = min(max(float(self._peer.tempo), SLOWEST), FASTEST)
        if not self.transport.running:
            self.transport.set_tempo(now, tempo)
            self.transport.locate(now, beat)
        else:
            self.transport.correct(now, beat, tempo)


def library() -> Any:
    """The library's module. Raises UserError where it is not installed."""
    try:
        import aalink
    except ImportError as error:
        raise UserError(
            "Ableton Link is an extra, under the GPL: install it with .venv/bin/python -m pip install aalink"
        ) from error
    return aalink


def _join_session(transport: Transport) -> Any:
    peer = library().Link(transport.tempo)
    peer.quantum = float(transport.beats)  # bars are shared, not beats alone
    peer.enabled = True
    return peer
