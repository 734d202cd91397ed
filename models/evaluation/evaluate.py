"""Evaluation: how good a musician is, on pieces that it has never heard, beside chains that counted the same corpus.

Knows nothing of training. The figures are made by `bits`, `foils` and `answers`; this is the command that asks for them.

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
from ..music.setting_options import add_options, changes
from ..network.heads import CHOSEN
from ..runtime import checkpoint, weights_file
from ..training import lstm_baseline
from . import answers, likelihood, listening, multiple_choice, phrase_end_accuracy, plots, style_accuracy
from .markov import Continuator, Markov

TESTS = 200  # passages whose continuation is sought
PHRASES = 2000  # whose turns are judged; by 200 each, one rule had 0.40 and 0.72 of a fixed silence's false cut-ins
FEW = 24  # calls, of all that are answered, that every style and every knob answers
# What answers are like, which is no distance from their call.
APART = ("repetition", "copied", "closing", "beat", "ragged", "clashing", "ringing", "rhythm", "apart")
PRESETS = Path(__file__).resolve().parents[2] / "presets"


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """All figures that were asked for, ready for JSON."""
    loaded = checkpoint.load(args.weights)
    musician = loaded.musician
    beside = {"musician": musician}
    if args.lstm:
        beside["lstm"] = lstm_baseline.load(args.lstm)
    sources = corpus.named(args.sources)
    pieces = corpus.read(args.corpus, args.split, sources)
    _tell("bits a note")
    found = likelihood.bits_per_note(musician, pieces, args.windows, args.seed)
    result: dict[str, Any] = {
        "weights": loaded.name,
        "fingerprint": loaded.fingerprint,
        "notes": sum(map(len, pieces)),
        "time_resolution_s": 0.01,
        "bits_per_note": found["live"]["mean"],
        "by_source": {k: v for k, v in found["live"].items() if k != "mean"},
        "durations_known": found["known"]["mean"],
        "copy": likelihood.copy_test(musician, pieces, seed=args.seed),
        "style": likelihood.style_counts(musician, pieces, args.windows, args.seed),
    }
    if any(not p.dynamics for p in pieces):
        result["touch"] = likelihood.touch(musician, pieces, args.windows, args.seed)
    gains = {"": multiple_choice.musicians_gain(musician)}
    lessons: list[corpus.Piece] = []
    if args.baselines or args.answers:
        lessons = corpus.read(args.corpus, "train" if args.split else None, sources)
    if args.baselines:
        _tell("chains of counts")
        chain = Markov([likelihood.piece_steps(p) for p in lessons if len(p) > 8])
        result["baselines"] = likelihood.against(beside, chain, pieces, args.windows, args.seed)
        gains["continuator_"] = multiple_choice.continuators_gain(Continuator(chain))
    _tell("true continuations among foils")
    result |= {"continuation": {"tests": args.tests}, "continuation_intervals": {}}
    for same in (False, True):
        asked = multiple_choice.tests(pieces, args.tests, same, args.seed)
        for who, gain in gains.items():
            key = f"{who}{'same' if same else 'any'}"
            share, *between = multiple_choice.chosen(gain, asked)
            result["continuation"][key], result["continuation_intervals"][key] = share, between
    if args.answers:
        engine = backend_choice.load(args.weights)  # the one that plays
        changed = changes(args.settings, args.without)
        calls = answers.cuts(pieces, args.calls, args.seed)
        _tell(f"answers to {len(calls)} calls")
        fitted = answers.fit(engine, calls, args.seed, changed)
        for key in APART:
            result[key] = fitted.pop(key, {})
        result["fit"] = fitted
        few = calls[:FEW]
        _tell("knobs")
        result["knobs"] = answers.knob_curves(engine, few, args.seed, changed)
        _tell("styles")
        result["style"] |= style_accuracy.style_obeyed(engine, lessons, pieces, few, PRESETS, args.seed, changed)
    if args.plots:
        args.plots.mkdir(parents=True, exist_ok=True)
        log = weights_file.find(args.weights).with_suffix(".jsonl")
        if log.is_file():
            plots.learning_curve(args.plots / "learning.png", log)
        plots.latent_map(args.plots / "latent.png", *likelihood.styles(musician, pieces, args.windows, args.seed))
        if "knobs" in result:
            plots.knob_curves(args.plots / "knobs.png", result["knobs"])
    if args.listen:
        listening.listen(args.listen, answers.cuts(pieces, 12, args.seed + 1), args.weights, args.seed)
    return result


def turns(args: argparse.Namespace) -> dict[str, Any]:
    """How well rules tell that a phrase is over; no network is asked."""
    pieces = corpus.read(args.corpus, args.split, corpus.named(args.sources))
    found = phrase_end_accuracy.turns(pieces, args.tests, args.seed)
    if args.plots and found["phrases"]:
        args.plots.mkdir(parents=True, exist_ok=True)
        plots.turns(args.plots / "turns.png", found)
    return {"turns": found}


def _tell(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def report(result: dict[str, Any]) -> str:
    """The figures for people."""
    names = ("total", *CHOSEN[1:])

    def row(name: str, figures: dict[str, float]) -> str:
        return name.ljust(24) + "".join(f"{figures[n]:10.2f}" if n in figures else "         -" for n in names)

    lines = ["bits a note".ljust(24) + "".join(n.rjust(10) for n in names)]
    lines += [row(source, figures) for source, figures in result["by_source"].items()]
    lines += [row("mean (live)", result["bits_per_note"]), row("mean (durations known)", result["durations_known"])]
    for name, figures in result.get("baselines", {}).items():
        lines.append(row(f"  {name}", figures["mean"]) + "  ({low:.2f} to {high:.2f})".format(**figures["interval"]))
    style, again, true = result["style"], result["copy"], result["continuation"]
    lines.append(
        f"style: {style['bits_true_z']:.2f} bits with the true one, {style['bits_foreign_z']:.2f} with a foreign one, "
        f"{style['bits_zero_z']:.2f} with none (as played; plain {style['plain']['bits_true_z']:.2f} and "
        f"{style['plain']['bits_foreign_z']:.2f}); {style['kl_nats']:.1f} nats, {style['active_dimensions']} dimensions alive"
    )
    for count, each in style["first"].items():
        told = ", ".join(f"{each[f'bits_{kind}_z']:.2f}" for kind in ("true", "foreign", "zero"))
        lines.append(f"  the first {count} notes after silence: {told}")
    if "accuracy" in style:
        lines.append(f"style recognised in answers: {style['accuracy']:.2f}, in real music {style['ceiling']:.2f}")
    lines.append(f"copy: {again['first']:.2f} bits the first time, {again['repeat']:.2f} the second")
    if touch := result.get("touch"):
        lines.append(
            f"music without velocities: {touch['bare']:.2f} bits bare, {touch['played']:.2f} played (loudness left out)"
        )
    lines.append("true continuation found: " + ", ".join(f"{k} {v:.3f}" for k, v in true.items() if k != "tests"))
    for key, each in result.get("fit", {}).items():
        spread = {who: "{:.2f} to {:.2f}".format(*each[f"{who}_interval"]) for who in ("answer", "real")}
        lines.append(f"fit, {key}: " + ", ".join(f"{who} {each[who]:.2f} ({spread[who]})" for who in spread))
    for key in APART:
        if result.get(key):
            sides = {"answers": "answer", "real": "real"}
            each = [f"{who} {result[key][side]:.3f}" for who, side in sides.items() if side in result[key]]
            lines.append(f"{key}: " + ", ".join(each))
    for name, curve in result.get("knobs", {}).items():
        means = " ".join(f"{x:.2f}" for x in curve["curve"])
        lines.append(f"knob {name}: Spearman {curve['spearman']:.2f} ({means})")
    return "\n".join(lines)


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
        help="compare with that LSTM, too, which `python -m models.training.lstm_baseline` taught",
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
    args.baselines, args.answers = args.baselines or args.all or args.lstm is not None, args.answers or args.all
    try:
        result = turns(args) if args.turns else evaluate(args)
    except (corpus.CorpusError, checkpoint.CheckpointError, listening.ListenError) as error:
        print(f"tradefours evaluate: {error}", file=sys.stderr)
        return 2
    told = phrase_end_accuracy.table(result["turns"]) if args.turns else report(result)
    print(json.dumps(result, indent=2) if args.json else told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
