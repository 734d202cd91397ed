"""Collects the bars of a chart while a file is read: what holds on, what is repeated, and what was said for the whole chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.music.harmony.chords import NO_CHORD, Chord
from models.music.harmony.spelling import Key

from ..chart import (
    BALLAD,
    BOSSA,
    FASTEST,
    FEELS,
    MOST_BARS,
    SHUFFLE,
    SLOWEST,
    STRAIGHT,
    SWING,
    USUAL_TEMPO,
    Bar,
    Chart,
    ChartError,
    Metre,
    clean_section,
    clean_text,
    placed_chords,
)

#: Words of style names, and the feel that they mean; the first that is found counts.
_STYLE_WORDS = (
    (
        BOSSA,
        (
            "bossa",
            "samba",
            "latin",
            "afro",
            "baião",
            "baiao",
            "bolero",
            "cha cha",
            "son montuno",
            "calypso",
            "salsa",
            "tango",
        ),
    ),
    (SHUFFLE, ("shuffle", "boogie", "12/8", "slow rock", "rhythm and blues")),
    (BALLAD, ("ballad", "slow")),
    (
        STRAIGHT,
        (
            "even",
            "straight",
            "rock",
            "pop",
            "funk",
            "soul",
            "rnb",
            "r&b",
            "reggae",
            "disco",
            "country",
            "folk",
            "house",
            "gospel",
        ),
    ),
    (SWING, ("swing", "jazz", "bop", "walk", "blues", "waltz", "dixie", "trad", "gypsy")),
)


def feel_of(style: str) -> str | None:
    """The feel that the name of a style means; None where it means none."""
    text = style.casefold()
    if text.strip() in FEELS:
        return text.strip()
    if "swing" in text and "ballad" not in text:
        return SWING
    return next((feel for feel, words in _STYLE_WORDS if any(word in text for word in words)), None)


class BarBuilder:
    """Bars in the order of the page. `metre` holds for the bars that are added from now on."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.metre = Metre()
        self.section = ""  # of the next bar

    def add(self, chords: Sequence[tuple[float, Chord]]) -> None:
        """One bar; without a chord, the last one goes on. Raises ChartError."""
        if len(self.bars) >= MOST_BARS:
            raise ChartError(f"A chart has at most {MOST_BARS} bars; write fewer.")
        placed = placed_chords(chords, self.metre, self.last_chord)
        self.bars.append(Bar(placed, self.metre, clean_section(self.section)))
        self.section = ""

    def repeat_bar(self, back: int = 1) -> None:
        """The chords of the bar so many bars before, once more. Raises ChartError where there is none."""
        if len(self.bars) < back:
            raise ChartError("A bar repeats the one before it, and there is none; write its chord.")
        self.add([(placed.beat, placed.chord) for placed in self.bars[-back].chords])

    @property
    def last_chord(self) -> Chord:
        """The chord with which the last bar ends."""
        return self.bars[-1].chords[-1].chord if self.bars else NO_CHORD

    def mark(self, **changes: object) -> None:
        """Change what stands at the last bar."""
        self.bars[-1] = replace(self.bars[-1], **changes)  # type: ignore[arg-type]

    def chart(self, title: str, composer: str, key: Key, tempo: float | None, feel: str | None) -> Chart:
        """The whole. What was not said is as usual. Raises ChartError."""
        if not self.bars:
            raise ChartError("There is no bar in it; write the bars as | C7 | F7 | C7 | C7 |.")
        kept = SWING if feel is None else feel
        if tempo is None or not tempo > 0:
            tempo = USUAL_TEMPO[kept] * (2 if self.bars[0].metre.is_compound else 1)
        tempo = min(max(tempo, SLOWEST), FASTEST)
        return Chart(clean_text(title) or "Untitled", tuple(self.bars), clean_text(composer), key, tempo, kept)
