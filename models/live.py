"""The network on ONNX Runtime, what plays by default; in eight bits a weight where the file of weights has them so.

Knows nothing of files or sampling. The graph is made here, from the weights, when the engine starts: see `graph`.

One run makes a hidden state of each new step. Keys and values of the past are read where they lie, in the ring; those of the new steps
come out of the run and are put there afterwards, so taking back costs nothing and a run that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from . import quantise
from .config import Config
from .network import Floats
from .onnx import MICROSOFT, Graph
from .plain import EPSILON, PlainNetwork
from .ring import MARGIN

NEVER = np.float32(-1e30)


class LiveNetwork(PlainNetwork):
    """See `models.network.Network`."""

    runtime = "onnxruntime"

    def __init__(
        self,
        weights: Mapping[str, Floats],
        config: Config,
        small: Mapping[str, quantise.Quantised] | None = None,
        margin: int = MARGIN,
        threads: int = 1,
    ) -> None:
        super().__init__(weights, config, margin)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # the number of steps differs from run to run
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = graph(self.weights, small or {}, config, self.ring.size).model()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.bulk -= sum(self.weights[n].nbytes - q.nbytes - 2 * s.nbytes for n, (q, s) in (small or {}).items())
        self._names = [o.name for o in self._session.get_outputs()]
        layers = range(config.layers)
        self._past = {f"keys{i}": self.keys[i][:, None] for i in layers}
        self._past |= {f"values{i}": self.values[i][:, None] for i in layers}

    def _pass(self, x: Floats, cos: Floats, sin: Floats) -> Floats:
        c, slots = self.config, self.ring.slots
        given = {
            **self._past,
            "x": x + self._steering[0],
            "cos": cos,
            "sin": sin,
            "at": np.arange(len(x))[None],
            "unseen": self._unseen(),
            "parts": np.array([self.ring.size, len(x)]),
            **{f"style{i}": self._steering[i] for i in range(1, c.layers)},
        }
        hidden, *new = self._session.run(self._names, given)
        for i in range(c.layers):
            self.keys[i][:, :, slots] = new[2 * i][:, 0].transpose(0, 2, 1)
            self.values[i][:, slots] = new[2 * i + 1][:, 0]
        return hidden

    def _unseen(self) -> Floats:
        """(T, size + T): what is added to the scores of the past and of the new steps."""
        seen, slots = self.ring.seen(), self.ring.slots
        wide = np.concatenate([seen, seen[:, slots]], 1)
        wide[:, slots] = False  # a new step's slot holds something else until the run is over
        return np.where(wide, np.float32(0.0), NEVER)


def graph(w: Mapping[str, Floats], small: Mapping[str, quantise.Quantised], c: Config, slots: int) -> Graph:
    """The Transformer as a graph: (T, width) embedded steps, and the past, to hidden states, new keys and new values."""
    g = Graph()
    x = g.input("x", "float32", ["T", c.width])
    for name in ("cos", "sin"):
        g.input(name, "float32", ["T", c.head // 2])
    g.input("at", "int64", [1, "T"])
    g.input("unseen", "float32", ["T", "S"])
    for i in range(c.layers):
        g.input(f"keys{i}", "float32", [c.kv_heads, 1, c.head, slots])
        g.input(f"values{i}", "float32", [c.kv_heads, 1, slots, c.head])
        if i:
            g.input(f"style{i}", "float32", [c.width])
    g.input("parts", "int64", [2])
    group = c.heads // c.kv_heads
    g.constant("ones", np.ones(c.head, np.float32))
    for name, shape in {
        "to_heads": [1, -1, c.heads + 2 * c.kv_heads, c.head],
        "grouped": [c.kv_heads, group, -1, c.head],
        "shared": [c.kv_heads, 1, -1, c.head],
        "flat": [-1, c.width],
        "qk_v": [c.heads + c.kv_heads, c.kv_heads],
        "q_k": [c.heads, c.kv_heads],
        "halves": [c.hidden, c.hidden],
    }.items():
        g.constant(name, np.array(shape, np.int64))
    _dense_constants(g, w, small, c)
    g.node("SimplifiedLayerNormalization", [x, "norm0"], ["h0"], axis=-1, epsilon=float(EPSILON))
    for i in range(c.layers):
        x = _layer(g, c, i, x)
    g.output("hidden", "float32", ["T", c.width])
    for i in range(c.layers):
        g.output(f"k{i}", "float32", [c.kv_heads, 1, "T", c.head])
        g.output(f"v{i}", "float32", [c.kv_heads, 1, "T", c.head])
    return g


def _dense_constants(g: Graph, w: Mapping[str, Floats], small: Mapping[str, quantise.Quantised], c: Config) -> None:
    for i in range(c.layers):
        name = f"transformer.layers.{i}."
        for kind, parts in {"qkv": ("q", "k", "v"), "o": ("o",), "gate_up": ("gate", "up"), "down": ("down",)}.items():
            names = [f"{name}{part}.weight" for part in parts]
            if all(n in small for n in names):
                _small(g, f"{kind}{i}", [small[n] for n in names])
                continue
            g.constant(f"{kind}{i}", np.ascontiguousarray(np.concatenate([w[n] for n in names]).T))
        gains = [w[name + "q_norm.weight"] * np.float32(c.head**-0.5)] * c.heads
        gains += [w[name + "k_norm.weight"]] * c.kv_heads
        g.constant(f"qk_gain{i}", np.stack(gains).astype(np.float32)[:, None])
        g.constant(f"norm{i}", w[name + "attention_norm.weight"])
        g.constant(f"mlp_norm{i}", w[name + "mlp_norm.weight"])
    g.constant(f"norm{c.layers}", w["transformer.norm.weight"])


def _small(g: Graph, name: str, parts: Sequence[quantise.Quantised]) -> None:
    """Matrices in eight bits, one below the other, as MatMulNBits wants them: (N, blocks, 32), 128 is nothing."""
    small, scale = (np.concatenate(each) for each in zip(*parts, strict=True))
    blocks = scale.shape[1]
    wide: NDArray[np.uint8] = np.full((len(small), blocks * quantise.BLOCK), 128, np.uint8)
    wide[:, : small.shape[1]] = (small.astype(np.int16) + 128).astype(np.uint8)
    g.constant(name, wide.reshape(len(small), blocks, quantise.BLOCK))
    g.constant(name + "_scale", scale.astype(np.float32).reshape(len(small), blocks))


def _times(g: Graph, x: str, name: str, out: str, n: int, k: int) -> str:
    if f"{name}_scale" not in g.names:
        return g.node("MatMul", [x, name], [out])
    how = {"K": k, "N": n, "bits": 8, "block_size": quantise.BLOCK, "accuracy_level": 4}
    return g.node("MatMulNBits", [x, name, f"{name}_scale"], [out], MICROSOFT, **how)


def _layer(g: Graph, c: Config, i: int, x: str) -> str:
    """Layer `i`, whose input `x` is normed as `h{i}` already; returns what flows on, and norms it for the next."""

    def node(kind: str, inputs: list[str], out: str, domain: str = "", **attributes: int | float | list[int]) -> str:
        return g.node(kind, inputs, [f"{out}{i}"], domain, **attributes)

    width = c.width
    every = _times(g, f"h{i}", f"qkv{i}", f"line{i}", width + 2 * c.kv_heads * c.head, width)
    every = node("Transpose", [node("Reshape", [every, "to_heads"], "heads")], "every", perm=[0, 2, 1, 3])
    g.node("Split", [every, "qk_v"], [f"qk{i}", f"v_heads{i}"], axis=1)
    even = node("SimplifiedLayerNormalization", [f"qk{i}", "ones"], "even", axis=-1, epsilon=float(EPSILON))
    gained = node("Mul", [even, f"qk_gain{i}"], "gained")
    turned = node("RotaryEmbedding", [gained, "at", "cos", "sin"], "turned", MICROSOFT)
    g.node("Split", [turned, "q_k"], [f"q_heads{i}", f"k_heads{i}"], axis=1)
    q = node("Reshape", [f"q_heads{i}", "grouped"], "q")
    k = node("Reshape", [f"k_heads{i}", "shared"], "k")
    v = node("Reshape", [f"v_heads{i}", "shared"], "v")
    past = node("MatMul", [q, f"keys{i}"], "past")
    new = node("FusedMatMul", [q, k], "new", MICROSOFT, transB=1)
    scores = node("Add", [node("Concat", [past, new], "both", axis=3), "unseen"], "scores")
    p = node("Softmax", [scores], "p", axis=-1)
    g.node("Split", [p, "parts"], [f"p_past{i}", f"p_new{i}"], axis=3)
    past, new = node("MatMul", [f"p_past{i}", f"values{i}"], "y_past"), node("MatMul", [f"p_new{i}", v], "y_new")
    y = node("Transpose", [node("Add", [past, new], "y")], "y_steps", perm=[2, 0, 1, 3])
    o = _times(g, node("Reshape", [y, "flat"], "y_flat"), f"o{i}", f"found{i}", width, width)
    tiny = float(EPSILON)
    g.node(
        "SkipSimplifiedLayerNormalization",
        [x, o, f"mlp_norm{i}"],
        [f"m{i}", "", "", f"mid{i}"],
        MICROSOFT,
        epsilon=tiny,
    )
    _times(g, f"m{i}", f"gate_up{i}", f"two{i}", 2 * c.hidden, width)
    g.node("Split", [f"two{i}", "halves"], [f"gate{i}", f"up{i}"], axis=-1)
    silu = node("Mul", [f"gate{i}", node("Sigmoid", [f"gate{i}"], "sigmoid")], "silu")
    down = _times(g, node("Mul", [silu, f"up{i}"], "inner"), f"down{i}", f"out{i}", width, c.hidden)
    last = i + 1 == c.layers
    inputs = [f"mid{i}", down, f"norm{i + 1}"] + ([] if last else [f"style{i + 1}"])
    outputs = ["hidden"] if last else [f"h{i + 1}", "", "", f"x{i + 1}"]
    g.node("SkipSimplifiedLayerNormalization", inputs, outputs, MICROSOFT, epsilon=tiny)
    return f"x{i + 1}"
