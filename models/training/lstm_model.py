"""An LSTM of the same size as a baseline: the model with a recurrent network in the Transformer's place.

It reads the same fields and has the same heads and styles, but no recall and no attention. What it takes up again it must have kept in its
state (Hochreiter & Schmidhuber 1997). EXPERIMENTS: "An LSTM of the same size".

    python -m models.training.lstm_model --corpus DIR --sources open --out runs/lstm --notes 100e6 --rate 1.4e-3 --decay 0.1 --batch 128
    tradefours evaluate --corpus DIR --split test --sources open --lstm runs/lstm/weights.safetensors
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import ClassVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..encoding import codec, longest_match_features
from ..network.config import Config
from ..network.model import MusicModel
from ..network.transformer import StepEmbedding
from ..runtime import weights_file
from ..runtime.weights_file import CheckpointError
from . import train
from .arguments import parse_arguments

HIDDEN, LAYERS = 560, 2  # as many parameters as the Transformer's layers have, within 2 %
NO_MATCH = torch.from_numpy(longest_match_features.NO_MATCH)


class Recurrent(nn.Module):
    """Steps to hidden states, like `models.network.transformer.Transformer`, for a whole window at once."""

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
        own = steps[..., : len(codec.FIELDS)]
        without_recall = torch.cat([own, NO_MATCH.to(steps.device).expand(*steps.shape[:2], -1)], dim=-1)
        hidden, _ = self.lstm(self.embedding(without_recall, silence) + self.style(z))
        return self.norm(self.out(hidden))


class LstmModel(MusicModel):
    """All that is learned, with the LSTM in it."""

    kind: ClassVar[str] = "LstmMusician"  # what headers of weights call this network; part of the format

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.transformer = Recurrent(config)  # type: ignore[assignment]


def load_lstm(path: Path) -> LstmModel:
    """One that was trained before, in float32. Raises CheckpointError for anything else."""
    try:
        weights_file.check_size(path)
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        if json.loads(header["about"])["kind"] != LstmModel.kind:
            raise ValueError("another kind of network")
        model = LstmModel(weights_file.parse_header(path, header))
        model.load_state_dict(tensors)
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path.name} holds no LSTM; teach one with `python -m models.training.lstm_model`."
        ) from error
    return model.eval()


def main(argv: list[str] | None = None) -> int:
    """Train one by the musician's own command; bad input is one sentence."""
    args = parse_arguments(
        argv, "python -m models.training.lstm_model", "Teach an LSTM, as `tradefours train` teaches the musician."
    )
    if args.start:
        print("python -m models.training.lstm_model: it begins from nothing; leave --start out.", file=sys.stderr)
        return 2
    return train.run_command(args, LstmModel)


if __name__ == "__main__":
    sys.exit(main())
