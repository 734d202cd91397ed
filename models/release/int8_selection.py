"""Precision: which matrices of the Transformer do with eight bits a weight, found by asking both what they expect.

Knows nothing of files. A matrix that eight bits blur too much is kept whole; which ones these are depends on what was learned, so it is
measured: each alone, in the whole's place. Then the worst for their size are kept whole, one after another, until what is left agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..network.config import Config
from ..runtime.backend import Floats
from ..runtime.onnx_backend import MATRICES, OnnxBackend
from ..runtime.quantization import Quantized, quantize
from .parity import Listeners

ENOUGH = (
    0.993  # of the likeliest values the same: more than `agreement.SAME`, as other music is asked for when it is judged
)


def groups(config: Config) -> list[list[str]]:
    """Names of the tensors that are multiplied at once."""
    layers = range(config.layers)
    return [[f"transformer.layers.{i}.{part}.weight" for part in parts] for i in layers for parts in MATRICES.values()]


def chosen(
    weights: dict[str, Floats],
    config: Config,
    listeners: Listeners,
    say: Callable[[str], None] = lambda text: None,
    enough: float = ENOUGH,
) -> dict[str, Quantized]:
    """The matrices that are to be in eight bits, so quantised."""
    every = groups(config)
    small = {name: quantize(weights[name]) for group in every for name in group}

    def heard(names: Sequence[str]) -> tuple[float, float]:
        found = listeners.compare(OnnxBackend(weights, config, {name: small[name] for name in names}), at_once=64)
        return found.same, found.off

    def blur(group: list[str]) -> float:
        """What it adds to the error of the logits, a weight."""
        say(f"listening to {group[0].removeprefix('transformer.').removesuffix('.weight')} in eight bits")
        return heard(group)[1] ** 2 / sum(weights[name].size for name in group)

    left = every
    if heard([n for group in left for n in group])[0] < enough:
        left = sorted(every, key=blur)
        while left and heard([n for group in left for n in group])[0] < enough:
            say(f"kept whole: {', '.join(left[-1])}")
            left = left[:-1]
    return {name: small[name] for group in left for name in group}
