"""What all parts of the band share: notes in beats, pulses of a bar, swing, and random numbers that depend on the place alone.

Pure. A beat is the chart's; a pulse is what one taps: a beat, or a group of eighths in 6/8, 7/8 or 12/8.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..charts.chart import BALLAD, SHUFFLE, SWING, Chart, Metre

BASS, COMPING, DRUMS = "bass", "comping", "drums"
PARTS = (BASS, COMPING, DRUMS)
SHORTEST_PULSE = 0.1  # beats: what is left of a cut pulse and shorter has no note of its own
HARDEST_SWING, SOFTEST_SWING = 2 / 3, 0.54  # where in its pulse the second eighth lies, in slow and in fast swing
SWING_TEMPO, SWING_SLOPE = 120.0, 0.0006  # pulses a minute up to which it is hardest; how much softer for each more


@dataclass(frozen=True, slots=True)
class BandNote:
    """A note: onset and length in beats, pitch and velocity as MIDI numbers."""

    beat: float
    length: float
    pitch: int
    velocity: int

    def shift(self, beats: float) -> BandNote:
        """The same note, so many beats later."""
        return replace(self, beat=self.beat + beats)


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse of a bar: where it begins and how long it is, in beats."""

    start: float
    length: float

    def at(self, share: float) -> float:
        """The beat at a share of the pulse, 0 to 1."""
        return self.start + share * self.length


def pulses_of(metre: Metre) -> tuple[Pulse, ...]:
    """The pulses of a bar: beats, threes in compound metres, else groups of a quarter note; a last short group joins the one before."""
    group = 3 if metre.is_compound else max(metre.unit // 4, 1)
    starts = list(range(0, metre.beats, group))
    if len(starts) > 1 and metre.beats - starts[-1] < group:
        starts.pop()
    ends = [*starts[1:], metre.beats]
    return tuple(Pulse(float(start), float(end - start)) for start, end in zip(starts, ends, strict=True))


def pulses_between(pulses: Sequence[Pulse], start: float, end: float) -> list[Pulse]:
    """The pulses of a part of a bar, where a chord may begin and end within one: its first and last pulse are cut."""
    found = []
    for pulse in pulses:
        first = max(pulse.start, start)
        last = min(pulse.start + pulse.length, end)
        if last - first > SHORTEST_PULSE:
            found.append(Pulse(first, last - first))
    return found or [Pulse(start, end - start)]


def swing_of(chart: Chart) -> float:
    """Where in its pulse the second eighth lies: 0.5 straight, two thirds for triplets. Fast swing is straighter."""
    if chart.metre.is_compound or chart.feel == SHUFFLE:
        return HARDEST_SWING
    if chart.feel == BALLAD:
        return 0.62
    if chart.feel != SWING:
        return 0.5
    faster = max(chart.tempo - SWING_TEMPO, 0.0)
    return max(HARDEST_SWING - SWING_SLOPE * faster, SOFTEST_SWING)


def swung(share: float, swing: float) -> float:
    """A share of a pulse, 0 to 1, with its middle moved to `swing`."""
    return share * 2 * swing if share < 0.5 else swing + (share - 0.5) * 2 * (1 - swing)


class Dice:
    """Random numbers that depend on what they are for, and on nothing that was drawn before elsewhere."""

    def __init__(self, *place: object) -> None:
        self._random = random.Random("/".join(map(str, place)))

    def number(self) -> float:
        """From 0 up to 1."""
        return self._random.random()

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.number() < share

    def pick(self, count: int) -> int:
        """From 0 up to `count`, without it."""
        return min(int(self.number() * count), count - 1)

    def velocity(self, middle: int, spread: int = 6) -> int:
        """A velocity around the middle."""
        return min(max(middle + round((self.number() * 2 - 1) * spread), 1), 127)
