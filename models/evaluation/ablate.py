"""Ablation: what each term of steering, the reranker and the style prompt are worth, by the figures of `evaluate` beside people's.

Every variant answers the same calls with the same seeds: with everything, each term off, each term alone, all terms off, the reranker
off, the style prompt off. Each call is answered twice: in its own style, which the figures of `models.evaluation.answers` are of; and in
the style of a preset, whose recognition is `style` (`models.evaluation.style_accuracy`). Calls are done one after another, so an ablation
that is stopped, or out of time, has all variants for fewer calls; with `--log` it goes on where it was.

    python -m models.evaluation.ablate --corpus DIR --split test --calls 60 --minutes 30 --log ablate.jsonl --picture ablate.png
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from ..data import corpus
from ..data.preset_sources import RULES
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..music.note_records import Note, from_wire, to_wire
from ..music.style_settings_table import CHOOSERS, TERMS, WITHOUT
from ..runtime.weights_file import FULL, CheckpointError
from . import answers, plots, style_accuracy
from .answers import Excerpt

PRESETS = Path(__file__).resolve().parents[2] / "presets"
CALLS = 40  # that are answered for each row, unless told otherwise
EVERYTHING, NOTHING_LEFT = "everything", "all terms off"
STYLE = "style"
FEWEST_CALLS = 3  # of which figures are told
TRAINING_PASSAGES, HELD_OUT = 150, 40  # stretches of real music a style, by which the classifier is taught and judged
STYLES = [name for name, rule in RULES.items() if rule.musician != FULL]

Variant = tuple[str, tuple[str, ...]]  # its name, and what is switched off
Figures = dict[str, dict[str, float]]  # by figure: the mean or median, and of it the standard error


def variants() -> list[Variant]:
    """All variants, the one with everything first."""
    terms = tuple(TERMS)
    off = [(f"{name} off", (name,)) for name in (*terms, *CHOOSERS)]
    alone = [(f"{name} alone", tuple(other for other in terms if other != name)) for name in terms]
    return [(EVERYTHING, ()), *off, (NOTHING_LEFT, terms), *alone]


@dataclass(frozen=True)
class Question:
    """One call for one variant. `number` is the call's, `style` the preset of the second answer; so many `drafts` are chosen from."""

    number: int
    cut: Excerpt
    variant: Variant
    style: str
    seed: int
    drafts: int


@dataclass(frozen=True)
class Answered:
    """Both answers to a question: in the call's own style, and in the preset's."""

    own: list[Note]
    styled: list[Note]


def answered(engine: Engine, question: Question) -> Answered:
    """Both answers of an engine."""
    call = question.cut.call
    off = {WITHOUT + name: 1.0 for name in question.variant[1]}
    drafts = question.drafts
    own = answers.answer_call(engine, call, engine.encode(call), off, question.seed, drafts=drafts)
    z, sampling, vamp = answers.read_preset(PRESETS / f"{question.style}.toml")
    styled = answers.answer_call(engine, call, z, {**sampling, **off}, question.seed, vamp, drafts)
    return Answered(*([from_wire(to_wire(n)) for n in notes] for notes in (own, styled)))  # rounded as in a log


_engines: list[Engine] = []  # of a process that answers


def _begin(weights: str) -> None:
    _engines.append(backend_choice.load(weights))


def _work(question: Question) -> Answered:
    return answered(_engines[0], question)


def answer_all(questions: Sequence[Question], weights: str, jobs: int, until: float) -> Iterator[Answered]:
    """The answers, in the order of the questions, as many as are begun before `until`, in seconds of the monotonic clock."""
    if jobs == 1:
        _begin(weights)
        for question in questions:
            if monotonic() > until:
                return
            yield _work(question)
        return
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # each process keeps to one core
        os.environ.setdefault(threads, "1")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, fresh, initializer=_begin, initargs=(weights,)) as pool:
        for at in range(0, len(questions), 4 * jobs):
            if monotonic() > until:
                return
            yield from pool.map(_work, questions[at : at + 4 * jobs])


# -- figures -------------------------------------------------------------------------------------------------------------


def table(
    cuts: Sequence[Excerpt],
    found: dict[str, list[Answered]],
    styles: Sequence[str],
    judge: style_accuracy.StyleJudge | None,
) -> dict[str, Figures]:
    """The figures of each variant, and of people, by name: of the calls that every variant has answered."""
    count = min(len(each) for each in found.values())
    out: dict[str, Figures] = {"people": {}}
    for name, each in found.items():
        told = answers.compare_answers(cuts[:count], [answer.own for answer in each[:count]])
        out[name] = _figures(told, "answer", count)
        out["people"] |= _figures(told, "real", count)
        if judge is not None:
            right = [judge.recognizes(a.styled, style) for a, style in zip(each[:count], styles, strict=False)]
            out[name][STYLE] = {"mean": float(np.mean(right)), "error": float(np.std(right) / max(count, 1) ** 0.5)}
    if judge is not None:
        out["people"][STYLE] = {"mean": judge.ceiling, "error": 0.0}
    out["people"]["apart"] = {"mean": 0.5, "error": 0.0}  # nothing tells people from people
    return out


def _figures(told: dict[str, Any], who: str, count: int) -> Figures:
    """Each figure of one side; its error by the interval of 95 of 100, or as of a share, of so many."""
    found: Figures = {}
    for key, each in told.items():
        if who in each:
            mean = each[who]
            low, high = each.get(f"{who}_interval", (0.0, 3.92 * (mean * (1.0 - mean) / count) ** 0.5))
            found[key] = {"mean": mean, "error": (high - low) / 3.92}
    return found


