"""The musician: Transformer, heads and style encoder as one set of weights.

Knows nothing of files, training or playing.
"""

from __future__ import annotations

from torch import Tensor, nn

from .heads import NoteHeads
from .style import StyleEncoder
from .transformer import Config, Transformer


class Musician(nn.Module):
    """All that is learned."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        self.heads = NoteHeads(config.width)
        self.style = StyleEncoder(config)

    def forward(self, steps: Tensor, z: Tensor, target: Tensor, before: Tensor | None = None) -> list[Tensor]:
        """(B, T, 7) steps, (B, T or 1, latent) style, the (B, T, 7) steps that followed -> logits of five fields."""
        return self.heads(self.transformer(steps, z, before=before), target)
