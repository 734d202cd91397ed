"""The trainer: a musician, its optimisers, and where they are in the course; one step, a look at what is not learned, a checkpoint.

Knows nothing of corpora, files of weights or terminals.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..network.losses import Batch, Weights, lesson_loss
from ..network.model import Musician
from .muon import Muon


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
