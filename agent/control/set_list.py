"""A set list: the songs of an evening, in their order, each with a style and how to play together. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..turns.mode_settings import CALL, TRADE

MOST_SONGS = 200


@dataclass(frozen=True)
class Song:
    """One song. `preset`: the name of its style; `tempo` in beats a minute, None for free time; `bars` of each turn in a trade."""

    preset: str
    mode: str = CALL
    tempo: float | None = None
    bars: int = 4
    title: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.title or self.preset

    def row(self) -> dict[str, Any]:
        """The song, ready for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, row: dict[str, Any]) -> Song:
        """The song of such a row; what a newer version added is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in row.items() if name in known})

    def about(self, style: str) -> str:
        """The song in a few words; `style` is the title of its preset."""
        beat = "free time" if self.tempo is None else f"{self.tempo:g} beats a minute"
        bars = [f"{self.bars} bars each"] if self.mode == TRADE else []
        return " · ".join([self.name, *([style] if self.title != style else []), self.mode, *bars, beat])
