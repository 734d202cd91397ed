"""Training: one loop, on one device or under torchrun, that can be stopped and goes on where it was.

It reads a corpus, and writes checkpoints and a log of JSON lines.

    tradefours train --corpus DIR --out runs/first --notes 20e6
    torchrun --nproc-per-node 2 -m models.training.train --corpus DIR --out runs/first
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from ..data import corpus, examples
from ..data.loader import ExampleBatches, prefetch, to_tensors
from ..network.config import Config
from ..network.losses import Batch
from ..network.model import MusicModel
from ..runtime import checkpoint
from .arguments import parse_arguments
from .pausing import PauseSignals
from .progress import log_progress, tell_duration
from .trainer import Trainer

VALIDATION_BATCHES = 4  # of the valid split, always the same
SAME_ENCODER = 1e-3  # by which weights of two style encoders may differ, as files hold half precision


def create_model(args: argparse.Namespace, model_class: type[MusicModel]) -> tuple[MusicModel, dict[str, Any]]:
    """The model that training begins with, and the entries of its header that also hold for what comes of it.

    Raises CheckpointError for weights that do not fit, and for options that do not go together.
    """
    inherited: dict[str, Any] = {}
    if args.keep_style and not args.start:
        raise checkpoint.CheckpointError(
            "--keep-style leaves the style encoder of --start as it is; name weights there, or with --style-of."
        )
    if args.start:
        start = checkpoint.load(args.start)
        model = start.model.train()
        inherited = {k: v for k, v in start.about.items() if k == "licence"}
    else:
        model = model_class(Config(**{f.name: getattr(args, f.name) for f in fields(Config)}))
    if args.style_of:
        start = checkpoint.load(args.style_of)
        try:
            model.style.load_state_dict(start.model.style.state_dict())
        except RuntimeError as error:
            raise checkpoint.CheckpointError(f"the style encoder of {args.style_of} has another shape.") from error
        inherited |= {k: v for k, v in start.about.items() if k == "licence"}
    if args.keep_style or args.style_of:
        inherited["points"] = start.about.get("points", start.name)
        model.style.requires_grad_(False)
    return model, inherited


def load_teacher(args: argparse.Namespace, student: MusicModel) -> checkpoint.Checkpoint | None:
    """The teacher, where one is named. Its style encoder must be the student's, which stays as it is. Raises CheckpointError."""
    if not args.teacher:
        return None
    teacher = checkpoint.load(args.teacher)
    own = student.style.state_dict()
    others = teacher.model.style.state_dict()
    is_same = all(own[k].shape == v.shape and torch.allclose(own[k], v, atol=SAME_ENCODER) for k, v in others.items())
    if not is_same or not (args.keep_style or args.style_of):
        raise checkpoint.CheckpointError(
            f"{args.teacher} reads styles by another encoder; give the student the same one with --style-of {args.teacher}."
        )
    return teacher


