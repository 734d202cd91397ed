"""The whole network: Transformer, heads and style encoder as one set of weights."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..encoding import codec
from .config import Config
from .heads import NoteHeads
from .style_encoder import StyleEncoder
from .transformer import Transformer


class MusicModel(nn.Module):
    """All that is learned. The names of the parts are those of the tensors in files of weights."""

    kind: ClassVar[str] = "Musician"  # what headers of weights call this network; part of the format

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        self.heads = NoteHeads(config.width)
        self.style = StyleEncoder(config)

    def forward(self, steps: Tensor, z: Tensor, target: Tensor) -> list[Tensor]:
        """(B, T, 14) steps with their recall, (B, T or 1, latent) style, the (B, T, 7) steps that followed -> logits of
        five fields, each (B, T, size). Nothing was played before the first step.
        """
        pitch = steps[..., codec.PITCH]
        pitch_before = torch.cat([torch.full_like(pitch[:, :1], codec.NO_PITCH), pitch[:, :-1]], dim=1)
        return self.heads(self.transformer(steps, z), target, torch.stack([pitch, pitch_before], -1))
