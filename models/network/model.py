"""The musician: Transformer, heads and style encoder as one set of weights.

Knows nothing of files, training or playing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..encoding import codec
from .config import Config
from .heads import NoteHeads
from .style_encoder import StyleEncoder
from .transformer import Transformer


class Musician(nn.Module):
    """All that is learned."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        self.heads = NoteHeads(config.width)
        self.style = StyleEncoder(config)

    def forward(self, steps: Tensor, z: Tensor, target: Tensor) -> list[Tensor]:
        """(B, T, 14) steps with their recall, (B, T or 1, latent) style, the (B, T, 7) steps that followed -> logits of
        five fields. Nothing was played before the first step.
        """
        pitch = steps[..., codec.PITCH]
        before = torch.cat([torch.full_like(pitch[:, :1], codec.NO_PITCH), pitch[:, :-1]], dim=1)
        return self.heads(self.transformer(steps, z), target, torch.stack([pitch, before], -1))
