"""The style encoder of a variational autoencoder: from a passage to a point in a small latent space.

Neighbour encoding: the Transformer continues one passage while the style is read from another passage of the same piece. So the latent
holds how a piece is played, and not which notes come next. Its first dimensions are tied to the measured features of
`models.music.features`, so that a knob can turn them; the others are free. (Some examples read the passage itself, in another key: see
`models.data.examples`.)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoding import codec
from ..music import features
from .config import Config
from .transformer import Layer

FEATURE_DIMENSIONS = len(features.NAMES)
"""How many dimensions, the first ones, stand for measured features."""


class StyleEncoder(nn.Module):
    """A small Transformer that looks both ways, mean-pooled into a Gaussian over the latent."""

    offsets: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.style_width
        inner = Config(
            width=width, layers=config.style_layers, heads=2, kv_heads=2, hidden=2 * width, latent=config.latent
        )
        sizes = [size + 1 for size in codec.SIZES[1:]]
        self.register_buffer("offsets", torch.tensor([0, *sizes[:-1]]).cumsum(0), persistent=False)
        self.table = nn.Embedding(sum(sizes), width)
        nn.init.normal_(self.table.weight, std=0.05)
        self.layers = nn.ModuleList(Layer(inner, i) for i in range(inner.layers))
        for layer in self.layers:
            del layer.style  # no style is added where the style is read
            layer.style = NoStyle()
        self.norm = nn.RMSNorm(width)
        self.out = nn.Linear(width, 2 * config.latent)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, steps: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, 7) steps, (B, N) True where there is a note -> mean and log-variance, each (B, latent)."""
        index = steps[..., codec.TIME : codec.DURATION + 1] + self.offsets
        x = F.embedding_bag(index.flatten(0, 1), self.table.weight, mode="sum").view(*steps.shape[:2], -1)
        positions = torch.arange(steps.shape[1], device=steps.device)
        mask = known[:, None, None, :] | torch.eye(steps.shape[1], dtype=torch.bool, device=steps.device)
        for layer in self.layers:
            x = layer(x, x, positions, mask, None)
        weight = known.to(x.dtype)[..., None]
        pooled = (self.norm(x) * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        mean, logvar = self.out(pooled).chunk(2, dim=-1)
        return mean, logvar.clamp(-8.0, 2.0)


class NoStyle(nn.Module):
    """Takes the place of a style projection where there is no style."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.zeros_like(z)


def sample_latent(mean: Tensor, logvar: Tensor) -> Tensor:
    """A sample of the latent by the reparameterisation trick (Kingma & Welling 2014)."""
    return mean + torch.randn_like(mean) * (0.5 * logvar).exp()


def kl_nats(mean: Tensor, logvar: Tensor) -> Tensor:
    """(B, latent) KL divergence of each dimension from the unit Gaussian, in nats."""
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)
