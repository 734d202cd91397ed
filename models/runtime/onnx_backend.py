"""The network on ONNX Runtime, the default for playing; in eight bits a weight where the file of weights has them so.

The graph is made from the weights when the engine starts: see `models.runtime.onnx_graph`. One run computes a hidden state for each new
step. Keys and values of the past are read where they lie, on the tape, and those of the new steps are written right behind them. So taking
back costs nothing. A run is given no arrays but those that it was bound to at the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network.config import Config
from ..network.ring_index import MARGIN
from . import quantization
from .backend import Branches, Floats
from .linear_kv_cache import KvTape
from .numpy_backend import NumpyBackend
from .numpy_layers import EPSILON
from .onnx_branches import OnnxBranches
from .onnx_file_format import MICROSOFT, Graph
from .onnx_graph import build_graph
from .onnx_session import BoundRun, bind_arrays, create_session


class OnnxBackend(NumpyBackend):
    """See `models.runtime.backend.Backend`."""

    runtime = "onnxruntime"

    def __init__(
        self,
        weights: Mapping[str, Floats],
        config: Config,
        int8: Mapping[str, quantization.Quantized] | None = None,
        margin: int = MARGIN,
        threads: int = 1,
    ) -> None:
        super().__init__(weights, config, margin)
        int8 = self._int8 = int8 or {}
        self._threads = threads
        self._session = create_session(build_graph(self.weights, int8, config, self._tape.rows).model(), threads)
        saved = sum(self.weights[n].nbytes - q.nbytes - 2 * s.nbytes for n, (q, s) in int8.items())
        unread = 2 * 4 * config.layers * config.kv_heads * config.head * margin  # only the window is read
        self.bytes_per_step -= saved + unread
        self._single_runs = [self._run_from(1, begin) for begin in self._tape.read_starts]  # bound once, for every note
        self._head_sessions = [create_session(self._head_graph(*head).model()) for head in self._heads]
        self._head_runs = [self._head_run(field, 1) for field in range(len(self._heads))]
        self._many_head_runs: dict[tuple[int, int], BoundRun] = {}  # by field and number of rows

    def _allocate_cache(self) -> None:
        c = self.config
        self._tape = KvTape(c, self.ring)
        self._cos, self._sin = np.zeros((2, self._tape.rows, c.head // 2), np.float32)

    def _run_layers(self, x: Floats, cos: Floats, sin: Floats) -> Floats:
        count = len(x)
        begin, old = self._tape.make_room(count)
        run = self._single_runs[begin] if count == 1 else self._run_from(count, begin)
        self._cos[:count] = cos
        self._sin[:count] = sin
        np.add(x, self._style_terms[0], out=run.inputs["x"][0])
        run.inputs["last"][0] = old + count - 1
        run.inputs["total"][...] = old + count
        run()
        hidden: Floats = run.outputs["hidden"][0].copy()
        return hidden

    def _run_from(self, count: int, begin: int) -> BoundRun:
        """A run of `count` steps that reads the tape from row `begin` on, bound to its arrays."""
        c = self.config
        x = np.zeros((1, count, c.width), np.float32)
        inputs: dict[str, NDArray[Any]] = {"x": x, "cos": self._cos, "sin": self._sin, "at": np.arange(count)[None]}
        inputs |= {"last": np.zeros(1, np.int32), "total": np.array(0, np.int32)}
        inputs |= {f"style{i}": self._style_terms[i] for i in range(1, c.layers)}
        outputs = {"hidden": np.zeros((1, count, c.width), np.float32)}
        for i in range(c.layers):
            keys, values = (self._tape.view_from(i, kind, begin)[None] for kind in (0, 1))
            inputs |= {f"keys{i}": keys, f"values{i}": values}
            outputs |= {f"k{i}": keys, f"v{i}": values}  # the same memory: a run writes where it will read
        return bind_arrays(self._session, inputs, outputs)

    def _scores(self, state: Floats, field: int) -> Floats:
        run = self._head_runs[field]
        run.inputs["state"][0] = state
        run()
        scores: Floats = run.outputs["scores"][0].copy()
        return scores

    def _row_scores(self, states: Floats, field: int) -> Floats:
        run = self._many_head_runs.get((field, len(states)))
        if run is None:
            run = self._many_head_runs[field, len(states)] = self._head_run(field, len(states))
        run.inputs["state"][...] = states
        run()
        scores: Floats = run.outputs["scores"].copy()
        return scores

    def branches(self) -> Branches:
        return OnnxBranches(
            self.config, self.weights, self._int8, self._tape, self._set_style, self._row_scores, self._threads
        )

    def _head_run(self, field: int, rows: int) -> BoundRun:
        """A run of one head for so many states."""
        state = np.zeros((rows, self.config.width), np.float32)
        scores = np.zeros((rows, len(self._heads[field][2])), np.float32)
        return bind_arrays(self._head_sessions[field], {"state": state}, {"scores": scores})

    def _head_graph(self, inner: Floats, out: Floats, bias: Floats) -> Graph:
        """One head as a graph of its own: (R, width) states to (R, n) scores."""
        g = Graph()
        g.input("state", "float32", ["rows", self.config.width])
        g.constant("ones", np.ones(self.config.width, np.float32))
        for name, array in (("inner", inner.T), ("out", out.T), ("bias", bias)):
            g.constant(name, np.ascontiguousarray(array))
        g.node("SimplifiedLayerNormalization", ["state", "ones"], ["even"], axis=-1, epsilon=float(EPSILON))
        features = g.node("Gelu", [g.node("MatMul", ["even", "inner"], ["found"])], ["features"], MICROSOFT)
        g.node("Add", [g.node("MatMul", [features, "out"], ["each"]), "bias"], ["scores"])
        g.output("scores", "float32", ["rows", len(bias)])
        return g
