"""The form: the bars of a chart in the order in which they are played, with repeats, endings and jumps unfolded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from models.music.harmony.chords import Chord, TimedChord

from .chart import Bar, Chart, ChartError, Jump

MOST_PLAYED = 4000  # bars of a form; more is a mistake in its repeats


@dataclass(frozen=True)
class FormBar:
    """A bar as it is played: `index` of the written bar, first beat from the form's beginning, and the section that it is in."""

    index: int
    bar: Bar
    start: float
    section: str
    section_number: int

    @property
    def end(self) -> float:
        """The beat on which the next bar begins."""
        return self.start + self.bar.metre.beats


@dataclass(frozen=True)
class Form:
    """One chorus, from beat 0 on. Beats past its end are of the next chorus."""

    bars: tuple[FormBar, ...]

    @property
    def beats(self) -> float:
        """The length of a chorus."""
        return self.bars[-1].end

    @cached_property
    def changes(self) -> tuple[TimedChord, ...]:
        """Every chord of the chorus at its beat; one that goes on is not told again."""
        found: list[TimedChord] = []
        for bar in self.bars:
            for placed in bar.bar.chords:
                if not found or found[-1].chord != placed.chord:
                    found.append(TimedChord(bar.start + placed.beat, placed.chord))
        return tuple(found)

    @cached_property
    def _starts(self) -> list[float]:
        return [change.start for change in self.changes]

    @cached_property
    def _bar_starts(self) -> list[float]:
        return [bar.start for bar in self.bars]

    def bar_at(self, beat: float) -> FormBar:
        """The bar that a beat of any chorus is in; its start is told within the chorus."""
        return self.bars[bisect_right(self._bar_starts, beat % self.beats + 1e-6) - 1]

    def chord_at(self, beat: float) -> Chord:
        """The chord that sounds on a beat of any chorus."""
        return self.changes[bisect_right(self._starts, beat % self.beats + 1e-6) - 1].chord

    def next_change(self, beat: float) -> TimedChord:
        """The next other chord after a beat, perhaps of the next chorus, and its beat; where there is no other, the same one."""
        chorus, within = divmod(beat + 1e-6, self.beats)
        index = bisect_right(self._starts, within)
        if index == len(self.changes):
            index = 0
            chorus += 1
            if len(self.changes) > 1 and self.changes[0].chord == self.changes[-1].chord:
                index = 1
        change = self.changes[index]
        return TimedChord(chorus * self.beats + change.start, change.chord)

    def timed_chords(self, start: float, end: float) -> list[TimedChord]:
        """The chord that sounds at `start`, and every change before `end`; all in beats, over any number of choruses."""
        found = [TimedChord(start, self.chord_at(start))]
        while (change := self.next_change(found[-1].start)).start < end - 1e-6:
            found.append(change)
        return found

    @cached_property
    def sections(self) -> tuple[tuple[FormBar, ...], ...]:
        """The bars of each section, in order; the whole chorus where no section is named."""
        found: list[list[FormBar]] = []
        for bar in self.bars:
            if not found or found[-1][-1].section_number != bar.section_number:
                found.append([])
            found[-1].append(bar)
        return tuple(tuple(bars) for bars in found)


def form_of(chart: Chart, is_last: bool = False) -> Form:
    """The form of a chart; `is_last`: of the last chorus, which may end in a coda or at the fine. Raises ChartError."""
    played: list[FormBar] = []
    start = 0.0
    section = ""
    number = 0
    order = play_order(chart.bars, is_last)
    for position, index in enumerate(order):
        bar = chart.bars[index]
        has_jumped = position > 0 and index != order[position - 1] + 1
        named = _section_of(chart.bars, index)
        if bar.section or (has_jumped and named != section):
            number += bool(played)
            section = named
        played.append(FormBar(index, bar, start, section, number))
        start += bar.metre.beats
    return Form(tuple(played))


def _section_of(bars: Sequence[Bar], index: int) -> str:
    """The section that a written bar is in."""
    return next((bars[at].section for at in range(index, -1, -1) if bars[at].section), "")


def play_order(bars: Sequence[Bar], is_last: bool = False) -> list[int]:
    """The indices of the written bars as they are played. Raises ChartError where they would never end.

    After a jump, repeats are not taken again and the last ending is played, as is usual. A coda that no jump leads to is played in the
    last chorus alone.
    """
    return _Walk(bars, is_last).run()


