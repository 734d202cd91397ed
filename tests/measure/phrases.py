"""Let the musician answer every .mid file of a folder, and check the answers: `python -m tests.measure.phrases DIR`

The answers come from the program's own command, as for a user. With `--corpus PACK`, their share of notes in key is compared with that of
the real continuations in the pack's valid split.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from models.data import corpus
from models.evaluation import answers
from models.music import answer_metrics
from models.music.midifile import read_notes
from models.music.note_records import Note

from ..system.rigs.jack import ROOT

LEAST_NOTES = 12  # in the first SECONDS
SECONDS = 8.0
DENSEST = 20.0  # notes that begin within one second, at most
COPIED = 0.25  # mean share of notes copied from the call, at most
BELOW_REAL = 0.05  # by which the share in key may be lower than that of real continuations


def answer(call: Path, out: Path, more: list[str]) -> list[Note]:
    """The answer to a file, as a user gets it."""
    command = [sys.executable, "-m", "agent", "answer", str(call), "-o", str(out), "--json", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Note(*row) for row in json.loads(done.stdout)["answer"]]


def densest(notes: list[Note]) -> float:
    """The most notes that begin within one second."""
    onsets = np.array([n.onset for n in notes])
    return float((np.searchsorted(onsets, onsets + 1.0) - np.arange(len(onsets))).max())


def main(argv: list[str] | None = None) -> int:
    """Print a table; returns 1 where a check fails."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.measure.phrases", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--preset", default=None)
    parser.add_argument("--seed", default="1")
    args = parser.parse_args(argv)
    if not list(args.folder.glob("*.mid")):
        parser.error(f"there are no .mid files in {args.folder}; name a folder of phrases")
    more = ["--seed", args.seed] + (["--preset", args.preset] if args.preset else [])
    shares, copies, wrong = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(args.folder.glob("*.mid")):
            out = Path(folder) / "both.mid"
            notes, call = answer(path, out, more), read_notes(path)
            early = [n for n in notes if n.onset < notes[0].onset + SECONDS]
            shares.append(answer_metrics.in_key_share(call, notes))
            copies.append(answer_metrics.copied_share(call, notes))
            hangs = len(read_notes(out)) != len(call) + len(notes)
            if len(early) < LEAST_NOTES or densest(notes) > DENSEST or hangs:
                wrong.append(path.name)
            print(
                f"{path.stem:32} {len(early):3} notes in 8 s, {densest(notes):3.0f} in the densest second, "
                f"in key {shares[-1]:.2f}, copied {copies[-1]:.2f}{', a note hangs' if hangs else ''}"
            )
    print(f"{'mean':32} in key {np.mean(shares):.3f}, copied {np.mean(copies):.3f}")
    if np.mean(copies) > COPIED:
        wrong.append("copies the call")
    if args.corpus is not None:
        cuts = answers.draw_excerpts(corpus.read(args.corpus, "valid", corpus.OPEN_SOURCES), 200)
        real = float(np.mean([answer_metrics.in_key_share(cut.call, cut.next) for cut in cuts]))
        print(f"{'what really follows phrases':32} in key {real:.3f}")
        if np.mean(shares) < real - BELOW_REAL:
            wrong.append("out of key")
    print(f"not as it must be: {', '.join(wrong)}" if wrong else "all as it must be")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
