"""Trading over a form: whose bars these are, which chorus it is, what chord comes next, and when it is over. Arithmetic on beats alone.

Beat 0 is the first of the first chorus; the count-in lies before it and is nobody's turn. The turns of one chorus follow those of the one
before, so that in fours over twelve bars the players change places in each chorus.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property

from models.music.harmony.chords import Chord, TimedChord

from ..errors import UserError
from ..turns.trading import OVERRUN, Turn
from .chart import Chart, ChartError
from .form import Form, FormBar, form_of

PLAYER, AGENT = "player", "agent"
FIRST = (PLAYER, AGENT)
HALF, CHORUS, SECTIONS = "half", "chorus", "sections"
LENGTHS = (HALF, CHORUS, SECTIONS)
"""How long a turn is, beside a number of bars."""
MOST_BARS = 64  # of a turn


@dataclass(frozen=True)
class Place:
    """Where the music is. `chorus` counts from 0 and is -1 in the count-in, `bar` is one of the form.

    `turn` is in beats from the first chorus on; `bars_left` of it are told with the bar that sounds. `next_change` is in the same beats.
    """

    chorus: int
    bar: FormBar
    turn: Turn
    bars_left: int
    chord: Chord
    next_change: TimedChord
    is_last_chorus: bool
    is_over: bool

    @property
    def is_count_in(self) -> bool:
        """Whether nothing but the count-in has begun."""
        return self.chorus < 0


def turn_bars(form: Form, length: int | str) -> list[int]:
    """The number of bars of each turn of a chorus. Raises UserError for a length that cannot be.

    A number of bars cuts the whole form where that does not tear a section apart; else each section that is no multiple of it is one
    turn. Half a chorus ends where a section ends, if one ends near the middle.
    """
    count = len(form.bars)
    if isinstance(length, str):
        if length not in LENGTHS:
            raise UserError(f"A turn is a number of bars, {', '.join(LENGTHS)}; {length[:20]!r} is none.")
        if length == CHORUS or count == 1:
            return [count]
        sections = [len(section) for section in form.sections]
        return sections if length == SECTIONS else _halves(sections, count)
    if not 1 <= length <= MOST_BARS:
        raise UserError(f"A turn has 1 to {MOST_BARS} bars; write --bars 4.")
    if count % length == 0 and _keeps_sections(form, length):
        return [length] * (count // length)
    found: list[int] = []
    for section in form.sections:
        size = len(section)
        found += [length] * (size // length) if size % length == 0 else [size]
    return found


def _keeps_sections(form: Form, length: int) -> bool:
    """Whether turns of this length begin with sections, or lie within them, or hold whole ones."""
    first = 0
    for section in form.sections:
        last = first + len(section) - 1
        if first % length and first // length != last // length:
            return False
        first = last + 1
    return True


def _halves(sections: list[int], count: int) -> list[int]:
    """A chorus in two: at the end of the section that is nearest to the middle, if it is near, else in the middle."""
    ends = [sum(sections[: number + 1]) for number in range(len(sections) - 1)]
    near = min(ends, key=lambda end: abs(end - count / 2), default=0)
    middle = near if near and abs(near - count / 2) <= count / 8 else (count + 1) // 2
    return [middle, count - middle]


@dataclass(frozen=True)
class FormTrading:
    """Turns over a chart. `length` is a number of bars or one of `LENGTHS`; `last_chorus` is the number of the last one, None: endless.

    Has the methods of `agent.turns.trading.TradingForm`.
    """

    chart: Chart
    length: int | str = 4
    is_agent_first: bool = False
    last_chorus: int | None = None

    @cached_property
    def form(self) -> Form:
        """One chorus."""
        return form_of(self.chart)

    @cached_property
    def last_form(self) -> Form:
        """The last chorus, which may go to the coda or end at the fine."""
        return form_of(self.chart, is_last=True)

    @cached_property
    def _turns(self) -> list[float]:
        return _starts(self.form, self.length)

    @cached_property
    def _last_turns(self) -> list[float]:
        return _starts(self.last_form, self.length)

    @property
    def end(self) -> float:
        """The beat on which the last chorus is over; infinite where there is none."""
        if self.last_chorus is None:
            return math.inf
        return self.last_chorus * self.form.beats + self.last_form.beats

    def chorus_at(self, beat: float) -> int:
        """The number of the chorus, from 0; the last one stays the last."""
        chorus = max(math.floor(beat / self.form.beats + 1e-9), 0)
        return chorus if self.last_chorus is None else min(chorus, self.last_chorus)

    def form_at(self, beat: float) -> Form:
        """The form of the chorus that a beat is in."""
        return self.last_form if self.chorus_at(beat) == self.last_chorus else self.form

    def timed_chords(self, start: float, end: float) -> list[TimedChord]:
        """The chord that sounds at `start`, and every change before `end`; all in beats, also where the last chorus is another one."""
        if self.last_chorus is None or self.chorus_at(end) < self.last_chorus:
            return self.form.timed_chords(start, end)
        last = self.last_chorus * self.form.beats
        found = self.form.timed_chords(start, min(last, end)) if start < last else []
        in_last = self.last_form.timed_chords(max(start - last, 0.0), min(end, self.end) - last)
        return found + [TimedChord(last + timed.start, timed.chord) for timed in in_last]

    def with_last(self, beat: float) -> FormTrading:
        """The chorus of this beat is the last one; in its last bar, the next one, as nobody could turn so soon."""
        form = self.form
        chorus = self.chorus_at(beat)
        is_near_end = beat - chorus * form.beats >= form.bars[-1].start
        return replace(self, last_chorus=chorus + is_near_end)

    def without_last(self) -> FormTrading:
        """On and on, after all."""
        return replace(self, last_chorus=None)

    def turn_at(self, beat: float) -> Turn:
        """The turn that a beat belongs to; in the count-in, the first one."""
        beat = max(beat, 0.0)
        chorus = self.chorus_at(beat)
        first = chorus * self.form.beats
        is_last = chorus == self.last_chorus
        starts = self._last_turns if is_last else self._turns
        length = self.last_form.beats if is_last else self.form.beats
        index = max(bisect_right(starts, beat - first + 1e-6) - 1, 0)
        end = starts[index + 1] if index + 1 < len(starts) else length
        number = chorus * len(self._turns) + index
        return Turn((number % 2 == 1) != self.is_agent_first, first + starts[index], first + end)

    def next_agents_turn(self, beat: float, joining: bool = False) -> Turn:
        """The agent's turn now, if its first beat is not over, else its next one; `joining`: or what is left of it, in bars.

        After the last chorus there is none: a turn at infinity.
        """
        turn = self.turn_at(beat)
        if turn.is_agents and beat < turn.start + 1.0:
            return turn
        if joining and turn.is_agents:
            bars = [start for start in self._bar_starts(beat) if beat - 1e-9 <= start < turn.end]
            if bars:
                return Turn(True, bars[0], turn.end)
        while turn.end < self.end - 1e-6:
            turn = self.turn_at(turn.end)
            if turn.is_agents:
                return turn
        return Turn(True, math.inf, math.inf)

    def next_players_turn(self, beat: float) -> float:
        """The beat on which the player's next turn begins; the present one counts on its first beat alone. Infinity: none is left."""
        turn = self.turn_at(beat)
        if not turn.is_agents and beat <= turn.start:
            return turn.start
        while turn.end < self.end - 1e-6:
            turn = self.turn_at(turn.end)
            if not turn.is_agents:
                return turn.start
        return math.inf

    def may_overlap(self, turn: Turn, beat: float) -> bool:
        """Whether a key at this beat of the agent's turn is the end of the player's phrase, and not meant as a cut-in."""
        return beat < turn.start + OVERRUN * self.chart.metre.beats

    def place_at(self, beat: float) -> Place:
        """All that there is to know of a beat; in the count-in, of what comes."""
        at = max(beat, 0.0)
        chorus = self.chorus_at(at)
        form = self.form_at(at)
        first = chorus * self.form.beats
        turn = self.turn_at(at)
        is_last = chorus == self.last_chorus
        inside = min(at - first, form.beats - 1e-3)
        change = self._next_change(first, inside, form, is_last)
        later = [start for start in self._bar_starts(at) if at + 1e-6 < start < turn.end - 1e-6]
        return Place(
            chorus if beat >= 0 else -1,
            form.bar_at(inside),
            turn,
            len(later) + 1,
            form.chord_at(inside),
            change,
            is_last,
            at >= self.end - 1e-6,
        )

    def _next_change(self, first: float, inside: float, form: Form, is_last: bool) -> TimedChord:
        """The next chord, in beats from the first chorus; at the end of the last, the first chord, on which it ends."""
        change = form.next_change(inside)
        if is_last and change.start >= form.beats:
            change = TimedChord(form.beats, self.form.changes[0].chord)
        elif self.last_chorus is not None and first + change.start >= self.last_chorus * self.form.beats > first:
            change = TimedChord(change.start, self.last_form.chord_at(change.start - form.beats))
        return TimedChord(first + change.start, change.chord)

    def _bar_starts(self, beat: float) -> list[float]:
        """The beats on which the bars of the chorus of a beat begin."""
        first = self.chorus_at(beat) * self.form.beats
        return [first + bar.start for bar in self.form_at(beat).bars]


def _starts(form: Form, length: int | str) -> list[float]:
    """The beats of a chorus on which its turns begin."""
    found = []
    number = 0
    for bars in turn_bars(form, length):
        found.append(form.bars[number].start)
        number += bars
    return found


def read_length(text: str) -> int | str:
    """A turn's length: a number of bars, or one of `LENGTHS`. Raises ChartError."""
    if text.isdecimal() and 1 <= int(text) <= MOST_BARS:
        return int(text)
    if text in LENGTHS:
        return text
    raise ChartError(f"A turn is 1 to {MOST_BARS} bars, {', '.join(LENGTHS)}; {text[:20]!r} is none.")
