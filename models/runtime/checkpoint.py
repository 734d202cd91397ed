"""Checkpoints: a torch model written to a file of weights, and read from one.

Nothing is ever unpickled: a checkpoint is data and cannot run. `models.runtime.weights_file` checks the files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ..network.model import MusicModel
from . import weights_file
from .weights_file import CheckpointError, find

__all__ = ["Checkpoint", "CheckpointError", "find", "load", "save"]


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model, its name and fingerprint, and what its header says about it."""

    model: MusicModel
    name: str
    fingerprint: str
    about: dict[str, Any]


def save(path: Path, model: MusicModel, about: dict[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """Write weights to `path` at once or not at all. `about` is what the header says beside shape and codec."""
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    save_file(tensors, unfinished, metadata=weights_file.header(model.config, about))
    os.replace(unfinished, path)


def load(name: str) -> Checkpoint:
    """Load weights by name or path, in float32. Raises CheckpointError for anything that is not ours."""
    weights = weights_file.read(find(name))
    model = MusicModel(weights.config)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in weights.tensors.items()})
    return Checkpoint(model.eval(), weights.name, weights.fingerprint, weights.about)
