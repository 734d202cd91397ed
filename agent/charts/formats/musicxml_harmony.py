"""The `<harmony>` of MusicXML: kinds and degrees to a chord, and back."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from models.music.harmony.chord_symbols import ChordError, read_chord
from models.music.harmony.chords import NO_CHORD, Chord
from models.music.harmony.qualities import Quality, number_of, quality_of
from models.music.harmony.spelling import Key, pitch_class_of

#: The kinds of the standard, and their degrees.
KINDS = {
    "major": "1 3 5",
    "minor": "1 b3 5",
    "augmented": "1 3 #5",
    "diminished": "1 b3 b5",
    "dominant": "1 3 5 b7",
    "major-seventh": "1 3 5 7",
    "minor-seventh": "1 b3 5 b7",
    "diminished-seventh": "1 b3 b5 bb7",
    "augmented-seventh": "1 3 #5 b7",
    "half-diminished": "1 b3 b5 b7",
    "major-minor": "1 b3 5 7",
    "major-sixth": "1 3 5 6",
    "minor-sixth": "1 b3 5 6",
    "dominant-ninth": "1 3 5 b7 9",
    "major-ninth": "1 3 5 7 9",
    "minor-ninth": "1 b3 5 b7 9",
    "dominant-11th": "1 3 5 b7 9 11",
    "major-11th": "1 3 5 7 9 11",
    "minor-11th": "1 b3 5 b7 9 11",
    "dominant-13th": "1 3 5 b7 9 13",
    "major-13th": "1 3 5 7 9 13",
    "minor-13th": "1 b3 5 b7 9 13",
    "suspended-second": "1 2 5",
    "suspended-fourth": "1 4 5",
    "power": "1 5",
    "Neapolitan": "1 3 5",
    "Italian": "1 3 b7",
    "French": "1 3 b5 b7",
    "German": "1 3 5 b7",
    "Tristan": "1 b3 b5 b7",
    "pedal": "1 5",
}
_NUMBERS = {2: 9, 10: 9}  # degrees that are added an octave higher; a sharp tenth is a ninth
_ALTERS = {-2: "bb", -1: "b", 0: "", 1: "#"}
_SEVENTHS = {-1: "bb7", 0: "b7", 1: "7"}  # what is added counts from the tones of a dominant seventh


def read_harmony(element: Element) -> Chord | None:
    """The chord of a `<harmony>`; None where it cannot be told, such as a function without a root."""
    kind = element.find("kind")
    name = (kind.text or "").strip() if kind is not None else ""
    if name == "none":
        return NO_CHORD
    root = _pitch_class(element, "root")
    if root is None:
        return None
    quality = _quality(element, name, kind)
    bass = _pitch_class(element, "bass")
    return None if quality is None else Chord(root, quality, None if bass == root else bass)


def _quality(element: Element, name: str, kind: Element | None) -> Quality | None:
    """By the kind and its degrees; where these make no chord, by the text that is shown."""
    shown = kind.get("text", "") if kind is not None else ""
    if name in KINDS:
        try:
            degrees = _with_degrees(set(KINDS[name].split()), element.findall("degree"))
            if degrees & {"3", "b3"} and "4" in degrees and "sus" not in shown:
                degrees = degrees - {"4"} | {"11"}
            return quality_of(frozenset(degrees))
        except ValueError:
            pass
    try:
        return read_chord(f"C{shown}").quality
    except ChordError:
        return quality_of(frozenset(KINDS[name].split())) if name in KINDS else None


def _with_degrees(degrees: set[str], changes: Iterable[Element]) -> set[str]:
    """The degrees of a kind after what is added, altered or subtracted. Raises ValueError."""
    for change in changes:
        number = int(change.findtext("degree-value", "0"))
        alter = round(float(change.findtext("degree-alter", "0") or 0))
        kind = (change.findtext("degree-type") or "add").strip()
        present = {degree for degree in degrees if number_of(degree) == number}
        if kind == "subtract":
            degrees -= present
            continue
        if kind == "alter":
            degrees -= present
        number = _NUMBERS.get(number, number) if kind == "add" else number
        degree = f"{_ALTERS[alter]}{number}" if alter in _ALTERS else "?"
        if number == 7 and kind == "add":
            degree = _SEVENTHS.get(alter, "?")
        elif degree in ("#4", "b6") and degrees & {"b7", "7"}:
            degree = {"#4": "#11", "b6": "b13"}[degree]
        elif degree in ("b5", "#5"):
            degrees -= {"5"}
        degrees.add(degree)
    return degrees


def _pitch_class(element: Element, part: str) -> int | None:
    step = (element.findtext(f"{part}/{part}-step") or "").strip()
    try:
        alter = round(float(element.findtext(f"{part}/{part}-alter") or 0))
        return (pitch_class_of(step) + alter) % 12
    except (ValueError, OverflowError):
        return None


def harmony_element(chord: Chord, key: Key, offset: int) -> Element:
    """The `<harmony>` of a chord; `offset` is its place after this point, in divisions."""
    element = Element("harmony")
    if chord.root is None:
        _note(element, "root", "C")
        SubElement(element, "kind", text="N.C.").text = "none"
    else:
        _note(element, "root", key.spell(chord.root))
        kind, changes = _kind_of(chord.quality)
        SubElement(element, "kind", text=chord.quality.name).text = kind
        if chord.bass is not None:
            _note(element, "bass", key.spell(chord.bass))
        for number, alter, what in changes:
            degree = SubElement(element, "degree")
            SubElement(degree, "degree-value").text = str(number)
            SubElement(degree, "degree-alter").text = str(alter)
            SubElement(degree, "degree-type").text = what
    if offset:
        SubElement(element, "offset").text = str(offset)
    return element


def _note(element: Element, part: str, name: str) -> None:
    note = SubElement(element, part)
    SubElement(note, f"{part}-step").text = name[0]
    if name[1:]:
        SubElement(note, f"{part}-alter").text = str(name.count("#") - name.count("b"))


def _kind_of(quality: Quality) -> tuple[str, list[tuple[int, int, str]]]:
    """The kind with the most degrees of the quality, and what must be changed: number, alteration, and how."""
    own = set(quality.degrees)

    def distance(kind: str) -> tuple[int, int]:
        degrees = set(KINDS[kind].split())
        return len(degrees ^ own), len(degrees - own)

    kind = min(KINDS, key=distance)
    degrees = set(KINDS[kind].split())
    changes = [(number_of(d), _alteration(d), "subtract") for d in quality_order(degrees - own)]
    changes += [(number_of(d), _alteration(d), "add") for d in quality_order(own - degrees)]
    return kind, changes


def quality_order(degrees: Iterable[str]) -> list[str]:
    """Degrees by their number."""
    return sorted(degrees, key=lambda degree: (number_of(degree), degree))


def _alteration(degree: str) -> int:
    return degree.count("#") - degree.count("b") + (number_of(degree) == 7)
