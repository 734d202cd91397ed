"""Chord qualities: the degrees of each, its family, and the tensions that may be added to it.

Pure. A degree is written as musicians do: `b7` is a minor seventh above the root, `#11` an augmented eleventh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

FAMILIES = ("maj", "min", "dom", "maj7", "min7", "hdim", "dim", "sus")
"""Coarse classes: sixth chords are maj or min, ninths and more are their seventh chord, augmented triads maj, augmented sevenths dom."""

_SCALE = (0, 2, 4, 5, 7, 9, 11)  # semitones of the degrees 1 to 7
_STEPS = {"bb": -2, "b": -1, "": 0, "#": 1}
#: All degrees that a chord may have, in the order in which a quality keeps them.
DEGREES = [
    "1",
    "2",
    "b3",
    "3",
    "4",
    "b5",
    "5",
    "#5",
    "b6",
    "6",
    "bb7",
    "b7",
    "7",
    "b9",
    "9",
    "#9",
    "11",
    "#11",
    "b13",
    "13",
]


def number_of(degree: str) -> int:
    """The number of a degree without its accidental: 7 for `b7`."""
    return int(degree.lstrip("b#"))


def semitones(degree: str) -> int:
    """How far a degree lies above the root, in semitones: 10 for `b7`, 14 for `9`."""
    number = number_of(degree)
    octaves, step = divmod(number - 1, 7)
    return 12 * octaves + _SCALE[step] + _STEPS[degree.rstrip("0123456789")]


@dataclass(frozen=True)
class Quality:
    """What a chord is above its root. `name` is how we write it after the root; `degrees` are in the order of `DEGREES`.

    `tensions` are degrees that may be added without a clash.
    """

    name: str
    degrees: tuple[str, ...]
    family: str
    tensions: tuple[str, ...]

    @cached_property
    def tones(self) -> tuple[int, ...]:
        """Semitones above the root of all degrees, lowest first."""
        return tuple(sorted(semitones(degree) for degree in self.degrees))

    @cached_property
    def third(self) -> str | None:
        """The degree that says major, minor or suspended; None for a power chord."""
        return next((d for d in ("3", "b3", "4", "2") if d in self.degrees), None)

    @cached_property
    def fifth(self) -> str | None:
        """The fifth, perfect or altered; None where there is none."""
        return next((d for d in ("5", "b5", "#5") if d in self.degrees), None)

    @cached_property
    def seventh(self) -> str | None:
        """The seventh, or the sixth that stands in its place; None for a triad."""
        return next((d for d in ("7", "b7", "bb7", "6", "b6") if d in self.degrees), None)

    @cached_property
    def guide_tones(self) -> tuple[str, ...]:
        """The degrees that tell this chord from others: third and seventh, as far as there are any."""
        return tuple(degree for degree in (self.third, self.seventh) if degree is not None)


#: Name and degrees. The first name of a set of degrees is the one that is written.
_TABLE = """
(major)     1 3 5
5           1 5
add9        1 3 5 9
add11       1 3 5 11
6           1 3 5 6
69          1 3 5 6 9
maj7        1 3 5 7
maj9        1 3 5 7 9
maj13       1 3 5 7 9 13
maj7#11     1 3 5 7 #11
maj9#11     1 3 5 7 9 #11
maj13#11    1 3 5 7 9 #11 13
maj7b5      1 3 b5 7
maj7#5      1 3 #5 7
+           1 3 #5
majb5       1 3 b5
sus         1 4 5
sus2        1 2 5
m           1 b3 5
madd9       1 b3 5 9
mb6         1 b3 5 b6
m#5         1 b3 #5
m6          1 b3 5 6
m69         1 b3 5 6 9
m7          1 b3 5 b7
m9          1 b3 5 b7 9
m11         1 b3 5 b7 9 11
m13         1 b3 5 b7 9 13
m7add11     1 b3 5 b7 11
m7#5        1 b3 #5 b7
m(maj7)     1 b3 5 7
m(maj9)     1 b3 5 7 9
m7b5        1 b3 b5 b7
m9b5        1 b3 b5 b7 9
m11b5       1 b3 b5 b7 9 11
dim         1 b3 b5
dim7        1 b3 b5 bb7
dim(maj7)   1 b3 b5 7
7           1 3 5 b7
9           1 3 5 b7 9
11          1 3 5 b7 9 11
13          1 3 5 b7 9 13
7b5         1 3 b5 b7
7#5         1 3 #5 b7
7b9         1 3 5 b7 b9
7#9         1 3 5 b7 #9
7b9#9       1 3 5 b7 b9 #9
7#11        1 3 5 b7 #11
7b13        1 3 5 b7 b13
7add13      1 3 5 b7 13
9b5         1 3 b5 b7 9
9#5         1 3 #5 b7 9
9#11        1 3 5 b7 9 #11
13#11       1 3 5 b7 9 #11 13
13b9        1 3 5 b7 b9 13
13#9        1 3 5 b7 #9 13
7b9b5       1 3 b5 b7 b9
7#9b5       1 3 b5 b7 #9
7b9#5       1 3 #5 b7 b9
7#9#5       1 3 #5 b7 #9
7b9#11      1 3 5 b7 b9 #11
7#9#11      1 3 5 b7 #9 #11
7b9b13      1 3 5 b7 b9 b13
7#9b13      1 3 5 b7 #9 b13
7alt        1 3 b7 b9 #9 #11 b13
7sus        1 4 5 b7
9sus        1 4 5 b7 9
13sus       1 4 5 b7 9 13
7b9sus      1 4 5 b7 b9
13b9sus     1 4 5 b7 b9 13
7susadd3    1 3 4 5 b7
"""


def _in_order(degrees: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(degrees), key=DEGREES.index))


def _family(degrees: frozenset[str]) -> str:
    """The coarse class of a set of degrees."""
    if "3" not in degrees and "b3" not in degrees:
        return "sus" if degrees & {"2", "4"} else "maj"
    if "b3" in degrees and "3" not in degrees:
        if "b5" in degrees:
            return "hdim" if "b7" in degrees else "dim"
        return "min7" if "b7" in degrees else "min"
    if "4" in degrees:
        return "sus"
    return "dom" if "b7" in degrees else "maj7" if "7" in degrees else "maj"


_TENSIONS = {
    "maj": ("9", "#11", "13"),
    "maj7": ("9", "#11", "13"),
    "min": ("9", "11", "13"),
    "min7": ("9", "11", "13"),
    "dom": ("9", "#11", "13"),
    "hdim": ("9", "11", "b13"),
    "dim": ("9", "11", "b13"),
    "sus": ("9", "13"),
}
_ALTERED = ("b9", "#9", "#11", "b13")


def _tensions(degrees: frozenset[str], family: str) -> tuple[str, ...]:
    """The tensions of the chord itself, then those that lie a whole step above one of its tones; an altered dominant takes altered ones."""
    own = [degree for degree in DEGREES if degree in degrees and number_of(degree) > 7]
    is_altered = family == "dom" and bool(degrees & {"b9", "#9", "b13"})
    offered = _ALTERED if is_altered else _TENSIONS[family]
    tones = {semitones(degree) % 12 for degree in degrees}
    taken = {number_of(degree) for degree in own}
    for degree in offered:
        above = semitones(degree) % 12
        is_free = above not in tones and number_of(degree) not in taken
        if is_free and (is_altered or (above - 1) % 12 not in tones):
            own.append(degree)
    return tuple(own)


def _quality(name: str, degrees: Iterable[str]) -> Quality:
    kept = _in_order(degrees)
    family = _family(frozenset(kept))
    return Quality(name, kept, family, _tensions(frozenset(kept), family))


def _read_table() -> dict[frozenset[str], Quality]:
    found: dict[frozenset[str], Quality] = {}
    for line in _TABLE.strip().splitlines():
        name, *degrees = line.split()
        found[frozenset(degrees)] = _quality("" if name == "(major)" else name, degrees)
    return found


_BY_DEGREES = _read_table()
QUALITIES = tuple(_BY_DEGREES.values())
"""The qualities that have a name of their own."""
_ADDED = {"6", *DEGREES[DEGREES.index("b9") :]}  # degrees that can be written after a name
_OMITTED = {
    "5": ("b5", "#5"),
    "3": ("b3", "2", "4"),
}  # degrees that a name may say are left out, and what else may stand there


@lru_cache(maxsize=4096)
def quality_of(degrees: frozenset[str]) -> Quality:
    """The quality of these degrees: one of `QUALITIES`, or a new one named after the nearest of them. Raises ValueError for no chord.

    What a name does not say is added to it: a `7b9` with a natural ninth is a `7b9add9`, a seventh without a fifth a `7no5`.
    """
    if degrees in _BY_DEGREES:
        return _BY_DEGREES[degrees]
    if "1" not in degrees or not degrees <= set(DEGREES):
        raise ValueError(f"not the degrees of a chord: {' '.join(sorted(degrees))}")
    inside = [q for q in QUALITIES if set(q.degrees) <= degrees and degrees - set(q.degrees) <= _ADDED]
    if inside:
        nearest = max(inside, key=lambda q: len(q.degrees))
        added = [degree for degree in DEGREES if degree in degrees and degree not in nearest.degrees]
        return _quality(nearest.name + "".join(_addition(degree, degrees) for degree in added), degrees)
    for degree, others in _OMITTED.items():
        if degree not in degrees and not degrees & set(others):
            return _quality(f"{quality_of(degrees | {degree}).name}no{degree}", degrees)
    raise ValueError(f"not the degrees of a chord: {' '.join(sorted(degrees))}")


def _addition(degree: str, degrees: frozenset[str]) -> str:
    """How a degree is written after a name; an alteration alone would mean that the plain degree is not there."""
    return degree if degree[0] in "b#" and str(number_of(degree)) not in degrees else f"add{degree}"
