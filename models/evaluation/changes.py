"""Changes: how closely answers keep to the chords of a chart, beside the players whose solos these are.

    python -m models.evaluation.changes --corpus DIR [--source wjd] [--count 72] [--strength 0 0.8]

A call is eight seconds of a solo that end where a chord begins. The answer is asked for with the chords of the next eight seconds, and what
the player really played there is measured in the same way.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import chord_labels, corpus
from ..decoding.backend_choice import LIVE, NAMES, load
from ..decoding.engine import Engine
from ..music.harmony.chords import TimedChord, chord_at
from ..music.note_records import CALL, Bar, Note, Span
from ..music.pulse import find_pulse
from ..runtime.weights_file import CheckpointError
from .answers import GROOVE, NO_CHANGES, read_preset
from .likelihood import notes_of

SECONDS = 8.0  # of a call, and of an answer
MARGIN = 1.0  # seconds at both ends of a solo from which nothing is taken
FEWEST_NOTES = 10  # of a call, and of what came next
TRIES = 4  # calls that are drawn from one solo
EARLY_SECONDS = 0.06  # a note that is struck so shortly before a change belongs to the chord that follows
DRAFTS = 4  # from which an answer is chosen
FIGURES = ("all", "first after a change", "guide tones there")


@dataclass(frozen=True)
class Excerpt:
    """A call that ends at `start` seconds, what came next, and the chords."""

    call: list[Note]
    next: list[Note]
    chords: list[TimedChord]
    start: float


def draw_excerpts(
    pieces: Sequence[corpus.Piece], labels: dict[str, list[TimedChord]], count: int, seed: int = 0
) -> list[Excerpt]:
    """Up to `count` excerpts of solos whose chords are known; those that training never saw come first."""
    rng = np.random.default_rng(seed)
    found: list[Excerpt] = []
    for piece in sorted(pieces, key=lambda p: (p.about.get("split") == "train", p.name)):
        chords = labels.get(piece.name, [])
        last = float(piece.onset[-1])
        starts = [c.start for c in chords if SECONDS + MARGIN < c.start < last - SECONDS - MARGIN]
        notes = notes_of(piece)
        for _ in range(TRIES if starts else 0):
            start = starts[int(rng.integers(len(starts)))]
            call = [n for n in notes if start - SECONDS <= n.onset < start - EARLY_SECONDS]
            after = [n for n in notes if start - EARLY_SECONDS <= n.onset < start + SECONDS - EARLY_SECONDS]
            if min(len(call), len(after)) >= FEWEST_NOTES:
                found.append(Excerpt(call, after, chords, start))
            if len(found) == count:
                return found
    return found


def measure(notes: Sequence[Note], chords: Sequence[TimedChord]) -> dict[str, list[bool]]:
    """Whether each note is a tone of its chord: `all` of them, the first after each change, and whether that is a guide tone."""
    found: dict[str, list[bool]] = {name: [] for name in FIGURES}
    before: float | None = None
    for note in notes:
        onset = note.onset + EARLY_SECONDS
        chord = chord_at(chords, onset)
        if chord:
            is_tone = note.pitch % 12 in chord.tones
            found["all"].append(is_tone)
            if before is not None and any(before < timed.start <= onset for timed in chords):
                found["first after a change"].append(is_tone)
                found["guide tones there"].append(note.pitch % 12 in chord.guide_tones)
        before = onset
    return found


def shares(measured: Sequence[dict[str, list[bool]]]) -> dict[str, float | None]:
    """The share of each figure over some stretches of music; None where there is no note."""
    pooled = {name: [x for each in measured for x in each[name]] for name in FIGURES}
    return {name: round(float(np.mean(values)), 3) if values else None for name, values in pooled.items()}


def answer(engine: Engine, excerpt: Excerpt, seed: int) -> list[Note]:
    """The answer to an excerpt's call over its chords, in the engine's style of the moment."""
    engine.hear(0, [])
    engine.seed(seed)
    engine.hear(0, [Note(n.onset, n.duration, n.pitch, n.velocity, CALL) for n in excerpt.call])
    start = excerpt.start
    end = start + SECONDS
    beat = find_pulse(excerpt.call, GROOVE) or Bar(
        start, 0.5, 1
    )  # where no pulse is sure, the beat begins with the chord
    inside = [c for c in excerpt.chords if start < c.start < end]
    chords = (TimedChord(start, chord_at(excerpt.chords, start)), *inside)
    span = Span(start, end + 1.0, end - 1.2, end - 0.1, end, bar=beat, on_beat=True, chords=chords)
    engine.draft(span, DRAFTS)
    while engine.spare():
        pass
    return list(engine.play(span))


def main(argv: list[str] | None = None) -> int:
    """The command: a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluation.changes", description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, help="a pack with chord labels")
    parser.add_argument("--source", default="wjd", help="a source with chords that people wrote (default: %(default)s)")
    parser.add_argument("--count", type=int, default=72, help="calls (default: %(default)s)")
    parser.add_argument(
        "--strength", type=float, nargs="+", default=[0.0, 0.8], help="of the setting `changes`; 0 tells no chords"
    )
    parser.add_argument("--preset", type=Path, help="a preset file, in whose style it answers")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--engine", default=LIVE, choices=NAMES, help="what runs the network")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        pieces = corpus.read(args.corpus, None, [args.source])
        excerpts = draw_excerpts(pieces, chord_labels.read_labels(args.corpus, args.source), args.count)
        engine = load(args.weights, args.engine)
    except (corpus.CorpusError, CheckpointError) as error:
        print(f"changes: {error}", file=sys.stderr)
        return 2
    if not excerpts:
        print(f"changes: {args.source} has no solo that is long enough; name another source.", file=sys.stderr)
        return 2
    z, sampling, vamp = read_preset(args.preset) if args.preset else (None, dict(NO_CHANGES), [])
    rows = {"people": shares([measure(e.next, e.chords) for e in excerpts])}
    for strength in args.strength:
        engine.style(z, {**sampling, "changes": strength})
        engine.vamp(vamp)
        answers = [answer(engine, excerpt, seed) for seed, excerpt in enumerate(excerpts)]
        rows[f"changes {strength:g}"] = shares(
            [measure(notes, e.chords) for notes, e in zip(answers, excerpts, strict=True)]
        )
        print(f"changes {strength:g}: {len(answers)} answers", file=sys.stderr)
    if args.json:
        print(json.dumps({"calls": len(excerpts), "rows": rows}))
        return 0
    print("| share of chord tones | " + " | ".join(FIGURES) + " |\n|---|" + "---|" * len(FIGURES))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join("–" if row[f] is None else f"{row[f]:.3f}" for f in FIGURES) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
