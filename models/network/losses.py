"""The losses: what a lesson costs, in nats a note, field by field, and what the style is held to.

Knows nothing of optimisers or of where lessons come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..encoding import codec
from .heads import PREDICTED
from .model import Musician
from .style_encoder import TIED, draw, kl_nats

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Weights:
    """How much each part counts. `kl` is per note of the window; `floor` is the free nats of each latent dimension; `taught` is
    the share of the loss that comes from a teacher, where there is one, and not from the lesson itself.
    """

    kl: float = 0.1
    floor: float = 0.05
    tied: float = 0.3
    taught: float = 0.8


def styles(musician: Musician, batch: Batch, sample: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The style at each step, (B, T, latent), zero where there is none; and mean and log-variance, (B, P, latent)."""
    b, p, n, f = batch["style"].shape
    mean, logvar = musician.style(batch["style"].view(b * p, n, f), batch["style_known"].view(b * p, n))
    z = draw(mean, logvar) if sample else mean
    z = (z * batch["style_known"].view(b * p, n)[:, :1]).view(b, p, -1)
    at = batch["which"][..., None].expand(-1, -1, z.shape[-1])
    return z.gather(1, at), mean.view(b, p, -1), logvar.view(b, p, -1)


def field_nats(logits: list[Tensor], target: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of negative log-likelihoods and counts of known targets of each field, both (5,)."""
    sums, counts = [], []
    for field, guess in enumerate(logits):
        want = target[..., field].flatten()
        size = codec.SIZES[field]
        sums.append(F.cross_entropy(guess.flatten(0, -2).float(), want, ignore_index=size, reduction="sum"))
        counts.append((want != size).sum())
    return torch.stack(sums), torch.stack(counts)


def taught_nats(logits: list[Tensor], taught: list[Tensor], target: Tensor) -> Tensor:
    """Mean negative log-likelihood, (5,), of what a teacher expects where a field is known (Hinton et al. 2015)."""
    means = []
    for field, (guess, better) in enumerate(zip(logits, taught, strict=True)):
        known = (target[..., field] != codec.SIZES[field]).float()
        nats = -(better.float().softmax(-1) * guess.float().log_softmax(-1)).sum(-1)
        means.append((nats * known).sum() / known.sum().clamp(min=1))
    return torch.stack(means)


def lesson_loss(
    musician: Musician, batch: Batch, weights: Weights, teacher: Musician | None = None
) -> tuple[Tensor, Tensor]:
    """The loss to descend, a scalar, and a report, (8,): nats a note of each field, KL in nats, tied error, loss.

    `teacher`: one that reads the same lessons in the same style, and knows how long held notes will be; what it expects counts for
    `weights.taught`, what came for the rest. Expecting what it does in the mean is the best that can be done without knowing.
    """
    z, mean, logvar = styles(musician, batch, sample=True)
    logits = musician(batch["steps"], z, batch["target"])
    asked = batch["target"].clone()
    asked[..., codec.VELOCITY].masked_fill_(batch["made_up"], codec.UNKNOWN)
    sums, counts = field_nats(logits, asked)
    nats = sums / counts.clamp(min=1)
    learned = nats.sum()
    if teacher is not None:
        steps = batch["steps"].clone()
        steps[..., codec.DURATION] = batch["lengths"]
        with torch.no_grad():
            taught = teacher(steps, z, batch["target"])
        learned = torch.lerp(learned, taught_nats(logits, taught, asked).sum(), weights.taught)
    known = batch["style_known"][..., 0].float()[..., None]
    kl = (kl_nats(mean, logvar) * known).sum((0, 1)) / known.sum().clamp(min=1)
    figures = batch["attributes"]
    tied = (mean[..., :TIED] - figures.nan_to_num()).square() * known * ~figures.isnan()
    error = tied.sum() / known.sum().clamp(min=1) / TIED
    penalty = weights.kl * kl.clamp(min=weights.floor).sum() / batch["steps"].shape[1]
    loss = learned + penalty + weights.tied * error
    return loss, torch.cat([nats, kl.sum()[None], error[None], loss[None]]).detach()


REPORT = (*PREDICTED, "kl", "tied", "loss")
