"""The network as the engine needs it, whatever runtime computes it: steps in, hidden states out, logits field by field."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..encoding.codec import Steps
from ..network.config import Config
from ..network.ring_index import RingIndex

Floats = NDArray[np.float32]


class Backend(Protocol):
    """A network with the keys and values of one session."""

    config: Config
    runtime: str  # its name, for people
    bytes_per_step: int  # that a step reads: the matrices, and the ring of keys and values
    ring: RingIndex  # which steps it remembers; rewound and cleared by the engine

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        """(T, 14) steps with their recall, the (2, 7) steps before them, and the (latent,) style -> (T, width) hidden states.

        The steps are remembered. Raises ValueError for more steps than the ring's margin.
        """

    def logits(self, state: Floats, field: int, last_pitches: Steps) -> Floats:
        """Logits (size,) of a field from the state (width,), which is conditioned on all the fields before it.

        `last_pitches`: (2,), the pitches of the last note and the one before it, as the codec codes them.
        """

    def condition(self, state: Floats, field: int, value: int) -> Floats:
        """The state (width,) for the next field, once `field` has been chosen to be `value`."""

    def encode_style(self, rows: Steps) -> Floats:
        """(N, 7) steps -> (latent,) the mean of their style."""

    def branches(self) -> Branches | None:
        """Rows that go on from the last step side by side; None where this runtime computes one sequence at a time."""


class Branches(Protocol):
    """Rows that go on from one shared past, each with a few steps of its own. The past is read where it lies, in the backend's memory.

    All rows take their next step in one run, as reading the weights is most of the work. The past may be taken back meanwhile, but nothing
    may be fed, as that would write over it.
    """

    @property
    def count(self) -> int:
        """Rows at present."""

    def start(self, count: int) -> None:
        """`count` rows follow the last step of the ring; the rows from before are forgotten."""

    def drop(self, row: int) -> None:
        """End one row. The last row takes its place."""

    def feed(self, steps: Steps, before: Steps, z: Floats) -> Floats:
        """One (R, 14) step a row, the (R, 2, 7) steps before each, and the (latent,) style -> (R, width) hidden states."""

    def logits(self, states: Floats, field: int, last_pitches: Steps) -> Floats:
        """(R, width) states and (R, 2) last pitches -> (R, size), as `Backend.logits`; R need not be all rows."""

    def condition(self, states: Floats, field: int, values: Steps) -> Floats:
        """(R, width) states and the (R,) values that were chosen -> (R, width), as `Backend.condition`."""
