"""Trading bars: whose turn it is. N bars for the player, N for the agent, and so on.

Arithmetic on beats alone. The player has the first turn, and everything before beat 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OVERRUN = 1.0  # bars of the agent's in which a player may finish a phrase without being yielded to


@dataclass(frozen=True)
class Turn:
    """Bars that belong to one player, in beats."""

    is_agents: bool
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

    def turn_at(self, beat: float) -> Turn:
        """The turn that a beat belongs to."""
        number = max(math.floor(beat / self.length + 1e-9), 0)
        return Turn(number % 2 == 1, float(number * self.length), float((number + 1) * self.length))

    def next_agents_turn(self, beat: float, joining: bool = False) -> Turn:
        """The agent's turn now, if its first beat is not over, else its next one; `joining`: or what is left of it, in bars."""
        turn = self.turn_at(beat)
        if turn.is_agents and beat < turn.start + 1.0:
            return turn
        next_bar = float(math.ceil(beat / self.beats - 1e-9) * self.beats)
        if joining and turn.is_agents and next_bar < turn.end:
            return Turn(True, next_bar, turn.end)
        start = turn.end + self.length if turn.is_agents else turn.end
        return Turn(True, start, start + self.length)

    def next_players_turn(self, beat: float) -> float:
        """The beat on which the player's next turn begins; the present one counts on its first beat alone."""
        turn = self.turn_at(beat)
        if turn.is_agents:
            return turn.end
        return turn.start if beat <= turn.start else turn.end + self.length

    def may_overlap(self, turn: Turn, beat: float) -> bool:
        """Whether a key at this beat of the agent's turn is the end of the player's phrase, and not meant as a cut-in."""
        return beat < turn.start + OVERRUN * self.beats
