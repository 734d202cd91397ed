"""Charts as text, as one writes them by hand: lines of `name: value`, sections in brackets, and bars between bar lines.

title: Blues in F
key: F
tempo: 132

[A]
| F7 | Bb7 | F7 | % |
|: Gm7 | C7 | 1. F7 D7 | Gm7 C7 :| 2. F7 | F7 ||
"""

from __future__ import annotations

import re

from models.music.harmony.spelling import Key, read_key

from ..chart import FEELS, LONGEST_SECTION, MOST_TIMES, Chart, ChartError, Metre
from .bar_builder import BarBuilder, feel_of
from .text_bars import read_bar, write_bar

LONGEST = 200_000  # characters of a chart
BARS_A_LINE = 4
_HEADER = re.compile(r"\s*([A-Za-z][A-Za-z ]{0,20}?)\s*:(?!\|)\s*(.*)")
_NAMES = {
    "by": "composer",
    "meter": "metre",
    "time": "metre",
    "time signature": "metre",
    "bpm": "tempo",
    "style": "feel",
    "author": "composer",
}
_KNOWN = ("title", "composer", "key", "metre", "tempo", "feel")
_LINE = re.compile(r"(:?\|{1,2}\]?:?|\[\||:\|\|:)(?:\s*[x×]\s?(\d{1,2})|\s*\(?(\d{1,2})\s?[x×]\)?(?=\s|$))?")
_SECTION = re.compile(r"\s*(?:\[([^\[\]|]{1,60})\]|([^\[\]|:]{1,60}):)\s*")
_BRACKET = re.compile(r"\s*\[([^\[\]|]{1,60})\]\s*")


class _Reader:
    def __init__(self) -> None:
        self.header: dict[str, str] = {}
        self.builder = BarBuilder()
        self._endings: tuple[int, ...] = ()
        self._is_repeat_start = False
        self._signs: dict[str, object] = {}  # that stand at the next bar

    def read_line(self, line: str) -> None:
        """One line, whatever it is. Raises ChartError."""
        if not line.strip() or line.lstrip().startswith(("#", "//")):
            return
        if "|" not in line:
            self._read_words(line)
            return
        if not self.builder.bars and "metre" in self.header:
            self.builder.metre = read_metre(self.header["metre"])
        self._read_bars(line)

    def _read_words(self, line: str) -> None:
        found = _HEADER.fullmatch(line)
        if found is not None:
            name = " ".join(found[1].casefold().split())
            name = _NAMES.get(name, name)
            if name in _KNOWN:
                self.header[name] = found[2].strip()
                return
            if found[2].strip():
                raise ChartError(f"There is no line {found[1]!r}; write title, composer, key, metre, tempo or feel.")
        section = _SECTION.fullmatch(line)
        if section is None:
            raise ChartError("It has no bar lines; write | C7 | F7 |, a section as [A], or a line such as key: F.")
        self._begin_section(section[1] or section[2])

    def _begin_section(self, name: str) -> None:
        self.builder.section = name.strip()
        self._endings = ()

    def _read_bars(self, line: str) -> None:
        at = 0
        left = "|"
        for found in _LINE.finditer(line):
            self._read_between(line[at : found.start()], left if at else "", found[1])
            left = found[1]
            at = found.end()
            if left.startswith(":"):
                self._end_repeat(int(found[2] or found[3] or 2))
            elif left in ("||", "|]"):
                self._endings = ()
            if left.endswith(":"):
                self._is_repeat_start = True
                self._endings = ()
        self._read_between(line[at:], left, "")

    def _read_between(self, text: str, left: str, right: str) -> None:
        """What stands between two bar lines: a bar, or nothing."""
        if (found := _BRACKET.match(text)) is not None:
            self._begin_section(found[1])
            text = text[found.end() :]
            left = ""
        if not text.strip() and not (left in ("|", "|:") and right in ("|", ":|")):
            return
        builder = self.builder
        bar = read_bar(text, builder.metre)
        builder.metre = bar.metre
        if text.strip() and not bar.has_words:
            self._put_signs(bar.marks)
            return
        if bar.endings:
            self._endings = bar.endings
        if bar.chords is None:
            builder.repeat_bar()
        else:
            builder.add(bar.chords)
        builder.mark(endings=self._endings, repeat_start=self._is_repeat_start, **{**self._signs, **bar.marks})
        self._is_repeat_start = False
        self._signs = {}

    def _put_signs(self, signs: dict[str, object]) -> None:
        """Signs alone between two bar lines: those of a beginning stand at the next bar, the others at the bar before."""
        if signs and self.builder.bars and not {"is_segno", "is_coda"} & signs.keys():
            self.builder.mark(**signs)
        else:
            self._signs |= signs

    def _end_repeat(self, times: int) -> None:
        if not self.builder.bars:
            raise ChartError("A repeat ends before the first bar; write |: C7 | F7 :|.")
        if not 2 <= times <= MOST_TIMES:
            raise ChartError(f"A passage is repeated 2 to {MOST_TIMES} times in all; write |: C7 :|x3 for three times.")
        self.builder.mark(repeat_end=times)
        self._endings = ()


