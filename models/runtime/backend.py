"""The network as the engine needs it: steps in, hidden states out, logits field by field. Whatever runtime makes the numbers.

Knows nothing of notes, sampling or files.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import Ring

Floats = NDArray[np.float32]


class Backend(Protocol):
    """A musician's network with the memory of one session."""

    config: Config
    runtime: str  # its name, for people
    bulk: int  # bytes that a step reads: its matrices, and the ring of keys and values
    ring: Ring  # the memory; `rewind` and `clear` are its own

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        """(T, 14) steps with their recall, the (2, 7) steps before them, and the style -> (T, width) hidden states.

        T is at most the ring's margin.
        """

    def logits(self, state: Floats, field: int, near: Steps) -> Floats:
        """Logits (size,) of a field from the state (width,) after all the fields before it were told.

        `near`: (2,), the pitches of the last note and the one before it, as the codec codes them.
        """

    def tell(self, state: Floats, field: int, value: int) -> Floats:
        """The state once `field` has been chosen to be `value`."""

    def style(self, rows: Steps) -> Floats:
        """(N, 7) steps -> (latent,) the middle of their style."""
