"""Plays the band on the beat of the session: plans a little ahead, on a player and a channel for each part.

Every note is planned by its beat. Where the tempo changes, what has not begun is planned anew; where the beat stops or jumps, all is cut.
`now` is an argument, in monotonic seconds. All of it runs on the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from models.music.note_records import ANSWER, Note

from ...band.band import CHANNELS, ENDING_BEATS, PARTS, Band, BandSettings, with_settings
from ...band.band_notes import BandNote
from ...band.chart_play import ChartPlay
from ...midi.messages import PROGRAM
from ...timing.transport import Transport
from ...turns.mode_settings import TRADE, ModeSettings
from ..playback_thread import Player

LOOKAHEAD = 0.75  # seconds that are planned at a time
LATE = 0.2  # beats: what should have begun so long ago, by a new tempo, may still begin at once
PRESENT = 0.05  # beats: where the beat begins or jumps to, a note that is hardly past is played
JUMP = 0.5  # beats between where the beat is and where it was expected: more is a jump
FREE_CHANNELS = (10, 11, 12, 13)  # from 0: bass and comping take the first two that are not the agent's


@dataclass(frozen=True)
class _Planned:
    """A note that was handed to a player and may not have begun."""

    number: int
    part: str
    note: BandNote


class BandPlayer:
    """The band of one session. `on_over` is called once, when the last chord after the last chorus has rung out."""

    def __init__(
        self,
        over: ChartPlay,
        settings: BandSettings,
        transport: Transport,
        make_player: Callable[[int], Player],
        mode: Callable[[], ModeSettings],
        on_over: Callable[[], None],
        agent_channel: int,
    ) -> None:
        self._over = over
        self._settings = settings
        self._transport = transport
        self._mode = mode
        self._on_over = on_over
        self._trading = over.trading(1)
        self._band = Band(over.chart, over.seed)
        self._last_band = Band(over.chart, over.seed, is_last=True)
        self.players = {part: make_player(channel) for part, channel in channels_beside(agent_channel).items()}
        self._is_started = False
        self._is_over = False
        self._next = 0.0  # beat from which on nothing is planned yet
        self._planned: list[_Planned] = []
        self._count = 0
        self._line: tuple[float, float, float] | None = None  # the last piece of the transport when notes were planned
        self._checked: tuple[float, float] | None = None  # a moment and its beat

    def play_over(self, over: ChartPlay) -> None:
        """Another last chorus of the same chart."""
        self._over = over
        self._trading = over.trading(1)
        self._is_over = False

    def begin(self, now: float) -> None:
        """The beat begins anew, with its count-in."""
        self._start(now)
        self._restart(now, 0.0)
        self._is_over = False

    def stop(self, now: float) -> None:
        """The beat ends: silence."""
        self._restart(now, 0.0)

    def panic(self) -> None:
        """Silence at once; the band goes on with what is planned next."""
        if self._is_started:
            for player in self.players.values():
                player.panic()
        self._planned.clear()

    def end(self) -> None:
        """The session is over."""
        if self._is_started:
            for player in self.players.values():
                player.stop()

    def plan(self, now: float) -> None:
        """Plan what falls into the next moments."""
        transport = self._transport
        if not transport.running:
            if self._checked is not None:
                self._restart(now, 0.0)
            return
        self._start(now)
        beat = transport.beat_at(now)
        if self._has_jumped(now, beat):
            self._restart(now, beat)
        elif transport.pieces[-1] != self._line:
            self._plan_anew(beat)
        self._line = transport.pieces[-1]
        self._checked = (now, beat)
        self._next = max(self._next, beat - PRESENT)
        until = transport.beat_at(now + LOOKAHEAD)
        if until > self._next:
            self._add_notes(self._next, until)
            self._next = until
        self._planned = [p for p in self._planned if p.note.beat >= beat - 1.0]
        if not self._is_over and beat >= self._trading.end + ENDING_BEATS + 1:
            self._is_over = True
            self._on_over()

    def _start(self, now: float) -> None:
        if self._is_started:
            return
        self._is_started = True
        for part, player in self.players.items():
            player.start()
            program = self._band.programs.get(part)
            if program is not None:
                player.send_at(now, bytes((PROGRAM | player.schedule.channel, program)))

    def _has_jumped(self, now: float, beat: float) -> bool:
        """Whether the beat is elsewhere than the last line would have it."""
        if self._checked is None or self._line is None:
            return False
        then, was = self._checked
        expected = was + (now - then) / self._line[2]
        return abs(beat - expected) > max(JUMP, 0.1 * (expected - was))

    def _restart(self, now: float, beat: float) -> None:
        """Cut all, and go on from that beat."""
        if self._is_started and (self._planned or self._checked is not None):
            for player in self.players.values():
                player.cut()
        self._planned.clear()
        self._next = beat - PRESENT
        self._line = None
        self._checked = None

    def _plan_anew(self, beat: float) -> None:
        """The tempo has changed: plan all that has not begun at its new time."""
        for part, player in self.players.items():
            begun = player.retract()
            waiting = [
                p for p in self._planned if p.part == part and p.number not in begun and p.note.beat >= beat - LATE
            ]
            self._send(part, [(p.number, p.note) for p in waiting])

    def _add_notes(self, start: float, end: float) -> None:
        for part in PARTS:
            settings = self._settings.part(part)
            found = []
            for note in self._notes(part, start, end):
                for made in with_settings([note], settings, self._is_soft(note.beat)):
                    self._count += 1
                    found.append((self._count, made))
            self._planned += [_Planned(number, part, note) for number, note in found]
            self._send(part, found)

    def _notes(self, part: str, start: float, end: float) -> list[BandNote]:
        """The notes that begin in a span of beats: of the choruses, of the last one, and the last chord."""
        trading = self._trading
        over = trading.end
        if trading.last_chorus is None:
            return self._band.notes(part, start, end)
        last = trading.last_chorus * trading.form.beats
        found = self._band.notes(part, start, min(end, last)) if start < last else []
        if end > last and start < over:
            first = max(start - last, 0.0)
            notes = self._last_band.notes(part, first, min(end, over) - last, trading.last_chorus)
            found += [note.shift(last) for note in notes]
        if start <= over < end:
            found += [note.shift(over) for note in self._band.ending(part)]
        return found

    def _is_soft(self, beat: float) -> bool:
        """Whether it is the player's turn, and the band is to play softer in it."""
        mode = self._mode()
        if not self._settings.is_soft_under_player or mode.mode != TRADE:
            return False
        return not self._over.trading(mode.bars).turn_at(beat).is_agents

    def _send(self, part: str, notes: list[tuple[int, BandNote]]) -> None:
        transport = self._transport
        timed = []
        for number, note in notes:
            onset = transport.time_at(note.beat)
            end = transport.time_at(note.beat + note.length)
            if math.isfinite(onset):
                timed.append((number, Note(onset, end - onset, note.pitch, note.velocity, ANSWER)))
        if timed:
            self.players[part].add(timed)


def channels_beside(agent_channel: int) -> dict[str, int]:
    """The channel of each part, from 0; none is the agent's, unless that plays on the drums' channel."""
    free = iter(channel for channel in FREE_CHANNELS if channel != agent_channel)
    return {part: channel if channel not in FREE_CHANNELS else next(free) for part, channel in CHANNELS.items()}
