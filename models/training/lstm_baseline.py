"""The LSTM: the musician with a recurrent network in the Transformer's place, as a baseline of the same size.

Knows nothing of evaluation. It reads the same fields and has the same heads and styles, but no recall and no attention:
what it takes up again it must have kept in its state (Hochreiter & Schmidhuber 1997).

    python -m models.training.lstm_baseline --corpus DIR --sources open --out runs/lstm --notes 100e6 --rate 1.4e-3 --decay 0.1 --batch 128
    tradefours evaluate --corpus DIR --split test --sources open --lstm runs/lstm/weights.safetensors
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..encoding import codec, longest_match
from ..network.config import Config
from ..network.model import Musician
from ..network.transformer import StepEmbedding
from ..runtime import weights_file
from ..runtime.weights_file import CheckpointError
from . import train

HIDDEN, LAYERS = 560, 2  # as many numbers as in the Transformer's layers, within two in a hundred
NOTHING = torch.from_numpy(longest_match.NO_MATCH)


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
        fields = len(codec.FIELDS)
        steps = torch.cat([steps[..., :fields], NOTHING.to(steps.device).expand(*steps.shape[:2], -1)], dim=-1)
        hidden, _ = self.lstm(self.embedding(steps, silence) + self.style(z))
        return self.norm(self.out(hidden))


class LstmMusician(Musician):
    """All that is learned, with the LSTM in it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.transformer = Recurrent(config)  # type: ignore[assignment]


def load(path: Path) -> LstmMusician:
    """One that was taught before, in float32. Raises CheckpointError for anything else."""
    try:
        weights_file.measure(path)
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        if json.loads(header["about"])["kind"] != LstmMusician.__name__:
            raise ValueError("another kind of network")
        musician = LstmMusician(weights_file.described(path, header))
        musician.load_state_dict(tensors)
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path.name} holds no LSTM; teach one with `python -m models.training.lstm_baseline`."
        ) from error
    return musician.eval()


def main(argv: list[str] | None = None) -> int:
    """Teach one by the musician's own command; bad input is one sentence."""
    args = train.arguments(
        argv, "python -m models.training.lstm_baseline", "Teach an LSTM, as `tradefours train` teaches the musician."
    )
    if args.start:
        print("python -m models.training.lstm_baseline: it begins from nothing; leave --start out.", file=sys.stderr)
        return 2
    return train.run(args, LstmMusician)


if __name__ == "__main__":
    sys.exit(main())
