"""The heads: from a hidden state to the next note, field by field, each field given the ones before.

Knows nothing of the past beyond that hidden state, and does not choose: it only gives logits.

Role, then time, pitch, velocity and duration: a small decoder inside the note, so that one Transformer step makes one
note. A pitch is scored as itself and as an interval from each of the last two notes, so what was learned in one key
holds in all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoding import codec

PREDICTED, MAX_INTERVAL = codec.PREDICTED, codec.MAX_INTERVAL


class NoteHeads(nn.Module):
    """Five chained heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = codec.SIZES
        # One more row than values: "not known", for masked velocities.
        self.given = nn.ModuleList(nn.Embedding(size + 1, width) for size in sizes[:-1])
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in sizes)
        self.inner = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        self.intervals = nn.ModuleList(nn.Linear(width, 2 * MAX_INTERVAL + 1, bias=False) for _ in range(2))
        for name, parameter in self.named_parameters():
            if name.startswith("given."):
                nn.init.normal_(parameter, std=0.05)
            elif name.startswith(("out.", "intervals.")):  # nothing is likelier than anything else at first
                nn.init.zeros_(parameter)

    def tell(self, state: Tensor, field: int, value: Tensor) -> Tensor:
        """The state (…, width) once `field` has been chosen to be `value` (…)."""
        return state + self.given[field](value)

    def logits(self, state: Tensor, field: int, near: Tensor) -> Tensor:
        """Logits (…, size) of `field` from the state after all the fields before it were told.

        `near`: (…, 2), the pitches of the last note and the one before it, as the codec codes them.
        """
        features = F.gelu(self.inner[field](self.norms[field](state)))
        logits: Tensor = self.out[field](features)
        if field == codec.PITCH:
            pitches = torch.arange(codec.SIZES[codec.PITCH], device=near.device)
            for i, by_interval in enumerate(self.intervals):
                other = near[..., i, None]
                at = (pitches - other).clamp(-MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
                logits = logits + by_interval(features).gather(-1, at) * (other != codec.NO_PITCH)
        return logits

    def forward(self, hidden: Tensor, target: Tensor, near: Tensor) -> list[Tensor]:
        """(…, width) hidden states, the (…, 7) steps that followed, (…, 2) near pitches -> logits of the five fields."""
        state, answers = hidden, []
        for field in range(len(PREDICTED)):
            answers.append(self.logits(state, field, near))
            if field + 1 < len(PREDICTED):
                state = self.tell(state, field, target[..., field])
        return answers
