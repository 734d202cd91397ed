"""How well time was kept in a session, in percentiles."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KEPT = 20_000  # figures of each kind; older ones are forgotten
CHOICES = 1000  # answers of which it is kept how many candidates there were
#: Shares of the figures that are no larger.
RANKS = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds; empty where nothing was measured."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    last = len(ordered) - 1
    found = {name: ordered[min(last, int(share * len(ordered)))] for name, share in RANKS.items()}
    found["max"] = ordered[-1]
    return {name: round(1000 * value, 3) for name, value in found.items()}


def _figures() -> deque[float]:
    return deque(maxlen=KEPT)


@dataclass
class TimingStats:
    """What is measured in a session; all in seconds."""

    first_note: deque[float] = field(default_factory=_figures)  # decision to answer -> the first note can leave
    first_on: deque[float] = field(default_factory=_figures)  # decision -> it has left, its own rest included
    lateness: deque[float] = field(default_factory=_figures)  # actual minus planned, of notes and their ends
    cut_in: deque[float] = field(default_factory=_figures)  # the player's key -> the last of our notes has ended
    misses: int = 0  # notes that came too late to be played
    unready: int = 0  # notes that were generated after their own time
    phrases: int = 0
    answers: int = 0
    notes: int = 0  # played by the agent
    level: int = 0  # how much is asked of the worker: see `agent.playing.load_shedding`
    level_word: str = ""
    worst_level: int = 0
    chosen_from: int = 0  # candidates among which the last answer was chosen; 0: it was not prepared
    choices: deque[int] = field(default_factory=lambda: deque(maxlen=CHOICES))  # the same of the last answers
    musician: dict[str, int] = field(default_factory=dict)  # what the worker did: see `models.decoding.engine`

    def set_level(self, level: int, word: str) -> None:
        """How much is asked of the worker from now on: see `agent.playing.load_shedding`."""
        self.level = level
        self.level_word = word
        self.worst_level = max(self.worst_level, level)

    def add_choice(self, chosen_from: int) -> None:
        """An answer has begun that was chosen from so many candidates."""
        self.chosen_from = chosen_from
        self.choices.append(chosen_from)

    def summary(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "phrases": self.phrases,
            "answers": self.answers,
            "notes": self.notes,
            "misses": self.misses,
            "unready": self.unready,
            "musician": self.musician,
            "chosen_from": sorted(self.choices),
            "level": self.level,
            "worst_level": self.worst_level,
            "first_note_ms": percentiles(self.first_note),
            "first_on_ms": percentiles(self.first_on),
            "lateness_ms": percentiles(self.lateness),
            "cut_in_ms": percentiles(self.cut_in),
        }
