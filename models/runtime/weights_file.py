"""The shelf: weights as files, and the strict way of reading them, whatever engine they are for.

Knows nothing of training, playing or any runtime. A file of weights is safetensors: data that cannot run. Its header tells shape, codec
and origin, and everything in it must be there, of the right form, and no more.

A file holds half-precision numbers as training writes them, or, smaller and quicker to load, the large matrices in eight bits with
scales: see `models.runtime.quantization` and `models.release.export`. The latter is called NAME.live.safetensors and names the
file it was made from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from ..encoding import codec, longest_match
from ..network.config import Config
from . import numpy_backend, quantization
from .backend import Floats

FORMAT = "tradefours-weights/1"
SHELF = Path(__file__).parents[1] / "weights"
"""Where the weights that come with the project lie."""
FULL = "full"
NONCOMMERCIAL = "full-noncommercial"
"""What `FULL` is called as a file, so that nobody takes it by mistake."""
LIMIT = 1 << 29  # bytes
MOST_HEADER = 1 << 20  # bytes
KINDS = ("F16", "F32")  # of numbers; those in eight bits, which have scales, are I8
LIVE = ".live"
SCALE = ".scale"
_BOUNDS = {
    "width": 4096,
    "layers": 64,
    "heads": 64,
    "kv_heads": 64,
    "hidden": 16384,
    "window": 8192,
    "latent": 1024,
    "style_width": 4096,
    "style_layers": 64,
    "style_notes": 8192,
}


class CheckpointError(ValueError):
    """Weights cannot be used; says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds, in float32, and what is said of it."""

    tensors: dict[str, Floats]
    config: Config
    name: str
    fingerprint: str  # of the file that training wrote, for exported weights, too
    about: dict[str, Any]
    small: Mapping[str, quantization.Quantised]  # those that the file has in eight bits, as they are


def find(name: str, live: bool = False) -> Path:
    """The file of weights called `name`, or the file at that path; `full` is short for its long name. Raises CheckpointError.

    With `live`, the exported one where it is there and was made from the other; else the exported one only where there is no other.
    """
    path = Path(NONCOMMERCIAL if name == FULL else name)
    if path.suffix != ".safetensors":
        path = SHELF / f"{path}.safetensors"
    exported = path.with_suffix(f"{LIVE}{path.suffix}")
    try:
        if exported.is_file() and (not path.is_file() or (live and _source(exported) == digest(path))):
            return exported
        found = path.is_file()
    except OSError:  # a name that no file can have, or a file that is not ours to read
        found = False
    if not found:
        there = ", ".join(sorted({title(p) for p in SHELF.glob("*.safetensors")})) or "none"
        raise CheckpointError(
            f"weights {name[:200]!r} not found (there are: {there}); name one of these or a .safetensors file."
        )
    return path


def title(path: Path) -> str:
    """What a file of weights is called."""
    return path.stem.removesuffix(LIVE)


def digest(path: Path) -> str:
    """A short name for exactly these bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def read(path: Path) -> Weights:
    """Read a file of weights. Raises CheckpointError for anything that is not ours."""
    try:
        measure(path)
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            config = described(path, header)
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            _check(path, config, {k: (tuple(s.get_shape()), s.get_dtype()) for k, s in slices.items()})
            raw = {key: file.get_tensor(key) for key in slices}
        about = json.loads(header.get("about", "{}"))
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = " ".join(str(error).split())[:80]
        raise CheckpointError(f"{path.name} is not a readable checkpoint ({why}); name another file.") from error
    if not isinstance(about, dict):
        raise CheckpointError(
            f"{path.name} is not a readable checkpoint (it says nothing of itself); name another file."
        )
    if not all(np.isfinite(tensor).all() for tensor in raw.values()):
        raise CheckpointError(f"{path.name} holds numbers that are none; its training went wrong, name another file.")
    small = {name: (raw[name], raw[name + SCALE]) for name in shapes(config) if name + SCALE in raw}
    tensors = {
        name: quantization.restored(*small[name]) if name in small else raw[name].astype(np.float32)
        for name in shapes(config)
    }
    return Weights(tensors, config, title(path), header.get("source") or digest(path), about, small)


