"""Eight bits a weight: each row of a matrix in blocks of 32, and each block with a scale of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # weights that share a scale; ONNX Runtime's MatMulNBits takes blocks of this size

Floats = NDArray[np.float32]
Int8 = NDArray[np.int8]
Quantized = tuple[Int8, NDArray[np.floating]]  # (N, K) from -127 to 127, and (N, ceil(K / 32)) scales


def quantize(matrix: Floats, scale_type: type[np.floating] = np.float16) -> Quantized:
    """(N, K) weights -> (N, K) from -127 to 127, and (N, ceil(K / 32)) scales."""
    rows, columns = matrix.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks, BLOCK), np.float32)
    padded.reshape(rows, -1)[:, :columns] = matrix
    # A scale is rounded up, so that no weight falls outside.
    largest = np.abs(padded).max(-1) / 127.0 * (1 + 2.0**-10)
    scale = np.maximum(largest, np.finfo(scale_type).tiny).astype(scale_type)
    int8 = np.rint(padded / scale.astype(np.float32)[..., None]).clip(-127, 127).astype(np.int8)
    return np.ascontiguousarray(int8.reshape(rows, -1)[:, :columns]), scale


def dequantize(int8: Int8, scale: NDArray[np.floating]) -> Floats:
    """The (N, K) weights again, each within about half a scale of what it was."""
    wide = np.repeat(scale.astype(np.float32), BLOCK, axis=1)[:, : int8.shape[1]]
    return int8.astype(np.float32) * wide
