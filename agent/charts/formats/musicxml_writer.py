"""Writes a chart as MusicXML: one part with chord symbols over empty bars, which notation programs open."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..chart import Bar, Chart
from .musicxml_harmony import harmony_element

DIVISIONS = 192  # of a quarter note: every place at which a chord may begin is a whole number of them
_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def write_musicxml(chart: Chart) -> bytes:
    """The chart as a file (.musicxml), which `read_musicxml` reads as the same chart."""
    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = chart.title
    identification = SubElement(root, "identification")
    if chart.composer:
        SubElement(identification, "creator", type="composer").text = chart.composer
    SubElement(SubElement(identification, "encoding"), "software").text = "tradefours"
    SubElement(SubElement(SubElement(root, "part-list"), "score-part", id="P1"), "part-name").text = "Chords"
    part = SubElement(root, "part", id="P1")
    for number in range(len(chart.bars)):
        _write_measure(SubElement(part, "measure", number=str(number + 1)), chart, number)
    indent(root)
    return f"{_DOCTYPE}{tostring(root, encoding='unicode')}\n".encode()


def _write_measure(measure: Element, chart: Chart, number: int) -> None:
    bar = chart.bars[number]
    before = chart.bars[number - 1] if number else None
    after = chart.bars[number + 1] if number + 1 < len(chart.bars) else None
    _write_attributes(measure, chart, bar, before)
    begins = bool(bar.endings) and (before is None or _is_other_ending(before, bar))
    ends = bool(bar.endings) and (after is None or _is_other_ending(bar, after))
    if bar.repeat_start or begins:
        barline = SubElement(measure, "barline", location="left")
        if begins:
            SubElement(barline, "ending", number=_numbers(bar), type="start")
        if bar.repeat_start:
            SubElement(barline, "repeat", direction="forward")
    if before is None:
        _write_beginning(measure, chart)
    _write_signs(measure, bar, is_before=True)
    beat = DIVISIONS * 4 // bar.metre.unit
    for placed in bar.chords:
        measure.append(harmony_element(placed.chord, chart.key, round(placed.beat * beat)))
    note = SubElement(measure, "note")
    SubElement(note, "rest", measure="yes")
    SubElement(note, "duration").text = str(bar.metre.beats * beat)
    _write_signs(measure, bar, is_before=False)
    if ends or bar.repeat_end:
        barline = SubElement(measure, "barline", location="right")
        if ends:
            SubElement(barline, "ending", number=_numbers(bar), type="stop")
        if bar.repeat_end:
            SubElement(barline, "repeat", direction="backward", times=str(bar.repeat_end))


def _is_other_ending(one: Bar, other: Bar) -> bool:
    return one.endings != other.endings or bool(one.repeat_end or other.repeat_start or other.section)


def _numbers(bar: Bar) -> str:
    return ", ".join(map(str, bar.endings))


def _write_attributes(measure: Element, chart: Chart, bar: Bar, before: Bar | None) -> None:
    if before is not None and before.metre == bar.metre:
        return
    attributes = SubElement(measure, "attributes")
    if before is None:
        SubElement(attributes, "divisions").text = str(DIVISIONS)
        key = SubElement(attributes, "key")
        SubElement(key, "fifths").text = str(chart.key.fifths)
        SubElement(key, "mode").text = "minor" if chart.key.is_minor else "major"
    time = SubElement(attributes, "time")
    SubElement(time, "beats").text = str(bar.metre.beats)
    SubElement(time, "beat-type").text = str(bar.metre.unit)


def _write_beginning(measure: Element, chart: Chart) -> None:
    """The feel in words, and the tempo."""
    direction = SubElement(measure, "direction", placement="above")
    SubElement(SubElement(direction, "direction-type"), "words").text = chart.feel
    SubElement(direction, "sound", tempo=repr(chart.tempo * 4 / chart.metre.unit))


def _write_signs(measure: Element, bar: Bar, is_before: bool) -> None:
    """What stands at the beginning of a bar, or at its end."""
    if is_before and bar.section:
        SubElement(SubElement(_direction(measure), "direction-type"), "rehearsal").text = bar.section
    signs: list[tuple[bool, str, dict[str, str]]]
    if is_before:
        signs = [(bar.is_segno, "segno", {"segno": "segno"}), (bar.is_coda, "coda", {"coda": "coda"})]
        for is_there, name, sound in signs:
            if is_there:
                direction = _direction(measure)
                SubElement(SubElement(direction, "direction-type"), name)
                SubElement(direction, "sound", sound)
        return
    signs = [(bar.to_coda, "To Coda", {"tocoda": "coda"}), (bar.is_fine, "Fine", {"fine": "yes"})]
    if bar.jump is not None:
        signs.append((True, str(bar.jump), {"dalsegno": "segno"} if bar.jump.is_to_segno else {"dacapo": "yes"}))
    for is_there, words, sound in signs:
        if is_there:
            direction = _direction(measure)
            SubElement(SubElement(direction, "direction-type"), "words").text = words
            SubElement(direction, "sound", sound)


def _direction(measure: Element) -> Element:
    return SubElement(measure, "direction", placement="above")
