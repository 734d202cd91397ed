"""One training step: a model, its optimisers, and how far training has come; validation, and checkpoints to resume from."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..network.losses import Batch, LossWeights, training_loss
from ..network.model import MusicModel
from .muon import Muon

MATRIX_RATE = STYLE_RATE = (
    2.0  # learning rates as multiples of --rate: of the Transformer's matrices, and of the style encoder
)
ADAM_BETAS = (0.9, 0.98)  # of the gradient and of its square (as Vaswani et al. 2017)
MAX_GRADIENT_NORM = 1.0  # a larger gradient is scaled down to it
WARM_UP, COOL_DOWN = 0.01, 0.35  # shares of training in which the rate rises from zero, and falls to it
MODEL_PREFIX = "musician"  # of tensors' names in a checkpoint; part of the format
CHECKPOINT = "training.safetensors"


def create_optimizers(model: MusicModel, rate: float, decay: float, bfloat16: bool) -> list[torch.optim.Optimizer]:
    """Muon for the Transformer's matrices, AdamW for the rest."""
    matrices = []
    style = []
    rest = []
    for name, parameter in model.named_parameters():
        if name.startswith("style."):
            style.append(parameter)
        elif name.startswith("transformer.layers.") and parameter.ndim == 2 and ".style." not in name:
            matrices.append(parameter)
        else:
            rest.append(parameter)
    groups = [{"params": rest, "lr": rate}, {"params": style, "lr": STYLE_RATE * rate}]
    adam = torch.optim.AdamW(groups, lr=rate, betas=ADAM_BETAS, weight_decay=decay)
    if not matrices:
        return [adam]
    return [Muon(matrices, MATRIX_RATE * rate, weight_decay=decay, bfloat16=bfloat16), adam]


def rate_factor(done: float) -> float:
    """The learning rate's factor after a share `done` of training: a short warm-up, level, then linearly down to zero."""
    return min(done / WARM_UP, 1.0, (1.0 - done) / COOL_DOWN) if done < 1.0 else 0.0


class Trainer:
    """A model, its optimisers, and how far training has come. `teacher`: a model to learn from, besides the examples."""

    def __init__(
        self, model: MusicModel, args: argparse.Namespace, device: torch.device, teacher: MusicModel | None = None
    ) -> None:
        self.model = model.to(device)
        self.args = args
        self.device = device
        self.teacher = None if teacher is None else teacher.to(device).requires_grad_(False)
        for layer in getattr(self.model.transformer, "layers", ()):
            layer.dropout = args.drop
        self.bfloat16 = device.type == "cuda" or (args.bf16 and device.type == "cpu")
        self.optimizers = create_optimizers(model, args.rate, args.decay, self.bfloat16)
        self.full_rates = [[group["lr"] for group in o.param_groups] for o in self.optimizers]
        self.step = 0
        self.hours = 0.0
        self.steps = max(1, round(args.notes / (args.batch * model.config.window)))
        self.loss: Any = torch.compile(training_loss, dynamic=False) if args.compile else training_loss

    def take_step(self, batch: Batch, world: int) -> Tensor:
        """One step on this process's share of a batch; returns the report of `training_loss`, (8,), averaged over processes."""
        factor = rate_factor((self.step + 1) / self.steps)
        for optimizer, rates in zip(self.optimizers, self.full_rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        # The latent is drawn afresh each step. The draw depends on the step and the process alone, so resuming repeats it.
        rank = dist.get_rank() if world > 1 else 0
        torch.manual_seed(self.args.seed * 1_000_003 + self.step * 64 + rank)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss, report = self.loss(self.model, batch, LossWeights(), self.teacher)
        loss.backward()
        if world > 1:
            average_over_processes([*(p.grad for p in self.model.parameters() if p.grad is not None), report], world)
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        return report

    def measure_step(self, batch: Batch) -> float:
        """Seconds that a step takes here, by learning from a batch and forgetting it at once. Changes nothing."""
        seconds = 0.0
        for _ in range(2):  # the first one is slower than those that follow
            began = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                loss, _report = self.loss(self.model, batch, LossWeights(), self.teacher)
            loss.backward()
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            seconds = time.perf_counter() - began
        return seconds

    @torch.no_grad()
    def validate(self, batches: list[Batch]) -> Tensor:
        """The mean report of `training_loss`, (8,), on batches that are not learned from."""
        self.model.eval()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            reports = [training_loss(self.model, batch, LossWeights())[1] for batch in batches]
        self.model.train()
        return torch.stack(reports).mean(0)

    def save(self, out: Path) -> None:
        """Write all that is needed to go on into the folder `out`, at once or not at all."""
        tensors = {f"{MODEL_PREFIX}.{k}": v for k, v in self.model.state_dict().items()}
        for o, optimizer in enumerate(self.optimizers):
            for p, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{o}.{p}.{k}": torch.as_tensor(v) for k, v in state.items()}
        header = {"step": str(self.step), "hours": str(self.hours), "steps": str(self.steps)}
        unfinished = out / "training.part"
        save_file({k: v.contiguous() for k, v in tensors.items()}, unfinished, metadata=header)
        os.replace(unfinished, out / CHECKPOINT)

    def resume(self, out: Path) -> None:
        """Go on from what `save` wrote into the folder `out`, if it has."""
        path = out / CHECKPOINT
        if not path.is_file():
            return
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        weights = {}
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118
                part, rest = key.split(".", 1)
                if part == MODEL_PREFIX:
                    weights[rest] = file.get_tensor(key)
                else:
                    o, p, name = rest.split(".")
                    states[int(o)].setdefault(int(p), {})[name] = file.get_tensor(key)
            header = file.metadata()
        self.model.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        self.step = int(header["step"])
        self.hours = float(header["hours"])


def average_over_processes(parts: list[Tensor], world: int) -> None:
    """Average each tensor over all processes, in place, in one message."""
    flat = torch.cat([t.flatten() for t in parts])
    dist.all_reduce(flat)
    flat /= world
    at = 0
    for tensor in parts:
        tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor))
        at += tensor.numel()