def read_text(text: str, title: str = "") -> Chart:
    """The chart in a text; `title` counts where the text has none. Raises ChartError, which names the line."""
    if len(text) > LONGEST:
        raise ChartError(f"The text is longer than {LONGEST:,} characters, which is no chart; choose another file.")
    reader = _Reader()
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        try:
            reader.read_line(line)
        except ChartError as error:
            raise ChartError(f"Line {number}: {error}") from error
    header = reader.header
    feel = header.get("feel") or None
    if feel is not None and (known := feel_of(feel)) is None:
        raise ChartError(f"There is no feel {feel[:30]!r}; take {', '.join(FEELS)}.")
    return reader.builder.chart(
        header.get("title") or title,
        header.get("composer", ""),
        _read_key(header.get("key") or "C"),
        _read_tempo(header.get("tempo", "")),
        None if feel is None else known,
    )


def _read_key(text: str) -> Key:
    try:
        return read_key(text)
    except ValueError as error:
        raise ChartError(str(error)) from error


def _read_tempo(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)(?:\s*bpm)?", text.strip(), re.IGNORECASE)
    if found is None or not 20 <= float(found[1]) <= 400:
        raise ChartError(f"A tempo is 20 to 400 beats a minute; {text[:20]!r} is none.")
    return float(found[1])


def read_metre(text: str) -> Metre:
    """The metre in `4/4` or `C`. Raises ChartError."""
    found = re.fullmatch(
        r"(\d{1,2})\s*/\s*(\d{1,2})", {"c": "4/4", "c|": "2/2"}.get(text.strip().casefold(), text.strip())
    )
    if found is None:
        raise ChartError(f"{text[:20]!r} is no metre; write one as 4/4.")
    return Metre(int(found[1]), int(found[2]))


def write_text(chart: Chart) -> str:
    """The chart as text, which `read_text` reads as the same chart."""
    lines = [f"title: {chart.title}"]
    lines += [f"composer: {chart.composer}"] if chart.composer else []
    lines += [
        f"key: {chart.key.name}",
        f"metre: {chart.metre}",
        f"tempo: {chart.tempo:.10g}",
        f"feel: {chart.feel}",
        "",
    ]
    row: list[str] = []
    for number, bar in enumerate(chart.bars):
        if number and (bar.section or len(row) >= BARS_A_LINE or _begins_line(chart, number)):
            lines.append("".join(row).strip())
            row = []
        if bar.section:
            lines += ["", f"[{bar.section[:LONGEST_SECTION]}]"]
        row.append(_with_lines(chart, number, is_first=not row))
    lines.append("".join(row).strip())
    return "\n".join(lines) + "\n"


def _begins_line(chart: Chart, number: int) -> bool:
    """Whether a bar begins a line though the one before is not full."""
    return chart.bars[number].repeat_start or chart.bars[number].is_coda


def _with_lines(chart: Chart, number: int, is_first: bool) -> str:
    """A bar with the bar lines that belong to it: the one after it, and the one before it if none stands there."""
    bars = chart.bars
    bar = bars[number]
    before = bars[number - 1] if number else None
    text = write_bar(bar, before.metre if before else chart.metre, chart.key)
    if bar.endings and not (
        before and before.endings == bar.endings and not before.repeat_end and not bar.repeat_start and not bar.section
    ):
        text = f"{','.join(map(str, bar.endings))}. {text}"
    following = bars[number + 1] if number + 1 < len(bars) else None
    left = "|: " if bar.repeat_start else "| " if is_first else ""
    if bar.repeat_end:
        return f"{left}{text} :|{f'x{bar.repeat_end}' if bar.repeat_end != 2 else ''} "
    is_open = (
        bool(bar.endings)
        and following is not None
        and not (following.endings or following.section or following.repeat_start)
    )
    return f"{left}{text} {'||' if is_open or following is None else '|'} "
