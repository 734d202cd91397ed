"""Batches of training examples, made ahead of the steps that need them, by a thread or by several processes.

A batch depends on its step alone, whoever makes it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ..network.losses import Batch
from . import examples

Arrays = dict[str, NDArray[np.generic]]
PREFETCH = 4  # batches that each process makes before they are needed


class ExampleBatches:
    """The examples `indices` of the steps from `first` to `last`, one batch a step.

    Integers are 16 bits wide, as they travel between processes.
    """

    def __init__(self, stream: examples.ExampleStream, first: int, last: int, indices: Sequence[int]) -> None:
        self.stream = stream
        self.first = first
        self.last = last
        self.indices = indices

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, i: int) -> Arrays:
        arrays = examples.make_batch(self.stream, self.first + i, self.indices)
        return {k: v.astype(np.int16) if v.dtype == np.int64 else v for k, v in arrays.items()}


def prefetch(batches: ExampleBatches, workers: int) -> Iterator[Arrays]:
    """Each batch, made while the one before is learned: in a thread, or in so many processes."""
    if workers > 0:
        yield from DataLoader(
            batches,  # type: ignore[arg-type]
            batch_size=None,
            num_workers=workers,
            collate_fn=keep_numpy,  # type: ignore[arg-type]
            prefetch_factor=PREFETCH,
            worker_init_fn=_ignore_ctrl_c,
        )
        return
    with ThreadPoolExecutor(1) as helper:
        coming = helper.submit(batches.__getitem__, 0)
        for i in range(len(batches)):
            ready = coming.result()
            coming = helper.submit(batches.__getitem__, i + 1)
            yield ready


def _ignore_ctrl_c(worker: int) -> None:
    """A process that makes batches ends when training does: Ctrl-C, which comes to all, is not for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def keep_numpy(batch: Arrays) -> Arrays:
    """A batch as it is: as tensors it would need shared memory between processes, of which some machines have little."""
    return batch


def to_tensors(arrays: Arrays, device: torch.device) -> Batch:
    """A batch as `models.network.losses.training_loss` reads it: integers of 64 bits, numbers of 32, flags as they are."""
    return {name: _widen(torch.from_numpy(array).to(device)) for name, array in arrays.items()}


def _widen(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_floating_point():
        return tensor.float()
    return tensor.long() if tensor.dtype == torch.int16 else tensor
