"""The network on ONNX Runtime, what plays by default; in eight bits a weight where the file of weights has them so.

Knows nothing of files or sampling. The graph is made here, from the weights, when the engine starts: see `graph`.

One run makes a hidden state of each new step. Keys and values of the past are read where they lie, on the tape, and those of the new
steps are written right behind them, so taking back costs nothing. Nothing is handed to the runtime note by note but numbers in memory
that it knows.
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
from .kv_tape import KvTape
from .numpy_backend import EPSILON, NumpyBackend
from .onnx_graph import MICROSOFT, Graph
from .onnx_session import Run, bound, session

#: The matrices of a layer that are one in the graph. What is told apart at once is not split again, which takes as long as a small product.
MATRICES = {"qk": ("q", "k"), **{kind: (kind,) for kind in ("v", "o", "gate", "up", "down")}}


class OnnxBackend(NumpyBackend):
    """See `models.runtime.backend.Backend`."""

    runtime = "onnxruntime"

    def __init__(
        self,
        weights: Mapping[str, Floats],
        config: Config,
        small: Mapping[str, quantization.Quantised] | None = None,
        margin: int = MARGIN,
        threads: int = 1,
    ) -> None:
        super().__init__(weights, config, margin)
        self._session = session(graph(self.weights, small or {}, config, self._tape.rows).model(), threads)
        self.bulk -= sum(self.weights[n].nbytes - q.nbytes - 2 * s.nbytes for n, (q, s) in (small or {}).items())
        self.bulk -= 2 * 4 * config.layers * config.kv_heads * config.head * margin  # the window is read, and no more
        self._ones = [self._run_of(1, begin) for begin in self._tape.begins]  # what every note takes is bound once
        self._scoring = [self._head_run(*head) for head in self._heads]

    def _make_room(self) -> None:
        c = self.config
        self._tape = KvTape(c, self.ring)
        self._cos, self._sin = np.zeros((2, self._tape.rows, c.head // 2), np.float32)

    def _pass(self, x: Floats, cos: Floats, sin: Floats) -> Floats:
        count = len(x)
        begin, there = self._tape.place(count)
        run = self._ones[begin] if count == 1 else self._run_of(count, begin)
        self._cos[:count], self._sin[:count] = cos, sin
        np.add(x, self._steering[0], out=run.given["x"][0])
        run.given["last"][0] = there + count - 1
        run.given["total"][...] = there + count
        run()
        hidden: Floats = run.made["hidden"][0].copy()
        return hidden

    def _run_of(self, count: int, begin: int) -> Run:
        """What a run of so many steps reads and writes that begins to read the tape there."""
        c = self.config
        x, hidden = (np.zeros((1, count, c.width), np.float32) for _ in range(2))
        given: dict[str, NDArray[Any]] = {"x": x, "cos": self._cos, "sin": self._sin, "at": np.arange(count)[None]}
        given |= {"last": np.zeros(1, np.int32), "total": np.array(0, np.int32)}
        given |= {f"style{i}": self._steering[i] for i in range(1, c.layers)}
        made = {"hidden": hidden}
        for i in range(c.layers):
            keys, values = (self._tape.from_row(i, kind, begin)[None] for kind in (0, 1))
            given |= {f"keys{i}": keys, f"values{i}": values}
            made |= {f"k{i}": keys, f"v{i}": values}  # the same memory: a run writes where it will read
        return bound(self._session, given, made)

    def _scores(self, state: Floats, field: int) -> Floats:
        run = self._scoring[field]
        run.given["state"][0] = state
        run()
        scores: Floats = run.made["scores"][0].copy()
        return scores

    def _head_run(self, inner: Floats, out: Floats, bias: Floats) -> Run:
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
        state, scores = np.zeros((1, self.config.width), np.float32), np.zeros((1, len(bias)), np.float32)
        return bound(session(g.model()), {"state": state}, {"scores": scores})


def graph(w: Mapping[str, Floats], small: Mapping[str, quantization.Quantised], c: Config, rows: int) -> Graph:
    """The Transformer as a graph: (1, T, width) embedded steps, and the tape, to hidden states and new keys and values on it."""
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
    wide = c.kv_heads * c.head
    for name, numbers in {
        "to_heads": [-1, c.heads + c.kv_heads, c.head],
        "flat": [1, -1, c.width + wide],
        "q_k": [c.width, wide],
    }.items():
        g.constant(name, np.array(numbers, np.int64))
    _dense_constants(g, w, small, c)
    g.node("SimplifiedLayerNormalization", [x, "norm0"], ["h0"], axis=-1, epsilon=float(EPSILON))
    for i in range(c.layers):
        x = _layer(g, c, i, x)
    g.output("hidden", "float32", [1, "T", c.width])
    for i in range(c.layers):
        g.output(f"k{i}", "float32", tape)
        g.output(f"v{i}", "float32", tape)
    return g


def _dense_constants(g: Graph, w: Mapping[str, Floats], small: Mapping[str, quantization.Quantised], c: Config) -> None:
    for i in range(c.layers):
        name = f"transformer.layers.{i}."
        for kind, parts in MATRICES.items():
            names = [f"{name}{part}.weight" for part in parts]
            if all(n in small for n in names):
                _small(g, f"to_{kind}{i}", [small[n] for n in names])
                continue
            g.constant(f"to_{kind}{i}", np.ascontiguousarray(np.concatenate([w[n] for n in names]).T))
        # What attention divides scores by is in the queries' gain: the quick product of one row with many scales nothing.
        gains = [w[name + "q_norm.weight"] * c.head**-0.5] * c.heads + [w[name + "k_norm.weight"]] * c.kv_heads
        g.constant(f"qk_gain{i}", np.stack(gains).astype(np.float32)[None])
        g.constant(f"norm{i}", w[name + "attention_norm.weight"])
        g.constant(f"mlp_norm{i}", w[name + "mlp_norm.weight"])
    g.constant(f"norm{c.layers}", w["transformer.norm.weight"])


def _small(g: Graph, name: str, parts: Sequence[quantization.Quantised]) -> None:
    """Matrices in eight bits, one below the other, as MatMulNBits wants them: (N, blocks, 32), 128 is nothing."""
    small, scale = (np.concatenate(each) for each in zip(*parts, strict=True))
    blocks = scale.shape[1]
    wide: NDArray[np.uint8] = np.full((len(small), blocks * quantization.BLOCK), 128, np.uint8)
    wide[:, : small.shape[1]] = (small.astype(np.int16) + 128).astype(np.uint8)
    g.constant(name, wide.reshape(len(small), blocks, quantization.BLOCK))
    g.constant(name + "_scale", scale.astype(np.float32).reshape(len(small), blocks))


def _times(g: Graph, x: str, name: str, out: str, n: int, k: int) -> str:
    if f"{name}_scale" not in g.names:
        return g.node("MatMul", [x, name], [out])
    how = {"K": k, "N": n, "bits": 8, "block_size": quantization.BLOCK, "accuracy_level": 4}
    return g.node("MatMulNBits", [x, name, f"{name}_scale"], [out], MICROSOFT, **how)


def _layer(g: Graph, c: Config, i: int, x: str) -> str:
    """Layer `i`, whose input `x` is normed as `h{i}` already; returns what flows on, and norms it for the next."""

    def node(kind: str, inputs: list[str], out: str, domain: str = "", **attributes: int | float | list[int]) -> str:
        return g.node(kind, inputs, [f"{out}{i}"], domain, **attributes)

    width, wide, tiny = c.width, c.kv_heads * c.head, float(EPSILON)
    _times(g, f"h{i}", f"to_v{i}", f"v_new{i}", wide, width)
    qk = _times(g, f"h{i}", f"to_qk{i}", f"qk{i}", width + wide, width)
    heads = node("Reshape", [qk, "to_heads"], "heads")
    even = node("SimplifiedLayerNormalization", [heads, f"qk_gain{i}"], "even", axis=-1, epsilon=tiny)
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
    o = _times(g, f"y{i}", f"to_o{i}", f"found{i}", width, width)
    g.node(
        "SkipSimplifiedLayerNormalization",
        [x, o, f"mlp_norm{i}"],
        [f"m{i}", "", "", f"mid{i}"],
        MICROSOFT,
        epsilon=tiny,
    )
    gate, up = (_times(g, f"m{i}", f"to_{kind}{i}", f"{kind}{i}", c.hidden, width) for kind in ("gate", "up"))
    silu = node("Mul", [gate, node("Sigmoid", [gate], "sigmoid")], "silu")
    down = _times(g, node("Mul", [silu, up], "inner"), f"to_down{i}", f"out{i}", width, c.hidden)
    last = i + 1 == c.layers
    inputs = [f"mid{i}", down, f"norm{i + 1}"] + ([] if last else [f"style{i + 1}"])
    outputs = ["hidden"] if last else [f"h{i + 1}", "", "", f"x{i + 1}"]
    g.node("SkipSimplifiedLayerNormalization", inputs, outputs, MICROSOFT, epsilon=tiny)
    return f"x{i + 1}"
