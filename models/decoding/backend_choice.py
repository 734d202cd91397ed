"""Backend choice: which runtime plays the network, and which takes its place where that is missing.

A runtime is imported only when it is chosen.

    live    ONNX Runtime, in eight bits where the weights are exported so: the default
    plain   numpy alone: a few times slower, and always there; takes the place of live where that cannot run
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

RERANKER_FILE = Path(__file__).parent / "reranker.safetensors"
LIVE = "live"
PLAIN = "plain"
TORCH = "torch"
NAMES = (LIVE, PLAIN, TORCH)
HOW_TO_GET_TORCH = (
    "in the project's folder, `python3 -m agent train --help` installs it (elsewhere: pip install 'tradefours[train]')."
)


def load(name: str, kind: str = LIVE) -> Engine:
    """An engine with the weights of that name. Raises CheckpointError. Its `note` tells of a licence or a fallback."""
    backend: Backend
    note = ""
    if kind == TORCH:
        backend, title, fingerprint, about = _torch(name)
    else:
        weights = weights_file.read(weights_file.find(name, live=True))
        title = weights.name
        fingerprint = weights.fingerprint
        about = weights.about
        if kind == LIVE:
            backend, note = live(weights)
        else:
            backend = NumpyBackend(weights.tensors, weights.config)
    engine = Engine(backend, title, fingerprint, str(about.get("points", "")), read_reranker())
    licence = f"The weights {title}: {about['licence']}." if "licence" in about else ""
    engine.note = " ".join(filter(None, (licence, note)))
    engine.warm_up()
    return engine


def read_reranker() -> Reranker:
    """The reranker that is shipped, for all weights. Raises CheckpointError."""
    try:
        return Reranker.read(RERANKER_FILE)
    except ValueError as error:
        raise weights_file.CheckpointError(str(error)) from error


def live(weights: weights_file.Weights) -> tuple[Backend, str]:
    """The ONNX backend, or the numpy one where that cannot run, and a sentence for the user about it."""
    try:
        from ..runtime.onnx_backend import OnnxBackend

        return OnnxBackend(weights.tensors, weights.config, weights.int8), ""
    except Exception as error:  # a missing or broken runtime may raise anything
        why = "is not installed" if isinstance(error, ImportError) else f"cannot run here ({type(error).__name__})"
        note = f"ONNX Runtime {why}; playing on numpy, a few times slower: install onnxruntime for the live engine."
        return NumpyBackend(weights.tensors, weights.config), note


def _torch(name: str) -> tuple[Backend, str, str, dict[str, Any]]:
    """The torch backend, and the name, fingerprint and header of its weights."""
    try:
        import torch
    except ImportError as error:
        raise weights_file.CheckpointError(f"torch is not installed; {HOW_TO_GET_TORCH}") from error
    from ..runtime import checkpoint
    from ..runtime.torch_backend import TorchBackend

    torch.set_num_threads(1)  # one core is left for the process that keeps time
    loaded = checkpoint.load(name)
    return TorchBackend(loaded.model), loaded.name, loaded.fingerprint, loaded.about
