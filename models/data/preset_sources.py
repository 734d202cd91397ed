"""Which pieces of the corpus make each shipped style: a rule per preset, by source, title, tempo or density.

A preset is the mean, in the latent space, of the pieces that its rule matches (`models.release.style_presets`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..runtime.weights_file import FULL
from .corpus import Piece


@dataclass(frozen=True)
class Rule:
    """How a preset is made: its name, the pieces that it is the mean of, its settings, and the weights that it asks for (`musician`).

    `source` describes the pieces for people. `natural_habits` are not set in the preset: the musician has them in this style by
    itself, and too much of them when they are set ("Which habits each preset keeps" in EXPERIMENTS).
    """

    title: str
    description: str
    source: str
    matches: Callable[[Piece], bool]
    sampling: dict[str, float] = field(default_factory=dict)
    answer: dict[str, float] = field(default_factory=dict)
    musician: str = ""
    natural_habits: tuple[str, ...] = ()


def title_matches(words: str, *sources: str) -> Callable[[Piece], bool]:
    """Pieces of these sources whose title, composer or file name matches."""
    pattern = re.compile(words, re.IGNORECASE)

    def matches(piece: Piece) -> bool:
        text = " ".join(str(piece.about.get(k, "")) for k in ("title", "composer", "tags"))
        return piece.source in sources and bool(pattern.search(text))

    return matches


def tempo_between(low: float, high: float) -> Callable[[Piece], bool]:
    """Jazz solos at `low` to `high` beats a minute."""

    def matches(piece: Piece) -> bool:
        found = re.search(r"qpm=(\d+)", str(piece.about.get("tags", "")))
        return piece.source == "wjd" and found is not None and low <= float(found[1]) < high

    return matches


def density_between(source: str, low: float, high: float) -> Callable[[Piece], bool]:
    """Pieces of a source with `low` to `high` notes a second."""

    def matches(piece: Piece) -> bool:
        return piece.source == source and low <= len(piece) / max(float(piece.onset[-1]), 1.0) < high

    return matches


def played_by(*names: str) -> Callable[[Piece], bool]:
    """Jazz piano by these artists."""

    def matches(piece: Piece) -> bool:
        return piece.source == "pijama" and piece.about.get("artist") in names

    return matches


def all_of(a: Callable[[Piece], bool], b: Callable[[Piece], bool]) -> Callable[[Piece], bool]:
    """Pieces that both conditions match."""
    return lambda piece: a(piece) and b(piece)


ROLLS = ("pianolatron", "pianolatron_supra", "giantmidi")

RULES = {
    "late-night-ballad": Rule(
        "Late-night ballad",
        "Slow and warm, a tune over soft chords, with room to breathe.",
        "the calmest songs of the songbook lead sheets",
        density_between("openewld", 0.0, 3.5),
        {"temperature": 0.9, "density": 8.0, "pull": 0.15, "habit": 0.7, "motif": 1.7, "rhythm": 0.8},
        natural_habits=("length", "stride"),
    ),
    "nocturne": Rule(
        "Nocturne",
        "A singing line over wide, pedalled left-hand figures.",
        "nocturnes, berceuses, consolations and romances on reproducing rolls",
        title_matches(r"nocturne|notturno|berceuse|consolation|liebestr|romance", *ROLLS),
    ),
    "ragtime": Rule(
        "Ragtime",
        "Stride and syncopation at a brisk walk.",
        "fox-trots, one-steps and rags on rolls",
        title_matches(r"fox-?trot|one-?step|ragtime|\brag\b|cake", *ROLLS),
        {"density": 16.0, "lowest": 32.0, "highest": 93.0},
    ),
    "salon-waltz": Rule(
        "Salon waltz",
        "Three in a bar, light feet, a glitter in the right hand.",
        "waltzes on rolls",
        title_matches(r"waltz|valse|walzer|vals\b", *ROLLS),
        natural_habits=("length",),
    ),
    "bebop-line": Rule(
        "Bebop line",
        "One long single line, fast and chromatic.",
        "jazz solos at 180 beats a minute and above",
        tempo_between(180, 400),
        {"temperature": 1.0, "lowest": 48.0, "highest": 90.0, "habit": 0.6},
        natural_habits=("leap", "wait", "length"),
    ),
    "slow-blues-line": Rule(
        "Slow blues line",
        "A single line that takes its time.",
        "jazz solos below 110 beats a minute",
        tempo_between(30, 110),
        {"density": 7.0, "lowest": 48.0, "highest": 90.0},
        natural_habits=("leap", "length"),
    ),
    "pop-ballad": Rule(
        "Pop ballad",
        "A clear tune, broken chords, a steady pulse.",
        "the calmer half of the pop arrangements",
        density_between("pop909", 0.0, 6.5),
        {"temperature": 0.9, "pull": 0.15, "habit": 0.7},
        natural_habits=("length", "stride", "wait"),
    ),
    "pop-drive": Rule(
        "Pop drive",
        "Full chords in both hands, straight ahead.",
        "the busier pop arrangements",
        density_between("pop909", 8.0, 40.0),
        {"temperature": 0.9, "density": 16.0},
    ),
    "baroque": Rule(
        "Baroque",
        "Running voices, even touch, clear steps.",
        "Bach, Scarlatti and Handel",
        title_matches(r"\bbach\b|scarlatti|handel|händel", *ROLLS),
        {"temperature": 0.9},
        natural_habits=("stride",),
    ),
    "impressionist": Rule(
        "Impressionist",
        "Colour before tune: wide chords, soft edges.",
        "Debussy and Ravel",
        title_matches(r"debussy|ravel", *ROLLS),
        natural_habits=("chord",),
    ),
    "wedding-dance": Rule(
        "Wedding dance",
        "Klezmer: quick, bright, ornamented.",
        "klezmer rolls",
        title_matches(r"perlstein|freilach|jewish|palesteena|bulgar|doina", "pianolatron"),
        {"density": 18.0},
    ),
    "tango": Rule(
        "Tango",
        "Sharp chords, dark bass, a lean to the line.",
        "tangos on rolls",
        title_matches(r"tango", "pianolatron", "pianolatron_supra"),
    ),
    "songbook": Rule(
        "Songbook",
        "A tune and its chords, plainly, in time.",
        "songbook lead sheets, the livelier ones: traditional songs and standards",
        density_between("openewld", 4.0, 40.0),
        {"temperature": 0.88, "density": 10.0, "habit": 0.7, "motif": 1.2, "pull": 0.15},
        natural_habits=("length",),
    ),
    "stride-piano": Rule(
        "Stride piano",
        "The left hand strides, the right one dances. By the weights full, which are not for commercial use.",
        "solo jazz piano by seven masters of stride and swing",
        played_by(
            "Art Tatum", "Dave McKenna", "Dick Hyman", "Earl Hines", "Mary Lou Williams", "Ralph Sutton", "Teddy Wilson"
        ),
        {"density": 16.0},
        musician=FULL,
    ),
    "jazz-ballad": Rule(
        "Jazz ballad",
        "Slow, rich chords, and time to listen to them. By the weights full, which are not for commercial use.",
        "the calmest solo jazz piano",
        density_between("pijama", 0.0, 5.0),
        musician=FULL,
    ),
    "modern-jazz": Rule(
        "Modern jazz",
        "Inner voices and open harmonies that flow on. By the weights full, which are not for commercial use.",
        "solo jazz piano by eleven pianists of the last sixty years, the calmest aside",
        all_of(
            density_between("pijama", 5.0, 40.0),
            played_by(
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
