"""Which pieces of the corpus make each shipped style: a rule per preset, by source, title, tempo or density.

A preset is the middle, in the latent space, of the pieces that its rule picks (`models.release.style_presets`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..runtime.weights_file import FULL
from .corpus import Piece


@dataclass(frozen=True)
class Rule:
    """A preset to be: what it is called, which pieces it is the middle of, how it is played, and by which weights it asks to be.

    Habits `by_itself` are those that the musician has in this style without being told, and has too much of when it is.
    """

    title: str
    description: str
    source: str
    picks: Callable[[Piece], bool]
    sampling: dict[str, float] = field(default_factory=dict)
    answer: dict[str, float] = field(default_factory=dict)
    musician: str = ""
    by_itself: tuple[str, ...] = ()


def titled(words: str, *sources: str) -> Callable[[Piece], bool]:
    """Pieces of these sources whose title, composer or file name matches."""
    pattern = re.compile(words, re.IGNORECASE)

    def picks(piece: Piece) -> bool:
        text = " ".join(str(piece.about.get(k, "")) for k in ("title", "composer", "tags"))
        return piece.source in sources and bool(pattern.search(text))

    return picks


def tempo(low: float, high: float) -> Callable[[Piece], bool]:
    """Jazz solos whose beats a minute are within these bounds."""

    def picks(piece: Piece) -> bool:
        found = re.search(r"qpm=(\d+)", str(piece.about.get("tags", "")))
        return piece.source == "wjd" and found is not None and low <= float(found[1]) < high

    return picks


def density(source: str, low: float, high: float) -> Callable[[Piece], bool]:
    """Pieces of a source with so many notes a second."""

    def picks(piece: Piece) -> bool:
        return piece.source == source and low <= len(piece) / max(float(piece.onset[-1]), 1.0) < high

    return picks


def soloists(*names: str) -> Callable[[Piece], bool]:
    """Jazz piano by these."""

    def picks(piece: Piece) -> bool:
        return piece.source == "pijama" and piece.about.get("artist") in names

    return picks


def both(a: Callable[[Piece], bool], b: Callable[[Piece], bool]) -> Callable[[Piece], bool]:
    """Pieces that two rules pick."""
    return lambda piece: a(piece) and b(piece)


ROLLS = ("pianolatron", "pianolatron_supra", "giantmidi")

RULES = {
    "late-night-ballad": Rule(
        "Late-night ballad",
        "Slow and warm, a tune over soft chords, with room to breathe.",
        "the calmest songs of the songbook lead sheets",
        density("openewld", 0.0, 3.5),
        {"temperature": 0.9, "density": 8.0, "pull": 0.15, "habit": 0.7, "motif": 1.7, "rhythm": 0.8},
        by_itself=("length", "stride"),
    ),
    "nocturne": Rule(
        "Nocturne",
        "A singing line over wide, pedalled left-hand figures.",
        "nocturnes, berceuses, consolations and romances on reproducing rolls",
        titled(r"nocturne|notturno|berceuse|consolation|liebestr|romance", *ROLLS),
    ),
    "ragtime": Rule(
        "Ragtime",
        "Stride and syncopation at a brisk walk.",
        "fox-trots, one-steps and rags on rolls",
        titled(r"fox-?trot|one-?step|ragtime|\brag\b|cake", *ROLLS),
        {"density": 16.0, "lowest": 32.0, "highest": 93.0},
    ),
    "salon-waltz": Rule(
        "Salon waltz",
        "Three in a bar, light feet, a glitter in the right hand.",
        "waltzes on rolls",
        titled(r"waltz|valse|walzer|vals\b", *ROLLS),
        by_itself=("length",),
    ),
    "bebop-line": Rule(
        "Bebop line",
        "One long single line, fast and chromatic.",
        "jazz solos at 180 beats a minute and above",
        tempo(180, 400),
        {"temperature": 1.0, "lowest": 48.0, "highest": 90.0, "habit": 0.6},
        by_itself=("leap", "wait", "length"),
    ),
    "slow-blues-line": Rule(
        "Slow blues line",
        "A single line that takes its time.",
        "jazz solos below 110 beats a minute",
        tempo(30, 110),
        {"density": 7.0, "lowest": 48.0, "highest": 90.0},
        by_itself=("leap", "length"),
    ),
    "pop-ballad": Rule(
        "Pop ballad",
        "A clear tune, broken chords, a steady pulse.",
        "the calmer half of the pop arrangements",
        density("pop909", 0.0, 6.5),
        {"temperature": 0.9, "pull": 0.15, "habit": 0.7},
        by_itself=("length", "stride", "wait"),
    ),
    "pop-drive": Rule(
        "Pop drive",
        "Full chords in both hands, straight ahead.",
        "the busier pop arrangements",
        density("pop909", 8.0, 40.0),
        {"temperature": 0.9, "density": 16.0},
    ),
    "baroque": Rule(
        "Baroque",
        "Running voices, even touch, clear steps.",
        "Bach, Scarlatti and Handel",
        titled(r"\bbach\b|scarlatti|handel|händel", *ROLLS),
        {"temperature": 0.9},
        by_itself=("stride",),
    ),
    "impressionist": Rule(
        "Impressionist",
        "Colour before tune: wide chords, soft edges.",
        "Debussy and Ravel",
        titled(r"debussy|ravel", *ROLLS),
        by_itself=("chord",),
    ),
    "wedding-dance": Rule(
        "Wedding dance",
        "Klezmer: quick, bright, ornamented.",
        "klezmer rolls",
        titled(r"perlstein|freilach|jewish|palesteena|bulgar|doina", "pianolatron"),
        {"density": 18.0},
    ),
    "tango": Rule(
        "Tango",
        "Sharp chords, dark bass, a lean to the line.",
        "tangos on rolls",
        titled(r"tango", "pianolatron", "pianolatron_supra"),
    ),
    "songbook": Rule(
        "Songbook",
        "A tune and its chords, plainly, in time.",
        "songbook lead sheets, the livelier ones: traditional songs and standards",
        density("openewld", 4.0, 40.0),
        {"temperature": 0.88, "density": 10.0, "habit": 0.7, "motif": 1.2, "pull": 0.15},
        by_itself=("length",),
    ),
    "stride-piano": Rule(
        "Stride piano",
        "The left hand strides, the right one dances. By the weights full, which are not for commercial use.",
        "solo jazz piano by seven masters of stride and swing",
        soloists(
            "Art Tatum", "Dave McKenna", "Dick Hyman", "Earl Hines", "Mary Lou Williams", "Ralph Sutton", "Teddy Wilson"
        ),
        {"density": 16.0},
        musician=FULL,
    ),
    "jazz-ballad": Rule(
        "Jazz ballad",
        "Slow, rich chords, and time to listen to them. By the weights full, which are not for commercial use.",
        "the calmest solo jazz piano",
        density("pijama", 0.0, 5.0),
        musician=FULL,
    ),
    "modern-jazz": Rule(
        "Modern jazz",
        "Inner voices and open harmonies that flow on. By the weights full, which are not for commercial use.",
        "solo jazz piano by eleven pianists of the last sixty years, the calmest aside",
        both(
            density("pijama", 5.0, 40.0),
            soloists(
                "Bill Evans",
                "Brad Mehldau",
                "Denny Zeitlin",
                "Fred Hersch",
                "John Taylor",
                "Keith Jarrett",
                "Lynne Arriale",
                "Marc Copland",
                "Richard Beirach",
                "Steve Kuhn",
                "Walter Norris",
            ),
        ),
        musician=FULL,
    ),
}
