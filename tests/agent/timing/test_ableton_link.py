"""Ableton Link, without a network: a transport follows the beat of the session."""

from __future__ import annotations

import sys

import pytest

from agent.errors import UserError
from agent.timing.ableton_link import LinkFollower, library
from agent.timing.transport import Transport


class Peer:
    beat, tempo = 6.0, 90.0


def test_the_transport_is_where_the_session_is() -> None:
    transport, peer = Transport(), Peer()
    follower = LinkFollower(transport, peer)
    follower.follow(10.0)
    assert transport.beat_at(10.0) == pytest.approx(6.0)
    assert transport.beat_at(12.0) == pytest.approx(9.0)
    peer.beat, peer.tempo = 9.01, 100.0  # somebody turns the tempo
    follower.follow(12.0)
    assert transport.beat_at(12.0) == pytest.approx(9.0)  # no jump
    assert transport.beat_at(12.6) == pytest.approx(10.01)
    peer.beat = 40.0
    follower.follow(13.0)
    assert transport.beat_at(13.0) == 40.0


def test_without_the_library_the_user_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(UserError, match="pip install aalink"):
        library()
