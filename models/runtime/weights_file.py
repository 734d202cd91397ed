"""Files of weights, and how they are read strictly, whatever runtime they are for.

A file of weights is safetensors: data that cannot run. Its header names shape, codec and origin. Every tensor must be there, of the right
form, and no other.

A file holds half-precision numbers as training writes them. Or, smaller and quicker to load, it holds the large matrices in eight bits with
scales: see `models.runtime.quantization` and `models.release.export_weights`. The latter is called
NAME.live.safetensors and names the file that
it was made from.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from ..encoding import codec, longest_match_features
from ..network.config import Config
from . import numpy_layers, quantization
from .backend import Floats

FORMAT = "tradefours-weights/1"
WEIGHTS_FOLDER = Path(__file__).parents[1] / "weights"
"""Where the weights that come with the project are."""
NONCOMMERCIAL_FOLDER = WEIGHTS_FOLDER / "noncommercial"
"""In a copy of the project. It is a distribution of its own, with this package name:"""
NONCOMMERCIAL_PACKAGE = "tradefours_noncommercial"
FULL = "full"
NONCOMMERCIAL = "full-noncommercial"
"""The name of `FULL` as a file, so that nobody uses it by mistake."""
MAX_FILE_BYTES = 1 << 29
MAX_HEADER_BYTES = 1 << 20
FLOAT_TYPES = ("F16", "F32")  # safetensors' names; matrices in eight bits, which have scales, are I8
LIVE = ".live"  # of an exported file's name
SCALE = ".scale"  # of a scale's name, behind its matrix's
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
    """The tensors of a file of weights, in float32, and what its header says about it."""

    tensors: dict[str, Floats]
    config: Config
    name: str
    fingerprint: str  # of the file that training wrote, for exported weights, too
    about: dict[str, Any]
    int8: Mapping[str, quantization.Quantized]  # those that the file has in eight bits, as they are


def find(name: str, live: bool = False) -> Path:
    """The file of weights called `name`, or the file at that path; `full` is short for its long name. Raises CheckpointError.

    With `live`, the exported file is preferred, where it was made from the other one. Without, it is used only where it is alone.
    """
    path = Path(NONCOMMERCIAL if name == FULL else name)
    if path.suffix != ".safetensors":
        path = _folder_of(str(path)) / f"{path}.safetensors"
    exported = path.with_suffix(f"{LIVE}{path.suffix}")
    try:
        if exported.is_file() and (not path.is_file() or (live and _source(exported) == digest(path))):
            return exported
        found = path.is_file()
    except OSError:  # a name that no file can have, or a file that we may not read
        found = False
    if not found and path.parent == NONCOMMERCIAL_FOLDER:
        raise CheckpointError(
            f"weights {NONCOMMERCIAL!r} are not installed, because they allow no commercial use: add the package "
            "tradefours-noncommercial (folder models/weights/noncommercial of the project), or choose another style or "
            "--weights open."
        )
    if not found:
        folders = (WEIGHTS_FOLDER, _folder_of(NONCOMMERCIAL))
        files = [file for folder in folders for file in folder.glob("*.safetensors")]
        there = ", ".join(sorted({weights_name(file) for file in files})) or "none"
        raise CheckpointError(
            f"weights {name[:200]!r} not found (there are: {there}); name one of these or a .safetensors file."
        )
    return path


def _folder_of(name: str) -> Path:
    """The folder that holds the weights of that name, if any does."""
    if name != NONCOMMERCIAL:
        return WEIGHTS_FOLDER
    if not NONCOMMERCIAL_FOLDER.is_dir() and (spec := importlib.util.find_spec(NONCOMMERCIAL_PACKAGE)):
        return Path(next(iter(spec.submodule_search_locations or ()), NONCOMMERCIAL_FOLDER))
    return NONCOMMERCIAL_FOLDER


def weights_name(path: Path) -> str:
    """The name of the weights in a file, for people."""
    return path.stem.removesuffix(LIVE)


def digest(path: Path) -> str:
    """A short name for exactly these bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def read(path: Path) -> Weights:
    """Read a file of weights. Raises CheckpointError for anything that is not ours."""
    try:
        check_size(path)
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            config = parse_header(path, header)
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
    int8 = {name: (raw[name], raw[name + SCALE]) for name in tensor_shapes(config) if name + SCALE in raw}
    tensors = {
        name: quantization.dequantize(*int8[name]) if name in int8 else raw[name].astype(np.float32)
        for name in tensor_shapes(config)
    }
    return Weights(tensors, config, weights_name(path), header.get("source") or digest(path), about, int8)


def header(config: Config, about: dict[str, Any], source: str = "") -> dict[str, str]:
    """The entries of a file's header. `source`: the fingerprint of the file that it was made from."""
    shape = {field.name: getattr(config, field.name) for field in fields(config)}
    entries = {
        "format": FORMAT,
        "codec": longest_match_features.fingerprint(),
        "config": json.dumps(shape),
        "about": json.dumps(about),
    }
    return {**entries, "source": source} if source else entries


def tensor_shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a network of this shape, by its name."""
    found: dict[str, tuple[int, ...]] = {
        "transformer.embedding.table.weight": (sum(numpy_layers.table_sizes()), c.width)
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
    """The shapes of one layer's tensors but the style's, whose names begin with `name`."""
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


def check_size(path: Path) -> None:
    """Refuse a file that is too large, before any of it is read. Raises CheckpointError, OSError."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise CheckpointError(f"{path.name} is larger than any weights of this program; name another file.")
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER_BYTES:
            raise CheckpointError(f"{path.name} is not a readable checkpoint (an endless header); name another file.")


def _check(path: Path, config: Config, there: dict[str, tuple[tuple[int, ...], str]]) -> None:
    """Raise CheckpointError unless the tensors, by name, shape and type, are those of this shape of network."""
    wanted = tensor_shapes(config)
    int8 = {name for name, shape in wanted.items() if len(shape) == 2 and name + SCALE in there}
    wanted |= {name + SCALE: (wanted[name][0], -(-wanted[name][1] // quantization.BLOCK)) for name in int8}
    types_fit = all(kind == "I8" if name in int8 else kind in FLOAT_TYPES for name, (_, kind) in there.items())
    if {name: shape for name, (shape, _) in there.items()} != wanted or not types_fit:
        raise CheckpointError(f"{path.name} does not hold the weights that its header promises; fetch it again.")


def parse_header(path: Path, header: dict[str, str]) -> Config:
    """The shape in a header of our format and codec. Raises CheckpointError for an unlikely one, or what JSON raises."""
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} was not made by this program; use weights that `tradefours train` wrote.")
    if header.get("codec") != longest_match_features.fingerprint():
        raise CheckpointError(f"{path.name} speaks another codec; use weights trained with this version.")
    config = Config(**json.loads(header["config"]))
    for field, bound in _BOUNDS.items():
        value = getattr(config, field)
        if not isinstance(value, int) or not 0 < value <= bound:
            raise CheckpointError(f"{path.name} asks for {field} = {str(value)[:20]}; that cannot be right.")
    remainders = (
        config.width % (2 * config.heads),  # rotary positions turn the numbers of a head in pairs
        config.heads % config.kv_heads,
        config.style_width % 4,
    )
    if any(remainders):
        raise CheckpointError(f"{path.name} asks for heads that do not share its width; that cannot be right.")
    return config


def _source(path: Path) -> str:
    """The fingerprint of the file that an exported one was made from; "" where it cannot be read."""
    try:
        check_size(path)
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("source", "")
    except (SafetensorError, OSError, ValueError):
        return ""
