"""Which matrices of the Transformer do with eight bits a weight, measured by what the network then expects.

A matrix that eight bits disturb too much is kept whole. Which ones these are depends on what was learned, so each is measured alone.
Then those that disturb most for their size are kept whole, one after another, until the rest agrees with the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..network.config import Config
from ..runtime.backend import Floats
from ..runtime.onnx_backend import OnnxBackend
from ..runtime.onnx_graph import MATRICES
from ..runtime.quantization import Quantized, quantize
from .parity import ParityCheck

ENOUGH_SAME = 0.993
"""Share of the likeliest values that must be the same: above `parity.FEWEST_SAME`, as the final check is on other music."""


def matrix_groups(config: Config) -> list[list[str]]:
    """Names of the tensors that are multiplied as one matrix."""
    layers = range(config.layers)
    return [[f"transformer.layers.{i}.{part}.weight" for part in parts] for i in layers for parts in MATRICES.values()]


def select_int8(
    weights: dict[str, Floats],
    config: Config,
    check: ParityCheck,
    report: Callable[[str], None] = lambda text: None,
    enough: float = ENOUGH_SAME,
) -> dict[str, Quantized]:
    """The matrices to write in eight bits, quantised. `report` is told what is measured."""
    groups = matrix_groups(config)
    int8 = {name: quantize(weights[name]) for group in groups for name in group}

    def measure(names: Sequence[str]) -> tuple[float, float]:
        """The share of same values and the error of the logits with these tensors in eight bits."""
        backend = OnnxBackend(weights, config, {name: int8[name] for name in names})
        agreement = check.compare(backend, at_once=64)
        return agreement.same, agreement.error

    def error_per_weight(group: list[str]) -> float:
        report(f"listening to {group[0].removeprefix('transformer.').removesuffix('.weight')} in eight bits")
        return measure(group)[1] ** 2 / sum(weights[name].size for name in group)

    left = groups
    if measure([n for group in left for n in group])[0] < enough:
        left = sorted(groups, key=error_per_weight)
        while left and measure([n for group in left for n in group])[0] < enough:
            report(f"kept whole: {', '.join(left[-1])}")
            left = left[:-1]
    return {name: int8[name] for group in left for name in group}
