"""The command line of training."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from ..network.config import Config


def parse_arguments(
    argv: list[str] | None, prog: str = "tradefours train", description: str = "Teach a musician."
) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="a pack, or a folder of .mid files")
    parser.add_argument(
        "--sources",
        help="sources of a pack, with commas; 'open' for those whose weights may be published freely, "
        "'full' for these and those that may be used non-commercially only",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoint, log and weights; goes on if it has them"
    )
    parser.add_argument(
        "--start", metavar="WEIGHTS", help="go on from these weights ('open', or a file), say with music of your own"
    )
    parser.add_argument(
        "--keep-style", action="store_true", help="leave the style encoder as it is: presets go on meaning the same"
    )
    parser.add_argument(
        "--style-of", metavar="WEIGHTS", help="begin with the style encoder of these weights, and leave it as it is"
    )
    parser.add_argument(
        "--teacher",
        metavar="WEIGHTS",
        help="learn from what these weights expect, too, whose style encoder is the same",
    )
    parser.add_argument("--notes", type=float, default=20e6, help="how many notes to learn from, repeats counted")
    parser.add_argument("--minutes", type=float, help="pause after this long; the same command goes on")
    parser.add_argument("--batch", type=int, default=16, help="windows a step, over all processes")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at its highest")
    parser.add_argument("--decay", type=float, default=0.01, help="decay of the weights, as a share of the rate")
    parser.add_argument(
        "--drop", type=parse_share, default=0.0, help="share of what each layer adds that is left out at random"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu or cuda; found by itself")
    parser.add_argument(
        "--bf16", action="store_true", help="bfloat16 on a CPU that multiplies it in hardware; CUDA always does"
    )
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile: slow to start, faster after; needs a C++ compiler"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare examples; 0: a thread does")
    parser.add_argument(
        "--judge", type=int, default=0, help="steps between evaluations on the valid split of a pack; 0: none"
    )
    parser.add_argument("--every", type=int, default=25, help="steps between lines of the log")
    parser.add_argument("--save-minutes", type=float, default=5.0, help="minutes between checkpoints")
    for f in fields(Config):
        parser.add_argument(f"--{f.name.replace('_', '-')}", type=int, default=f.default, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def parse_share(text: str) -> float:
    """A share, from 0 to below 1. Raises ArgumentTypeError."""
    value = float(text)
    if 0.0 <= value < 1.0:
        return value
    raise argparse.ArgumentTypeError(f"{text} is no share from 0 to below 1")
