"""Exporting: weights as training writes them become the compact file that the live engine plays from.

The Transformer's matrices are kept in eight bits, as many of them as do with it (`models.release.int8_selection`), everything else in half
precision. Then both read the same music (`models.release.parity`), and where they do not agree nothing is written.

    tradefours export                                  models/weights/open.safetensors -> open.live.safetensors
    tradefours export --corpus DIR --split valid       the same, and the agreement is measured on held-out pieces
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ..data import corpus
from ..decoding import backend_choice
from ..decoding.engine import Engine
from ..encoding import codec
from ..music.note_records import LOWEST
from ..runtime import quantization, weights_file
from ..runtime.numpy_backend import NumpyBackend
from . import parity

MAX_FILE_BYTES = 16_000_000  # of an exported file
PASSAGES, NOTES = 16, 200  # that are read from a corpus, and notes of each
STYLE_SPREAD = 0.5  # of the random styles that they are read in, in standard deviations of the latent's prior


def write(weights: weights_file.Weights, int8: Mapping[str, quantization.Quantized], out: Path) -> None:
    """Write the compact file, at once or not at all; the matrices in `int8` as they are given."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in weights.tensors.items():
        if name in int8:
            tensors[name], tensors[name + weights_file.SCALE] = int8[name]
        else:
            tensors[name] = tensor.astype(np.float16)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".part")
    save_file(tensors, unfinished, metadata=weights_file.header(weights.config, weights.about, weights.fingerprint))
    os.replace(unfinished, out)


def held_out_passages(folder: Path, split: str | None, latent: int, seed: int = 0) -> list[parity.Passage]:
    """Passages of pieces of a corpus, each in a random style of `latent` dimensions. Raises CorpusError."""
    rng = np.random.default_rng(seed)
    pieces = [p for p in corpus.read(folder, split, None) if len(p) > NOTES]
    found = []
    for index in rng.permutation(len(pieces))[:PASSAGES]:
        piece = pieces[index]
        start = int(rng.integers(len(piece) - NOTES))
        part = slice(start, start + NOTES)
        rows = np.tile(codec.SILENCE, (NOTES + 1, 1))
        rows[2:, codec.TIME] = codec.time_bins(np.diff(piece.onset[part]))
        rows[1:, codec.PITCH] = piece.pitch[part] - LOWEST
        if piece.dynamics:
            rows[1:, codec.VELOCITY] = piece.velocity[part] // 4
        rows[1:, codec.DURATION] = codec.duration_bins(piece.duration[part])
        found.append((rows, rng.normal(size=latent, scale=STYLE_SPREAD).astype(np.float32)))
    return found


def show_progress(text: str) -> None:
    """One line that replaces the one before it on a terminal; a line of its own elsewhere. "" clears it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Write the file and say how far it agrees. 0: done, 1: it does not agree, 2: something that the user can correct."""
    parser = argparse.ArgumentParser(prog="tradefours export", description="Make the live engine's compact weights.")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--out", type=Path, help="default: NAME.live.safetensors, beside the weights")
    parser.add_argument("--corpus", type=Path, help="measure the agreement on these pieces, too")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    args = parser.parse_args(argv)
    try:
        path = weights_file.find(args.weights)
        weights = weights_file.read(path)
        if path.stem.endswith(weights_file.LIVE):
            raise weights_file.CheckpointError(
                f"{path.name} is exported already; name the weights that training wrote."
            )
        reference = NumpyBackend(weights.tensors, weights.config)
        passages = parity.generate_passages(Engine(reference))
        if args.corpus is not None:
            passages += held_out_passages(args.corpus, args.split, weights.config.latent)
    except (corpus.CorpusError, weights_file.CheckpointError) as error:
        print(f"tradefours export: {error}", file=sys.stderr)
        return 2
    try:
        from . import int8_selection
    except ImportError:
        print(
            "tradefours export: onnxruntime is not installed, and it is for that engine; install it.", file=sys.stderr
        )
        return 2
    check = parity.ParityCheck(reference, passages)
    int8 = int8_selection.select_int8(weights.tensors, weights.config, check, show_progress)
    show_progress("")
    out = args.out or path.with_suffix(f"{weights_file.LIVE}{path.suffix}")
    candidate = out.with_suffix(".try" + out.suffix)
    write(weights, int8, candidate)
    fault = find_fault(candidate, check, path.name)
    if fault:
        candidate.unlink()
        print(f"tradefours export: nothing is written: {fault}", file=sys.stderr)
        return 1
    os.replace(candidate, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0


def find_fault(exported: Path, check: parity.ParityCheck, original: str) -> str:
    """Why an exported file may not play in the place of the `original` one; "" where it may. Prints how far they agree."""
    backend, note = backend_choice.live(weights_file.read(exported))
    agreement = check.compare(backend)
    print(agreement)
    if note:
        return note
    if exported.stat().st_size > MAX_FILE_BYTES:
        return "it is too large"
    if not agreement.holds:
        return f"it does not say the same; the live engine plays these weights in float32, from {original}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
