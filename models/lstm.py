"""The LSTM: the musician with a recurrent network in the Transformer's place, as a baseline of the same size.

Knows nothing of evaluation. It reads the same fields and has the same heads and styles, but no recall and no attention:
what it takes up again it must have kept in its state (Hochreiter & Schmidhuber 1997).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from . import codec, recall
from .config import Config
from .corpus import Piece
from .lessons import Course
from .musician import Musician
from .train import Trainer, prepared
from .transformer import StepEmbedding

HIDDEN, LAYERS = 560, 2  # as many numbers as in the Transformer's layers, within two in a hundred
BATCH, RATE = 16, 1e-3
NOTHING = torch.from_numpy(recall.NOTHING)


class Recurrent(nn.Module):
    """Steps to hidden states, like `models.transformer.Transformer`, for a whole window at once."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embedding = StepEmbedding(config.width)
        self.style = nn.Linear(config.latent, config.width, bias=False)
        self.lstm = nn.LSTM(config.width, HIDDEN, LAYERS, batch_first=True)
        self.out = nn.Linear(HIDDEN, config.width, bias=False)
        self.norm = nn.RMSNorm(config.width)

    def forward(self, steps: Tensor, z: Tensor) -> Tensor:
        """(B, T, 14) steps and (B, T or 1, latent) style -> (B, T, width)."""
        silence = torch.as_tensor(codec.SILENCE, device=steps.device).expand(steps.shape[0], 2, -1)
        fields = len(codec.FIELDS)
        steps = torch.cat([steps[..., :fields], NOTHING.expand(*steps.shape[:2], -1)], dim=-1)
        hidden, _ = self.lstm(self.embedding(steps, silence) + self.style(z))
        return self.norm(self.out(hidden))


class LstmMusician(Musician):
    """All that is learned, with the LSTM in it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.transformer = Recurrent(config)  # type: ignore[assignment]


def taught(pieces: Sequence[Piece], config: Config, notes: float, seed: int = 0) -> tuple[LstmMusician, list[float]]:
    """An LSTM after so many notes of the musician's own course; and its bits a note on the way, every ten steps."""
    torch.manual_seed(seed)
    args = argparse.Namespace(notes=notes, batch=BATCH, rate=RATE, seed=seed, bf16=False, compile=False, out=Path())
    trainer = Trainer(LstmMusician(config), args, torch.device("cpu"))
    course = Course(pieces, config.window, config.style_notes, seed)
    curve: list[float] = []
    recent: list[Tensor] = []
    for batch in prepared(course, 0, trainer.steps, list(range(BATCH)), trainer.device):
        recent.append(trainer.descend(batch, 1))
        if trainer.step % 10 == 0:
            nats = torch.stack(recent).mean(0)[:5]
            curve.append(round(float(nats.sum()) / math.log(2), 4))
            recent = []
            print(f"… LSTM {trainer.step / trainer.steps:.0%}, {curve[-1]:.2f} bits", file=sys.stderr, flush=True)
    return LstmMusician.eval(trainer.musician), curve  # type: ignore[return-value]
