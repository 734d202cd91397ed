"""Training: one readable loop, on one device or under torchrun, that can be stopped and goes on where it was.

Knows nothing of playing. Reads a corpus, writes checkpoints and a log of JSON lines.

    tradefours train --corpus DIR --out runs/first --notes 20e6
    torchrun --nproc-per-node 2 -m models.training.train --corpus DIR --out runs/first
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..data import corpus, examples
from ..data.loader import Batches, ahead, tensors
from ..network.heads import PREDICTED
from ..network.losses import REPORT
from ..network.model import Musician
from ..network.transformer import Config
from ..runtime import checkpoint
from .train_step import Trainer

JUDGED = 4  # batches of lessons of the valid split that are looked at, always the same


def beginning(args: argparse.Namespace, make: Callable[[Config], Musician]) -> tuple[Musician, dict[str, Any]]:
    """Whom the course begins with, and what is said of the weights that this was, and goes for what comes of them."""
    inherited: dict[str, Any] = {}
    if args.keep_style and not args.start:
        raise checkpoint.CheckpointError(
            "--keep-style leaves the style encoder of --start as it is; name weights there, or with --style-of."
        )
    if args.start:
        start = checkpoint.load(args.start)
        musician = start.musician.train()
        inherited = {k: v for k, v in start.about.items() if k == "licence"}
    else:
        musician = make(Config(**{f.name: getattr(args, f.name) for f in fields(Config)}))
    if args.style_of:
        start = checkpoint.load(args.style_of)
        try:
            musician.style.load_state_dict(start.musician.style.state_dict())
        except RuntimeError as error:
            raise checkpoint.CheckpointError(f"the style encoder of {args.style_of} has another shape.") from error
        inherited |= {k: v for k, v in start.about.items() if k == "licence"}
    if args.keep_style or args.style_of:
        inherited["points"] = start.about.get("points", start.name)
        musician.style.requires_grad_(False)
    return musician, inherited


def teaching(args: argparse.Namespace, student: Musician) -> checkpoint.Checkpoint | None:
    """Who teaches, if somebody does: one that reads styles as the student does, who leaves its own encoder as it is."""
    if not args.teacher:
        return None
    teacher = checkpoint.load(args.teacher)
    own, others = student.style.state_dict(), teacher.musician.style.state_dict()
    same = all(own[k].shape == v.shape and torch.allclose(own[k], v, atol=1e-3) for k, v in others.items())
    if not same or not (args.keep_style or args.style_of):
        raise checkpoint.CheckpointError(
            f"{args.teacher} reads styles by another encoder; give the student the same one with --style-of {args.teacher}."
        )
    return teacher


def train(args: argparse.Namespace, make: Callable[[Config], Musician] = Musician) -> None:
    """Run the course, or what is left of it. `make`: what is taught where it begins from nothing."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    if args.batch % world:
        raise SystemExit(f"--batch {args.batch} does not divide among {world} processes; choose a multiple.")
    torch.manual_seed(args.seed)
    musician, inherited = beginning(args, make)
    config = musician.config
    teacher = teaching(args, musician)
    if teacher is not None:
        inherited |= {"taught_by": teacher.fingerprint} | {k: v for k, v in teacher.about.items() if k == "licence"}
    trainer = Trainer(musician, args, device, None if teacher is None else teacher.musician)
    args.out.mkdir(parents=True, exist_ok=True)
    trainer.resume(args.out)
    sources = corpus.named(args.sources)
    pieces = corpus.read(args.corpus, "train", sources)
    course = examples.ExampleStream(pieces, config.window, config.style_notes, args.seed)
    held_out = corpus.read(args.corpus, "valid", sources) if args.judge and rank == 0 else []
    others = examples.ExampleStream(held_out, config.window, config.style_notes)
    unseen = [tensors(examples.batch(others, i, range(args.batch)), device) for i in range(JUDGED if held_out else 0)]
    if rank == 0:
        size = sum(p.numel() for p in trainer.musician.parameters()) / 1e6
        notes = sum(map(len, pieces)) / 1e6
        print(
            f"{len(pieces)} pieces, {notes:.2f} M notes; {size:.2f} M parameters; {trainer.steps} steps on {device}",
            flush=True,
        )
    # Process r takes lessons r, r + world, …: the batch is the same however many share it.
    mine = list(range(rank, args.batch, world))
    began, hours_before, saved = time.monotonic(), trainer.hours, time.monotonic()
    first, recent = trainer.step, []
    for arrays in ahead(Batches(course, trainer.step, trainer.steps, mine), args.workers):
        recent.append(trainer.descend(tensors(arrays, device), world))
        passed = time.monotonic() - began
        trainer.hours = hours_before + passed / 3600
        last = trainer.step == trainer.steps or (args.minutes is not None and passed > args.minutes * 60)
        due = bool(unseen) and (last or trainer.step % args.judge == 0)
        if rank == 0 and (last or due or trainer.step % args.every == 0):
            speed = (trainer.step - first) * args.batch * config.window / passed
            judged = trainer.judge(unseen) if due else None
            tell(trainer, torch.stack(recent).mean(0), speed, judged)
            recent = []
        if rank == 0 and (last or time.monotonic() - saved > args.save_minutes * 60):
            trainer.save(args.out)
            saved = time.monotonic()
        if last:
            break
    if rank == 0 and trainer.step == trainer.steps:
        about = {
            **inherited,
            "command": said(sys.argv),
            "seed": args.seed,
            "notes": int(args.notes),
            "hours": round(trainer.hours, 2),
            "kind": make.__name__,
        }
        if licence := corpus.licence(sources):
            about["licence"] = licence
        checkpoint.save(args.out / "weights.safetensors", trainer.musician, about)
        print(f"weights: {args.out / 'weights.safetensors'}", flush=True)
    if world > 1:
        dist.destroy_process_group()