def header(config: Config, about: dict[str, Any], source: str = "") -> dict[str, str]:
    """What a file's header must say. `source`: the fingerprint of the file that it was made from."""
    shape = {field.name: getattr(config, field.name) for field in fields(config)}
    told = {
        "format": FORMAT,
        "codec": longest_match.fingerprint(),
        "config": json.dumps(shape),
        "about": json.dumps(about),
    }
    return {**told, "source": source} if source else told


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Every tensor of a musician of this shape, by name."""
    found: dict[str, tuple[int, ...]] = {
        "transformer.embedding.table.weight": (sum(numpy_backend.table_sizes()), c.width)
    }
    for i in range(c.layers):
        found |= _layer(f"transformer.layers.{i}.", c.width, c.heads, c.kv_heads, c.hidden)
        found[f"transformer.layers.{i}.style.weight"] = (c.width, c.latent)
    found["transformer.norm.weight"] = (c.width,)
    for i, size in enumerate(codec.SIZES):
        if i + 1 < len(codec.SIZES):
            found[f"heads.given.{i}.weight"] = (size + 1, c.width)
        found[f"heads.norms.{i}.weight"] = (c.width,)
        found[f"heads.inner.{i}.weight"] = (c.width, c.width)
        found |= {f"heads.out.{i}.weight": (size, c.width), f"heads.out.{i}.bias": (size,)}
    for i in range(2):
        found[f"heads.intervals.{i}.weight"] = (2 * codec.MAX_INTERVAL + 1, c.width)
    found["style.table.weight"] = (sum(size + 1 for size in codec.SIZES[1:]), c.style_width)
    for i in range(c.style_layers):
        found |= _layer(f"style.layers.{i}.", c.style_width, 2, 2, 2 * c.style_width)
    found["style.norm.weight"] = (c.style_width,)
    return found | {"style.out.weight": (2 * c.latent, c.style_width), "style.out.bias": (2 * c.latent,)}


def _layer(name: str, width: int, heads: int, kv_heads: int, hidden: int) -> dict[str, tuple[int, ...]]:
    head = width // heads
    norms = {"attention_norm": width, "q_norm": head, "k_norm": head, "mlp_norm": width}
    linear = {
        "q": (width, width),
        "k": (kv_heads * head, width),
        "v": (kv_heads * head, width),
        "o": (width, width),
        "gate": (hidden, width),
        "up": (hidden, width),
        "down": (width, hidden),
    }
    return {f"{name}{k}.weight": (n,) for k, n in norms.items()} | {f"{name}{k}.weight": n for k, n in linear.items()}


def measure(path: Path) -> None:
    """Refuse what is too large, before any of it is read. Raises CheckpointError, OSError."""
    if path.stat().st_size > LIMIT:
        raise CheckpointError(f"{path.name} is larger than any weights of this program; name another file.")
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MOST_HEADER:
            raise CheckpointError(f"{path.name} is not a readable checkpoint (an endless header); name another file.")


def _check(path: Path, config: Config, there: dict[str, tuple[tuple[int, ...], str]]) -> None:
    """Whether the tensors are those of this shape, and of numbers as we write them. Raises CheckpointError."""
    wanted = shapes(config)
    small = {name for name, shape in wanted.items() if len(shape) == 2 and name + SCALE in there}
    wanted |= {name + SCALE: (wanted[name][0], -(-wanted[name][1] // quantization.BLOCK)) for name in small}
    kinds = all(kind == "I8" if name in small else kind in KINDS for name, (_, kind) in there.items())
    if {name: shape for name, (shape, _) in there.items()} != wanted or not kinds:
        raise CheckpointError(f"{path.name} does not hold the weights that its header promises; fetch it again.")


def described(path: Path, header: dict[str, str]) -> Config:
    """The shape that a header tells, of our format and codec and of a moderate size. Raises CheckpointError, or what JSON raises."""
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} was not made by this program; use weights that `tradefours train` wrote.")
    if header.get("codec") != longest_match.fingerprint():
        raise CheckpointError(f"{path.name} speaks another codec; use weights trained with this version.")
    config = Config(**json.loads(header["config"]))
    for field, bound in _BOUNDS.items():
        value = getattr(config, field)
        if not isinstance(value, int) or not 0 < value <= bound:
            raise CheckpointError(f"{path.name} asks for {field} = {str(value)[:20]}; that cannot be right.")
    odd = (
        config.width % (2 * config.heads),
        config.heads % config.kv_heads,
        config.style_width % 4,
    )  # heads are turned in pairs
    if any(odd):
        raise CheckpointError(f"{path.name} asks for heads that do not share its width; that cannot be right.")
    return config


def _source(path: Path) -> str:
    try:
        measure(path)
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("source", "")
    except (SafetensorError, OSError, ValueError):
        return ""
