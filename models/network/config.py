"""The shape of the network: how many layers it has, how wide they are, and how far it looks back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """The shape of a network. `window` is in notes; `latent` is the number of style dimensions.

    `hidden` is the width of the gated MLP; `style_notes` is how many notes the style encoder reads at once.
    """

    width: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 704
    window: int = 256
    latent: int = 24
    style_width: int = 128
    style_layers: int = 2
    style_notes: int = 64

    @property
    def head(self) -> int:
        """The width of one attention head."""
        return self.width // self.heads
