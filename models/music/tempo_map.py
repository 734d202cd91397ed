"""Tempo maps: where beats and bars lie in a MIDI file, and which tick each second is.

A file counts time in ticks of a beat, also where nobody kept a beat. Free time has no tempo and no metre of its own: its map is empty, and
ticks are counted at 120 beats a minute, as the format says for such files.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .midi_parser import DEFAULT_TEMPO

TICKS_PER_BEAT = 480  # of the files that we write; a usual number, which triplets and sixteenths divide
LONGEST_BEAT = 0xFFFFFF  # microseconds: a file has 24 bits for it
DEFAULT_BEATS = 4  # in a bar where a file gives no metre, by the format
JUMP_BEATS = 0.25  # a point farther than this from the line before it is a jump
INTRO_BARS = 2  # a first note that is farther before the beat is in free time


class Metre(NamedTuple):
    """Beats in a bar, and the note value of one as a power of two (2: a quarter)."""

    beats: int
    unit: int = 2


class BeatPoint(NamedTuple):
    """The beat at a moment, in seconds: `beat` is None where it stops. `tempo` in beats a minute; beat 0 begins a bar of `beats`."""

    seconds: float
    beat: float | None
    tempo: float = 120.0
    beats: int = 4


@dataclass(frozen=True)
class TempoMap:
    """Tempi and metres by their ticks, in order: microseconds a beat, and what a bar holds."""

    ticks_per_beat: int = TICKS_PER_BEAT
    tempos: tuple[tuple[int, int], ...] = ()
    metres: tuple[tuple[int, Metre], ...] = ()

    def tick_at(self, seconds: float) -> int:
        """The tick nearest to a moment; 0 before the first."""
        index = max(bisect_right(self._starts, max(seconds, 0.0), key=lambda start: start[1]) - 1, 0)
        tick, since, tempo = self._starts[index]
        return tick + round((max(seconds, 0.0) - since) * self.ticks_per_beat * 1_000_000 / tempo)

    def seconds_at(self, tick: int) -> float:
        """When a tick is reached."""
        index = max(bisect_right(self._starts, tick, key=lambda start: start[0]) - 1, 0)
        first, since, tempo = self._starts[index]
        return since + (tick - first) * tempo / 1_000_000 / self.ticks_per_beat

    def refine(self) -> TempoMap:
        """The same map with at least `TICKS_PER_BEAT` ticks a beat, so that notes which were on no grid keep their times."""
        times = math.ceil(TICKS_PER_BEAT / self.ticks_per_beat)
        tempos = tuple((times * tick, tempo) for tick, tempo in self.tempos)
        metres = tuple((times * tick, metre) for tick, metre in self.metres)
        return TempoMap(times * self.ticks_per_beat, tempos, metres)

    @cached_property
    def _starts(self) -> list[tuple[int, float, int]]:
        """For each tempo its first tick, the second at which it begins, and itself."""
        starts = [(0, 0.0, DEFAULT_TEMPO)]
        for tick, tempo in self.tempos:
            before, since, former = starts[-1]
            starts.append((tick, since + (tick - before) * former / 1_000_000 / self.ticks_per_beat, tempo))
        return starts


def from_beats(points: Sequence[BeatPoint], first: float) -> tuple[TempoMap, float]:
    """The map of music whose first note is at `first` seconds, and the second that is tick 0: a bar line where there is a beat.

    Bars of the file are the bars that were kept. Where the beat begins or jumps in the midst, the time before it becomes a whole number of
    bars, at a tempo near 120 beats a minute; so bars stay at bars.
    """
    stretches = _split(points)
    limits = [*(min(a.stops, b.points[0].seconds) for a, b in itertools.pairwise(stretches)), math.inf]
    kept = [
        (s, min(s.stops, limit)) for s, limit in zip(stretches, limits, strict=False) if min(s.stops, limit) > first
    ]
    knots: list[tuple[int, float]] = []  # ticks and their seconds
    metres: list[tuple[int, Metre]] = []
    tempo = 0.0  # of the last stretch, beats a minute
    for stretch, limit in kept:
        start = stretch.points[0]
        beats = start.beats
        if not knots and start.seconds - first > INTRO_BARS * beats * 60.0 / start.tempo:
            knots.append((0, first))
        bar = _bar_line(start.beat or 0.0, beats, up=True) if knots else _bar_line(stretch.beat_at(first), beats)
        begins = stretch.time_at(bar)
        if begins >= limit:
            continue  # it holds no bar line
        tick = _next_bar(knots[-1], begins, metres[-1] if metres else (0, Metre(DEFAULT_BEATS))) if knots else 0
        if not metres or metres[-1][1].beats != beats:
            metres.append((tick, Metre(beats)))
        knots.append((tick, begins))
        tempo = stretch.points[-1].tempo
        ends = stretch.points[-1].seconds + 1e-9
        more = [(p.beat or 0.0, p.seconds) for p in stretch.points]
        if limit < math.inf:  # a stop; or a jump, and what is left of its bar leads to the next bar
            last = stretch.beat_at(limit) if stretch.stops <= limit else _bar_line(stretch.beat_at(limit), beats)
            ends = stretch.time_at(last)
            more.append((last, ends))
        for beat, seconds in more:
            at = tick + round((beat - bar) * TICKS_PER_BEAT)
            if at > knots[-1][0] and knots[-1][1] < seconds <= ends:
                knots.append((at, seconds))
    if not metres:
        return TempoMap(), first
    return TempoMap(tempos=_tempos(knots, tempo), metres=tuple(metres)), knots[0][1]


def _bar_line(beat: float, beats: int, up: bool = False) -> int:
    """The beat of the bar line at or before a beat; `up`: at or after it."""
    return beats * (math.ceil(beat / beats - 1e-6) if up else math.floor(beat / beats + 1e-6))


class _Stretch(NamedTuple):
    """Beats that run without a jump, by some points, and when they stop."""

    points: list[BeatPoint]
    stops: float = math.inf

    def beat_at(self, seconds: float) -> float:
        """The beat at a moment, also before the first point."""
        index = max(bisect_right(self.points, seconds, key=lambda p: p.seconds) - 1, 0)
        point = self.points[index]
        return (point.beat or 0.0) + (seconds - point.seconds) * self._speed(index)

    def time_at(self, beat: float) -> float:
        """When a beat is reached, in seconds."""
        index = max(bisect_right(self.points, beat, key=lambda p: p.beat or 0.0) - 1, 0)
        point = self.points[index]
        return point.seconds + (beat - (point.beat or 0.0)) / self._speed(index)

    def _speed(self, index: int) -> float:
        """Beats a second from one point to the next; after the last, by its tempo."""
        point = self.points[index]
        if index + 1 == len(self.points):
            return point.tempo / 60.0
        after = self.points[index + 1]
        return ((after.beat or 0.0) - (point.beat or 0.0)) / (after.seconds - point.seconds)


def _split(points: Iterable[BeatPoint]) -> list[_Stretch]:
    """The points in stretches without a jump."""
    stretches: list[_Stretch] = []
    for point in points:
        last = stretches[-1] if stretches else None
        if point.beat is None:
            if last is not None and last.stops == math.inf and point.seconds > last.points[-1].seconds:
                stretches[-1] = last._replace(stops=point.seconds)
        elif last is None or last.stops < math.inf or last.points[-1].beats != point.beats:
            stretches.append(_Stretch([point]))
        else:
            before = last.points[-1]
            goes_on = point.seconds > before.seconds and point.beat > (before.beat or 0.0)
            if goes_on and abs(last.beat_at(point.seconds) - point.beat) <= JUMP_BEATS:
                last.points.append(point)
            else:
                stretches.append(_Stretch([point]))
    return stretches


def _next_bar(last: tuple[int, float], begins: float, metre: tuple[int, Metre]) -> int:
    """The tick of a bar line at `begins` seconds: a whole number of bars after the last metre, about where 120 beats a minute lead."""
    since, held = metre
    bar = held.beats * TICKS_PER_BEAT
    expected = last[0] + (begins - last[1]) * TICKS_PER_BEAT * 1_000_000 / DEFAULT_TEMPO
    return since + bar * max(round((expected - since) / bar), (last[0] - since) // bar + 1)


def _tempos(knots: Sequence[tuple[int, float]], last: float) -> tuple[tuple[int, int], ...]:
    """The tempo from each knot to the next; `last`, in beats a minute, from the last one on."""
    tempos: list[tuple[int, int]] = []
    for (tick, seconds), (after, then) in itertools.pairwise(knots):
        tempos.append((tick, round((then - seconds) * 1_000_000 * TICKS_PER_BEAT / (after - tick))))
    tempos.append((knots[-1][0], round(60_000_000 / last)))
    return tuple(
        (tick, min(max(tempo, 1), LONGEST_BEAT))
        for i, (tick, tempo) in enumerate(tempos)
        if i == 0 or tempo != tempos[i - 1][1]
    )
