"""The follower: a MIDI clock in, a transport that follows it.

Knows nothing of ports or turns. Pure: `when` is an argument, in monotonic seconds.

Each tick (24 a beat) comes late or early by the sender's and the system's jitter. The last ticks are fitted by a line; by a parabola where
that is clearly better, which is a tempo on the move. How many ticks are best depends on the clock: many where each is off by itself, few
where the clock wanders. So several windows bet on each next tick, and the one that has bet best lately leads. Ticks that keep coming on
one side of what the longest window expected are a tempo that has leapt, or, where they are whole ticks late at the same tempo, ticks
that were lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ..midi.messages import CONTINUE, POSITION, START, STOP, TICK
from .transport import FASTEST, SLOWEST, Transport

TICKS = 24  # of a MIDI clock, a beat
#: Windows, in ticks, and the handicap of each: a short one must be clearly better to lead.
BETTORS = {4 * TICKS: 1.0, 36: 1.15, 16: 1.35}
WINDOW = max(BETTORS)
MEMORY = 1 / 48  # share of a new bet in the average of the old ones
SHORTEST = 60.0 / FASTEST / TICKS / 4  # seconds from tick to tick; a flood comes quicker, but is no tempo
FEWEST = 12  # ticks that must be known before one can be called late
STRAYS = 6  # ticks in a row on one side, that show a tempo which has changed at once
GAP_TICKS, GAP_SECONDS = 3.0, 0.08  # later than both is a gap
CLEARLY = 4.0  # standard errors by which a parabola must differ from a line
LOST_BEATS, LOST_SECONDS = 2.0, 1.0  # a silence longer than both is a lost clock

Fit = tuple[float, float, float]  # when the last tick truly was, seconds from tick to tick, scatter in seconds


class MidiClockFollower:
    """Keeps a transport in time with a MIDI clock."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.lost = False
        self._ticks: deque[tuple[int, float]] = deque(maxlen=WINDOW)  # number, when
        self._number = -1  # of the last tick
        self._zero = 0  # the number of the tick that is beat 0
        self._position = 0.0  # beats, where it starts or goes on
        self._armed = False  # the next tick is `_position`
        self._strays = 0  # ticks in a row that were late; negative: early
        self._tempos: deque[float] = deque(maxlen=2 * WINDOW)
        self._bets: dict[int, float] = {}  # when each window expects the next tick
        self._losses = dict.fromkeys(BETTORS, 0.0)  # how far off each has been, in squared seconds
        self._expected = 0.0  # when the next tick should come
        self._lost_at = 0.0

    @property
    def tempo(self) -> float | None:
        """Beats a minute, averaged over up to eight beats: the figure to show. None before two beats of a clock."""
        return sum(self._tempos) / len(self._tempos) if self._tempos else None

    @property
    def period(self) -> float:
        """Seconds from tick to tick, as last known."""
        return 60.0 / self.transport.tempo / TICKS

    def hear(self, when: float, message: bytes) -> str | None:
        """One message. Returns "start", "stop", "back" or "jump" where that is news, else None. What is no clock is ignored."""
        kind = message[0] if message else 0
        if kind == TICK:
            return self._tick(when)
        if kind == START:
            self._position, self._armed = 0.0, True
        elif kind == CONTINUE:
            self._armed = True
        elif kind == STOP:
            was, self._armed, self.lost = self.transport.running, False, False
            if was:
                self.transport.stop(when)
                # The clock may go on while the song stands; where it stands is the next tick's place.
                self._position = round(self.transport.beat_at(when) * TICKS) / TICKS
                return "stop"
        elif kind == POSITION and len(message) == 3 and max(message[1:]) < 128:
            self._position = (message[1] | message[2] << 7) / 4
            self._armed = self._armed or self.transport.running
        return None

    def check(self, now: float) -> bool:
        """Whether the clock has been lost since the last look: the transport then stands."""
        if not self.transport.running or self.lost or not self._ticks:
            return False
        silence = now - self._ticks[-1][1]
        if silence > max(LOST_SECONDS, LOST_BEATS * self.period * TICKS):
            self.lost = True
            self._position = self.transport.beat_at(self._ticks[-1][1])
            self._lost_at = self._ticks[-1][1]
            self.transport.stop(now)
            return True
        return False

    def _tick(self, when: float) -> str | None:
        news = None
        if self.lost:  # the song has gone on meanwhile, at the tempo that it had
            missed = round((when - self._lost_at) / self.period)
            self._position, self._armed, self.lost = self._position + missed / TICKS, True, False
            self._ticks.clear()
            news = "back"
        self._count(when)
        if self._armed:
            if not self.transport.running:
                news = news or "start"
            elif abs(self.transport.beat_at(when) - self._position) > 0.5:
                news = "jump"
            self._armed = False
            self._zero = self._number - round(self._position * TICKS)
            self.transport.locate(when, self._position)
        if len(self._ticks) >= 2:
            self._follow(when)
        return news

    def _count(self, when: float) -> None:
        """Give the tick its number: the next one, or a later one after a gap that no tempo explains."""
        late = when - self._expected
        skipped = 0
        on_time = self._strays == 0  # a gap comes out of the blue; a tempo that falls is late a little at first
        if on_time and len(self._ticks) >= FEWEST and late > max(GAP_TICKS * self.period, GAP_SECONDS):
            skipped = round(late / self.period)
        self._number += 1 + skipped
        self._ticks.append((self._number, when))
        if skipped:
            self._expected = when

    def _follow(self, when: float) -> None:
        (at, period, _), (last, steady, error) = self._lead(when)
        if len(self._ticks) > FEWEST and self._has_leapt(when - self._expected, max(2.5 * error, 0.0015)):
            at, period, _ = last, steady, _ = self._leap(steady)
        self._expected = last + steady
        tempo = min(max(60.0 / (period * TICKS), SLOWEST), FASTEST)
        if len(self._ticks) >= WINDOW // 2:  # before, the figure is too rough to be shown
            self._tempos.append(tempo)
        if self.transport.running:
            beat = (self._number - self._zero) / TICKS
            self.transport.correct(when, beat + (when - at) / (period * TICKS), tempo)
        else:
            self.transport.set_tempo(when, tempo)

    def _lead(self, when: float) -> tuple[Fit, Fit]:
        """The fit of the window that has bet best, and that of the longest; all bet again."""
        for window, bet in self._bets.items():
            self._losses[window] += MEMORY * ((when - bet) ** 2 - self._losses[window])
        recent = list(self._ticks)
        fits = {w: _fit(recent[-w:]) for w in BETTORS if w <= len(recent) or w == min(BETTORS)}
        self._bets = {w: at + period for w, (at, period, _) in fits.items()}
        leader = min(fits, key=lambda w: (self._losses[w] + 1e-12) * BETTORS[w])
        return fits[leader], fits[max(fits)]

    def _has_leapt(self, late: float, jitter: float) -> bool:
        """Whether tick after tick has come on one side of what was expected, by more than jitter makes."""
        if abs(late) <= jitter:
            self._strays = 0
        else:
            side = 1 if late > 0 else -1
            self._strays = self._strays + side if self._strays * side >= 0 else side
        return abs(self._strays) >= STRAYS

    def _leap(self, former: float) -> Fit:
        """Begin again from the last few ticks. At the former tempo, but whole ticks late, they are ticks that were lost."""
        strays, self._strays = self._strays, 0
        self._tempos.clear()
        self._bets = {}
        old = [(n, t) for n, t in self._ticks][:-STRAYS]
        while len(self._ticks) > STRAYS:
            self._ticks.popleft()
        at, period, error = _fit(self._ticks)
        if strays > 0 and abs(period / former - 1.0) < 0.2 and len(old) >= FEWEST:
            then, steady, _ = _fit(old)
            lost = (at - then) / steady - (self._number - old[-1][0])
            if round(lost) >= 1 and abs(lost - round(lost)) < 0.3:
                self._number += round(lost)
                new = [(n + round(lost), t) for n, t in self._ticks]
                self._ticks = deque([*old, *new], WINDOW)
                return _fit(self._ticks)
        return at, period, error


def _fit(ticks: Sequence[tuple[int, float]]) -> Fit:
    """A line through (number, when), or a parabola where that is clearly better."""
    n = np.array([number for number, _ in ticks], dtype=float)
    t = np.array([when for _, when in ticks])
    n, origin = n - n[-1], t[-1]
    t = t - origin
    line = np.polynomial.polynomial.polyfit(n, t, 1)
    left = t - line[0] - line[1] * n
    scatter = float(np.sqrt((left**2).sum() / max(len(n) - 2, 1)))
    if len(n) >= TICKS:
        design = np.stack([np.ones_like(n), n, n**2], axis=1)
        inverse = np.linalg.inv(design.T @ design)
        bend = inverse @ design.T @ t
        rest = float(np.sqrt(((t - design @ bend) ** 2).sum() / (len(n) - 3)))
        if abs(bend[2]) > CLEARLY * max(rest, 1e-5) * float(np.sqrt(inverse[2, 2])):
            return float(bend[0]) + origin, max(float(bend[1]), SHORTEST), rest
    return float(line[0]) + origin, max(float(line[1]), SHORTEST), scatter
