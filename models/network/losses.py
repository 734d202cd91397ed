"""The losses of training: nats a note, field by field, and what the style's latent is held to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..encoding import codec
from .heads import PREDICTED
from .model import MusicModel
from .style_encoder import FEATURE_DIMENSIONS, kl_nats, sample_latent

Batch = dict[str, Tensor]  # the fields of `models.data.examples.Example`, each with a leading axis
REPORT_NAMES = (*PREDICTED, "kl", "tied", "loss")  # of the numbers that `training_loss` reports


@dataclass(frozen=True)
class LossWeights:
    """How much each part of the loss counts.

    `kl`: the KL divergence, for each note of the window (a beta-VAE, Higgins et al. 2017). `free_nats`: what each latent dimension may
    tell at no cost (Kingma et al. 2016). `features`: the squared error of the dimensions that stand for measured features. `teacher`:
    where there is a teacher, the share of the loss that comes from it and not from the example itself.
    """

    kl: float = 0.1
    free_nats: float = 0.05
    features: float = 0.3
    teacher: float = 0.8


def style_per_step(model: MusicModel, batch: Batch, sample: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The style at each step, (B, T, latent), zero where there is none; and mean and log-variance of each passage's, (B, P, latent)."""
    b, p, n, f = batch["style"].shape
    known = batch["style_known"].view(b * p, n)
    mean, logvar = model.style(batch["style"].view(b * p, n, f), known)
    z = sample_latent(mean, logvar) if sample else mean
    z = (z * known[:, :1]).view(b, p, -1)
    at = batch["passage"][..., None].expand(-1, -1, z.shape[-1])
    return z.gather(1, at), mean.view(b, p, -1), logvar.view(b, p, -1)


def field_nats(logits: list[Tensor], target: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of negative log-likelihoods and counts of known targets of each field, both (5,)."""
    sums = []
    counts = []
    for field, predicted in enumerate(logits):
        want = target[..., field].flatten()
        size = codec.SIZES[field]
        sums.append(F.cross_entropy(predicted.flatten(0, -2).float(), want, ignore_index=size, reduction="sum"))
        counts.append((want != size).sum())
    return torch.stack(sums), torch.stack(counts)


def distillation_nats(logits: list[Tensor], teacher: list[Tensor], target: Tensor) -> Tensor:
    """(5,) mean cross-entropy of what a teacher expects, over the targets that are known (Hinton et al. 2015)."""
    means = []
    for field, (student_logits, teacher_logits) in enumerate(zip(logits, teacher, strict=True)):
        known = (target[..., field] != codec.SIZES[field]).float()
        nats = -(teacher_logits.float().softmax(-1) * student_logits.float().log_softmax(-1)).sum(-1)
        means.append((nats * known).sum() / known.sum().clamp(min=1))
    return torch.stack(means)


def training_loss(
    model: MusicModel, batch: Batch, weights: LossWeights, teacher: MusicModel | None = None
) -> tuple[Tensor, Tensor]:
    """The loss to minimise, a scalar, and a report, (8,): see `REPORT_NAMES`. All in nats but "tied", a mean squared error.

    `teacher`: a model that reads the same examples in the same style, and knows how long held notes will be. The student cannot know
    that; to expect what the teacher expects on average is the best that it can do.
    """
    z, mean, logvar = style_per_step(model, batch, sample=True)
    logits = model(batch["steps"], z, batch["target"])
    target = batch["target"].clone()
    target[..., codec.VELOCITY].masked_fill_(batch["synthetic_velocity"], codec.UNKNOWN)
    sums, counts = field_nats(logits, target)
    nats = sums / counts.clamp(min=1)
    note_nats = nats.sum()
    if teacher is not None:
        steps = batch["steps"].clone()
        steps[..., codec.DURATION] = batch["full_duration"]
        with torch.no_grad():
            teacher_logits = teacher(steps, z, batch["target"])
        note_nats = torch.lerp(note_nats, distillation_nats(logits, teacher_logits, target).sum(), weights.teacher)
    known = batch["style_known"][..., 0].float()[..., None]
    kl = (kl_nats(mean, logvar) * known).sum((0, 1)) / known.sum().clamp(min=1)
    features = batch["features"]
    errors = (mean[..., :FEATURE_DIMENSIONS] - features.nan_to_num()).square() * known * ~features.isnan()
    error = errors.sum() / known.sum().clamp(min=1) / FEATURE_DIMENSIONS
    penalty = weights.kl * kl.clamp(min=weights.free_nats).sum() / batch["steps"].shape[1]
    loss = note_nats + penalty + weights.features * error
    return loss, torch.cat([nats, kl.sum()[None], error[None], loss[None]]).detach()