def report(calls: int, told: dict[str, Figures]) -> str:
    """The table for people of people's and of each variant's figures."""
    columns = list(dict.fromkeys(key for figures in told.values() for key in figures))
    lines = [f"{calls} calls".ljust(20) + "".join(key.rjust(11) for key in columns)]
    for name, figures in told.items():
        cells = [f"{figures[key]['mean']:11.3f}" if key in figures else "          -" for key in columns]
        lines.append(name.ljust(20) + "".join(cells))
    return "\n".join(lines)


def worse(told: dict[str, Figures]) -> tuple[list[str], list[str], np.ndarray]:
    """Variants, figures, and (variants, figures) how much farther from people's each is than with everything, in standard errors.

    NaN where a figure is not known of one of the three.
    """
    people = told["people"]
    whole = told[EVERYTHING]
    rows = [name for name in told if name not in ("people", EVERYTHING)]
    columns = [key for key in whole if key in people]
    out = np.full((len(rows), len(columns)), np.nan)
    for i, name in enumerate(rows):
        for j, key in enumerate(columns):
            if key in told[name]:
                real = people[key]["mean"]
                error = max(whole[key]["error"], 1e-3)
                out[i, j] = (abs(told[name][key]["mean"] - real) - abs(whole[key]["mean"] - real)) / error
    return rows, columns, out


# -- the command ---------------------------------------------------------------------------------------------------------


def ablate(args: argparse.Namespace) -> tuple[int, dict[str, Figures]]:
    """How many calls were answered, and all figures. Raises CorpusError, CheckpointError."""
    sources = corpus.parse_sources(args.sources)
    pieces = corpus.read(args.corpus, args.split, sources)
    cuts = answers.draw_excerpts(pieces, args.calls, args.seed)
    training = corpus.read(args.corpus, "train" if args.split else None, sources)
    judge = style_accuracy.StyleJudge.fit(training, pieces, args.seed, TRAINING_PASSAGES, HELD_OUT)
    known = STYLES if judge is None else [name for name in STYLES if name in judge.names]
    styles = [known[i % len(known)] for i in range(len(cuts))]
    questions = [
        Question(i, cut, variant, style, args.seed + i, args.drafts)
        for i, (cut, style) in enumerate(zip(cuts, styles, strict=True))
        for variant in variants()
    ]
    found: dict[str, list[Answered]] = {name: [] for name, _ in variants()}
    done = _logged(args.log, questions)
    for question, answer in zip(questions, done, strict=False):
        found[question.variant[0]].append(answer)
    until = monotonic() + 60.0 * args.minutes if args.minutes else float("inf")
    left = questions[len(done) :]
    for question, answer in zip(left, answer_all(left, args.weights, args.jobs, until), strict=False):
        found[question.variant[0]].append(answer)
        _log(args.log, question, answer)
        if question.variant == variants()[-1]:
            print(f"… {question.number + 1} of {len(cuts)} calls", file=sys.stderr, flush=True)
    count = min(len(each) for each in found.values())
    if count < FEWEST_CALLS:
        raise corpus.CorpusError(f"only {count} calls were answered; give it more --minutes, or a larger corpus.")
    return count, table(cuts, found, styles, judge)


def _about(question: Question) -> list[Any]:
    return [
        question.number,
        question.variant[0],
        question.style,
        question.seed,
        question.drafts,
        len(question.cut.call),
    ]


def _log(path: Path | None, question: Question, answer: Answered) -> None:
    if path is not None:
        row = {
            "about": _about(question),
            **{k: [to_wire(n) for n in getattr(answer, k)] for k in ("own", "styled")},
        }
        with path.open("a", encoding="utf8") as file:
            file.write(json.dumps(row) + "\n")


def _logged(path: Path | None, questions: Sequence[Question]) -> list[Answered]:
    """What was answered before, as far as it is the same questions."""
    found: list[Answered] = []
    if path is not None and path.is_file():
        for line, question in zip(path.read_text(encoding="utf8").splitlines(), questions, strict=False):
            row = json.loads(line)
            if row["about"] != _about(question):
                raise corpus.CorpusError(f"{path.name} is of another ablation; name another file, or remove it.")
            found.append(Answered(*([from_wire(n) for n in row[k]] for k in ("own", "styled"))))
    return found


def main(argv: list[str] | None = None) -> int:
    """Ablate, and print a table or JSON. 2: something the user can mend."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.ablate", description="What each term of steering is worth."
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    parser.add_argument("--sources", help="sources of a pack, with commas, or 'open' or 'full'; default: all of them")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"calls that are answered (default {CALLS})")
    parser.add_argument(
        "--drafts", type=int, default=answers.DRAFTS, help="answers of which one is chosen (default 12)"
    )
    parser.add_argument(
        "--minutes", type=float, help="begin no answer after so long, once the corpus is read (default: no bound)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes that answer (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, metavar="FILE.jsonl", help="keep the answers, and go on from those in it")
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="draw how much worse each variant is")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args(argv)
    try:
        calls, told = ablate(args)
    except (corpus.CorpusError, CheckpointError) as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    if args.picture:
        plots.ablation(args.picture, *worse(told), title=f"What each term is worth, by {calls} calls")
    print(json.dumps({"calls": calls, "variants": told}, indent=2) if args.json else report(calls, told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
