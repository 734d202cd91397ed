"""Chord symbols: one reader for all usual dialects, and one writer.

Reads those of jazz fake books and iReal Pro (`C^7 C-7 Ch7 Co7`), of pop (`Cmaj7 Cm7 Cdim7 Cadd9`), of Impro-Visor (`CM7 Cm7b5`) and
the signs Δ, ø, ° and –. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .chords import NO_CHORD, Chord
from .qualities import Quality, number_of, quality_of
from .spelling import C_MAJOR, Key, pitch_class_of

LONGEST_SYMBOL = 40  # characters
NO_CHORD_SYMBOL = "N.C."
_NO_CHORD = re.compile(r"(?i)n\.? ?c\.?|n|no ?chord|tacet")
_SYMBOL = re.compile(r"([A-G](?:b{1,2}|#{1,2})?)(.*?)(?:[/\\]([A-G](?:b{1,2}|#{1,2})?))?")
_SIGNS = {
    "♭": "b",
    "♯": "#",
    "𝄫": "bb",
    "𝄪": "##",
    "∆": "^",
    "Δ": "^",
    "△": "^",
    "Ø": "h",
    "ø": "h",
    "°": "o",
    "º": "o",
    "˚": "o",
}
_SIGNS |= {"−": "-", "–": "-", "—": "-", "‑": "-", "⁺": "+", "⁷": "7", "⁶": "6", "⁹": "9", "¹": "1", "³": "3"}
_TABLE = str.maketrans(_SIGNS)
_IGNORED = re.compile(r"[\s(),\[\]{}_.:*]")

#: How a symbol goes on after its root: the triad, the number, and then any of `_CHANGE`.
_MAJOR = r"maj(?:or)?|Maj(?:or)?|MAJ|Ma|MA|ma(?!dd)|M(?![Ii])|\^|j"
_TRIADS = (
    ("hdim", re.compile(r"h(?:alf)?(?:-?dim(?:inished)?)?|½dim")),
    ("dim", re.compile(r"dim(?:inished)?|Dim|DIM|o")),
    ("aug", re.compile(r"aug(?:mented)?|Aug|AUG|\+(?![59]|11)|\+(?=[79]|11$)")),
    ("dom", re.compile(r"dom(?:inant)?")),
    ("maj", re.compile(_MAJOR)),
    ("min", re.compile(r"min(?:or)?|Min(?:or)?|MIN|mi|Mi|MI|m|-")),
)
_NUMBER = re.compile(r"6/?9|69|13|11|9|7|6|5|2|4")
_CHANGE = re.compile(
    r"(?P<sus>susadd3|add3sus|sus2/?4|sus4|sus2|sus|phryg(?:ian)?|phry)"
    r"|(?P<alt>alt(?:ered)?)"
    r"|(?P<omit>(?:no|omit)(?P<omitted>[35]))"
    r"|(?P<add>add(?P<added>b6|[b#+-]?\d+))"
    rf"|(?P<seventh>/?(?:{_MAJOR})7)"
    r"|(?P<aug>aug|\+(?!\d))"
    r"|(?P<lyd>lyd(?:ian)?)"
    r"|(?P<plain>/?(?P<degree>[b#+-](?:5|6|9|10|11|13|4)|69|13|11|9|7|6|5))"
)
_BASES = {
    "maj": "1 3 5",
    "dom": "1 3 5",
    "": "1 3 5",
    "min": "1 b3 5",
    "dim": "1 b3 b5",
    "hdim": "1 b3 b5 b7",
    "aug": "1 3 #5",
}
_STACKS = {"7": "", "9": "9", "11": "9 11", "13": "9 13"}  # what a number adds beside the seventh


class ChordError(ValueError):
    """A text is no chord symbol; one sentence that says why and what to write."""


@lru_cache(maxsize=4096)
def read_chord(text: str) -> Chord:
    """The chord of a symbol in any usual dialect; `N.C.` is `NO_CHORD`. Raises ChordError."""
    symbol = text.strip()
    if not 0 < len(symbol) <= LONGEST_SYMBOL:
        raise ChordError(f"{text[:20]!r} is no chord symbol; write one such as C7, Fm7 or Bbmaj7/D.")
    if _NO_CHORD.fullmatch(symbol):
        return NO_CHORD
    found = _SYMBOL.fullmatch(symbol.translate(_TABLE))
    if found is None:
        raise ChordError(f"{symbol!r} is no chord symbol: it begins with a root A to G, as C7, Fm7 or Bbmaj7/D.")
    root = pitch_class_of(found[1])
    bass = None if found[3] is None else pitch_class_of(found[3])
    try:
        quality = quality_of(frozenset(_degrees(_IGNORED.sub("", found[2]))))
    except ValueError as error:
        raise ChordError(f"{symbol!r} is no chord symbol that we know; write one such as C7, Fm7 or C7#9.") from error
    return Chord(root, quality, None if bass == root else bass)


def write_chord(chord: Chord, key: Key = C_MAJOR) -> str:
    """The symbol of a chord, root and bass spelled as in the key."""
    if chord.root is None:
        return NO_CHORD_SYMBOL
    bass = "" if chord.bass is None else f"/{key.spell(chord.bass)}"
    return f"{key.spell(chord.root)}{chord.quality.name}{bass}"


def read_quality(text: str) -> Quality:
    """The quality of what follows a root. Raises ChordError."""
    return read_chord(f"C{text}").quality


def _degrees(rest: str) -> set[str]:
    """The degrees that the rest of a symbol names. Raises ValueError."""
    triad, at = _triad_of(rest)
    degrees = set(_BASES[triad].split())
    if (
        triad == "min" and (found := re.compile(rf"/?(?:{_MAJOR})").match(rest, at)) is not None
    ):  # minor with a major seventh
        at = found.end()
        degrees.add("7")
    elif triad == "dim" and (found := re.compile(rf"(?:{_MAJOR})7?").match(rest, at)) is not None:
        return _changed(degrees | {"7"}, rest, found.end())
    if (found := _NUMBER.match(rest, at)) is not None:
        degrees = _stack(degrees, triad, found[0].replace("/", ""))
        at = found.end()
    elif rest[:at] in ("^", "h") or (triad == "maj" and rest[:at] == "^"):
        degrees = _stack(degrees, triad, "7")
    return _changed(degrees, rest, at)


def _triad_of(rest: str) -> tuple[str, int]:
    """Which triad the text begins with, and where it goes on."""
    for name, pattern in _TRIADS:
        if (found := pattern.match(rest)) is not None:
            return name, found.end()
    return "", 0


def _stack(degrees: set[str], triad: str, number: str) -> set[str]:
    """A triad with what a number adds to it."""
    if number == "5":
        if triad:
            raise ValueError("a fifth alone has no third")
        return {"1", "5"}
    if number == "2":
        return degrees | {"9"}
    if number == "4":
        return (degrees - {"3", "b3"}) | {"4"}
    if number in ("6", "69"):
        return degrees | {"6"} | ({"9"} if number == "69" else set())
    seventh = "7" if triad == "maj" or "7" in degrees else "bb7" if triad == "dim" else "b7"
    return degrees | {seventh, *_STACKS[number].split()}


def _changed(degrees: set[str], rest: str, at: int) -> set[str]:
    """The degrees after all changes that follow in the text. Raises ValueError for anything else."""
    while at < len(rest):
        found = _CHANGE.match(rest, at)
        if found is None or found.end() == at:
            raise ValueError(f"unknown: {rest[at:]}")
        degrees = _change(degrees, found)
        at = found.end()
    return degrees


def _change(degrees: set[str], found: re.Match[str]) -> set[str]:
    """The degrees after one change."""
    if found["sus"]:
        return _suspended(degrees, found["sus"])
    if found["alt"]:
        return {"1", "3", "b7", "b9", "#9", "#11", "b13"}
    if found["omit"]:
        return degrees - ({"3", "b3"} if found["omitted"] == "3" else {"5", "b5", "#5"})
    if found["seventh"]:
        return (degrees - {"b7", "bb7"}) | {"7"}
    if found["aug"]:
        return (degrees - {"5"}) | {"#5"}
    if found["lyd"]:
        return degrees | {"#11"}
    if found["add"]:
        return degrees | {_degree(found["added"], degrees)}
    degree = _degree(found["degree"], degrees)
    if degree == "69":
        return degrees | {"6", "9"}
    if degree == "7":
        return degrees | {"b7"}
    if degree[0] in "b#":  # an alteration takes the place of the plain degree
        degrees = degrees - {str(number_of(degree))}
    return degrees | {degree}


def _degree(text: str, degrees: set[str]) -> str:
    """A degree as `qualities` writes it. Raises ValueError for one that no chord has."""
    degree = text.replace("+", "#").replace("-", "b")
    known = {"2": "9", "4": "11", "#4": "#11", "#10": "#9", "b10": "#9", "b2": "b9", "#2": "#9", "add6": "6"}
    degree = known.get(degree, degree)
    if degree == "b6" and ("b7" in degrees or "7" in degrees):
        return "b13"
    if degree == "#6":
        raise ValueError(degree)
    return degree


def _suspended(degrees: set[str], kind: str) -> set[str]:
    """The degrees with the third suspended."""
    if kind in ("susadd3", "add3sus"):
        return degrees | {"4"}
    bare = degrees - {"3", "b3"}
    if kind.startswith("phry"):
        return bare | {"4", "b7", "b9"}
    if kind == "sus2":
        return bare | {"2"}
    return bare - {"11"} | {"4"} | ({"9"} if kind.endswith("24") or kind.endswith("2/4") else set())
