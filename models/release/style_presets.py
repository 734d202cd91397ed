"""Centroids: the presets, made from the corpus. Each is the middle, in the latent space, of pieces that a rule picks, and their habits.

Knows nothing of playing. The bars that were written for a preset, its vamp, are kept as they are. Run again whenever the weights
change, as a point means nothing to other weights:

    python -m models.release.style_presets --corpus DIR --weights open --out presets
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..data import corpus
from ..data.corpus import Piece
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..evaluation.likelihood import notes_of
from ..network import checkpoint
from ..runtime.weights_file import FULL
from ..steering import style_habits
from ..steering.style_habits import Habits


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


VAMP = "\n[vamp]\n"  # the last of a preset's tables
HEEDED = {"motif": 2.5}  # of what was called: more than usual, as a vamp draws away from it
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


def centroid(engine: Engine, pieces: list[Piece], most: int = 60, seed: int = 0) -> list[float]:
    """The mean style of up to `most` pieces, each heard in a few stretches from all over it."""
    rng = np.random.default_rng(seed)
    chosen = [pieces[i] for i in rng.permutation(len(pieces))[:most]]
    span = 4 * engine.config.style_notes
    points = []
    for piece in chosen:
        start = int(rng.integers(0, max(len(piece) - span, 0) + 1))
        points.append(engine.encode(notes_of(piece)[start : start + span]))
    return [round(float(x), 3) for x in np.mean(points, axis=0)]


def heard(pieces: Sequence[Piece], most: int = 60, notes: int = 400, seed: int = 0) -> Habits:
    """How often each band of each habit was seen in up to `most` pieces, a stretch of each."""
    rng = np.random.default_rng(seed)
    stretches = []
    for i in rng.permutation(len(pieces))[:most]:
        start = int(rng.integers(0, max(len(pieces[i]) - notes, 0) + 1))
        stretches.append(notes_of(pieces[i])[start : start + notes])
    return style_habits.counted(stretches)


def at_large(pieces: Sequence[Piece]) -> Habits:
    """The same for all music, each source counting the same: what `models.steering.style_habits.MUSIC` was made from."""
    each = [heard([p for p in pieces if p.source == source]) for source in sorted({p.source for p in pieces})]
    told = {name: [h[name] for h in each if h[name].sum() > 100] for name in each[0]}  # single lines have no left hand
    return {name: np.mean([h / h.sum() for h in found], axis=0) * 1e4 for name, found in told.items()}


def toml(rule: Rule, z: list[float], kept: Habits, weights: str, count: int) -> str:
    """The preset file."""
    lines = [f"title = {json.dumps(rule.title)}", f"description = {json.dumps(rule.description)}"]
    lines += [f"musician = {json.dumps(rule.musician)}"] if rule.musician else []
    lines += ["", "[style]"]
    rows = [", ".join(f"{x:g}" for x in z[i : i + 8]) for i in range(0, len(z), 8)]
    lines += ["z = [", *(f"    {row}," for row in rows), "]"]
    lines += [f"weights = {json.dumps(weights)}", f"source = {json.dumps(f'{rule.source} ({count} pieces)')}"]
    lines += ["", "[habits]", *(f"{k} = [{', '.join(f'{x:g}' for x in v)}]" for k, v in kept.items())]
    for name, table in (("sampling", HEEDED | rule.sampling), ("answer", rule.answer)):
        if table:
            lines += ["", f"[{name}]", *(f"{k} = {v}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def written(path: Path) -> str:
    """The vamp of a preset that is there already, as it stands in its file; nothing where there is none."""
    text = path.read_text(encoding="utf8") if path.is_file() else ""
    return text[text.index(VAMP) :] if VAMP in text else ""


def main(argv: list[str] | None = None) -> int:
    """Write one .toml a rule."""
    parser = argparse.ArgumentParser(
        prog="python -m models.release.style_presets", description="Make the presets from a corpus."
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", default="open")
    parser.add_argument("--out", type=Path, default=Path("presets"))
    args = parser.parse_args(argv)
    try:
        engine = backend_choice.load(args.weights)
        pieces = corpus.read(args.corpus, "train")
    except (corpus.CorpusError, checkpoint.CheckpointError) as error:
        print(f"centroids: {error}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for name, rule in RULES.items():
        picked = [p for p in pieces if rule.picks(p)]
        if not picked:
            print(f"{name:20} none of these pieces; left as it is")
            continue
        kept = {k: odds for k, odds in style_habits.odds(heard(picked)).items() if k not in rule.by_itself}
        path = args.out / f"{name}.toml"
        text = toml(rule, centroid(engine, picked), kept, engine.points, len(picked)) + written(path)
        path.write_text(text, encoding="utf8")
        print(f"{name:20} {len(picked):4} pieces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