def said(argv: list[str]) -> str:
    """A command line that may be published: of paths, only their last part."""
    return " ".join(Path(word).name if os.sep in word else word for word in argv)


def tell(trainer: Trainer, report: Tensor, speed: float, judged: Tensor | None) -> None:
    """One line on the terminal, one in the log. Bits for people and plots."""
    figures = dict(zip(REPORT, report.tolist(), strict=True))
    bits = {k: figures[k] / math.log(2) for k in PREDICTED}
    done = trainer.step * trainer.args.batch * trainer.musician.config.window
    left = (trainer.args.notes - done) / max(speed, 1e-9) / 60
    total = sum(bits.values())
    row = {
        "step": trainer.step,
        "notes": done,
        "hours": round(trainer.hours, 4),
        "bits": round(total, 4),
        "notes_per_s": round(speed),
    }
    row |= {k: round(v, 4) for k, v in bits.items()} | {k: round(figures[k], 4) for k in ("kl", "tied", "loss")}
    unseen = ""
    if judged is not None:
        row["unseen"] = round(float(judged[: len(PREDICTED)].sum()) / math.log(2), 4)
        unseen = f"  unseen {row['unseen']:.2f}"
    with (trainer.args.out / "log.jsonl").open("a", encoding="utf8") as log:
        log.write(json.dumps(row) + "\n")
    each = "  ".join(f"{k} {v:.2f}" for k, v in bits.items())
    share = done / trainer.args.notes
    print(
        f"{share:6.1%}  {total:.2f} bits a note ({each}){unseen}  style {figures['kl']:.1f} nats, tied {figures['tied']:.2f}  "
        f"{speed:,.0f} notes/s, {left:.0f} min left",
        flush=True,
    )


def arguments(
    argv: list[str] | None, prog: str = "tradefours train", what: str = "Teach a musician."
) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog, description=what, formatter_class=argparse.ArgumentDefaultsHelpFormatter
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
    parser.add_argument("--notes", type=float, default=20e6, help="length of the course, in notes")
    parser.add_argument("--minutes", type=float, help="pause after this long; the same command goes on")
    parser.add_argument("--batch", type=int, default=16, help="windows a step, over all processes")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at its highest")
    parser.add_argument("--decay", type=float, default=0.01, help="decay of the weights, as a share of the rate")
    parser.add_argument(
        "--drop", type=share, default=0.0, help="share of what each layer adds that is left out at random"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu or cuda; found by itself")
    parser.add_argument(
        "--bf16", action="store_true", help="bfloat16 on a CPU that multiplies it in hardware; CUDA always does"
    )
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile: slow to start, faster after; needs a C++ compiler"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare lessons; 0: a thread does")
    parser.add_argument(
        "--judge", type=int, default=0, help="steps between looks at the valid split of a pack; 0: none"
    )
    parser.add_argument("--every", type=int, default=25, help="steps between lines of the log")
    parser.add_argument("--save-minutes", type=float, default=5.0, help="minutes between checkpoints")
    for f in fields(Config):
        parser.add_argument(f"--{f.name.replace('_', '-')}", type=int, default=f.default, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def share(text: str) -> float:
    """A share of something that is not all of it."""
    if 0.0 <= (value := float(text)) < 1.0:
        return value
    raise argparse.ArgumentTypeError(f"{text} is no share from 0 to below 1")


def main(argv: list[str] | None = None) -> int:
    """Train; bad input is one sentence."""
    return run(arguments(argv))


def run(args: argparse.Namespace, make: Callable[[Config], Musician] = Musician) -> int:
    """`train`, as a command: the code that it ends with."""
    try:
        train(args, make)
    except (corpus.CorpusError, checkpoint.CheckpointError) as error:
        print(f"tradefours train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
