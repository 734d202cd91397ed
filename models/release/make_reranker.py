"""Data for the reranker: what people played after calls and in styles, beside what the musician answers; and the command that trains it.

Calls, and what came next, are the corpus's; answers are the musician's. Half of the questions are in the style of their call, beside what
came next. The others are in the presets' styles, beside other music of that kind. See `models.training.reranker`.

    python -m models.release.make_reranker --corpus DIR --out models/decoding/reranker.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import corpus
from ..data.corpus import Piece
from ..data.preset_sources import RULES
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..evaluation import answers
from ..evaluation.likelihood import notes_of
from ..runtime.weights_file import FULL, CheckpointError
from ..training.reranker import (
    FOLDS,
    GRID_SOURCE,
    VELOCITY_FEATURES,
    Flags,
    Question,
    accuracy,
    feature_mask,
    fit_reranker,
    make_questions,
    split_folds,
)

OPEN_LICENCE = "CC BY 4.0"  # as the weights that learned from the same sources
ANSWERS = 4  # to each call, beside what came next
#: Styles of lead sheets alone, from which nothing can be learned, and those that other weights play.
LEFT_OUT = ("late-night-ballad", "songbook", *(name for name, rule in RULES.items() if rule.musician == FULL))


def call_questions(engine: Engine, excerpts: Sequence[answers.Excerpt], seed: int = 0) -> list[Question]:
    """What people played after each call, beside answers in the call's own style."""
    questions = []
    for i, cut in enumerate(excerpts):
        if cut.source == GRID_SOURCE:
            continue
        z = engine.encode(cut.call)
        played = [answers.answer_call(engine, cut.call, z, {}, _seed(seed, i, k), drafts=0) for k in range(ANSWERS)]
        questions += make_questions(cut.call, cut.next, cut.call, played, _unknown(cut.dynamics))
    return questions


def style_questions(
    engine: Engine, pieces: Sequence[Piece], excerpts: Sequence[answers.Excerpt], presets: Path, seed: int = 0
) -> list[Question]:
    """Music of each preset's kind, beside answers in its style; features that depend on the call are ignored."""
    rng = np.random.default_rng(seed)
    questions = []
    for name, rule in RULES.items():
        matching = [p for p in pieces if rule.matches(p)]
        if name in LEFT_OUT or not matching:
            continue
        z, sampling, vamp = answers.read_preset(presets / f"{name}.toml")
        for i, cut in enumerate(excerpts):
            piece = matching[int(rng.integers(len(matching)))]
            start = float(rng.uniform(0.0, max(piece.onset[-1] - answers.ANSWER_SECONDS, 0.1)))
            a, b = np.searchsorted(piece.onset, [start, start + answers.ANSWER_SECONDS])
            music = notes_of(piece)[a:b]
            seeds = [_seed(seed, i, k) for k in range(ANSWERS)]
            played = [answers.answer_call(engine, cut.call, z, sampling, s, vamp, drafts=0) for s in seeds]
            ignored = feature_mask() | _unknown(piece.dynamics)
            questions += make_questions(music, music, cut.call, played, ignored)
    return questions


def _unknown(dynamics: bool) -> Flags:
    """Which features say nothing of music with or without dynamics: (1,) for none, (n,) for those of velocities."""
    return np.zeros(1, bool) if dynamics else feature_mask(*VELOCITY_FEATURES)


def _seed(seed: int, call: int, answer: int) -> int:
    """A seed of its own for each answer to each call."""
    return (seed * 1000 + answer) * 100_000 + call


def main(argv: list[str] | None = None) -> int:
    """Ask, train, and write the reranker."""
    parser = argparse.ArgumentParser(
        prog="python -m models.release.make_reranker",
        description="Train the reranker, which chooses among drafts.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
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
        sources = corpus.parse_sources(args.sources)
        pieces = corpus.read(args.corpus, "train", sources)
    except (corpus.CorpusError, CheckpointError) as error:
        print(f"models.release.make_reranker: {error}", file=sys.stderr)
        return 2
    groups = []
    print(f"{args.calls} calls are answered {ANSWERS} times each …", flush=True)
    groups.append(call_questions(engine, answers.draw_excerpts(pieces, args.calls, args.seed), args.seed))
    print(f"{args.styled} calls are answered in each style …", flush=True)
    calls = answers.draw_excerpts(pieces, args.styled, args.seed + 1)
    groups.append(style_questions(engine, pieces, calls, args.presets, args.seed + 1))
    if min(map(len, groups)) < FOLDS:
        print(
            "models.release.make_reranker: there is too little music to learn from; ask for more calls, or name a larger pack.",
            file=sys.stderr,
        )
        return 2
    folds = [split_folds(group) for group in groups]  # the first fold of each is not learned from
    learned = [q for _, *others in folds for fold in others for q in fold]
    model = fit_reranker(learned)
    about = {"lessons": str(len(learned))}
    is_open = set(sources or [""]) <= set(corpus.OPEN_SOURCES)
    licence = corpus.licence(sources) or (OPEN_LICENCE if is_open else "")
    if licence:
        about["licence"] = licence
    for name, (unseen, *_) in zip(("after calls", "in a style"), folds, strict=True):
        among, pair = accuracy(model, unseen)
        about[name] = f"{among:.3f} of {1 + ANSWERS}, {pair:.3f} of two, {len(unseen)} times"
        print(f"the person is told {name}: {about[name]}", flush=True)
    model.write(args.out, about)
    print(f"written: {args.out}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
