"""The metronome: our own beat, as a transport that runs, clicks that are heard, and a clock that others follow.

`now` is an argument, in monotonic seconds; what it plans, its own player sends.
"""

from __future__ import annotations

import math

from models.music.note_records import ANSWER, Note

from ..midi.messages import DRUM_CHANNEL, START, STOP, TICK
from ..timing.midi_clock import TICKS
from ..timing.transport import FASTEST, SLOWEST, Transport
from ..turns.mode_settings import BeatSettings
from .over_chart.band_player import BandPlayer
from .playback_thread import Player

LOOKAHEAD = 0.75  # seconds that are planned at a time
DELAY = 0.3  # seconds before the first beat
LONGEST_DELAY = 0.1  # seconds by which a click or a tick may be planned too late
LONGEST_TAP = 2.5  # seconds: a tap after that begins anew
TAPS = 5  # the last ones make the tempo
CLICK = 77  # low wood block of a General MIDI drum kit
ACCENT = 76  # high wood block
CLICK_SECONDS = 0.05  # from a click's note-on to its note-off; a drum rings by itself
CLICK_VELOCITY = 80  # MIDI velocity
ACCENT_VELOCITY = 100  # MIDI velocity, of a bar's first beat


class Metronome:
    """Clicks, and clock messages, planned a little ahead. The `band`, if there is one, plays on the same beat."""

    CHANNEL = DRUM_CHANNEL

    def __init__(self, player: Player, transport: Transport, band: BandPlayer | None = None) -> None:
        self._player = player
        self.band = band
        self._transport = transport
        self.has_clicks = False
        self._has_clock = False
        self._is_ready = False  # whether its player has been started
        self._has_begun = False
        self._next_click = 0  # in beats
        self._next_tick = 0  # of the clock
        self._start_tick = 0  # before which the followers are told to start
        self._note_count = 0
        self._taps: list[float] = []

    def begin(self, now: float, beat: BeatSettings) -> None:
        """Start the transport at its own tempo, with a count-in; once more where it runs already."""
        self._make_ready()
        self._player.cut()  # clicks of a beat that was there before
        count_in = beat.count_in * beat.beats
        self.has_clicks = beat.click
        self._has_clock = beat.send_clock
        self._has_begun = True
        self._next_click = -count_in
        self._next_tick = 0
        self._start_tick = 0
        self._transport.locate(now + DELAY, -float(count_in))
        if self.band is not None:
            self.band.begin(now)
        self.plan(now)

    def switch_clicks(self, now: float, has_clicks: bool) -> None:
        """Be heard from the next beat on, or no more; also on a beat that is another's."""
        self._make_ready()
        self.has_clicks = has_clicks
        self._player.cut()  # what was planned
        self._next_click = math.floor(self._transport.beat_at(now)) + 1
        self.plan(now)

    def stop(self, now: float) -> None:
        """Back to free time: no beat, no click; those who follow us stop."""
        if self._has_begun and self._has_clock:
            self._player.send_at(now, bytes((STOP,)))
        self._has_begun = False
        self.has_clicks = False
        self._transport.stop(now)
        self._player.cut()
        if self.band is not None:
            self.band.stop(now)

    def tap(self, now: float) -> float | None:
        """One tap of a foot. From the second on, the tempo is theirs, and the beat falls on the tap; returns that tempo."""
        if self._taps and now - self._taps[-1] > LONGEST_TAP:
            self._taps.clear()
        self._taps = [*self._taps[1 - TAPS :], now]
        if len(self._taps) < 2:
            return None
        tempo = 60.0 * (len(self._taps) - 1) / max(self._taps[-1] - self._taps[0], 0.001)
        tempo = min(max(tempo, SLOWEST), FASTEST)
        if self._transport.running:
            self._transport.correct(now, float(round(self._transport.beat_at(now))), tempo)
        else:
            self._transport.set_tempo(now, tempo)
        self.follow_tempo(now)
        return tempo

    def follow_tempo(self, now: float) -> None:
        """The tempo was changed just now: the band plans anew at once."""
        if self.band is not None:
            self.band.plan(now)

    def plan(self, now: float) -> None:
        """Plan what falls into the next moments."""
        if self.band is not None:
            self.band.plan(now)
        if not (self._has_begun or self.has_clicks) or not self._transport.running:
            return
        self._pass_over(now)
        self._plan_clicks(now + LOOKAHEAD)
        if self._has_clock:
            self._plan_clock(now + LOOKAHEAD)

    def end(self, now: float) -> None:
        """Stop those who follow us, and every click."""
        if self._has_begun and self._has_clock:
            self._player.send_at(now, bytes((STOP,)))
        if self.band is not None:
            self.band.end()
        if self._is_ready:
            self._player.stop()

    def _make_ready(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            self._player.start()

    def _pass_over(self, now: float) -> None:
        """After a pause, in which a shell had stopped us or the computer slept: what was missed is not made up for.

        Followers have missed ticks, so they start anew at the next bar.
        """
        if self._transport.time_at(self._next_click) < now - LONGEST_DELAY:
            self._next_click = math.ceil(self._transport.beat_at(now))
        if self._transport.time_at(self._next_tick / TICKS) < now - LONGEST_DELAY:
            bar = math.ceil(self._transport.beat_at(now) / self._transport.beats)
            self._next_tick = bar * self._transport.beats * TICKS
            self._start_tick = self._next_tick
        if self._next_click > self._transport.beat_at(now + LOOKAHEAD) + 1:  # the beat has jumped back
            self._next_click = math.ceil(self._transport.beat_at(now))

    def _plan_clicks(self, until: float) -> None:
        when = self._transport.time_at(self._next_click)
        while when < until:
            if self.has_clicks or self._next_click < 0:
                is_accent = self._next_click % self._transport.beats == 0
                pitch = ACCENT if is_accent else CLICK
                velocity = ACCENT_VELOCITY if is_accent else CLICK_VELOCITY
                self._player.add([(self._note_count, Note(when, CLICK_SECONDS, pitch, velocity, ANSWER))])
                self._note_count += 1
            self._next_click += 1
            when = self._transport.time_at(self._next_click)

    def _plan_clock(self, until: float) -> None:
        when = self._transport.time_at(self._next_tick / TICKS)
        while when < until:
            if self._next_tick == self._start_tick:
                self._player.send_at(when, bytes((START,)))
            self._player.send_at(when, bytes((TICK,)))
            self._next_tick += 1
            when = self._transport.time_at(self._next_tick / TICKS)
