"""The metronome: our own beat, as a transport that runs, clicks that are heard, and a clock that others follow.

Knows nothing of who plays to it. `now` is an argument, in monotonic seconds; what it plans, its own player sends.
"""

from __future__ import annotations

from models.music.note import ANSWER, Note

from ..midi.messages import DRUM_CHANNEL
from ..timing.transport import FASTEST, SLOWEST, Transport
from ..turns.modes import BeatSettings
from .player import Player

TICKS = 24  # of a MIDI clock, a beat
TICK, START, STOP = b"\xf8", b"\xfa", b"\xfc"
AHEAD = 0.75  # seconds that are planned at a time
SOON = 0.3  # seconds before the first beat
LONGEST_TAP = 2.5  # seconds: a tap after that begins anew
CLICK, ACCENT = 77, 76  # low and high wood block of a General MIDI drum kit


class Metronome:
    """Clicks, and clock messages, planned a little ahead."""

    CHANNEL = DRUM_CHANNEL

    def __init__(self, player: Player, transport: Transport) -> None:
        self.player, self.transport = player, transport
        self._count_in = 0
        self._clicks = self._clock = self._began = False
        self._next_click = self._next_tick = 0
        self._numbers = 0
        self._taps: list[float] = []

    def begin(self, now: float, beat: BeatSettings) -> None:
        """Start the transport at its own tempo, with a count-in."""
        if not self._began:
            self.player.start()
        self._count_in = beat.count_in * beat.beats
        self._clicks, self._clock, self._began = beat.click, beat.send_clock, True
        self._next_click = -self._count_in
        self._next_tick = 0
        self.transport.locate(now + SOON, -float(self._count_in))
        self.plan(now)

    def tap(self, now: float) -> float | None:
        """One tap of a foot. From the second on, the tempo is theirs, and the beat falls on the tap; returns that tempo."""
        if self._taps and now - self._taps[-1] > LONGEST_TAP:
            self._taps.clear()
        self._taps = [*self._taps[-4:], now]
        if len(self._taps) < 2:
            return None
        tempo = 60.0 * (len(self._taps) - 1) / max(self._taps[-1] - self._taps[0], 0.001)
        tempo = min(max(tempo, SLOWEST), FASTEST)
        if self.transport.running:
            self.transport.correct(now, float(round(self.transport.beat_at(now))), tempo)
        else:
            self.transport.set_tempo(now, tempo)
        return tempo

    def plan(self, now: float) -> None:
        """Plan what falls into the next moments."""
        if not self._began or not self.transport.running:
            return
        until = now + AHEAD
        while (when := self.transport.time_at(self._next_click)) < until:
            if self._clicks or self._next_click < 0:
                accent = self._next_click % self.transport.beats == 0
                note = Note(when, 0.05, ACCENT if accent else CLICK, 100 if accent else 80, ANSWER)
                self.player.add([(self._numbers, note)])
                self._numbers += 1
            self._next_click += 1
        while self._clock and (when := self.transport.time_at(self._next_tick / TICKS)) < until:
            if self._next_tick == 0:
                self.player.send_at(when, START)
            self.player.send_at(when, TICK)
            self._next_tick += 1

    def end(self, now: float) -> None:
        """Stop those who follow us, and every click."""
        if self._began:
            if self._clock:
                self.player.send_at(now, STOP)
            self.player.stop()
