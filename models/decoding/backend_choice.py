"""Engines: which runtime plays, and what is done where it is not there.

Knows nothing of notes. A runtime is imported only when it is asked for.

    live    ONNX Runtime, in eight bits where the weights are exported: what plays by default
    plain   numpy alone: slower by a few times, and always there; takes the live one's place where that cannot run
    torch   the reference
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..runtime import weights_file
from ..runtime.backend import Backend
from ..runtime.numpy_backend import NumpyBackend
from .engine import Engine
from .reranker import Reranker

EAR = Path(__file__).parent / "reranker.safetensors"
LIVE, PLAIN, TORCH = NAMES = ("live", "plain", "torch")
HOW_TO_GET_TORCH = (
    "in the project's folder, `python3 -m agent train --help` installs it (elsewhere: pip install 'tradefours[train]')."
)


def load(name: str, kind: str = LIVE) -> Engine:
    """An engine with the weights of that name. Raises CheckpointError. What is to be said of a fallback is its `note`."""
    network: Backend
    note = ""
    if kind == TORCH:
        network, title, fingerprint, about = _torch(name)
    else:
        found = weights_file.read(weights_file.find(name, live=True))
        title, fingerprint, about = found.name, found.fingerprint, found.about
        network, note = live(found) if kind == LIVE else (NumpyBackend(found.tensors, found.config), "")
    engine = Engine(network, title, fingerprint, str(about.get("points", "")), hearing())
    licence = f"The weights {title}: {about['licence']}." if "licence" in about else ""
    engine.note = " ".join(filter(None, (licence, note)))
    engine.warm_up()
    return engine


def hearing() -> Reranker:
    """The ear that chooses among drafts, whichever weights play. Raises CheckpointError."""
    try:
        return Reranker.read(EAR)
    except ValueError as error:
        raise weights_file.CheckpointError(str(error)) from error


def live(found: weights_file.Weights) -> tuple[Backend, str]:
    """The live network, or what takes its place, and what is to be said of that."""
    try:
        from ..runtime.onnx_backend import OnnxBackend

        return OnnxBackend(found.tensors, found.config, found.int8), ""
    except Exception as error:  # a missing or broken runtime raises what it likes
        why = "is not installed" if isinstance(error, ImportError) else f"cannot run here ({type(error).__name__})"
        note = f"ONNX Runtime {why}; playing on numpy, a few times slower: install onnxruntime for the live engine."
        return NumpyBackend(found.tensors, found.config), note


def _torch(name: str) -> tuple[Backend, str, str, dict[str, Any]]:
    try:
        import torch
    except ImportError as error:
        raise weights_file.CheckpointError(f"torch is not installed; {HOW_TO_GET_TORCH}") from error
    from ..runtime import checkpoint
    from ..runtime.torch_backend import TorchBackend

    torch.set_num_threads(1)  # one core is left to the one who keeps time
    loaded = checkpoint.load(name)
    return TorchBackend(loaded.model), loaded.name, loaded.fingerprint, loaded.about
