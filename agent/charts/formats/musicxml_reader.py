"""Charts in MusicXML: the chord symbols of a lead sheet, its repeats, endings and signs. Notes of the melody are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

from models.music.harmony.chords import Chord
from models.music.harmony.spelling import Key, key_of_fifths

from ..chart import MOST_BARS, MOST_TIMES, Chart, ChartError, Metre
from .bar_builder import BarBuilder, feel_of
from .bounded_xml import read_tree, unpack
from .musicxml_harmony import read_harmony
from .text_bars import read_endings, read_jump

_ZIP = b"PK\x03\x04"
_JUMP_WORDS = re.compile(r"(?i)d\.\s?[cs]\.?(?:\s*al\s+(?:coda|fine|(?:\w+\s+)?end(?:ing)?\.?))?")
_TIMES = re.compile(r"(?i)\b(\d{1,2})\s?[x×]|[x×]\s?(\d{1,2})\b")
_UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}  # quarter notes
_MINOR_MODES = {"minor", "aeolian", "dorian"}


def read_musicxml(data: bytes, title: str = "") -> Chart:
    """The chart in a file of MusicXML, compressed or not; `title` counts where the file has none. Raises ChartError."""
    root = read_tree(unpack(data) if data.startswith(_ZIP) else data)
    if root.tag != "score-partwise":
        raise ChartError("The file is no MusicXML score by parts; export it again from the program that made it.")
    part = max(root.findall("part"), key=lambda p: sum(1 for _ in p.iter("harmony")), default=None)
    if part is None or part.find(".//harmony") is None:
        raise ChartError("The file has no chord symbols; export a lead sheet with chords.")
    reader = _PartReader()
    for measure in part.findall("measure"):
        reader.read(measure)
    reader.finish()
    return reader.builder.chart(
        root.findtext("work/work-title") or root.findtext("movement-title") or title,
        _creator(root, "composer"),
        reader.key,
        reader.tempo,
        feel_of(_creator(root, "lyricist")) if _is_ireal(root) else reader.feel,
    )


def _creator(root: Element, kind: str) -> str:
    return next((c.text or "" for c in root.iterfind("identification/creator") if c.get("type") == kind), "")


def _is_ireal(root: Element) -> bool:
    """Whether iReal Pro made it, which tells the style as the author of the words."""
    return any("ireal" in (s.text or "").casefold() for s in root.iterfind("identification/encoding/software"))


class _PartReader:
    """Reads one part, measure by measure."""

    def __init__(self) -> None:
        self.builder = BarBuilder()
        self.key = Key()
        self.tempo: float | None = None
        self.feel: str | None = None
        self._divisions = 1.0  # of a quarter note
        self._endings: tuple[int, ...] = ()
        self._repeats = 0  # bars back that are played again, as a sign says
        self._codas: list[int] = []  # bars with a coda sign of which nothing says what it means
        self._has_key = False
        self._times = 2  # that a passage is played which ends in this measure

    def read(self, measure: Element) -> None:
        """One measure. Raises ChartError."""
        chords: list[tuple[float, Chord]] = []
        marks: dict[str, object] = {}
        at = 0.0
        for element in measure:
            if element.tag == "attributes":
                self._read_attributes(element)
            elif element.tag in ("note", "forward", "backup"):
                at += self._length(element) * (-1 if element.tag == "backup" else 1)
            elif element.tag == "harmony":
                if (chord := read_harmony(element)) is not None:
                    chords.append((self._beats(at + _number(element.findtext("offset"))), chord))
            elif element.tag == "direction":
                self._read_direction(element, marks)
            elif element.tag == "sound":
                self._read_sound(element, marks)
        if self._is_upbeat(measure, at):
            return
        self._read_left(measure, marks)
        if self._repeats and not chords:
            self.builder.repeat_bar(self._repeats)
        else:
            self.builder.add(chords)
        if marks.pop("coda", False):
            self._codas.append(len(self.builder.bars) - 1)
        self.builder.mark(endings=self._endings, **marks)
        self._read_right(measure)

    def finish(self) -> None:
        """Coda signs that say nothing more: the first is where one leaves, the next where one arrives."""
        has_exit = any(bar.to_coda for bar in self.builder.bars)
        has_target = any(bar.is_coda for bar in self.builder.bars)
        bars = self.builder.bars
        for number, index in enumerate(self._codas):
            is_exit = not has_exit and number == 0 and (has_target or len(self._codas) > 1)
            if not (bars[index].to_coda or bars[index].is_coda):
                bars[index] = replace(bars[index], to_coda=is_exit, is_coda=not is_exit)

    def _is_upbeat(self, measure: Element, length: float) -> bool:
        """Whether this is a shorter bar before the first."""
        is_marked = measure.get("implicit") == "yes" or measure.get("number") == "0"
        return not self.builder.bars and is_marked and self._beats(length) < self.builder.metre.beats - 1e-6

    def _length(self, element: Element) -> float:
        """How far a note moves on, in divisions; notes of a chord and grace notes do not."""
        if element.find("chord") is not None or element.find("grace") is not None:
            return 0.0
        return _number(element.findtext("duration"))

    def _beats(self, divisions: float) -> float:
        return divisions / self._divisions * self.builder.metre.unit / 4

    def _read_attributes(self, element: Element) -> None:
        self._divisions = _number(element.findtext("divisions")) or self._divisions
        if (fifths := element.findtext("key/fifths")) is not None and not self._has_key:
            number = round(_number(fifths))
            if not -7 <= number <= 7:
                raise ChartError("The file has a key with more than seven accidentals; choose another key.")
            self.key = key_of_fifths(number, (element.findtext("key/mode") or "").casefold() in _MINOR_MODES)
            self._has_key = True
        if element.find("time/beats") is not None:
            beats = sum(round(_number(part)) for part in (element.findtext("time/beats") or "").split("+"))
            self.builder.metre = Metre(beats, round(_number(element.findtext("time/beat-type"))))
        for sign in element.iter("measure-repeat"):
            self._repeats = round(_number(sign.text) or 1) if sign.get("type") == "start" else 0

    def _read_direction(self, element: Element, marks: dict[str, object]) -> None:
        for kind in element.iterfind("direction-type/*"):
            text = " ".join((kind.text or "").split())
            if kind.tag == "rehearsal" and text:
                self.builder.section = text
            elif kind.tag == "segno":
                marks["is_segno"] = True
            elif kind.tag == "coda":
                marks["coda"] = True
            elif kind.tag == "metronome":
                self._read_metronome(kind)
            elif kind.tag == "words":
                self._read_words(text, marks)
        for sound in element.iterfind("sound"):
            self._read_sound(sound, marks)

    def _read_words(self, text: str, marks: dict[str, object]) -> None:
        plain = text.casefold().strip(" .:")
        if (found := _JUMP_WORDS.search(text)) is not None and (jump := read_jump(found[0])) is not None:
            marks["jump"] = jump
        elif "to coda" in plain:
            marks["to_coda"] = True
        elif plain == "fine":
            marks["is_fine"] = True
        elif plain == "coda":
            marks["is_coda"] = True
        elif (times := _TIMES.fullmatch(plain)) is not None:
            marks["times"] = int(times[1] or times[2])
        elif self.feel is None:
            self.feel = feel_of(text)

    def _read_metronome(self, element: Element) -> None:
        unit = _UNITS.get(element.findtext("beat-unit") or "", 1.0) * (
            1.5 if element.find("beat-unit-dot") is not None else 1.0
        )
        self._take_tempo(_number(element.findtext("per-minute")) * unit)

    def _take_tempo(self, quarters: float) -> None:
        if self.tempo is None and quarters > 0:
            self.tempo = quarters * self.builder.metre.unit / 4

    def _read_sound(self, element: Element, marks: dict[str, object]) -> None:
        self._take_tempo(_number(element.get("tempo")))
        if (element.get("dacapo") == "yes" or element.get("dalsegno")) and "jump" not in marks:
            marks["jump"] = read_jump("D.S." if element.get("dalsegno") else "D.C.")
        for name, mark in (("segno", "is_segno"), ("coda", "is_coda"), ("tocoda", "to_coda"), ("fine", "is_fine")):
            if element.get(name):
                marks[mark] = True

    def _barlines(self, measure: Element, is_left: bool) -> Iterator[Element]:
        for barline in measure.iterfind("barline"):
            if (barline.get("location", "right") == "left") == is_left:
                yield barline

    def _read_left(self, measure: Element, marks: dict[str, object]) -> None:
        for barline in self._barlines(measure, True):
            if (repeat := barline.find("repeat")) is not None and repeat.get("direction") == "forward":
                marks["repeat_start"] = True
                self._endings = ()
        for barline in measure.iterfind("barline"):
            if (ending := barline.find("ending")) is not None and ending.get("type") == "start":
                self._endings = _ending_numbers(ending.get("number", "1"))
        self._times = 2
        if "times" in marks:
            self._times = int(str(marks.pop("times")))

    def _read_right(self, measure: Element) -> None:
        for barline in self._barlines(measure, False):
            repeat = barline.find("repeat")
            if repeat is not None and repeat.get("direction") == "backward":
                times = round(_number(repeat.get("times"))) or self._times
                self.builder.mark(repeat_end=min(max(times, 2), MOST_TIMES))
            if (ending := barline.find("ending")) is not None and ending.get("type") in ("stop", "discontinue"):
                self._endings = ()


def _ending_numbers(text: str) -> tuple[int, ...]:
    found = ",".join(re.findall(r"\d{1,2}", text))
    return read_endings(found) if found else (1,)


def _number(text: str | None) -> float:
    """The number in a text; 0 where there is none."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if abs(number) < MOST_BARS * 1e6 else 0.0
