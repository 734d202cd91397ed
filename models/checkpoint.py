"""Checkpoints: weights as safetensors, with the shape, the codec's fingerprint and where they come from in the header.

Knows nothing of training or playing. Never unpickles: a checkpoint is data and cannot run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from . import recall
from .musician import Musician
from .transformer import Config

FORMAT = "tradefours-weights/1"
SHELF = Path(__file__).parent / "weights"
"""Where the weights that come with the project lie."""
LIMIT = 1 << 29  # bytes
_BOUNDS = {"width": 4096, "layers": 64, "heads": 64, "kv_heads": 64, "hidden": 16384, "window": 8192}


class CheckpointError(ValueError):
    """A checkpoint cannot be used; says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Checkpoint:
    """Loaded weights and what is said of them."""

    musician: Musician
    name: str
    fingerprint: str
    about: dict[str, Any]


def find(name: str) -> Path:
    """The file of weights called `name`, or the file at that path. Raises CheckpointError."""
    path = Path(name)
    if path.suffix != ".safetensors":
        path = SHELF / f"{name}.safetensors"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in SHELF.glob("*.safetensors"))) or "none"
        raise CheckpointError(
            f"weights {name!r} not found (there are: {there}); name one of these or a .safetensors file."
        )
    return path


def save(path: Path, musician: Musician, about: dict[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """Write weights to `path` at once or not at all. `about` is what the header says beside shape and codec."""
    header = {
        "format": FORMAT,
        "codec": recall.fingerprint(),
        "config": json.dumps(dataclasses.asdict(musician.config)),
        "about": json.dumps(about),
    }
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in musician.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    save_file(tensors, half, metadata=header)
    os.replace(half, path)


def load(name: str) -> Checkpoint:
    """Load weights by name or path, in float32. Raises CheckpointError for anything that is not ours."""
    path = find(name)
    if path.stat().st_size > LIMIT:
        raise CheckpointError(f"{path.name} is larger than any weights of this program; name another file.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            config = _config(path, header)
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        about = json.loads(header.get("about", "{}"))
    except (SafetensorError, OSError, json.JSONDecodeError, TypeError) as error:
        raise CheckpointError(
            f"{path.name} is not a readable checkpoint ({str(error)[:80]}); name another file."
        ) from error
    musician = Musician(config)
    try:
        musician.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} does not hold the weights that its header promises; fetch it again."
        ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Checkpoint(musician.eval(), path.stem, digest, about)


def _config(path: Path, header: dict[str, str]) -> Config:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} was not made by this program; use weights that `tradefours train` wrote.")
    if header.get("codec") != recall.fingerprint():
        raise CheckpointError(f"{path.name} speaks another codec; use weights trained with this version.")
    config = Config(**json.loads(header["config"]))
    for field, bound in _BOUNDS.items():
        if not 0 < getattr(config, field) <= bound:
            raise CheckpointError(f"{path.name} asks for {field} = {getattr(config, field)}; that cannot be right.")
    return config
