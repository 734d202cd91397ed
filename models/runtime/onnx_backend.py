"""The network on ONNX Runtime, the default for playing; in eight bits a weight where the file of weights has them so.

The graph is made here, from the weights, when the engine starts: see `build_graph`. One run computes a hidden state for each new step. Keys
and values of the past are read where they lie, on the tape, and those of the new steps are written right behind them. So taking back costs
nothing. A run is given no arrays but those that it was bound to at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network.config import Config
from ..network.ring_index import MARGIN
from . import quantization
from .backend import Floats
from .linear_kv_cache import KvTape
from .numpy_backend import EPSILON, NumpyBackend
from .onnx_file_format import MICROSOFT, Graph
from .onnx_session import BoundRun, bind_arrays, create_session

#: The matrices of a layer that are one in the graph. Values are a product of their own: to split them off takes as long as a small product.
MATRICES = {"qk": ("q", "k"), **{kind: (kind,) for kind in ("v", "o", "gate", "up", "down")}}


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
        int8 = int8 or {}
        self._session = create_session(build_graph(self.weights, int8, config, self._tape.rows).model(), threads)
        saved = sum(self.weights[n].nbytes - q.nbytes - 2 * s.nbytes for n, (q, s) in int8.items())
        unread = 2 * 4 * config.layers * config.kv_heads * config.head * margin  # only the window is read
        self.bytes_per_step -= saved + unread
        self._single_runs = [self._run_from(1, begin) for begin in self._tape.read_starts]  # bound once, for every note
        self._head_runs = [self._head_run(*head) for head in self._heads]

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

    def _head_run(self, inner: Floats, out: Floats, bias: Floats) -> BoundRun:
        """One head as a graph of its own: (1, width) state to (1, n) scores."""
        g = Graph()
        g.input("state", "float32", [1, self.config.width])
        g.constant("ones", np.ones(self.config.width, np.float32))
        for name, array in (("inner", inner.T), ("out", out.T), ("bias", bias)):
            g.constant(name, np.ascontiguousarray(array))
        g.node("SimplifiedLayerNormalization", ["state", "ones"], ["even"], axis=-1, epsilon=float(EPSILON))
        features = g.node("Gelu", [g.node("MatMul", ["even", "inner"], ["found"])], ["features"], MICROSOFT)
        g.node("Add", [g.node("MatMul", [features, "out"], ["each"]), "bias"], ["scores"])
        g.output("scores", "float32", [1, len(bias)])
        state = np.zeros((1, self.config.width), np.float32)
        scores = np.zeros((1, len(bias)), np.float32)
        return bind_arrays(create_session(g.model()), {"state": state}, {"scores": scores})


def build_graph(w: Mapping[str, Floats], int8: Mapping[str, quantization.Quantized], c: Config, rows: int) -> Graph:
    """The Transformer as a graph: (1, T, width) embedded steps, and the tape, to hidden states and new keys and values on it.

    `rows` of the tape are those of one view. Matrices in `int8` are multiplied in eight bits.
    """
    g = Graph()
    x = g.input("x", "float32", [1, "T", c.width])
    for name in ("cos", "sin"):
        g.input(name, "float32", [rows, c.head // 2])
    g.input("at", "int64", [1, "T"])
    g.input("last", "int32", [1])
    g.input("total", "int32", [])
    tape = [1, c.kv_heads, rows, c.head]
    for i in range(c.layers):
        g.input(f"keys{i}", "float32", tape)
        g.input(f"values{i}", "float32", tape)
        if i:
            g.input(f"style{i}", "float32", [c.width])
    kv_width = c.kv_heads * c.head
    for name, numbers in {
        "to_heads": [-1, c.heads + c.kv_heads, c.head],
        "flat": [1, -1, c.width + kv_width],
        "q_k": [c.width, kv_width],
    }.items():
        g.constant(name, np.array(numbers, np.int64))
    _layer_constants(g, w, int8, c)
    g.node("SimplifiedLayerNormalization", [x, "norm0"], ["h0"], axis=-1, epsilon=float(EPSILON))
    for i in range(c.layers):
        x = _layer(g, c, i, x)
    g.output("hidden", "float32", [1, "T", c.width])
    for i in range(c.layers):
        g.output(f"k{i}", "float32", tape)
        g.output(f"v{i}", "float32", tape)
    return g


def _layer_constants(g: Graph, w: Mapping[str, Floats], int8: Mapping[str, quantization.Quantized], c: Config) -> None:
    """The weights of every layer but its style's, and the last norm."""
    for i in range(c.layers):
        name = f"transformer.layers.{i}."
        for kind, parts in MATRICES.items():
            names = [f"{name}{part}.weight" for part in parts]
            if all(n in int8 for n in names):
                _int8_constant(g, f"to_{kind}{i}", [int8[n] for n in names])
                continue
            g.constant(f"to_{kind}{i}", np.ascontiguousarray(np.concatenate([w[n] for n in names]).T))
        # The divisor of attention's scores is in the queries' gain: the quick product of one row with many scales nothing.
        gains = [w[name + "q_norm.weight"] * c.head**-0.5] * c.heads + [w[name + "k_norm.weight"]] * c.kv_heads
        g.constant(f"qk_gain{i}", np.stack(gains).astype(np.float32)[None])
        g.constant(f"norm{i}", w[name + "attention_norm.weight"])
        g.constant(f"mlp_norm{i}", w[name + "mlp_norm.weight"])
    g.constant(f"norm{c.layers}", w["transformer.norm.weight"])


