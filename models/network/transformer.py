"""The Transformer: steps in, one hidden state a step out, with a style added at every position.

Pre-norm decoder with rotary positions (Su et al. 2021), grouped key-value heads (Ainslie et al. 2023), SwiGLU (Shazeer
2020) and normalised queries and keys (Henry et al. 2020). The style is added, through a projection of its own, before every layer
("in-attention", Wu & Yang 2021). It enters by position, so a new style leaves every key and value of the past valid.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoding import codec, longest_match_features
from .config import Config as Config

INIT_STD = 0.05  # of embeddings at first
ROTARY_BASE = 10000.0  # Su et al. 2021


class KeyValueCache(Protocol):
    """Where a layer finds the keys and values of the past (`models.network.kv_cache.RingCache` is one)."""

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Add (1, kv_heads, T, head) keys and values; return all that there are, and the (T, S) mask of what each step sees."""


class StepEmbedding(nn.Module):
    """A step as the sum of its fields' embeddings, of how it relates to the two steps before it, and of what it recalls.

    The neighbours' fields, the intervals and the pitch class let a single layer of attention find "the note that came after one
    like this"; recall (`models.encoding.longest_match_features`) has found one already.
    """

    NO_INTERVAL = 2 * codec.MAX_INTERVAL + 1  # the value of an interval that is not known
    offsets: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        times = codec.SIZES[codec.TIME] + 1
        pitches = codec.SIZES[codec.PITCH] + 1
        durations = codec.SIZES[codec.DURATION] + 1
        sizes = [2, times, pitches, codec.SIZES[codec.VELOCITY] + 1, durations, codec.PLACES + 1, 3]  # this step
        sizes += [times, pitches, durations]  # the step before
        sizes += 3 * [self.NO_INTERVAL + 1] + [13]  # intervals between this and the last two notes, pitch class
        sizes += longest_match_features.SIZES
        offsets = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("offsets", offsets, persistent=False)
        self.table = nn.Embedding(sum(sizes), width)
        nn.init.normal_(self.table.weight, std=INIT_STD)

    def forward(self, steps: Tensor, before: Tensor) -> Tensor:
        """(B, T, 14) steps with their recall and the (B, 2, 7) steps before them -> (B, T, width)."""
        own = steps[..., : len(codec.FIELDS)]
        wide = torch.cat([before, own], dim=1)
        last = wide[:, 1:-1]
        pitch, pitch_1, pitch_2 = (wide[:, i : wide.shape[1] - 2 + i, codec.PITCH] for i in (2, 1, 0))
        intervals = [self._interval(a, b) for a, b in ((pitch, pitch_1), (pitch, pitch_2), (pitch_1, pitch_2))]
        pitch_class = torch.where(pitch == codec.NO_PITCH, 12, pitch % 12)
        parts = [own, last[..., [codec.TIME, codec.PITCH, codec.DURATION]], torch.stack([*intervals, pitch_class], -1)]
        parts += [steps[..., len(codec.FIELDS) :]]
        index = torch.cat(parts, dim=-1) + self.offsets
        flat = F.embedding_bag(index.flatten(0, 1), self.table.weight, mode="sum")
        return flat.view(*steps.shape[:2], -1)

    def _interval(self, pitch: Tensor, other: Tensor) -> Tensor:
        """The interval from `other` up to `pitch` as a row of the table, or the row that says that there is none."""
        known = (pitch != codec.NO_PITCH) & (other != codec.NO_PITCH)
        interval = (pitch - other).clamp(-codec.MAX_INTERVAL, codec.MAX_INTERVAL) + codec.MAX_INTERVAL
        return torch.where(known, interval, self.NO_INTERVAL)


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Rotary position embedding of (B, H, T, head) at (T,) positions; angles in float64, for sessions of any length."""
    half = x.shape[-1] // 2
    frequency = ROTARY_BASE ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angle = positions.to(torch.float64)[:, None] * frequency
    cos = angle.cos().to(x.dtype)
    sin = angle.sin().to(x.dtype)
    a = x[..., :half]
    b = x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Layer(nn.Module):
    """One pre-norm layer: style in, attention, then a gated MLP. `dropout`: the share of what these add that training leaves out."""

    dropout = 0.0

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        self.index = index
        self.heads = config.heads
        self.kv_heads = config.kv_heads
        self.head = config.width // config.heads
        self.style = nn.Linear(config.latent, config.width, bias=False)
        self.attention_norm = nn.RMSNorm(config.width)
        self.q = nn.Linear(config.width, config.width, bias=False)
        self.k = nn.Linear(config.width, config.kv_heads * self.head, bias=False)
        self.v = nn.Linear(config.width, config.kv_heads * self.head, bias=False)
        self.q_norm = nn.RMSNorm(self.head)
        self.k_norm = nn.RMSNorm(self.head)
        self.o = nn.Linear(config.width, config.width, bias=False)
        self.mlp_norm = nn.RMSNorm(config.width)
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)
        for output in (self.o, self.down):  # a layer begins as the identity
            nn.init.zeros_(output.weight)

    def forward(
        self, x: Tensor, z: Tensor, positions: Tensor, mask: Tensor | None, cache: KeyValueCache | None
    ) -> Tensor:
        """(B, T, width) -> (B, T, width). `z`: (B, T or 1, latent); `positions`: (T,); `mask`: True where a step may look."""
        x = x + self.style(z)
        x = x + self._drop(self.attend(self.attention_norm(x), positions, mask, cache))
        y = self.mlp_norm(x)
        return x + self._drop(self.down(F.silu(self.gate(y)) * self.up(y)))

    def _drop(self, added: Tensor) -> Tensor:
        return F.dropout(added, self.dropout) if self.dropout and self.training else added

    def attend(self, x: Tensor, positions: Tensor, mask: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        """(B, T, width) -> (B, T, width): causal attention where there is neither mask nor cache."""
        b, t, _ = x.shape
        q = rotate(self.q_norm(self.q(x).view(b, t, self.heads, self.head)).transpose(1, 2), positions)
        k = rotate(self.k_norm(self.k(x).view(b, t, self.kv_heads, self.head)).transpose(1, 2), positions)
        v = self.v(x).view(b, t, self.kv_heads, self.head).transpose(1, 2)
        if cache is not None:
            k, v, mask = cache.extend(self.index, k, v)
        group = self.heads // self.kv_heads
        k = k.repeat_interleave(group, dim=1)
        v = v.repeat_interleave(group, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.o(y.transpose(1, 2).reshape(b, t, -1))


class Transformer(nn.Module):
    """Steps to hidden states."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = StepEmbedding(config.width)
        self.layers = nn.ModuleList(Layer(config, i) for i in range(config.layers))
        self.norm = nn.RMSNorm(config.width)

    def forward(
        self,
        steps: Tensor,
        z: Tensor,
        *,
        before: Tensor | None = None,
        first: int = 0,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """(B, T, 14) steps with their recall and (B, T or 1, latent) style -> (B, T, width) hidden states.

        `before`: the (B, 2, 7) steps before the first one (default: silence). `first`: the position of the first step.
        `mask`: (T, T), True where a step may look; default: every step before it. `cache`: keys and values of the past.
        """
        if before is None:
            silence = torch.as_tensor(codec.SILENCE, device=steps.device)
            before = silence.expand(steps.shape[0], 2, -1)
        x = self.embedding(steps, before)
        positions = torch.arange(first, first + steps.shape[1], device=steps.device)
        for layer in self.layers:
            x = layer(x, z, positions, mask, cache)
        return self.norm(x)


def sliding_mask(length: int, window: int) -> Tensor:
    """The (length, length) mask of a full pass that sees what a cache of `window` steps sees."""
    i = torch.arange(length)
    return (i[None, :] <= i[:, None]) & (i[None, :] > i[:, None] - window)
