"""Checkpoints: a musician of torch's, written to a file of weights and read from one.

Knows nothing of training or playing; `models.runtime.weights_file` knows the files. Never unpickles: a checkpoint is data and cannot run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ..network.model import Musician
from . import weights_file
from .weights_file import CheckpointError, find

__all__ = ["Checkpoint", "CheckpointError", "find", "load", "save"]


@dataclass(frozen=True)
class Checkpoint:
    """Loaded weights and what is said of them."""

    musician: Musician
    name: str
    fingerprint: str
    about: dict[str, Any]


def save(path: Path, musician: Musician, about: dict[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """Write weights to `path` at once or not at all. `about` is what the header says beside shape and codec."""
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in musician.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    save_file(tensors, half, metadata=weights_file.header(musician.config, about))
    os.replace(half, path)


def load(name: str) -> Checkpoint:
    """Load weights by name or path, in float32. Raises CheckpointError for anything that is not ours."""
    found = weights_file.read(find(name))
    musician = Musician(found.config)
    musician.load_state_dict({k: torch.from_numpy(v) for k, v in found.tensors.items()})
    return Checkpoint(musician.eval(), found.name, found.fingerprint, found.about)
