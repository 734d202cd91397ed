"""Trades: whose bars these are. N bars for the player, N for the agent, and so on.

Knows nothing of seconds. Pure arithmetic on beats; the player has the first turn, and everything before beat 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OVERRUN = 1.0  # bars of the agent's in which a player may finish a phrase without being yielded to
PICKUP = 1.0  # beats before the player's bars that belong to whoever comes in early


@dataclass(frozen=True)
class Turn:
    """Bars that belong to one player, in beats."""

    agents: bool
    start: float
    end: float


@dataclass(frozen=True)
class TradingForm:
    """Turns of `bars` bars of `beats` beats."""

    bars: int = 4
    beats: int = 4

    @property
    def length(self) -> int:
        """Beats of one turn."""
        return self.bars * self.beats

    def turn(self, beat: float) -> Turn:
        """The turn that a beat belongs to."""
        number = max(math.floor(beat / self.length + 1e-9), 0)
        return Turn(number % 2 == 1, float(number * self.length), float((number + 1) * self.length))

    def agents_turn(self, beat: float, joining: bool = False) -> Turn:
        """The agent's turn now, if its first beat is not over, else its next one; `joining`: or what is left of it, in bars."""
        turn = self.turn(beat)
        if turn.agents and beat < turn.start + 1.0:
            return turn
        line = float(math.ceil(beat / self.beats - 1e-9) * self.beats)
        if joining and turn.agents and line < turn.end:
            return Turn(True, line, turn.end)
        later = turn.end if not turn.agents else turn.end + self.length
        return Turn(True, later, later + self.length)

    def may_overlap(self, turn: Turn, beat: float) -> bool:
        """Whether a key at this beat of the agent's turn is the end of the player's phrase, and no wish to cut in."""
        return beat < turn.start + OVERRUN * self.beats
