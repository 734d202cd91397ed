"""Follow a MIDI clock: its messages in, a transport in time with it. Pure: `when` is an argument, in monotonic seconds.

Each tick (24 a beat) comes late or early by the jitter of the sender and of the system. A line is fitted to the last ticks by least
squares, or a parabola where that is clearly better: the tempo then changes steadily. The best number of ticks depends on the clock: many
where each tick has an error of its own, few where the clock drifts. So windows of several lengths predict each next tick, and the one
with the smallest error lately is used. Several ticks in a row on one side of the longest window's prediction are a sudden change of
tempo. Where they are whole ticks late, at the same tempo, ticks were lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ..midi.messages import CONTINUE, POSITION, START, STOP, TICK
from .transport import FASTEST, SLOWEST, Transport

TICKS = 24  # a beat, by the MIDI specification
#: Length of each window, in ticks, and the factor on its error: a short one must be clearly better to be used.
WINDOWS = {4 * TICKS: 1.0, 36: 1.15, 16: 1.35}
LONGEST_WINDOW = max(WINDOWS)
ERROR_SMOOTHING = 1 / 48  # weight of a new squared error in the running average
SHORTEST_PERIOD = 60.0 / FASTEST / TICKS / 4  # seconds from tick to tick; a flood comes quicker, but is no tempo
FEWEST_TICKS = 12  # that must be known before one can be called late
SAME_SIDE_TICKS = 6  # in a row, early or late, that show a sudden change of tempo
LEAST_JITTER = 0.0015  # seconds: a tick that is so near to its prediction is on time
GAP_TICKS = 3.0  # a tick later than this and than GAP_SECONDS comes after a gap
GAP_SECONDS = 0.08  # likewise
CURVE_ERRORS = 4.0  # standard errors by which a parabola must differ from a line
LOST_BEATS = 2.0  # a silence longer than this and than LOST_SECONDS is a lost clock
LOST_SECONDS = 1.0  # likewise

Fit = tuple[float, float, float]  # fitted time of the last tick, seconds from tick to tick, scatter in seconds


class MidiClockFollower:
    """Keeps a transport in time with a MIDI clock."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.lost = False
        self._ticks: deque[tuple[int, float]] = deque(maxlen=LONGEST_WINDOW)  # number, when
        self._number = -1  # of the last tick
        self._zero = 0  # the number of the tick that is beat 0
        self._position = 0.0  # beats: where the song starts or goes on
        self._awaits_position = False  # the next tick is at `_position`
        self._is_announced = (
            False  # the clock says when the song starts and stops: it is believed, and never forestalled
        )
        self._unannounced = 0  # ticks in a row of a clock that has said nothing
        self._same_side = 0  # ticks in a row that were late; negative: early
        self._tempos: deque[float] = deque(maxlen=2 * LONGEST_WINDOW)
        self._predictions: dict[int, float] = {}  # when each window expects the next tick
        self._errors = dict.fromkeys(WINDOWS, 0.0)  # mean squared error of each window's predictions, seconds squared
        self._expected = 0.0  # when the next tick should come
        self._lost_at = 0.0

    @property
    def tempo(self) -> float | None:
        """Beats a minute, averaged over up to eight beats, to be shown. None before two beats of a clock."""
        return sum(self._tempos) / len(self._tempos) if self._tempos else None

    @property
    def period(self) -> float:
        """Seconds from tick to tick, as last estimated."""
        return 60.0 / self.transport.tempo / TICKS

    def hear(self, when: float, message: bytes) -> str | None:
        """Take one message. Returns "start", "stop", "back" or "jump" where that happened, else None. Other messages are ignored.

        A clock that has ticked for a bar and never said when the song starts has started: that is "unannounced".
        """
        kind = message[0] if message else 0
        if kind == TICK:
            return self._tick(when)
        if kind in (START, CONTINUE, STOP, POSITION):
            self._is_announced = True
        if kind == START:
            self._position = 0.0
            self._awaits_position = True
        elif kind == CONTINUE:
            self._awaits_position = True
        elif kind == STOP:
            self._awaits_position = False
            self.lost = False
            if self.transport.running:
                self.transport.stop(when)
                # The clock may go on while the song stands: the next tick is where it stands.
                self._position = round(self.transport.beat_at(when) * TICKS) / TICKS
                return "stop"
        elif kind == POSITION and len(message) == 3 and max(message[1:]) < 128:
            self._position = (message[1] | (message[2] << 7)) / 4  # sixteenths
            self._awaits_position = self._awaits_position or self.transport.running
        return None

    def check(self, now: float) -> bool:
        """Whether the clock has been lost since the last call. The transport is stopped then."""
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
            self._position += missed / TICKS
            self._awaits_position = True
            self.lost = False
            self._ticks.clear()
            news = "back"
        is_bar_over = self._count_unannounced(when)
        self._number_tick(when)
        if self._awaits_position or is_bar_over:
            if not self.transport.running:
                news = news or ("unannounced" if is_bar_over else "start")
            elif abs(self.transport.beat_at(when) - self._position) > 0.5:
                news = "jump"
            self._awaits_position = False
            self._zero = self._number - round(self._position * TICKS)
            self.transport.locate(when, self._position)
        if len(self._ticks) >= 2:
            self._follow(when)
        return news

    def _count_unannounced(self, when: float) -> bool:
        """Whether this tick begins the second bar of a clock that has said nothing but ticks."""
        if self._is_announced or self.transport.running:
            return False
        if self._ticks and when - self._ticks[-1][1] > LOST_SECONDS:
            self._unannounced = 0
        self._unannounced += 1
        return self._unannounced == self.transport.beats * TICKS + 1

    def _number_tick(self, when: float) -> None:
        """Give the tick its number: the next one, or a later one after a gap that no tempo explains."""
        late = when - self._expected
        skipped = 0
        was_on_time = (
            self._same_side == 0
        )  # before a gap the ticks are on time; where the tempo falls, a few are late first
        if was_on_time and len(self._ticks) >= FEWEST_TICKS and late > max(GAP_TICKS * self.period, GAP_SECONDS):
            skipped = round(late / self.period)
        self._number += 1 + skipped
        self._ticks.append((self._number, when))
        if skipped:
            self._expected = when

    def _follow(self, when: float) -> None:
        """Fit the ticks again, and keep the transport in time with the fit."""
        best, longest = self._update_fits(when)
        jitter = max(2.5 * longest[2], LEAST_JITTER)
        if len(self._ticks) > FEWEST_TICKS and self._has_tempo_changed(when - self._expected, jitter):
            longest = self._restart(longest[1])
            best = longest
        self._expected = longest[0] + longest[1]
        at, period, _ = best
        tempo = min(max(60.0 / (period * TICKS), SLOWEST), FASTEST)
        if len(self._ticks) >= LONGEST_WINDOW // 2:  # before, the figure is too rough to be shown
            self._tempos.append(tempo)
        if self.transport.running:
            beat = (self._number - self._zero) / TICKS
            self.transport.correct(when, beat + (when - at) / (period * TICKS), tempo)
        else:
            self.transport.set_tempo(when, tempo)

    def _update_fits(self, when: float) -> tuple[Fit, Fit]:
        """Score the windows' predictions, fit each window again; the fit of the best window, and that of the longest."""
        for window, prediction in self._predictions.items():
            self._errors[window] += ERROR_SMOOTHING * ((when - prediction) ** 2 - self._errors[window])
        recent = list(self._ticks)
        fits = {w: _fit(recent[-w:]) for w in WINDOWS if w <= len(recent) or w == min(WINDOWS)}
        self._predictions = {w: at + period for w, (at, period, _) in fits.items()}
        best = min(fits, key=lambda w: (self._errors[w] + 1e-12) * WINDOWS[w])
        return fits[best], fits[max(fits)]

    def _has_tempo_changed(self, late: float, jitter: float) -> bool:
        """Whether several ticks in a row have been late, or early, by more than the jitter. Both arguments in seconds."""
        if abs(late) <= jitter:
            self._same_side = 0
        else:
            side = 1 if late > 0 else -1
            self._same_side = self._same_side + side if self._same_side * side >= 0 else side
        return abs(self._same_side) >= SAME_SIDE_TICKS

    def _restart(self, former_period: float) -> Fit:
        """Fit the last few ticks alone. Where they are whole ticks late at the former tempo, ticks were lost: count those."""
        were_late = self._same_side > 0
        self._same_side = 0
        self._tempos.clear()
        self._predictions = {}
        old = list(self._ticks)[:-SAME_SIDE_TICKS]
        while len(self._ticks) > SAME_SIDE_TICKS:
            self._ticks.popleft()
        at, period, error = _fit(self._ticks)
        if were_late and abs(period / former_period - 1.0) < 0.2 and len(old) >= FEWEST_TICKS:
            old_at, old_period, _ = _fit(old)
            missing = (at - old_at) / old_period - (self._number - old[-1][0])
            count = round(missing)
            if count >= 1 and abs(missing - count) < 0.3:
                self._number += count
                new = [(n + count, t) for n, t in self._ticks]
                self._ticks = deque([*old, *new], LONGEST_WINDOW)
                return _fit(self._ticks)
        return at, period, error


def _fit(ticks: Sequence[tuple[int, float]]) -> Fit:
    """Fit a line to (number, when) by least squares, or a parabola where that is clearly better."""
    numbers = np.array([number for number, _ in ticks], dtype=float)
    times = np.array([when for _, when in ticks])
    origin = times[-1]
    n = numbers - numbers[-1]
    t = times - origin
    line = np.polynomial.polynomial.polyfit(n, t, 1)
    residuals = t - line[0] - line[1] * n
    scatter = float(np.sqrt((residuals**2).sum() / max(len(n) - 2, 1)))
    if len(n) >= TICKS:
        design = np.stack([np.ones_like(n), n, n**2], axis=1)
        inverse = np.linalg.inv(design.T @ design)
        curve = inverse @ design.T @ t
        curve_scatter = float(np.sqrt(((t - design @ curve) ** 2).sum() / (len(n) - 3)))
        if abs(curve[2]) > CURVE_ERRORS * max(curve_scatter, 1e-5) * float(np.sqrt(inverse[2, 2])):
            return float(curve[0]) + origin, max(float(curve[1]), SHORTEST_PERIOD), curve_scatter
    return float(line[0]) + origin, max(float(line[1]), SHORTEST_PERIOD), scatter