def _int8_constant(g: Graph, name: str, parts: Sequence[quantization.Quantized]) -> None:
    """Matrices in eight bits, one below the other, as MatMulNBits wants them: unsigned (N, blocks, 32), where 128 is zero."""
    int8, scale = (np.concatenate(each) for each in zip(*parts, strict=True))
    blocks = scale.shape[1]
    padded: NDArray[np.uint8] = np.full((len(int8), blocks * quantization.BLOCK), 128, np.uint8)
    padded[:, : int8.shape[1]] = (int8.astype(np.int16) + 128).astype(np.uint8)
    g.constant(name, padded.reshape(len(int8), blocks, quantization.BLOCK))
    g.constant(name + "_scale", scale.astype(np.float32).reshape(len(int8), blocks))


def _matmul(g: Graph, x: str, name: str, out: str, n: int, k: int) -> str:
    """The product of `x` (…, k) with the constant `name`, whole or in eight bits -> (…, n)."""
    if f"{name}_scale" not in g.names:
        return g.node("MatMul", [x, name], [out])
    attributes = {"K": k, "N": n, "bits": 8, "block_size": quantization.BLOCK, "accuracy_level": 4}
    return g.node("MatMulNBits", [x, name, f"{name}_scale"], [out], MICROSOFT, **attributes)


def _layer(g: Graph, c: Config, i: int, x: str) -> str:
    """Layer `i`, whose input `x` is normalised as `h{i}` already; returns its output, which it normalises for the next layer."""

    def node(kind: str, inputs: list[str], out: str, domain: str = "", **attributes: int | float | list[int]) -> str:
        return g.node(kind, inputs, [f"{out}{i}"], domain, **attributes)

    kv_width = c.kv_heads * c.head
    epsilon = float(EPSILON)
    _matmul(g, f"h{i}", f"to_v{i}", f"v_new{i}", kv_width, c.width)
    qk = _matmul(g, f"h{i}", f"to_qk{i}", f"qk{i}", c.width + kv_width, c.width)
    heads = node("Reshape", [qk, "to_heads"], "heads")
    even = node("SimplifiedLayerNormalization", [heads, f"qk_gain{i}"], "even", axis=-1, epsilon=epsilon)
    g.node("Split", [node("Reshape", [even, "flat"], "even_flat"), "q_k"], [f"q{i}", f"k_new{i}"], axis=-1)
    g.node(
        "GroupQueryAttention",
        [f"q{i}", f"k_new{i}", f"v_new{i}", f"keys{i}", f"values{i}", "last", "total", "cos", "sin", "at"],
        [f"y{i}", f"k{i}", f"v{i}"],
        MICROSOFT,
        num_heads=c.heads,
        kv_num_heads=c.kv_heads,
        do_rotary=1,
        scale=1.0,
        local_window_size=c.window,
    )
    o = _matmul(g, f"y{i}", f"to_o{i}", f"found{i}", c.width, c.width)
    g.node(
        "SkipSimplifiedLayerNormalization",
        [x, o, f"mlp_norm{i}"],
        [f"m{i}", "", "", f"mid{i}"],
        MICROSOFT,
        epsilon=epsilon,
    )
    gate, up = (_matmul(g, f"m{i}", f"to_{kind}{i}", f"{kind}{i}", c.hidden, c.width) for kind in ("gate", "up"))
    silu = node("Mul", [gate, node("Sigmoid", [gate], "sigmoid")], "silu")
    down = _matmul(g, node("Mul", [silu, up], "inner"), f"to_down{i}", f"out{i}", c.width, c.hidden)
    last = i + 1 == c.layers
    inputs = [f"mid{i}", down, f"norm{i + 1}"] + ([] if last else [f"style{i + 1}"])
    outputs = ["hidden"] if last else [f"h{i + 1}", "", "", f"x{i + 1}"]
    g.node("SkipSimplifiedLayerNormalization", inputs, outputs, MICROSOFT, epsilon=epsilon)
    return f"x{i + 1}"
