"""Convert between beats and seconds, at a tempo that may change. Pure: all times are arguments, in monotonic seconds.

The transport is a piecewise linear map from time to beats; each piece has its own tempo. Beats never run backwards. A correction changes
the tempo a little for `SLEW` beats. Only `locate`, a jump that somebody asked for, breaks the line.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from models.music.note_records import Bar

SLEW = 0.25  # beats over which a correction is spread
MOST_PIECES = 256  # older ones are forgotten
SLOWEST = 20.0  # beats a minute
FASTEST = 400.0  # beats a minute
LARGEST_CORRECTION = 0.5  # beats; a larger one is a jump


class Transport:
    """The beat at each moment. `beats` is the number of beats in a bar; beat 0 is a downbeat."""

    def __init__(self, beats: int = 4, tempo: float = 120.0) -> None:
        self.beats = beats
        self.running = False
        self._tempo = tempo
        self._pieces: list[tuple[float, float, float]] = [(0.0, 0.0, 60.0 / tempo)]  # time, beat, seconds a beat

    @property
    def tempo(self) -> float:
        """Beats a minute, as last set."""
        return self._tempo

    @property
    def pieces(self) -> list[tuple[float, float, float]]:
        """The line in pieces, the newest ones: the time and the beat at which each begins, and its seconds a beat."""
        return list(self._pieces)

    def locate(self, time: float, beat: float) -> None:
        """Jump: at `time` it is `beat`."""
        self._pieces = [(time, beat, 60.0 / self._tempo)]
        self.running = True

    @property
    def begins(self) -> float:
        """A moment before which nothing is known of the beat: it may lie ahead, where a count-in is about to begin."""
        return self._pieces[0][0]

    def stop(self, time: float) -> None:
        """The beat stands still from `time` on."""
        beat = self.beat_at(time)
        self.running = False
        self._pieces = [(time, beat, 60.0 / self._tempo)]

    def set_tempo(self, time: float, tempo: float) -> None:
        """Set the tempo from `time` on. Raises ValueError for one that nobody could play."""
        if not SLOWEST <= tempo <= FASTEST:
            raise ValueError(f"a tempo is {SLOWEST:g} to {FASTEST:g} beats a minute")
        beat = self.beat_at(time)
        self._tempo = tempo
        self._cut(time)
        self._pieces.append((time, beat, 60.0 / tempo))

    def correct(self, time: float, beat: float, tempo: float) -> None:
        """At `time` it is truly `beat`, at this tempo: get there without a jump, unless it is farther than `LARGEST_CORRECTION`."""
        now = self.beat_at(time)
        self._tempo = min(max(tempo, SLOWEST), FASTEST)
        period = 60.0 / self._tempo
        if abs(beat - now) > LARGEST_CORRECTION or not self.running:
            self.locate(time, beat)
            return
        span = SLEW * period
        rate = max((beat + SLEW - now) / span, 0.2 / period)
        self._cut(time)
        self._pieces += [(time, now, 1.0 / rate), (time + span, now + span * rate, period)]

    def beat_at(self, time: float) -> float:
        """The beat at a moment. Before the first piece, and while the transport stands, the first beat."""
        index = max(bisect_right(self._pieces, time, key=lambda p: p[0]) - 1, 0)
        start, beat, period = self._pieces[index]
        return beat if not self.running else beat + (time - start) / period

    def time_at(self, beat: float) -> float:
        """When a beat is reached; infinity while the transport stands."""
        if not self.running:
            return math.inf
        index = max(bisect_right(self._pieces, beat, key=lambda p: p[1]) - 1, 0)
        start, first, period = self._pieces[index]
        return start + (beat - first) * period

    def bar(self, time: float, groove: float = 0.0, swing: float = 0.5) -> Bar | None:
        """The bar around a moment, as the musician gets it; None while the transport stands."""
        if not self.running:
            return None
        bar_line = math.floor(self.beat_at(time) / self.beats + 1e-9) * self.beats
        start = self.time_at(bar_line)
        end = self.time_at(bar_line + self.beats)
        return Bar(start, end - start, self.beats, groove, swing)

    def place(self, time: float) -> float | None:
        """The place of a moment in its bar, 0 to 1; None while the transport stands."""
        return (self.beat_at(time) / self.beats) % 1.0 if self.running else None

    def _cut(self, time: float) -> None:
        """Drop the pieces from `time` on, and the oldest ones."""
        kept = [p for p in self._pieces if p[0] < time]
        self._pieces = kept[-MOST_PIECES:]