class _Walk:
    """Goes through the bars once."""

    def __init__(self, bars: Sequence[Bar], is_last: bool) -> None:
        self._bars = bars
        self._is_last = is_last
        self._order: list[int] = []
        self._start = 0  # of the passage that may be repeated
        self._pass = 1
        self._jumped: Jump | None = None
        self._taken: set[int] = set()  # bars whose jump was taken
        jumps = [bar.jump for bar in bars if bar.jump is not None]
        self._codas = [number for number, bar in enumerate(bars) if bar.is_coda]
        has_jump_to_coda = any(jump.until == "coda" for jump in jumps)
        self._is_coda_for_last = bool(self._codas) and not has_jump_to_coda
        self._length = len(bars)
        if self._is_coda_for_last and not is_last and any(bar.to_coda for bar in bars[: self._codas[0]]):
            self._length = self._codas[0]

    def run(self) -> list[int]:
        """The order of the bars."""
        at: int | None = 0
        while at is not None and at < self._length:
            if len(self._order) >= MOST_PLAYED:
                raise ChartError(f"The chart would be longer than {MOST_PLAYED} bars; write fewer repeats.")
            bar = self._bars[at]
            if bar.repeat_start and at != self._start:
                self._begin(at)
            if bar.endings and self._current_pass(at) not in bar.endings:
                at += 1
                continue
            self._order.append(at)
            at = self._after(at)
        if not self._order:
            raise ChartError("No bar of the chart would be played; begin the endings with the first.")
        return self._order

    def _begin(self, at: int) -> None:
        self._start = at
        self._pass = 1

    def _passes(self, at: int) -> int:
        """How often the passage around a bar is played by its endings: the highest number of them; 0 where there are none."""
        first = at
        while first > self._start and not self._bars[first].repeat_start:
            first -= 1
        highest = 0
        for number in range(first, len(self._bars)):
            bar = self._bars[number]
            if number > first and bar.repeat_start:
                break
            if highest and not bar.endings:
                break
            highest = max((highest, *bar.endings))
        return highest

    def _current_pass(self, at: int) -> int:
        return self._passes(at) if self._jumped is not None else self._pass

    def _after(self, at: int) -> int | None:
        """The bar that comes after this one; None at the end."""
        bar = self._bars[at]
        times = max(bar.repeat_end, self._passes(at) if bar.endings else 0)
        if bar.repeat_end and self._jumped is None and self._pass < times:
            self._pass += 1
            return self._start
        if self._ends_here(bar, at):
            return None
        if bar.to_coda and self._goes_to_coda() and (target := self._coda_after(at)) is not None:
            self._begin(target)
            self._jumped = None  # repeats of the coda are played
            return target
        if bar.jump is not None and at not in self._taken and self._jumped is None:
            self._taken.add(at)
            self._jumped = bar.jump
            self._begin(self._segno() if bar.jump.is_to_segno else 0)
            return self._start
        if self._is_passage_over(bar, at):
            self._begin(at + 1)
        return at + 1

    def _is_passage_over(self, bar: Bar, at: int) -> bool:
        """Whether the repeated passage is left after this bar."""
        following = self._bars[at + 1] if at + 1 < len(self._bars) else None
        if bar.endings:
            return following is None or not following.endings
        return bool(bar.repeat_end)

    def _ends_here(self, bar: Bar, at: int) -> bool:
        """Whether the music ends after this bar."""
        if self._jumped is not None and self._jumped.until == "ending" and bar.endings:
            following = self._bars[at + 1] if at + 1 < len(self._bars) else None
            return following is None or following.endings != bar.endings
        return bar.is_fine and (self._jumped is not None or (self._is_last and not self._has_jump_left()))

    def _has_jump_left(self) -> bool:
        return any(bar.jump is not None for bar in self._bars) and self._jumped is None

    def _goes_to_coda(self) -> bool:
        if self._is_coda_for_last:
            return self._is_last
        return self._jumped is not None and self._jumped.until == "coda"

    def _coda_after(self, at: int) -> int | None:
        return next((coda for coda in self._codas if coda > at), None)

    def _segno(self) -> int:
        return next((number for number, bar in enumerate(self._bars) if bar.is_segno), 0)
