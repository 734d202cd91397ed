"""The progression of an iReal Pro chart: cells with chords, bar lines and signs, to bars."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from models.music.harmony.chord_symbols import ChordError, read_chord
from models.music.harmony.chords import NO_CHORD, Chord

from ..chart import MOST_CHORDS, MOST_TIMES, ChartError, Metre, spread
from .bar_builder import BarBuilder
from .text_bars import read_jump

LONGEST = 20_000  # characters of a progression
_SECTIONS = {"i": "Intro", "v": "Verse", "V": "Verse"}
_METRES = {"12": Metre(12, 8)}  # other numbers are two digits that stand for themselves
_TOKEN = re.compile(
    r"(?P<text><[^>]*>)"
    r"|(?P<small>\([^)]*\))"
    r"|(?P<time>T\d\d)"
    r"|(?P<ending>N\d)"
    r"|(?P<chord>(?:[A-G][b#]?(?:\*[-+^ohmajdinlsuty0-9#b()]{1,16}\*(?![A-Za-z]))?(?:sus|alt|add|[-+^ohø0-9#b])*|W)(?:/[A-G][b#]?)?)"
    r"|(?P<section>\*[A-Za-z])"
    r"|(?P<line>[\[\]{}|Z])"
    r"|(?P<sign>[xrnpUSQf])"
    r"|(?P<cell> )"
    r"|(?P<nothing>[,Ysl\"'])"
)
_TIMES = re.compile(r"(\d{1,2})\s?x", re.IGNORECASE)


@dataclass
class _Cells:
    """What stands between two bar lines: cells in order, None for an empty one."""

    cells: list[Chord | None] = field(default_factory=list)
    marks: dict[str, object] = field(default_factory=dict)
    repeats: int = 0  # bars back
    is_used: bool = False
    has_coda_sign: bool = False
    times: int = 0


class _Reader:
    def __init__(self) -> None:
        self.builder = BarBuilder()
        self._bar = _Cells()
        self._endings: tuple[int, ...] = ()
        self._codas: list[int] = []
        self._last = NO_CHORD
        self._is_second_bar = False  # of two that a sign repeats, and which is empty
        self._is_after_single_line = False

    def read(self, text: str) -> BarBuilder:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ChartError(f"the sign {text[at]!r} is unknown; share the chart again from iReal Pro")
            kind = str(found.lastgroup)
            getattr(self, f"_read_{kind}")(found[kind])
            at = found.end()
        self._end_bar("Z")
        for number, index in enumerate(self._codas):
            is_exit = number == 0 and len(self._codas) > 1
            bar = self.builder.bars[index]
            self.builder.bars[index] = replace(bar, to_coda=is_exit, is_coda=not is_exit)
        return self.builder

    def _read_text(self, text: str) -> None:
        words = re.sub(r"^\*\d\d", "", text[1:-1]).strip()
        jump = read_jump(words)
        if jump is not None:
            self._bar.marks["jump"] = jump
        elif words.casefold() == "fine":
            self._bar.marks["is_fine"] = True
        elif (times := _TIMES.fullmatch(words)) is not None:
            self._bar.times = min(max(int(times[1]), 2), MOST_TIMES)

    def _read_small(self, text: str) -> None:
        """Other chords, in small letters above; the main ones are played."""

    def _read_nothing(self, text: str) -> None:
        pass

    def _read_time(self, text: str) -> None:
        self.builder.metre = _METRES.get(text[1:]) or Metre(int(text[1]), int(text[2]))

    def _read_ending(self, text: str) -> None:
        self._endings = (int(text[1]),) if text[1] != "0" else ()

    def _read_section(self, text: str) -> None:
        self.builder.section = _SECTIONS.get(text[1], text[1].upper())
        self._endings = ()

    def _read_chord(self, text: str) -> None:
        if text.startswith("W"):
            chord = self._last
            if "/" in text and chord.root is not None:
                bass = read_chord(text.partition("/")[2]).root
                chord = Chord(chord.root, chord.quality, None if bass == chord.root else bass)
        else:
            try:
                chord = read_chord(text.replace("*", ""))
            except ChordError as error:
                raise ChartError(str(error)) from error
            self._last = chord
        self._put(chord)

    def _put(self, chord: Chord | None) -> None:
        self._bar.cells.append(chord)
        self._bar.is_used |= chord is not None

    def _read_cell(self, text: str) -> None:
        self._put(None)

    def _read_sign(self, text: str) -> None:
        bar = self._bar
        if text == "x":
            bar.repeats = 1
        elif text == "r":
            bar.repeats = 2
        elif text == "n":
            self._put(NO_CHORD)
        elif text == "p":
            self._put(None)
        elif text == "S":
            bar.marks["is_segno"] = True
        elif text == "Q":
            bar.has_coda_sign = True
        elif text == "U":
            bar.marks["is_fine"] = True

    def _read_line(self, line: str) -> None:
        self._end_bar(line)
        if line == "{":
            self._endings = ()
            self._bar.marks["repeat_start"] = True
        elif line in "[]Z}":
            self._endings = ()
        self._is_after_single_line = line == "|"

    def _end_bar(self, line: str) -> None:
        """Add the bar that ends here, if one does; its signs go with the next where it is none."""
        bar = self._bar
        is_repeat_end = line == "}"
        is_empty = not bar.is_used and not bar.repeats
        is_held = is_empty and bool(bar.cells) and self._is_after_single_line and line == "|"
        is_second = self._is_second_bar
        self._is_second_bar = bar.repeats == 2
        if is_empty and (is_second or not is_held):
            if bar.has_coda_sign or bar.marks or bar.times:
                self._bar = _Cells(marks=bar.marks, has_coda_sign=bar.has_coda_sign, times=bar.times)
                if self.builder.bars and line in "}]Z":
                    self._put_after(bar)
            if is_repeat_end and self.builder.bars and not self.builder.bars[-1].repeat_end:
                self.builder.mark(repeat_end=bar.times or 2)
            self._bar.cells = []
            return
        self._add(bar)
        if is_repeat_end:
            self.builder.mark(repeat_end=bar.times or 2)
        self._bar = _Cells()

    def _put_after(self, bar: _Cells) -> None:
        """Signs that stand after the last bar line belong to the bar before it."""
        self.builder.mark(**{name: mark for name, mark in bar.marks.items() if name in ("jump", "is_fine")})
        self._bar = _Cells(has_coda_sign=bar.has_coda_sign)

    def _add(self, bar: _Cells) -> None:
        builder = self.builder
        if bar.repeats == 2:
            if len(builder.bars) < 2:
                raise ChartError("two bars are repeated before there are two; share the chart again from iReal Pro")
            builder.repeat_bar(2)
            builder.mark(endings=self._endings, **bar.marks)
            builder.repeat_bar(2)
            bar.marks = {}
        elif bar.repeats:
            builder.repeat_bar()
        elif bar.is_used:
            builder.add(self._placed(bar.cells))
        else:
            builder.add([])
        builder.mark(endings=self._endings, **bar.marks)
        if bar.has_coda_sign:
            self._codas.append(len(builder.bars) - 1)

    def _placed(self, cells: list[Chord | None]) -> list[tuple[float, Chord]]:
        """Chords by their cells, of which a bar has mostly four; where two would fall on one beat, evenly."""
        beats = self.builder.metre.beats
        chords = [(number, chord) for number, chord in enumerate(cells) if chord is not None]
        if len(chords) > MOST_CHORDS:
            raise ChartError(f"a bar has more than {MOST_CHORDS} chords; share the chart again from iReal Pro")
        length = max(len(cells), 1)
        starts = [float(int(number * beats / length + 0.5)) for number, _ in chords]
        if len(set(starts)) < len(starts) or starts[-1] >= beats:
            starts = spread(len(chords), beats)
        return [(start, chord) for start, (_, chord) in zip(starts, chords, strict=True)]


def read_progression(text: str) -> BarBuilder:
    """The bars of a progression. Raises ChartError."""
    if len(text) > LONGEST:
        raise ChartError("its progression is longer than any chart; share it again from iReal Pro")
    return _Reader().read(text)
