"""A chord chart: title, key, metre, tempo, feel, and bars of chords with repeats, endings and signs.

A beat is a note of the metre's unit: a bar of 6/8 has six. Everything is checked when it is made: a chart that exists can be played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.music.harmony.chords import NO_CHORD, Chord
from models.music.harmony.spelling import C_MAJOR, Key

from ..errors import UserError

SWING, STRAIGHT, BOSSA, BALLAD, SHUFFLE = "swing", "straight", "bossa", "ballad", "shuffle"
FEELS = (SWING, STRAIGHT, BOSSA, BALLAD, SHUFFLE)
USUAL_TEMPO = {
    SWING: 140.0,
    STRAIGHT: 110.0,
    BOSSA: 130.0,
    BALLAD: 66.0,
    SHUFFLE: 116.0,
}  # beats a minute, where a chart says none
SLOWEST, FASTEST = 20.0, 400.0  # beats a minute, as of the transport
MOST_BARS = 1000  # written
MOST_CHORDS = 8  # in a bar
MOST_BEATS = 16  # in a bar
UNITS = (1, 2, 4, 8, 16)  # of a metre
MOST_TIMES = 16  # that a passage is played
LONGEST_TEXT = 200  # characters of a title or a composer
LONGEST_SECTION = 24  # characters
GRID = 48  # places in a beat at which a chord may begin


class ChartError(UserError):
    """A chart cannot be read or made; one sentence that says why and what to do."""


@dataclass(frozen=True)
class Metre:
    """`beats` of the note value `unit` in a bar: 4 and 4, or 6 and 8."""

    beats: int = 4
    unit: int = 4

    def __post_init__(self) -> None:
        if not (1 <= self.beats <= MOST_BEATS and self.unit in UNITS):
            raise ChartError(f"{self.beats}/{self.unit} is no metre for a chart; take one such as 4/4, 3/4 or 6/8.")

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"

    @property
    def is_compound(self) -> bool:
        """Whether one counts groups of three beats, as in 6/8 or 12/8."""
        return self.unit >= 8 and self.beats % 3 == 0 and self.beats > 3


@dataclass(frozen=True)
class PlacedChord:
    """A chord, and the beat of its bar on which it begins, 0 for the first."""

    beat: float
    chord: Chord


@dataclass(frozen=True)
class Jump:
    """At the end of a bar: go back once to the beginning (`is_to_segno`: to the segno), and play on.

    `until` is where that ends: "coda" (jump on to the coda), "fine", "ending" (after the last ending), or "" (at the end).
    """

    is_to_segno: bool = False
    until: str = ""

    def __str__(self) -> str:
        ends = {"coda": " al Coda", "fine": " al Fine", "ending": " al Ending", "": ""}
        return ("D.S." if self.is_to_segno else "D.C.") + ends[self.until]


@dataclass(frozen=True)
class Bar:
    """One written bar. The first chord is on beat 0.

    `section`: a name that begins here, or "". `repeat_end`: how often in all the passage that ends here is played, 0 where none ends.
    `endings`: the passes that play this bar, () for all. `is_coda` and `is_segno` stand at the beginning, `to_coda`, `is_fine` and
    `jump` at the end.
    """

    chords: tuple[PlacedChord, ...]
    metre: Metre = Metre()
    section: str = ""
    repeat_start: bool = False
    repeat_end: int = 0
    endings: tuple[int, ...] = ()
    is_segno: bool = False
    is_coda: bool = False
    to_coda: bool = False
    is_fine: bool = False
    jump: Jump | None = None

    def __post_init__(self) -> None:
        beats = [placed.beat for placed in self.chords]
        if not beats or beats[0] != 0.0 or sorted(set(beats)) != beats or beats[-1] >= self.metre.beats:
            raise ChartError("A bar holds chords in the order of their beats, the first on its first beat.")
        if len(beats) > MOST_CHORDS:
            raise ChartError(f"A bar holds at most {MOST_CHORDS} chords; write {len(beats)} chords as more bars.")
        if self.repeat_end and not 2 <= self.repeat_end <= MOST_TIMES:
            raise ChartError(f"A passage is repeated 2 to {MOST_TIMES} times in all; write |: C7 :|x3 for three times.")

    def transpose(self, steps: int) -> Bar:
        """The same bar, so many semitones higher."""
        return replace(self, chords=tuple(replace(c, chord=c.chord.transpose(steps)) for c in self.chords))


@dataclass(frozen=True)
class Chart:
    """A whole chart; `bars` are as they are written, `form` plays them. `tempo` is in beats a minute."""

    title: str
    bars: tuple[Bar, ...]
    composer: str = ""
    key: Key = C_MAJOR
    tempo: float = 120.0
    feel: str = SWING

    def __post_init__(self) -> None:
        if not 1 <= len(self.bars) <= MOST_BARS:
            raise ChartError(
                f"A chart has 1 to {MOST_BARS} bars, and this one {len(self.bars)}; write them as | C7 | F7 |."
            )
        if not SLOWEST <= self.tempo <= FASTEST:
            raise ChartError(f"A tempo is {SLOWEST:g} to {FASTEST:g} beats a minute, and not {self.tempo:g}.")
        if self.feel not in FEELS:
            raise ChartError(f"There is no feel {self.feel[:20]!r}; take {', '.join(FEELS)}.")

    @property
    def metre(self) -> Metre:
        """The metre of the first bar."""
        return self.bars[0].metre

    def transpose(self, steps: int) -> Chart:
        """The same chart, so many semitones higher: its chords and its key."""
        bars = tuple(bar.transpose(steps) for bar in self.bars)
        return replace(self, bars=bars, key=self.key.transpose(steps))


def on_grid(beat: float) -> float:
    """The nearest place at which a chord may begin."""
    return round(beat * GRID) / GRID


def spread(count: int, beats: int) -> list[float]:
    """Where so many chords of a bar begin, if nothing is said: on whole beats, longer ones first. Three in 4/4: 0, 2, 3."""
    if count > beats:
        return [on_grid(number * beats / count) for number in range(count)]
    length, longer = divmod(beats, max(count, 1))
    return [float(number * length + min(number, longer)) for number in range(count)]


def placed_chords(
    chords: Sequence[tuple[float, Chord]], metre: Metre, before: Chord = NO_CHORD
) -> tuple[PlacedChord, ...]:
    """A bar's chords on the grid, in order. `before` holds until the first; of two at one place the later counts."""
    found: dict[float, Chord] = {}
    for beat, chord in sorted(chords, key=lambda placed: placed[0]):
        if 0 <= (place := on_grid(beat)) < metre.beats:
            found[place] = chord
    if 0.0 not in found:
        found[0.0] = before
    placed: list[PlacedChord] = []
    for beat, chord in sorted(found.items()):
        if not placed or placed[-1].chord != chord:
            placed.append(PlacedChord(beat, chord))
    return tuple(placed)


def clean_text(text: str) -> str:
    """A title or a name on one line, of a length that fits."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_TEXT].strip()


def clean_section(text: str) -> str:
    """The name of a section without what our text form uses as signs."""
    return clean_text("".join(c for c in text if c not in "[]{}|:"))[:LONGEST_SECTION].strip()
