"""The shipped presets, made from the corpus: each is the mean, in the latent space, of the pieces that a rule matches, and their habits.

The bars that were written for a preset, its style prompt ("vamp"), are kept as they are. Run it again whenever the weights change, as a
point means nothing to other weights:

    python -m models.release.style_presets --corpus DIR --weights open --out presets
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import corpus
from ..data.corpus import Piece
from ..data.preset_sources import RULES, Rule
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..evaluation.likelihood import notes_of
from ..music import preset_file
from ..music.preset_file import Preset
from ..music.style_settings_table import ANSWER
from ..runtime import checkpoint
from ..steering import style_habits
from ..steering.sampling import Habits

PROMPT_TABLE = "\n[vamp]\n"  # the heading of a preset's last table
DEFAULT_SETTINGS = {"motif": 2.5}  # more of the call's motifs than usual, as a style prompt draws away from them
FEWEST_COUNTS = 100  # of a habit in a source
PARTS = 1e4  # what the shares of a habit's bands add up to


def centroid(engine: Engine, pieces: list[Piece], most: int = 60, seed: int = 0) -> list[float]:
    """(latent,) the mean style of up to `most` pieces, each read in a few stretches of `style_notes` notes."""
    rng = np.random.default_rng(seed)
    chosen = [pieces[i] for i in rng.permutation(len(pieces))[:most]]
    span = 4 * engine.config.style_notes
    points = []
    for piece in chosen:
        start = int(rng.integers(0, max(len(piece) - span, 0) + 1))
        points.append(engine.encode(notes_of(piece)[start : start + span]))
    return [round(float(x), 3) for x in np.mean(points, axis=0)]


def count_habits(pieces: Sequence[Piece], most: int = 60, notes: int = 400, seed: int = 0) -> Habits:
    """How often each band of each habit occurs in up to `most` pieces, a stretch of `notes` notes of each."""
    rng = np.random.default_rng(seed)
    stretches = []
    for i in rng.permutation(len(pieces))[:most]:
        start = int(rng.integers(0, max(len(pieces[i]) - notes, 0) + 1))
        stretches.append(notes_of(pieces[i])[start : start + notes])
    return style_habits.count_bands(stretches)


def corpus_habits(pieces: Sequence[Piece]) -> Habits:
    """`count_habits` of all music, each source counting the same: `models.steering.style_habits.MUSIC` was made from it."""
    each = [count_habits([p for p in pieces if p.source == source]) for source in sorted({p.source for p in pieces})]
    # Single lines have no left hand, for example: too few counts are left out.
    counts = {name: [h[name] for h in each if h[name].sum() > FEWEST_COUNTS] for name in each[0]}
    return {name: np.mean([h / h.sum() for h in found], axis=0) * PARTS for name, found in counts.items()}


def preset_text(name: str, rule: Rule, z: list[float], habits: Habits, weights: str, count: int) -> str:
    """The text of a preset file, without its style prompt. `count`: how many pieces it was made from."""
    preset = Preset(
        name,
        title=rule.title,
        description=rule.description,
        z=tuple(z),
        weights=weights,
        source=f"{rule.source} ({count} pieces)",
        musician=rule.musician,
        sampling=DEFAULT_SETTINGS | rule.sampling | style_habits.to_settings(habits),
        shortest=rule.answer.get("shortest", ANSWER["shortest"].default),
        longest=rule.answer.get("longest", ANSWER["longest"].default),
    )
    return preset_file.written(preset)


def existing_prompt(path: Path) -> str:
    """The style prompt of a preset file that exists already, as its text; "" where there is none."""
    text = path.read_text(encoding="utf8") if path.is_file() else ""
    return text[text.index(PROMPT_TABLE) :] if PROMPT_TABLE in text else ""


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
        print(f"models.release.style_presets: {error}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for name, rule in RULES.items():
        matching = [p for p in pieces if rule.matches(p)]
        if not matching:
            print(f"{name:20} none of these pieces; left as it is")
            continue
        kept = {
            k: odds for k, odds in style_habits.log_odds(count_habits(matching)).items() if k not in rule.natural_habits
        }
        path = args.out / f"{name}.toml"
        text = preset_text(
            name, rule, centroid(engine, matching), kept, engine.points, len(matching)
        ) + existing_prompt(path)
        path.write_text(text, encoding="utf8")
        print(f"{name:20} {len(matching):4} pieces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
