"""Branches on ONNX Runtime: all rows take a step in one run, which reads the shared past on the tape where it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network.config import Config
from . import quantization
from .backend import Floats
from .branch_rows import BranchRows
from .linear_kv_cache import KvTape
from .numpy_layers import MASKED
from .onnx_graph import build_branch_graph
from .onnx_session import BoundRun, bind_arrays, create_session


class OnnxBranches(BranchRows):
    """See `models.runtime.backend.Branches`."""

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, Floats],
        int8: Mapping[str, quantization.Quantized],
        tape: KvTape,
        style_terms: Callable[[Floats], Floats],
        scores: Callable[[Floats, int], Floats],
        threads: int,
    ) -> None:
        super().__init__(config, weights, tape.ring, style_terms, scores)
        self._tape = tape
        self._session = create_session(build_branch_graph(weights, int8, config).model(), threads)
        self._bound: BoundRun | None = None
        self._bound_for: tuple[int, ...] = ()  # rows, room, and where the past lies
        self._new = np.zeros((0, 0, 0, 0, 0), np.float32)  # (layers, keys or values, R, kv, head) of the last steps

    def _run_rows(self, x: Floats, style: Floats, cos: Floats, sin: Floats) -> tuple[Floats, Floats, Floats]:
        seen = min(self.past, self.config.window - 1)
        run = self._bind(len(x), seen, self._tape.row_of(self.past - seen), style)
        np.add(x, style[0], out=run.inputs["x"][0])
        run.inputs["cos"][...] = cos
        run.inputs["sin"][...] = sin
        self._write_mask(run.inputs["mask"], seen)
        run()
        hidden: Floats = run.outputs["hidden"][0].copy()
        return hidden, self._new[:, 0], self._new[:, 1]

    def _write_mask(self, mask: NDArray[np.float32], seen: int) -> None:
        """What a row may look at: less of the past the more steps of its own it has, and of its tail what was written."""
        lengths = self.lengths[:, None]
        out_of_window = np.arange(seen) <= lengths + (seen - self.config.window)
        mask[:, 0, 0, :seen] = np.where(out_of_window, MASKED, np.float32(0.0))
        mask[:, 0, 0, seen : seen + self.room] = np.where(self._visible_of_tail(), np.float32(0.0), MASKED)

    def _bind(self, rows: int, seen: int, begin: int, style: Floats) -> BoundRun:
        """A run of so many rows that reads `seen` steps of the tape from row `begin` on."""
        wanted = (rows, self.room, seen, begin)
        if self._bound is not None and self._bound_for == wanted:
            return self._bound
        c = self.config
        self._new = np.zeros((c.layers, 2, rows, c.kv_heads, c.head), np.float32)
        inputs: dict[str, NDArray[Any]] = {
            "x": np.zeros((1, rows, c.width), np.float32),
            "cos": np.zeros((rows, c.head // 2), np.float32),
            "sin": np.zeros((rows, c.head // 2), np.float32),
            "at": np.arange(rows)[None],
            "mask": np.zeros((rows, 1, 1, seen + self.room + 1), np.float32),
            "parts": np.array([seen, self.room, 1]),
        }
        inputs |= {f"style{i}": style[i] for i in range(1, c.layers)}
        outputs: dict[str, NDArray[Any]] = {"hidden": np.zeros((1, rows, c.width), np.float32)}
        for i in range(c.layers):
            for h in range(c.kv_heads):
                inputs[f"keys{i}_{h}"] = self._tape.view_from(i, 0, begin)[h, :seen]
                inputs[f"values{i}_{h}"] = self._tape.view_from(i, 1, begin)[h, :seen]
            inputs[f"tail_keys{i}"] = self._keys[i, :rows]
            inputs[f"tail_values{i}"] = self._values[i, :rows]
            for kind, name in enumerate(("k", "v")):
                outputs[f"{name}_new{i}"] = self._new[i, kind].reshape(1, rows, -1)
        self._bound = bind_arrays(self._session, inputs, outputs)
        self._bound_for = wanted
        return self._bound

    def _allocate(self, rows: int, room: int) -> None:
        super()._allocate(rows, room)
        self._bound = None  # it reads the memory from before
