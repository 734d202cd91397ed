"""Settings of how the two play together (in turn, in bars, or at once), and to which beat. Plain records."""

from __future__ import annotations

from dataclasses import dataclass

CALL, TRADE, DUET = "call", "trade", "duet"
MODES = (CALL, TRADE, DUET)
DUET_GROOVE = 0.6  # share: the usual groove of a duet, chosen
ALONE_GROOVE = (
    0.3  # share: the usual groove of who plays alone ("Keeping the beat" in EXPERIMENTS was measured with it)
)
PARTS = ("auto", "comp", "lead", "bass")
MOST_BARS, MOST_BEATS = 32, 16  # of a turn in a trade, and of a bar


@dataclass(frozen=True)
class ModeSettings:
    """`mode`: call (answers when a phrase is over), trade (`bars` each) or duet (both at once, the agent's `part`).

    `groove`, 0 to 1, pulls what the agent plays to the sixteenths of a beat that is there (None: as is usual in this
    mode), late notes to the next one; `swing` is where the second eighth lies (0.5 straight, 0.67 a triplet). `mirror`,
    0 to 1, is how far the style follows the player's own last notes.
    """

    mode: str = CALL
    bars: int = 4
    groove: float | None = None
    swing: float = 0.5
    part: str = "auto"
    mirror: float = 0.0

    @property
    def effective_groove(self) -> float:
        """The groove: who plays at the same time as somebody keeps closer to the beat than who plays alone."""
        if self.groove is not None:
            return self.groove
        return DUET_GROOVE if self.mode == DUET else ALONE_GROOVE


@dataclass(frozen=True)
class BeatSettings:
    """Where the beat comes from: a MIDI clock that is followed, a tempo of our own, Ableton Link, or nowhere.

    `tempo` in beats a minute; `count_in` bars are clicked before the first; `send_clock` makes us the master of others.
    """

    follow: bool = False
    tempo: float | None = None
    beats: int = 4
    count_in: int = 1
    click: bool = False
    send_clock: bool = False
    link: bool = False
