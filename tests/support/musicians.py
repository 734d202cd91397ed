"""Small musicians and melodies for tests: random weights, so that every number of the network matters."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoding.codec import Steps
from models.music.note_records import Note
from models.network.model import MusicModel
from models.network.transformer import Config
from models.runtime.backend import Floats
from models.runtime.numpy_backend import NumpyBackend

SMALL = Config(width=64, layers=3, heads=4, kv_heads=2, hidden=48, window=24, latent=8, style_width=16, style_notes=16)


def small_musician(seed: int = 0, config: Config = SMALL) -> MusicModel:
    """An untrained musician, in which no weight is zero."""
    torch.manual_seed(seed)
    musician = MusicModel(config).eval()
    for parameter in musician.parameters():
        if not parameter.any():  # layers begin as the identity
            torch.nn.init.normal_(parameter, std=0.1)
    return musician


def scale(count: int, start: float = 0.0, step: float = 0.2) -> list[Note]:
    """Up and down C major, `count` notes."""
    degrees = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2)
    return [Note(start + i * step, 0.15, 60 + degrees[i % len(degrees)], 70) for i in range(count)]


def small_network(seed: int = 0, config: Config = SMALL) -> NumpyBackend:
    """The same musician on numpy."""
    return NumpyBackend(small_weights(seed, config), config)


def small_weights(seed: int = 0, config: Config = SMALL) -> dict[str, NDArray[np.float32]]:
    """The same musician's numbers."""
    return {name: tensor.numpy() for name, tensor in small_musician(seed, config).state_dict().items()}


class RecordingBackend(NumpyBackend):
    """The small musician's network, which records how many steps it was fed at a time."""

    def __init__(self) -> None:
        super().__init__(small_weights(), SMALL)
        self.fed: list[int] = []

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        """What the network makes of the steps."""
        self.fed.append(len(steps))
        return super().feed(steps, before, z)
