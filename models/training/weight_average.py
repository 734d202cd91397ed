"""Average: one musician of two, where one was taught on from the other.

Knows nothing of training or playing. Half-way between weights and what a further course made of them, much of what was new is kept and
most of what was forgotten is back (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"); it costs nothing to try.

    python -m models.training.weight_average open runs/more/weights.safetensors --share 0.6 --out runs/mean.safetensors
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from ..runtime import checkpoint
from ..runtime.checkpoint import Checkpoint, CheckpointError

KIN = 0.5  # how far their tables of embeddings may lie apart, beside how large they are, and be of one family


def mean(first: Checkpoint, second: Checkpoint, share: float) -> Checkpoint:
    """`share` of the second and the rest of the first. Raises CheckpointError where neither can have been made from the other."""
    if first.musician.config != second.musician.config:
        raise CheckpointError(
            f"{first.name} and {second.name} differ in shape; average what was taught on from the other."
        )
    a, b = first.musician.state_dict(), second.musician.state_dict()
    table = "transformer.embedding.table.weight"
    if float((a[table] - b[table]).norm()) > KIN * float(a[table].norm()):
        raise CheckpointError(f"{first.name} and {second.name} are no kin; average what was taught on from the other.")
    second.musician.load_state_dict({name: torch.lerp(a[name], b[name], share) for name in a})
    about = {
        **second.about,
        "averaged": [f"{1.0 - share:.2f} of {first.fingerprint}", f"{share:.2f} of {second.fingerprint}"],
    }
    if licence := first.about.get("licence"):  # what one of them asks for, both do
        about["licence"] = licence
    points = [w.about.get("points", w.name) for w in (first, second)]
    if points[0] != points[1]:
        about.pop("points", None)  # a mean of two style encoders is a third
    return Checkpoint(second.musician, second.name, second.fingerprint, about)


def main(argv: list[str] | None = None) -> int:
    """Write the mean; bad input is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m models.training.weight_average",
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
        found = mean(checkpoint.load(args.first), checkpoint.load(args.second), args.share)
        checkpoint.save(args.out, found.musician, found.about)
    except CheckpointError as error:
        print(f"python -m models.training.weight_average: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"python -m models.training.weight_average: {args.out} cannot be written ({error.strerror}); name another file.",
            file=sys.stderr,
        )
        return 2
    print(f"weights: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
