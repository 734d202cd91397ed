"""The heads: from a hidden state to the next note, field by field, each field given the ones before.

Role, then time, pitch, velocity and duration: a small decoder inside the note, so that one Transformer step makes one note. A pitch is
scored as itself and as an interval from each of the last two notes, so what was learned in one key holds in all. The heads give logits;
they do not sample.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoding import codec

PREDICTED, MAX_INTERVAL = codec.PREDICTED, codec.MAX_INTERVAL


class NoteHeads(nn.Module):
    """Five chained heads. The names of the layers are those of the tensors in files of weights."""

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
            elif name.startswith(("out.", "intervals.")):  # at first, all values are equally likely
                nn.init.zeros_(parameter)

    def condition(self, state: Tensor, field: int, value: Tensor) -> Tensor:
        """The state (…, width) for the next field, once `field` has been chosen to be `value` (…)."""
        return state + self.given[field](value)

    def logits(self, state: Tensor, field: int, last_pitches: Tensor) -> Tensor:
        """Logits (…, size) of `field` from the state (…, width), which is conditioned on all the fields before it.

        `last_pitches`: (…, 2), the pitches of the last note and the one before it, as the codec codes them.
        """
        features = F.gelu(self.inner[field](self.norms[field](state)))
        logits: Tensor = self.out[field](features)
        if field == codec.PITCH:
            pitches = torch.arange(codec.SIZES[codec.PITCH], device=last_pitches.device)
            for i, by_interval in enumerate(self.intervals):
                other = last_pitches[..., i, None]
                at = (pitches - other).clamp(-MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
                logits = logits + by_interval(features).gather(-1, at) * (other != codec.NO_PITCH)
        return logits

    def forward(self, hidden: Tensor, target: Tensor, last_pitches: Tensor) -> list[Tensor]:
        """(…, width) hidden states, the (…, 7) steps that followed, (…, 2) last pitches -> logits of the five fields."""
        state = hidden
        logits = []
        for field in range(len(PREDICTED)):
            logits.append(self.logits(state, field, last_pitches))
            if field + 1 < len(PREDICTED):
                state = self.condition(state, field, target[..., field])
        return logits
