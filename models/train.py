"""Training: one readable loop, on one device or under torchrun, that can be stopped and goes on where it was.

Knows nothing of playing. Reads a corpus, writes checkpoints and a log of JSON lines.

    tradefours train --corpus DIR --out runs/first --notes 20e6
    torchrun --nproc-per-node 2 -m models.train --corpus DIR --out runs/first
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
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from . import checkpoint, corpus, lessons
from .batches import Batches, ahead, tensors
from .heads import CHOSEN
from .losses import REPORT, Batch, Weights, lesson_loss
from .muon import Muon
from .musician import Musician
from .transformer import Config

JUDGED = 4  # batches of lessons of the valid split that are looked at, always the same


def optimizers(musician: Musician, rate: float, decay: float, narrow: bool) -> list[torch.optim.Optimizer]:
    """Muon for the Transformer's matrices, AdamW for the rest; the style encoder at twice the rate."""
    matrices, rest, style = [], [], []
    for name, parameter in musician.named_parameters():
        if name.startswith("style."):
            style.append(parameter)
        elif name.startswith("transformer.layers.") and parameter.ndim == 2 and ".style." not in name:
            matrices.append(parameter)
        else:
            rest.append(parameter)
    groups = [{"params": rest, "lr": rate}, {"params": style, "lr": 2 * rate}]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=decay)
    return [Muon(matrices, 2 * rate, weight_decay=decay, narrow=narrow), adam] if matrices else [adam]


def pace(done: float) -> float:
    """The rate's factor after a share `done` of the course: a short warm-up, level, then linearly down to zero."""
    return min(done / 0.01, 1.0, (1.0 - done) / 0.35) if done < 1.0 else 0.0


class Trainer:
    """Musician, optimisers and where they are in the course. `teacher`: one that it learns from, besides the lessons."""

    def __init__(
        self, musician: Musician, args: argparse.Namespace, device: torch.device, teacher: Musician | None = None
    ) -> None:
        self.musician, self.args, self.device = musician.to(device), args, device
        self.teacher = None if teacher is None else teacher.to(device).requires_grad_(False)
        for layer in getattr(self.musician.transformer, "layers", ()):
            layer.drop = args.drop
        self.narrow = device.type == "cuda" or (args.bf16 and device.type == "cpu")
        self.optimizers = optimizers(musician, args.rate, args.decay, self.narrow)
        self.base = [[group["lr"] for group in o.param_groups] for o in self.optimizers]
        self.step, self.hours = 0, 0.0
        self.steps = max(1, round(args.notes / (args.batch * musician.config.window)))
        self.loss: Any = torch.compile(lesson_loss, dynamic=False) if args.compile else lesson_loss

    def descend(self, batch: Batch, world: int) -> Tensor:
        """One step on this process's share of a batch; returns the report of `lesson_loss`, averaged over processes."""
        factor = pace((self.step + 1) / self.steps)
        for optimizer, rates in zip(self.optimizers, self.base, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        # The latent is drawn afresh each step; the draw depends on the step and the process alone, so resuming repeats
        # it.
        torch.manual_seed(self.args.seed * 1_000_003 + self.step * 64 + (dist.get_rank() if world > 1 else 0))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.narrow):
            loss, report = self.loss(self.musician, batch, Weights(), self.teacher)
        loss.backward()
        if world > 1:
            average([p.grad for p in self.musician.parameters() if p.grad is not None] + [report], world)
        nn.utils.clip_grad_norm_(self.musician.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        return report

    @torch.no_grad()
    def judge(self, batches: list[Batch]) -> Tensor:
        """The report of `lesson_loss` on lessons that are not learned from."""
        self.musician.eval()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.narrow):
            reports = [lesson_loss(self.musician, batch, Weights())[1] for batch in batches]
        self.musician.train()
        return torch.stack(reports).mean(0)

    def save(self, out: Path) -> None:
        """Write all that is needed to go on, at once or not at all."""
        tensors = {f"musician.{k}": v for k, v in self.musician.state_dict().items()}
        for o, optimizer in enumerate(self.optimizers):
            for p, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{o}.{p}.{k}": torch.as_tensor(v) for k, v in state.items()}
        header = {"step": str(self.step), "hours": str(self.hours), "steps": str(self.steps)}
        half = out / "training.part"
        save_file({k: v.contiguous() for k, v in tensors.items()}, half, metadata=header)
        os.replace(half, out / "training.safetensors")

    def resume(self, out: Path) -> None:
        """Go on from `save`, if it has run."""
        path = out / "training.safetensors"
        if not path.is_file():
            return
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        weights = {}
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118
                kind, rest = key.split(".", 1)
                if kind == "musician":
                    weights[rest] = file.get_tensor(key)
                else:
                    o, p, name = rest.split(".")
                    states[int(o)].setdefault(int(p), {})[name] = file.get_tensor(key)
            header = file.metadata()
        self.musician.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        self.step, self.hours = int(header["step"]), float(header["hours"])


def average(parts: list[Tensor], world: int) -> None:
    """Average tensors over all processes, in one message."""
    flat = torch.cat([t.flatten() for t in parts])
    dist.all_reduce(flat)
    flat /= world
    at = 0
    for tensor in parts:
        tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor))
        at += tensor.numel()


def beginning(args: argparse.Namespace, make: Callable[[Config], Musician]) -> tuple[Musician, dict[str, Any]]:
    """Whom the course begins with, and what is said of the weights that this was, and goes for what comes of them."""
    inherited: dict[str, Any] = {}
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
    teacher = checkpoint.load(args.teacher) if args.teacher else None
    if teacher is not None:
        if inherited.get("points") != teacher.about.get("points", teacher.name):
            raise checkpoint.CheckpointError(
                f"{args.teacher} reads styles by another encoder; name the one that both have with --style-of, or --keep-style."
            )
        inherited |= {k: v for k, v in teacher.about.items() if k == "licence"}
    trainer = Trainer(musician, args, device, None if teacher is None else teacher.musician)
    args.out.mkdir(parents=True, exist_ok=True)
    trainer.resume(args.out)
    sources = corpus.named(args.sources)
    pieces = corpus.read(args.corpus, "train", sources)
    course = lessons.Course(pieces, config.window, config.style_notes, args.seed)
    held_out = corpus.read(args.corpus, "valid", sources) if args.judge and rank == 0 else []
    others = lessons.Course(held_out, config.window, config.style_notes)
    unseen = [tensors(lessons.batch(others, i, range(args.batch)), device) for i in range(JUDGED if held_out else 0)]
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
        if rank == 0 and (last or trainer.step % args.every == 0):
            speed = (trainer.step - first) * args.batch * config.window / passed
            judged = trainer.judge(unseen) if unseen and (last or trainer.step % args.judge == 0) else None
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
        if teacher is not None:
            about["taught_by"] = teacher.fingerprint
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
    bits = {k: figures[k] / math.log(2) for k in CHOSEN}
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
        row["unseen"] = round(float(judged[: len(CHOSEN)].sum()) / math.log(2), 4)
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
        "--drop", type=float, default=0.0, help="share of what each layer adds that is left out at random"
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
    parser.add_argument("--judge", type=int, default=0, help="steps between looks at the valid split; 0: none")
    parser.add_argument("--every", type=int, default=25, help="steps between lines of the log")
    parser.add_argument("--save-minutes", type=float, default=5.0, help="minutes between checkpoints")
    for f in fields(Config):
        parser.add_argument(f"--{f.name.replace('_', '-')}", type=int, default=f.default, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


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
