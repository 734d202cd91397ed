"""Muon: an optimiser for matrices that steps along the orthogonalised momentum (Jordan et al. 2024).

torch has one too, but it always multiplies in bfloat16. Many CPUs do that a hundred times slower than float32. This one does so only
where it is told to ("Which Muon" in EXPERIMENTS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration, chosen by its authors for the steepest slope at zero."""


UPDATE_RMS = 0.2
"""The root mean square of AdamW's usual updates, which updates are scaled to (Liu et al. 2025)."""


def orthogonalize(g: Tensor, steps: int = 5) -> Tensor:
    """(B, n, m) matrices -> roughly the nearest orthogonal ones: singular values of about 0.7 to 1.2."""
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """For 2-D parameters. `lr` is the size of a step as in AdamW.

    `bfloat16`: orthogonalise in that precision, which its authors found to be enough.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        bfloat16: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.bfloat16 = bfloat16

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Take one step; matrices of one shape are orthogonalised together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for shape, params in shapes.items():
                nesterov = []
                for p in params:
                    assert p.grad is not None
                    momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    momentum.lerp_(p.grad, 1.0 - group["momentum"])
                    nesterov.append(p.grad.lerp(momentum, group["momentum"]))  # Nesterov's look ahead
                scale = UPDATE_RMS * max(shape) ** 0.5 * group["lr"]
                stack = torch.stack(nesterov)
                updates = orthogonalize(stack.bfloat16()).to(stack.dtype) if self.bfloat16 else orthogonalize(stack)
                for p, update in zip(params, updates, strict=True):
                    p.mul_(1.0 - group["lr"] * group["weight_decay"]).sub_(update, alpha=scale)
