"""The ear's lessons: what people played after calls and in styles, beside what the musician answers.

Knows nothing of playing live, nor of how an ear learns (`models.training.reranker`).

    python -m models.release.reranker_data --corpus DIR --out models/decoding/reranker.safetensors

Calls, and what came next, are the corpus's; answers are the musician's: in the style of their call, heard beside what came next, and in the
presets' styles, heard beside other music of that kind.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import corpus
from ..data.corpus import Piece
from ..data.style_rules import RULES
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..evaluation import answers
from ..evaluation.likelihood import notes_of
from ..runtime.weights_file import FULL, CheckpointError
from ..training.reranker import FOLDS, GRIDDED, TOUCH, Question, asked, judged, shared, taught, told

OPENLY = "CC BY 4.0"  # as the weights that learned from the same sources
ANSWERS = 4  # to each call, beside what came next
#: Of styles that lead sheets are the only music of, nothing can be learned; nor of those that another musician plays.
LEFT_OUT = ("late-night-ballad", "songbook", *(name for name, rule in RULES.items() if rule.musician == FULL))


def replies(engine: Engine, found: Sequence[answers.Cut], seed: int = 0) -> list[Question]:
    """What people played after a call, beside answers in the call's own style."""
    made = []
    for i, cut in enumerate(found):
        if cut.source == GRIDDED:
            continue
        z = engine.encode(cut.call)
        played = [answers.answered(engine, cut.call, z, {}, _seed(seed, i, k), drafts=0) for k in range(ANSWERS)]
        made += asked(cut.call, cut.next, cut.call, played, np.zeros(1, bool) if cut.dynamics else told(*TOUCH))
    return made


def styled(
    engine: Engine, pieces: Sequence[Piece], found: Sequence[answers.Cut], presets: Path, seed: int = 0
) -> list[Question]:
    """Music of each preset's kind, beside answers in its style; what has to do with the call says nothing."""
    rng, made = np.random.default_rng(seed), []
    for name, rule in RULES.items():
        picked = [p for p in pieces if rule.picks(p)]
        if name in LEFT_OUT or not picked:
            continue
        z, sampling, vamp = answers.preset(presets / f"{name}.toml")
        for i, cut in enumerate(found):
            piece = picked[int(rng.integers(len(picked)))]
            start = float(rng.uniform(0.0, max(piece.onset[-1] - answers.SECONDS, 0.1)))
            a, b = np.searchsorted(piece.onset, [start, start + answers.SECONDS])
            music = notes_of(piece)[a:b]
            seeds = [_seed(seed, i, k) for k in range(ANSWERS)]
            played = [answers.answered(engine, cut.call, z, sampling, s, vamp, drafts=0) for s in seeds]
            silent = told() | (np.zeros(1, bool) if piece.dynamics else told(*TOUCH))
            made += asked(music, music, cut.call, played, silent)
    return made


def _seed(seed: int, call: int, answer: int) -> int:
    return (seed * 1000 + answer) * 100_000 + call


def main(argv: list[str] | None = None) -> int:
    """Ask, teach, and write the ear."""
    how = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m models.release.reranker_data",
        description="Teach the ear that chooses among drafts.",
        formatter_class=how,
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack")
    parser.add_argument("--sources", default="open", help="sources of the pack, with commas")
    parser.add_argument("--weights", default="open", help="whose answers are heard")
    parser.add_argument("--presets", type=Path, default=Path(__file__).parents[2] / "presets")
    parser.add_argument("--calls", type=int, default=2400, help="calls that are answered in their own style")
    parser.add_argument("--styled", type=int, default=120, help="calls that are answered in each preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=backend_choice.RERANKER_FILE)
    args = parser.parse_args(argv)
    try:
        engine = backend_choice.load(args.weights)
        sources = corpus.named(args.sources)
        pieces = corpus.read(args.corpus, "train", sources)
    except (corpus.CorpusError, CheckpointError) as error:
        print(f"earlessons: {error}", file=sys.stderr)
        return 2
    groups = []
    print(f"{args.calls} calls are answered {ANSWERS} times each …", flush=True)
    groups.append(replies(engine, answers.cuts(pieces, args.calls, args.seed), args.seed))
    print(f"{args.styled} calls are answered in each style …", flush=True)
    calls = answers.cuts(pieces, args.styled, args.seed + 1)
    groups.append(styled(engine, pieces, calls, args.presets, args.seed + 1))
    if min(map(len, groups)) < FOLDS:
        print(
            "earlessons: there is too little music to learn from; ask for more calls, or name a larger pack.",
            file=sys.stderr,
        )
        return 2
    parts = [shared(group) for group in groups]  # the first part of each is not learned from
    learned = [q for first, *others in parts for part in others for q in part]
    pupil, about = taught(learned), {"lessons": str(len(learned))}
    if licence := corpus.licence(sources) or (OPENLY if set(sources or [""]) <= set(corpus.OPEN) else ""):
        about["licence"] = licence
    for name, (unheard, *_) in zip(("after calls", "in a style"), parts, strict=True):
        among, pair = judged(pupil, unheard)
        about[name] = f"{among:.3f} of {1 + ANSWERS}, {pair:.3f} of two, {len(unheard)} times"
        print(f"the person is told {name}: {about[name]}", flush=True)
    pupil.write(args.out, about)
    print(f"written: {args.out}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
