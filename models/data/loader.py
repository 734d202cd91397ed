"""Batches: lessons in stacks, made ahead of the learning, by a thread or by several processes.

Knows nothing of what is learned from them. A batch depends on its step alone, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ..network.losses import Batch
from . import examples

Arrays = dict[str, NDArray[np.generic]]
AHEAD = 4  # batches that each process makes before they are asked for


class Batches:
    """The lessons `mine` of the steps from `first` to `last`, step by step, in small integers: they travel between processes."""

    def __init__(self, course: examples.ExampleStream, first: int, last: int, mine: Sequence[int]) -> None:
        self.course, self.first, self.last, self.mine = course, first, last, mine

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, i: int) -> Arrays:
        arrays = examples.batch(self.course, self.first + i, self.mine)
        return {k: v.astype(np.int16) if v.dtype == np.int64 else v for k, v in arrays.items()}


def ahead(batches: Batches, workers: int) -> Iterator[Arrays]:
    """Each batch, prepared while the one before is learned: in a thread, or in so many processes."""
    if workers > 0:
        yield from DataLoader(batches, batch_size=None, num_workers=workers, collate_fn=as_it_is, prefetch_factor=AHEAD)  # type: ignore[arg-type]
        return
    with ThreadPoolExecutor(1) as helper:
        coming = helper.submit(batches.__getitem__, 0)
        for i in range(len(batches)):
            ready, coming = coming.result(), helper.submit(batches.__getitem__, i + 1)
            yield ready


def as_it_is(batch: Arrays) -> Arrays:
    """What a process hands over stays numpy's: tensors would need shared memory, of which some machines have little."""
    return batch


def tensors(arrays: Arrays, device: torch.device) -> Batch:
    """A batch as `lesson_loss` reads it."""
    batch = {k: torch.from_numpy(v).to(device) for k, v in arrays.items()}
    return {
        k: v.float() if v.is_floating_point() else v.long() if v.dtype == torch.int16 else v for k, v in batch.items()
    }
