"""The plan of a solo: from when to when the agent plays, and what a key of the player's means meanwhile. A plain record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.music.note_records import Span

LOOKAHEAD = 1.0  # seconds of music that are asked for at a time
DELAY = 0.01  # seconds: the first note of an answer, at the earliest


@dataclass(frozen=True)
class AnswerWindow:
    """How a solo is to be played. What can be called is called anew for each request to the worker, as tempo and player change."""

    span: Callable[[], Span]  # of the whole solo: its start, where it may close, must stop, is silent
    overlaps: Callable[[float], bool] = lambda when: False  # whether a key at that time is played over, not yielded to
    update: Callable[[], None] = lambda: None  # brings style and pulse up to date
    lookahead: float = LOOKAHEAD  # seconds
    delay: float = DELAY  # seconds
