"""The transport: beats and seconds, each told from the other.

Knows nothing of where its tempo comes from. Pure: all times are arguments, in monotonic seconds.

It is a line made of pieces, each with its own tempo. Beats never run backwards: a correction of where the beat is turns the tempo a
little for `SLEW` beats, and only `locate`, a jump that somebody asked for, breaks the line.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from models.music.note import Bar

SLEW = 0.25  # beats in which a correction is made up for
KEPT = 256  # pieces; older ones are forgotten
SLOWEST, FASTEST = 20.0, 400.0  # beats a minute


class Transport:
    """Where the beat is. `beats` is the number of beats in a bar; beat 0 is a downbeat."""

    def __init__(self, beats: int = 4, tempo: float = 120.0) -> None:
        self.beats, self.running = beats, False
        self._tempo = tempo
        self._pieces: list[tuple[float, float, float]] = [(0.0, 0.0, 60.0 / tempo)]  # time, beat, seconds a beat

    @property
    def tempo(self) -> float:
        """Beats a minute, as last set."""
        return self._tempo

    def locate(self, time: float, beat: float) -> None:
        """From `time` on, it is `beat`: a jump."""
        self._pieces = [(time, beat, 60.0 / self._tempo)]
        self.running = True

    def stop(self, time: float) -> None:
        """The beat stands still from `time` on."""
        beat = self.beat_at(time)
        self.running = False
        self._pieces = [(time, beat, 60.0 / self._tempo)]

    def set_tempo(self, time: float, tempo: float) -> None:
        """Another tempo from `time` on. Raises ValueError where nobody could play it."""
        if not SLOWEST <= tempo <= FASTEST:
            raise ValueError(f"a tempo is {SLOWEST:g} to {FASTEST:g} beats a minute")
        beat = self.beat_at(time)
        self._tempo = tempo
        self._cut(time)
        self._pieces.append((time, beat, 60.0 / tempo))

    def correct(self, time: float, beat: float, tempo: float) -> None:
        """At `time` it is truly `beat`, at this tempo: get there without a jump. Far off (half a beat), jump all the same."""
        now = self.beat_at(time)
        self._tempo = min(max(tempo, SLOWEST), FASTEST)
        period = 60.0 / self._tempo
        if abs(beat - now) > 0.5 or not self.running:
            self.locate(time, beat)
            return
        span = SLEW * period
        rate = max((beat + SLEW - now) / span, 0.2 / period)
        self._cut(time)
        self._pieces += [(time, now, 1.0 / rate), (time + span, now + span * rate, period)]

    def beat_at(self, time: float) -> float:
        """The beat at a moment; before the line begins, and while it stands, its first one."""
        start, beat, period = self._pieces[max(bisect_right(self._pieces, time, key=lambda p: p[0]) - 1, 0)]
        return beat if not self.running else beat + (time - start) / period

    def time_at(self, beat: float) -> float:
        """When a beat is reached; infinitely late while the transport stands."""
        if not self.running:
            return math.inf
        start, first, period = self._pieces[max(bisect_right(self._pieces, beat, key=lambda p: p[1]) - 1, 0)]
        return start + (beat - first) * period

    def bar(self, time: float, groove: float = 0.0, swing: float = 0.5) -> Bar | None:
        """The bar lines around a moment, as the musician is told of them; None while the transport stands."""
        if not self.running:
            return None
        line = math.floor(self.beat_at(time) / self.beats + 1e-9) * self.beats
        start, end = self.time_at(line), self.time_at(line + self.beats)
        return Bar(start, end - start, self.beats, groove, swing)

    def place(self, time: float) -> float | None:
        """Where in its bar a moment lies, 0 to 1; None while the transport stands."""
        return (self.beat_at(time) / self.beats) % 1.0 if self.running else None

    def _cut(self, time: float) -> None:
        """Forget what was planned from `time` on, and what is long past."""
        kept = [p for p in self._pieces if p[0] < time]
        self._pieces = kept[-KEPT:]
