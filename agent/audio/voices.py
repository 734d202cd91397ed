"""What the kinds of voices have in common: the block that they render, their slots, and how a voice begins."""

from __future__ import annotations

import math
from dataclasses import dataclass

BLOCK = 128  # frames that are computed at once
POLYPHONY = 32  # voices that are held at once
SLOTS = 48  # voices in all, with those that fade out
SIDES = math.sqrt(2) * 0.8  # gain of a side, so that a voice in the middle has 0.8 on both


@dataclass(frozen=True)
class Start:
    """How a voice begins. `force`: the velocity, 0 to 1. `bend`: a factor of its frequency. `pan`: 0 left, 1 right."""

    pitch: int
    force: float
    bend: float = 1.0
    pan: float = 0.5
    volume: float = 1.0

    @property
    def sides(self) -> tuple[float, float]:
        """The gains of the left and the right channel, equally loud together wherever the voice sits."""
        angle = self.pan * math.pi / 2
        return math.cos(angle) * SIDES, math.sin(angle) * SIDES
