"""Writing ONNX files: the few parts of that format that the live engine's graph needs.

A model is built when an engine starts, and is never kept. So no library is needed to make one, and none but the runtime to read one.
Numbers of fields are those of the format's public description (onnx.proto, ONNX project); the encoding is Protocol Buffers'.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OPSET = 17
MICROSOFT = "com.microsoft"  # the domain of ONNX Runtime's own operators
_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7}
Value = int | float | Sequence[int]


def _varint(value: int) -> bytes:
    """An integer in groups of seven bits, the lowest first."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint((field << 3) | 2) + _varint(len(data)) + data


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, float):
        return _bytes(1, name) + _varint((2 << 3) | 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return _bytes(1, name) + _int(3, value) + _int(20, 2)
    return _bytes(1, name) + b"".join(_int(8, v) for v in value) + _int(20, 7)


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    dims = b"".join(_int(1, n) for n in array.shape)
    return dims + _int(2, _TYPES[array.dtype.name]) + _bytes(8, name) + _bytes(9, np.ascontiguousarray(array).tobytes())


class Graph:
    """A graph that is being built. Values are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self.names: set[str] = set()  # of constants

    def constant(self, name: str, array: NDArray[np.generic]) -> str:
        """A value that is always the same."""
        self._constants.append(_tensor(name, array))
        self.names.add(name)
        return name

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """A value that is given at each run; a dimension with a name may differ from run to run."""
        self._inputs.append(self._value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """A value that each run gives back."""
        self._outputs.append(self._value_info(name, dtype, shape))

    def node(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Value
    ) -> str:
        """One operation; returns the name of its first output."""
        parts = [_bytes(1, name) for name in inputs] + [_bytes(2, name) for name in outputs]
        parts += [_bytes(3, f"{kind}_{len(self._nodes)}"), _bytes(4, kind)]
        parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        if domain:
            parts.append(_bytes(7, domain))
        self._nodes.append(b"".join(parts))
        return outputs[0]

    def model(self) -> bytes:
        """The whole as the bytes of a file."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _bytes(2, "step")
        graph += b"".join(_bytes(5, c) for c in self._constants)
        graph += b"".join(_bytes(11, i) for i in self._inputs) + b"".join(_bytes(12, o) for o in self._outputs)
        opsets = _bytes(8, _bytes(1, "") + _int(2, OPSET)) + _bytes(8, _bytes(1, MICROSOFT) + _int(2, 1))
        return _int(1, 8) + _bytes(2, "tradefours") + _bytes(7, graph) + opsets

    @staticmethod
    def _value_info(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
        dims = b"".join(_bytes(1, _int(1, d) if isinstance(d, int) else _bytes(2, d)) for d in shape)
        return _bytes(1, name) + _bytes(2, _bytes(1, _int(1, _TYPES[dtype]) + _bytes(2, dims)))
