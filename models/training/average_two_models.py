"""Averaging the weights of two models, where one was trained further from the other.

Half-way between weights and what further training made of them, much of what was new is kept, and most of what was forgotten is back
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). It costs nothing to try.

    python -m models.training.average_two_models open runs/more/weights.safetensors --share 0.6 --out runs/mean.safetensors
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from ..runtime import checkpoint
from ..runtime.checkpoint import Checkpoint, CheckpointError

MAX_DISTANCE = 0.5  # between two tables of embeddings, as a share of the first one's norm; farther, they are unrelated
EMBEDDING_TABLE = "transformer.embedding.table.weight"


def average(first: Checkpoint, second: Checkpoint, share: float) -> Checkpoint:
    """`share` of the second model and the rest of the first. Raises CheckpointError where they are unrelated."""
    if first.model.config != second.model.config:
        raise CheckpointError(
            f"{first.name} and {second.name} differ in shape; average what was taught on from the other."
        )
    a = first.model.state_dict()
    b = second.model.state_dict()
    if float((a[EMBEDDING_TABLE] - b[EMBEDDING_TABLE]).norm()) > MAX_DISTANCE * float(a[EMBEDDING_TABLE].norm()):
        raise CheckpointError(
            f"{first.name} and {second.name} are not related; average two of which one was trained from the other."
        )
    second.model.load_state_dict({name: torch.lerp(a[name], b[name], share) for name in a})
    about = {
        **second.about,
        "averaged": [f"{1.0 - share:.2f} of {first.fingerprint}", f"{share:.2f} of {second.fingerprint}"],
    }
    if "licence" in first.about:  # the conditions of either hold for the mean
        about["licence"] = first.about["licence"]
    points = [w.about.get("points", w.name) for w in (first, second)]
    if points[0] != points[1]:
        about.pop("points", None)  # the mean of two style encoders is a third one
    return Checkpoint(second.model, second.name, second.fingerprint, about)


def main(argv: list[str] | None = None) -> int:
    """Write the mean; bad input is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m models.training.average_two_models",
        description="Average weights with what a further course made of them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("first", help="weights: a name, or a .safetensors file")
    parser.add_argument("second", help="weights that were taught on from them (train --start)")
    parser.add_argument("--share", type=float, default=0.5, help="of the second, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    args = parser.parse_args(argv)
    try:
        if not 0.0 <= args.share <= 1.0:
            raise CheckpointError(f"a share of {args.share:g} is none; name one from 0 to 1.")
        if args.out.suffix != ".safetensors":
            raise CheckpointError(f"{args.out.name} does not end with .safetensors; weights do.")
        averaged = average(checkpoint.load(args.first), checkpoint.load(args.second), args.share)
        checkpoint.save(args.out, averaged.model, averaged.about)
    except CheckpointError as error:
        print(f"python -m models.training.average_two_models: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"python -m models.training.average_two_models: {args.out} cannot be written ({error.strerror}); name another file.",
            file=sys.stderr,
        )
        return 2
    print(f"weights: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
