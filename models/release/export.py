"""Export: weights as training writes them to the compact file that the live engine plays from.

Knows nothing of training. The Transformer's matrices are kept in eight bits, as many as do with them
(`models.release.int8_selection`), everything else
in half precision; then both are asked the same questions, and where they do not agree nothing is written.

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
from ..music.note import LOWEST
from ..runtime import quantization, weights_file
from ..runtime.numpy_backend import NumpyBackend
from . import parity

LIMIT = 16_000_000  # bytes of an exported file
PASSAGES, NOTES = 16, 200  # of a corpus


def write(weights: weights_file.Weights, small: Mapping[str, quantization.Quantized], out: Path) -> None:
    """Write the compact file, at once or not at all; the matrices that are `small` as they are given."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in weights.tensors.items():
        if name in small:
            tensors[name], tensors[name + weights_file.SCALE] = small[name]
        else:
            tensors[name] = tensor.astype(np.float16)
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_suffix(".part")
    save_file(tensors, half, metadata=weights_file.header(weights.config, weights.about, weights.fingerprint))
    os.replace(half, out)


def heldout(where: Path, split: str | None, latent: int, seed: int = 0) -> list[parity.Passage]:
    """Passages of pieces."""
    rng = np.random.default_rng(seed)
    pieces = [p for p in corpus.read(where, split, None) if len(p) > NOTES]
    found = []
    for index in rng.permutation(len(pieces))[:PASSAGES]:
        piece, start = pieces[index], int(rng.integers(len(pieces[index]) - NOTES))
        part = slice(start, start + NOTES)
        rows = np.tile(codec.SILENCE, (NOTES + 1, 1))
        rows[2:, codec.TIME] = codec.time_bins(np.diff(piece.onset[part]))
        rows[1:, codec.PITCH] = piece.pitch[part] - LOWEST
        if piece.dynamics:
            rows[1:, codec.VELOCITY] = piece.velocity[part] // 4
        rows[1:, codec.DURATION] = codec.duration_bins(piece.duration[part])
        found.append((rows, rng.normal(size=latent, scale=0.5).astype(np.float32)))
    return found


def main(argv: list[str] | None = None) -> int:
    """Write the file and say how far it agrees. 0: done, 1: it does not agree, 2: something the user can mend."""
    parser = argparse.ArgumentParser(prog="tradefours export", description="Make the live engine's compact weights.")
    parser.add_argument("--weights", default="open", help="a name in models/weights, or a .safetensors file")
    parser.add_argument("--out", type=Path, help="default: NAME.live.safetensors, beside the weights")
    parser.add_argument("--corpus", type=Path, help="measure the agreement on these pieces, too")
    parser.add_argument("--split", default=None, help="train, valid or test, of a pack")
    args = parser.parse_args(argv)

    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif text:
            print(text, file=sys.stderr)

    try:
        path = weights_file.find(args.weights)
        weights = weights_file.read(path)
        if path.stem.endswith(weights_file.LIVE):
            raise weights_file.CheckpointError(
                f"{path.name} is exported already; name the weights that training wrote."
            )
        out = args.out or path.with_suffix(f"{weights_file.LIVE}{path.suffix}")
        tried = out.with_suffix(".try" + out.suffix)
        reference = NumpyBackend(weights.tensors, weights.config)
        passages = parity.played(Engine(reference))
        if args.corpus is not None:
            passages += heldout(args.corpus, args.split, weights.config.latent)
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
    listeners = parity.Listeners(reference, passages)
    write(weights, int8_selection.chosen(weights.tensors, weights.config, listeners, say), tried)
    say("")
    network, note = backend_choice.live(weights_file.read(tried))
    found = listeners.compare(network)
    size = tried.stat().st_size
    print(found)
    if note or not found.holds or size > LIMIT:
        tried.unlink()
        why = note or (
            "it is too large"
            if size > LIMIT
            else f"it does not say the same; the live engine plays these weights in float32, from {path.name}"
        )
        print(f"tradefours export: nothing is written: {why}", file=sys.stderr)
        return 1
    os.replace(tried, out)
    print(f"{out}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
