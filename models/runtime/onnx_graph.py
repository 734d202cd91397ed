"""The Transformer as an ONNX graph, made from the weights when an engine starts.

There are two graphs. They differ only in what attention reads. In the graph of one sequence (`build_graph`), the steps of a run follow
one another on the tape of keys and values. In the graph of branches (`build_branch_graph`), each row of a run goes on from the same past,
and has a tail of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..network.config import Config
from . import quantization
from .backend import Floats
from .numpy_layers import EPSILON
from .onnx_file_format import MICROSOFT, Graph

#: The matrices of a layer that are one in the graph. Values are a product of their own: to split them off takes as long as a small product.
MATRICES = {"qk": ("q", "k"), **{kind: (kind,) for kind in ("v", "o", "gate", "up", "down")}}


Attention = Callable[[Graph, Config, int, str, str], str]
"""Adds the attention of one layer: graph, shape, layer, names of its normalised queries and keys and of its values -> output's name."""


def build_graph(w: Mapping[str, Floats], int8: Mapping[str, quantization.Quantized], c: Config, rows: int) -> Graph:
    """One sequence: (1, T, width) embedded steps, and the tape, to hidden states and new keys and values on it.

    `rows` of the tape are those of one view. Matrices in `int8` are multiplied in eight bits.
    """
    g = Graph()
    for name in ("cos", "sin"):
        g.input(name, "float32", [rows, c.head // 2])
    g.input("at", "int64", [1, "steps"])
    g.input("last", "int32", [1])
    g.input("total", "int32", [])
    tape = [1, c.kv_heads, rows, c.head]
    for i in range(c.layers):
        g.input(f"keys{i}", "float32", tape)
        g.input(f"values{i}", "float32", tape)
    g.constant("q_k", np.array([c.width, c.kv_heads * c.head], np.int64))
    _layers(g, w, int8, c, _attend_on_tape)
    for i in range(c.layers):
        g.output(f"k{i}", "float32", tape)
        g.output(f"v{i}", "float32", tape)
    return g


def build_branch_graph(w: Mapping[str, Floats], int8: Mapping[str, quantization.Quantized], c: Config) -> Graph:
    """Branches: (1, R, width) embedded steps, one a row, to hidden states and to the keys and values of each row's new step.

    `keys`, `values`: (S, head) of a layer and of a head, the past that all rows share. `tail_keys` (R, kv, head, T) and `tail_values`
    (R, kv, T, head): the steps of each row alone, with room for T. `mask` (R, 1, 1, S + T + 1) is added to the scores: what a row may
    look at of the past, of its tail, and of the new step.
    """
    g = Graph()
    for name in ("cos", "sin"):
        g.input(name, "float32", ["steps", c.head // 2])
    g.input("at", "int64", [1, "steps"])
    g.input("mask", "float32", ["steps", 1, 1, "all"])
    g.input("parts", "int64", [3])
    for i in range(c.layers):
        for h in range(c.kv_heads):
            g.input(f"keys{i}_{h}", "float32", ["S", c.head])
            g.input(f"values{i}_{h}", "float32", ["S", c.head])
        g.input(f"tail_keys{i}", "float32", ["steps", c.kv_heads, c.head, "T"])
        g.input(f"tail_values{i}", "float32", ["steps", c.kv_heads, "T", c.head])
    group = c.heads // c.kv_heads
    for name, numbers in {
        "q_k": [c.width, c.kv_heads * c.head],
        "queries_shape": [-1, c.kv_heads, group, c.head],
        "key_shape": [-1, c.kv_heads, c.head, 1],
        "value_shape": [-1, c.kv_heads, 1, c.head],
        "y_shape": [1, -1, c.width],
        "each_head": [1] * c.kv_heads,
    }.items():
        g.constant(name, np.array(numbers, np.int64))
    _layers(g, w, int8, c, _attend_on_branches)
    for i in range(c.layers):
        for kind in ("k", "v"):
            g.output(f"{kind}_new{i}", "float32", [1, "steps", c.kv_heads * c.head])
    return g


def _layers(
    g: Graph, w: Mapping[str, Floats], int8: Mapping[str, quantization.Quantized], c: Config, attention: Attention
) -> None:
    """All layers, from the input `x` to the output `hidden`."""
    x = g.input("x", "float32", [1, "steps", c.width])
    for i in range(1, c.layers):
        g.input(f"style{i}", "float32", [c.width])
    g.constant("to_heads", np.array([-1, c.heads + c.kv_heads, c.head], np.int64))
    g.constant("flat", np.array([1, -1, c.width + c.kv_heads * c.head], np.int64))
    _layer_constants(g, w, int8, c)
    g.node("SimplifiedLayerNormalization", [x, "norm0"], ["h0"], axis=-1, epsilon=float(EPSILON))
    for i in range(c.layers):
        x = _layer(g, c, i, x, attention)
    g.output("hidden", "float32", [1, "steps", c.width])


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


def _layer(g: Graph, c: Config, i: int, x: str, attention: Attention) -> str:
    """Layer `i`, whose input `x` is normalised as `h{i}` already; returns its output, which it normalises for the next layer."""

    def node(kind: str, inputs: list[str], out: str, domain: str = "", **attributes: int | float | list[int]) -> str:
        return g.node(kind, inputs, [f"{out}{i}"], domain, **attributes)

    kv_width = c.kv_heads * c.head
    epsilon = float(EPSILON)
    v = _matmul(g, f"h{i}", f"to_v{i}", f"v_new{i}", kv_width, c.width)
    qk = _matmul(g, f"h{i}", f"to_qk{i}", f"qk{i}", c.width + kv_width, c.width)
    heads = node("Reshape", [qk, "to_heads"], "heads")
    even = node("SimplifiedLayerNormalization", [heads, f"qk_gain{i}"], "even", axis=-1, epsilon=epsilon)
    y = attention(g, c, i, node("Reshape", [even, "flat"], "even_flat"), v)
    o = _matmul(g, y, f"to_o{i}", f"found{i}", c.width, c.width)
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


def _attend_on_tape(g: Graph, c: Config, i: int, qk: str, v: str) -> str:
    """Attention over the tape, where the runtime writes the new keys and values behind the old ones."""
    g.node("Split", [qk, "q_k"], [f"q{i}", f"k_new{i}"], axis=-1)
    return g.node(
        "GroupQueryAttention",
        [f"q{i}", f"k_new{i}", v, f"keys{i}", f"values{i}", "last", "total", "cos", "sin", "at"],
        [f"y{i}", f"k{i}", f"v{i}"],
        MICROSOFT,
        num_heads=c.heads,
        kv_num_heads=c.kv_heads,
        do_rotary=1,
        scale=1.0,
        local_window_size=c.window,
    )


def _attend_on_branches(g: Graph, c: Config, i: int, qk: str, v: str) -> str:
    """Attention over the shared past, which is read where it lies, the row's own tail, and its new step."""

    def node(kind: str, inputs: list[str], out: str, axis: int | None = None) -> str:
        attributes = {} if axis is None else {"axis": axis}
        return g.node(kind, inputs, [f"{out}{i}"], "", **attributes)

    def each_head(kind: str, inputs: list[str], out: str) -> list[str]:
        names = [f"{out}{i}_{h}" for h in range(c.kv_heads)]
        g.node(kind, inputs, names, axis=1)
        return names

    turned = g.node("RotaryEmbedding", [qk, "at", "cos", "sin"], [f"turned{i}"], MICROSOFT)
    g.node("Split", [turned, "q_k"], [f"q{i}", f"k_new{i}"], axis=-1)
    q = node("Reshape", [f"q{i}", "queries_shape"], "queries")
    past = [
        g.node("FusedMatMul", [part, f"keys{i}_{h}"], [f"past{i}_{h}"], MICROSOFT, transB=1)
        for h, part in enumerate(each_head("Split", [q, "each_head"], "head"))
    ]
    own = node("MatMul", [q, f"tail_keys{i}"], "tail_scores")
    new = node("MatMul", [q, node("Reshape", [f"k_new{i}", "key_shape"], "key")], "new_score")
    scores = node("Concat", [node("Concat", past, "past_scores", axis=1), own, new], "scores", axis=-1)
    shares = node("Softmax", [node("Add", [scores, "mask"], "masked")], "shares", axis=-1)
    g.node("Split", [shares, "parts"], [f"of_past{i}", f"of_tail{i}", f"of_new{i}"], axis=-1)
    found = [
        g.node("MatMul", [part, f"values{i}_{h}"], [f"past_found{i}_{h}"])
        for h, part in enumerate(each_head("Split", [f"of_past{i}", "each_head"], "share"))
    ]
    from_past = node("Concat", found, "from_past", axis=1)
    from_tail = node("MatMul", [f"of_tail{i}", f"tail_values{i}"], "from_tail")
    from_new = node("Mul", [f"of_new{i}", node("Reshape", [v, "value_shape"], "value")], "from_new")
    total = node("Add", [node("Add", [from_past, from_tail], "from_old"), from_new], "from_all")
    return node("Reshape", [total, "y_shape"], "y")
