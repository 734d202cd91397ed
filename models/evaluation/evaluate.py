"""Evaluation: how good a musician is on pieces that it has never heard, beside Markov chains of the same corpus.

This is the command; the figures come from the other modules of this folder.

    tradefours evaluate --corpus DIR --split test --json
    tradefours evaluate --corpus DIR --split test --sources open --all
    tradefours evaluate --corpus DIR --split test --turns
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..data import corpus
from ..decoding import backend_choice
from ..music import features
from ..music.style_settings_table import add_options, changes
from ..runtime import checkpoint
from ..training import lstm_model
from . import (
    answers,
    baseline_comparison,
    evaluation_report,
    likelihood,
    listening_examples,
    multiple_choice,
    phrase_end_rules,
    plots,
    style_accuracy,
)
from .markov import Continuator, Markov

TESTS = 200  # passages whose continuation is sought
PHRASES = 2000  # for --turns; by 200 each, one rule had 0.40 and 0.72 of a fixed silence's false cut-ins
FEW_CALLS = 24  # of all that are answered, that every style and every knob answers
LISTENING_CALLS = 12  # calls that are written as .mid files with their answers
#: Figures of answers that are no distance from their call.
SHARES = ("repetition", "copied", "closing", "beat", "ragged", "clashing", "ringing", "rhythm", "apart")
NO_EXCERPTS = "no phrase was found that is followed by another, each of eight notes"
NO_TESTS = f"no piece of {multiple_choice.PASSAGE_NOTES} notes has four others that could go on like it"
PRESETS = Path(__file__).resolve().parents[2] / "presets"


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """All figures that were asked for, ready for JSON. Raises CorpusError, CheckpointError, ListenError."""
    loaded = checkpoint.load(args.weights)
    model = loaded.model
    sources = corpus.parse_sources(args.sources)
    pieces = corpus.read(args.corpus, args.split, sources, _tell)
    if all(len(piece) < likelihood.FEWEST_OF_SHORT for piece in pieces):
        raise corpus.CorpusError(
            f"none of the {len(pieces)} pieces has {likelihood.FEWEST_OF_SHORT} notes; add longer ones."
        )
    missing: dict[str, str] = {}  # figures that cannot be had of these pieces, and why
    _show_progress("bits a note")
    bits = likelihood.bits_per_note(model, pieces, args.windows, args.seed)
    result: dict[str, Any] = {
        "weights": loaded.name,
        "fingerprint": loaded.fingerprint,
        "notes": sum(map(len, pieces)),
        "time_resolution_s": 0.01,
        "bits_per_note": bits["live"]["mean"],
        "by_source": {k: v for k, v in bits["live"].items() if k != "mean"},
        "durations_known": bits["known"]["mean"],
        "copy": likelihood.copy_test(model, pieces, seed=args.seed),
        "style": likelihood.style_bits(model, pieces, args.windows, args.seed),
    }
    if not result["copy"]:
        missing["copy"] = f"no piece has more than {4 * likelihood.COPIED_NOTES} notes"
    if "bits_foreign_z" not in result["style"]:
        missing["a foreign style"] = "there is one piece alone"
    if any(not p.dynamics for p in pieces):
        result["touch"] = likelihood.velocity_bits(model, pieces, args.windows, args.seed)
    training_pieces: list[corpus.Piece] = []
    if args.baselines or args.answers:
        training_pieces = corpus.read(args.corpus, "train" if args.split else None, sources)
    gains = {"": multiple_choice.model_gain(model)}
    if args.baselines:
        _show_progress("chains of counts")
        models = {"musician": model}
        if args.lstm:
            models["lstm"] = lstm_model.load_lstm(args.lstm)
        chain = Markov([likelihood.piece_steps(p) for p in training_pieces if len(p) > 8])
        result["baselines"] = baseline_comparison.compare(models, chain, pieces, args.windows, args.seed)
        gains["continuator_"] = multiple_choice.continuator_gain(Continuator(chain))
    result |= measure_continuations(args, pieces, gains, missing)
    if args.answers:
        answers_result = measure_answers(args, pieces, training_pieces, missing)
        result["style"] |= answers_result.pop("style")
        result |= answers_result
    if args.plots:
        draw_plots(args, loaded, pieces, result)
    if args.listen:
        excerpts = answers.draw_excerpts(pieces, LISTENING_CALLS, args.seed + 1)
        if not listening_examples.listen(args.listen, excerpts, args.weights, args.seed):
            missing["examples to listen to"] = NO_EXCERPTS
    return result | ({"missing": missing} if missing else {})


def measure_continuations(
    args: argparse.Namespace,
    pieces: list[corpus.Piece],
    gains: dict[str, multiple_choice.Gain],
    missing: dict[str, str],
) -> dict[str, Any]:
    """How often each gain finds the true continuation of a passage, among wrong ones from any source and from the same.

    `missing` is told where none can be asked for.
    """
    _show_progress("true continuations among wrong ones")
    shares: dict[str, Any] = {"tests": args.tests}
    intervals: dict[str, list[float]] = {}
    for same_source in (False, True):
        tests = multiple_choice.draw_tests(pieces, args.tests, same_source, args.seed)
        if not tests:
            missing[f"true continuations ({'same' if same_source else 'any'})"] = NO_TESTS
            continue
        for who, gain in gains.items():
            key = f"{who}{'same' if same_source else 'any'}"
            share, low, high = multiple_choice.accuracy(gain, tests)
            shares[key] = share
            intervals[key] = [low, high]
    return {"continuation": shares, "continuation_intervals": intervals}


def measure_answers(
    args: argparse.Namespace,
    pieces: list[corpus.Piece],
    training_pieces: list[corpus.Piece],
    missing: dict[str, str],
) -> dict[str, Any]:
    """What the engine that plays answers to calls: the figures in `SHARES`, and "fit", "knobs" and "style".

    `missing` is told of those that cannot be had.
    """
    engine = backend_choice.load(args.weights)
    changed = changes(args.settings, args.without)
    excerpts = answers.draw_excerpts(pieces, args.calls, args.seed)
    _show_progress(f"answers to {len(excerpts)} calls")
    fit = answers.measure_fit(engine, excerpts, args.seed, changed)
    result: dict[str, Any] = {key: fit.pop(key, {}) for key in SHARES}
    result["fit"] = fit
    few = excerpts[:FEW_CALLS]
    _show_progress("knobs")
    result["knobs"] = answers.knob_curves(engine, few, args.seed, changed)
    _show_progress("styles")
    result["style"] = {}
    if few:
        result["style"] = style_accuracy.recognize_styles(
            engine, training_pieces, pieces, few, PRESETS, args.seed, changed
        )
    if not excerpts:
        missing["answers"] = NO_EXCERPTS
        return result
    figures = {**{key: result[key] for key in SHARES}, **{f"knob {n}": result["knobs"].get(n) for n in features.NAMES}}
    missing |= {
        key: "these answers are too few, or have nothing of it" for key, figure in figures.items() if not figure
    }
    if not result["style"]:
        missing["styles recognised"] = "the pieces do not tell which styles they are of"
    return result


def draw_plots(
    args: argparse.Namespace, loaded: checkpoint.Checkpoint, pieces: list[corpus.Piece], result: dict[str, Any]
) -> None:
    """Write pictures into the folder `args.plots`."""
    args.plots.mkdir(parents=True, exist_ok=True)
    log = checkpoint.find(args.weights).with_suffix(".jsonl")
    if log.is_file():
        plots.learning_curve(args.plots / "learning.png", log)
    points, labels = likelihood.encode_styles(loaded.model, pieces, args.windows, args.seed)
    if len(points) >= plots.FEWEST_POINTS:
        plots.latent_map(args.plots / "latent.png", points, labels)
    if result.get("knobs"):
        plots.knob_curves(args.plots / "knobs.png", result["knobs"])


def evaluate_phrase_ends(args: argparse.Namespace) -> dict[str, Any]:
    """How well rules tell that a phrase is over; no network is asked. Raises CorpusError."""
    pieces = corpus.read(args.corpus, args.split, corpus.parse_sources(args.sources), _tell)
    result = phrase_end_rules.evaluate_rules(pieces, args.tests, args.seed)
    if args.plots and result["phrases"]:
        args.plots.mkdir(parents=True, exist_ok=True)
        plots.phrase_end_curves(args.plots / "turns.png", result)
    return {"turns": result}


def _show_progress(what: str) -> None:
    _tell(f"… {what}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Evaluate and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="tradefours evaluate", description="Measure a musician on held-out pieces.")
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    parser.add_argument("--sources", help="sources of a pack, with commas, or 'open' or 'full'; default: all of them")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--windows", type=int, default=40, help="windows a source (default 40)")
    parser.add_argument(
        "--tests",
        type=int,
        help=f"passages whose continuation is sought (default {TESTS}); with --turns, phrases (default {PHRASES})",
    )
    parser.add_argument("--calls", type=int, default=300, help="calls that are answered (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    add_options(parser)
    parser.add_argument("--baselines", action="store_true", help="count chains on the train split, too, and compare")
    parser.add_argument("--answers", action="store_true", help="let it play: fit, repetition, styles, knobs (minutes)")
    parser.add_argument("--all", action="store_true", help="both of these")
    parser.add_argument(
        "--lstm",
        type=Path,
        metavar="FILE",
        help="compare with that LSTM, too, which `python -m models.training.lstm_model` taught",
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw the learning curve, the latent space, the knobs"
    )
    parser.add_argument(
        "--listen", type=Path, metavar="DIR", help="write answers to listen to: 12 calls, each in three styles"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--turns",
        action="store_true",
        help="only this: how well a silence tells that a phrase is over, by --tests phrases (add --plots to draw it)",
    )
    args = parser.parse_args(argv)
    if args.tests is None:
        args.tests = PHRASES if args.turns else TESTS
    args.baselines = args.baselines or args.all or args.lstm is not None
    args.answers = args.answers or args.all
    try:
        result = evaluate_phrase_ends(args) if args.turns else evaluate(args)
    except (corpus.CorpusError, checkpoint.CheckpointError, listening_examples.ListenError) as error:
        print(f"tradefours evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    text = phrase_end_rules.table(result["turns"]) if args.turns else evaluation_report.table(result, SHARES)
    print(json.dumps(result, indent=2) if args.json else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
