"""Centroids: the presets, made from the corpus. Each is the middle, in the latent space, of pieces that a rule picks, and their habits.

Knows nothing of playing. The bars that were written for a preset, its vamp, are kept as they are. Run again whenever the weights
change, as a point means nothing to other weights:

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
from ..data.style_rules import RULES, Rule
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..evaluation.likelihood import notes_of
from ..music import preset_file
from ..music.preset_file import Preset
from ..music.settings import ANSWER
from ..runtime import checkpoint
from ..steering import style_habits
from ..steering.sampling import Habits

VAMP = "\n[vamp]\n"  # the last of a preset's tables
HEEDED = {"motif": 2.5}  # of what was called: more than usual, as a vamp draws away from it


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
    return style_habits.count_bands(stretches)


def at_large(pieces: Sequence[Piece]) -> Habits:
    """The same for all music, each source counting the same: what `models.steering.style_habits.MUSIC` was made from."""
    each = [heard([p for p in pieces if p.source == source]) for source in sorted({p.source for p in pieces})]
    told = {name: [h[name] for h in each if h[name].sum() > 100] for name in each[0]}  # single lines have no left hand
    return {name: np.mean([h / h.sum() for h in found], axis=0) * 1e4 for name, found in told.items()}


def toml(name: str, rule: Rule, z: list[float], kept: Habits, weights: str, count: int) -> str:
    """The preset file."""
    preset = Preset(
        name,
        title=rule.title,
        description=rule.description,
        z=tuple(z),
        weights=weights,
        source=f"{rule.source} ({count} pieces)",
        musician=rule.musician,
        sampling=HEEDED | rule.sampling | style_habits.to_settings(kept),
        shortest=rule.answer.get("shortest", ANSWER["shortest"].default),
        longest=rule.answer.get("longest", ANSWER["longest"].default),
    )
    return preset_file.written(preset)


def vamp_of(path: Path) -> str:
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
        kept = {k: odds for k, odds in style_habits.log_odds(heard(picked)).items() if k not in rule.by_itself}
        path = args.out / f"{name}.toml"
        text = toml(name, rule, centroid(engine, picked), kept, engine.points, len(picked)) + vamp_of(path)
        path.write_text(text, encoding="utf8")
        print(f"{name:20} {len(picked):4} pieces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
