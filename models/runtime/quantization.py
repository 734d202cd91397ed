"""Eight bits a weight: each row of a matrix in blocks of 32, each block with a scale of its own.

Knows nothing of which matrices there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 32

Floats = NDArray[np.float32]
Small = NDArray[np.int8]
Quantised = tuple[Small, NDArray[np.floating]]


def quantised(matrix: Floats, kind: type[np.floating] = np.float16) -> Quantised:
    """(N, K) weights -> (N, K) from -127 to 127, and (N, ceil(K / 32)) scales."""
    rows, columns = matrix.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks, BLOCK), np.float32)
    padded.reshape(rows, -1)[:, :columns] = matrix
    # A scale is rounded up, so that no weight falls outside.
    scale = np.maximum(np.abs(padded).max(-1) / 127.0 * (1 + 2.0**-10), np.finfo(kind).tiny).astype(kind)
    small = np.rint(padded / scale.astype(np.float32)[..., None]).clip(-127, 127).astype(np.int8)
    return np.ascontiguousarray(small.reshape(rows, -1)[:, :columns]), scale


def restored(small: Small, scale: NDArray[np.floating]) -> Floats:
    """The weights again, as near as they can be had."""
    wide = np.repeat(scale.astype(np.float32), BLOCK, axis=1)[:, : small.shape[1]]
    return small.astype(np.float32) * wide