def join_processes(args: argparse.Namespace) -> tuple[torch.device, int, int]:
    """The device, how many processes train together, and this one's number among them (torchrun says so in the environment)."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    if args.batch % world:
        raise SystemExit(f"--batch {args.batch} does not divide among {world} processes; choose a multiple.")
    return device, world, rank


def train(args: argparse.Namespace, model_class: type[MusicModel] = MusicModel) -> int:
    """Train, or go on with training that was paused. `model_class`: the network, where training begins from nothing.

    Returns the number of the signal that paused it, else 0. Raises CorpusError, CheckpointError.
    """
    device, world, rank = join_processes(args)
    torch.manual_seed(args.seed)
    model, inherited = create_model(args, model_class)
    teacher = load_teacher(args, model)
    if teacher is not None:
        inherited |= {"taught_by": teacher.fingerprint} | {k: v for k, v in teacher.about.items() if k == "licence"}
    trainer = Trainer(model, args, device, None if teacher is None else teacher.model)
    sources = corpus.parse_sources(args.sources)
    pieces = read_pieces(args, sources)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise checkpoint.CheckpointError(
            f"{args.out} cannot be made ({error.strerror}); name another folder."
        ) from error
    trainer.resume(args.out)
    validation = read_validation(args, model.config, sources, device) if args.judge and rank == 0 else []
    if rank == 0:
        parameters = sum(p.numel() for p in trainer.model.parameters()) / 1e6
        notes = sum(map(len, pieces)) / 1e6
        print(
            f"{len(pieces)} pieces, {notes:.2f} M notes; {parameters:.2f} M parameters; {trainer.steps} steps on {device}",
            flush=True,
        )
    with PauseSignals() as signals:
        run_steps(trainer, pieces, validation, world, rank, signals)
        if rank == 0:
            trainer.save(args.out)
            save_weights(trainer, inherited, model_class.kind, corpus.licence(sources))
    if world > 1:
        dist.destroy_process_group()
    return signals.signal if trainer.step < trainer.steps else 0


def read_pieces(args: argparse.Namespace, sources: list[str] | None) -> list[corpus.Piece]:
    """The pieces to learn from; what is passed over is told. Raises CorpusError."""
    pieces = corpus.read(args.corpus, "train", sources, lambda line: print(line, file=sys.stderr, flush=True))
    kept = [p for p in pieces if len(p) >= examples.FEWEST_NOTES]
    if not kept:
        raise corpus.CorpusError(
            f"none of the {len(pieces)} pieces in {args.corpus} has {examples.FEWEST_NOTES} notes; add longer ones."
        )
    if len(kept) < len(pieces):
        short = len(pieces) - len(kept)
        print(
            f"{short} of {len(pieces)} pieces are passed over: fewer than {examples.FEWEST_NOTES} notes.",
            file=sys.stderr,
        )
    return kept


def read_validation(
    args: argparse.Namespace, config: Config, sources: list[str] | None, device: torch.device
) -> list[Batch]:
    """Batches of examples that are not learned from. Raises CorpusError."""
    pieces = corpus.read(args.corpus, "valid", sources)
    stream = examples.ExampleStream(pieces, config.window, config.style_notes)
    batches = [examples.make_batch(stream, i, range(args.batch)) for i in range(VALIDATION_BATCHES)]
    return [to_tensors(arrays, device) for arrays in batches]


def run_steps(
    trainer: Trainer,
    pieces: list[corpus.Piece],
    validation: list[Batch],
    world: int,
    rank: int,
    signals: PauseSignals,
) -> None:
    """Take the steps that are left, or as many as there is time for, with log lines and checkpoints on the way."""
    args = trainer.args
    config = trainer.model.config
    stream = examples.ExampleStream(pieces, config.window, config.style_notes, args.seed)
    # Process r takes examples r, r + world, …: the batch is the same however many processes share it.
    batches = ExampleBatches(stream, trainer.step, trainer.steps, list(range(rank, args.batch, world)))
    if rank == 0 and len(batches):
        tell_duration(trainer, batches)
    hours_before = trainer.hours
    first = trainer.step
    began = saved = time.monotonic()
    recent = []
    for arrays in prefetch(batches, args.workers):
        recent.append(trainer.take_step(to_tensors(arrays, trainer.device), world))
        seconds = time.monotonic() - began
        trainer.hours = hours_before + seconds / 3600
        pauses = bool(signals.signal) or (args.minutes is not None and seconds > args.minutes * 60)
        is_last = trainer.step == trainer.steps or any_process(pauses, world, trainer.device)
        validates = bool(validation) and (is_last or trainer.step % args.judge == 0)
        if rank == 0 and (is_last or validates or trainer.step % args.every == 0):
            speed = (trainer.step - first) * args.batch * config.window / seconds
            unseen = trainer.validate(validation) if validates else None
            log_progress(trainer, torch.stack(recent).mean(0), speed, unseen)
            recent = []
        if is_last:
            break
        if rank == 0 and time.monotonic() - saved > args.save_minutes * 60:
            trainer.save(args.out)
            saved = time.monotonic()


def any_process(pauses: bool, world: int, device: torch.device) -> bool:
    """Whether any process pauses: then all do, after the same step."""
    if world == 1:
        return pauses
    flag = torch.tensor([float(pauses)], device=device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag.item())


def save_weights(trainer: Trainer, inherited: dict[str, Any], kind: str, licence: str) -> None:
    """Write what was learned so far as a file of weights, and say where it is and how to play with it."""
    done = trainer.step * trainer.args.batch * trainer.model.config.window
    is_over = trainer.step >= trainer.steps
    about = {
        **inherited,
        "command": publishable(sys.argv),
        "seed": trainer.args.seed,
        "notes": int(trainer.args.notes) if is_over else done,
        "hours": round(trainer.hours, 2),
        "kind": kind,
    }
    if licence:
        about["licence"] = licence
    path = trainer.args.out / "weights.safetensors"
    checkpoint.save(path, trainer.model, about)
    print(f"weights: {path}", flush=True)
    if kind == MusicModel.kind:
        print(f"play: tradefours play --weights {shlex.quote(str(path))}", flush=True)
    if not is_over:
        print(f"paused after {trainer.step} of {trainer.steps} steps; the same command goes on.", flush=True)


def publishable(argv: list[str]) -> str:
    """A command line that may be published: of each path, only its last part."""
    return " ".join(Path(word).name if os.sep in word else word for word in argv)


def main(argv: list[str] | None = None) -> int:
    """Train; bad input is one sentence."""
    return run_command(parse_arguments(argv))


def run_command(args: argparse.Namespace, model_class: type[MusicModel] = MusicModel) -> int:
    """`train` as a command: returns its exit code."""
    try:
        number = train(args, model_class)
    except (corpus.CorpusError, checkpoint.CheckpointError) as error:
        print(f"tradefours train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint.", file=sys.stderr)
        return 130
    return 128 + number if number else 0


if __name__ == "__main__":
    sys.exit(main())
