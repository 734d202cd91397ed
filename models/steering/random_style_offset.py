"""Answer offset: a random distance of each answer from its style, in register, loudness and density, for all its notes.

What people play after a phrase is seldom in the middle of how they play. A musician that draws note by note has no such
offset, and keeps closer to a call than a person does. So one is drawn for each answer and applied as a knob is
(`models.steering.player_knobs`). The setting `stand` scales it.

The loudness of an answer lies between its style's and its call's. The less evenly the call's keys were struck, the
larger the offset in loudness, as it is with people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..music.features import LOUDNESS, MEAN, NAMES, SPREAD
from ..music.note_records import CALL, Note
from .base import KEY_HEARD, Call, Style

#: Standard deviation of the offset, in the usual spreads of each quality (`models.music.features`).
OFFSET_SPREADS = {"density": 0.88, "register": 0.2, "loudness": 0.28}
#: Mean of the offset, in the same spreads: by itself the musician is slower than people are.
OFFSET_MEANS = {"density": 0.1}

CALL_NOTES = 24  # notes of a call whose loudness counts
LEAST_NOTES = 8  # notes that tell how evenly they are struck
USUAL_VELOCITY_SPREAD = 9.0  # MIDI velocity: the spread among a call's notes, in the middle of all calls
FREEDOM_RANGE = 0.25, 2.0  # least and largest factor on the offset in loudness


def aim_style(style: Style, call: Call) -> Style:
    """The style with the point of one answer: its loudness shared with the call, and the answer's offset added."""
    call_notes = call.history[-KEY_HEARD:]
    sampling = style.sampling
    point = share_loudness(style.point, measure_loudness(call_notes), sampling.dynamics)
    distance = sampling.strengths["stand"]
    if distance and not call.together:  # a part of a duet has no beginning to draw it at
        point = shift_style(point, distance, call.seed, call.offset + call.answer_start, velocity_freedom(call_notes))
    return replace(style, point=point)


def measure_loudness(notes: Sequence[Note]) -> float | None:
    """How loud the last notes of the one who calls are, in spreads from the usual; None where nobody has called."""
    velocities = [n.velocity for n in notes if n.role == CALL][-CALL_NOTES:]
    if not velocities:
        return None
    return float(np.clip((sum(velocities) / len(velocities) - MEAN[LOUDNESS]) / SPREAD[LOUDNESS], -3.0, 3.0))


def velocity_freedom(notes: Sequence[Note]) -> float:
    """How much less evenly than usual the last notes of the one who calls are struck: 1 is as usual."""
    velocities = [n.velocity for n in notes if n.role == CALL][-CALL_NOTES:]
    if len(velocities) < LEAST_NOTES:
        return 1.0
    return float(np.clip(np.std(velocities) / USUAL_VELOCITY_SPREAD, *FREEDOM_RANGE))


def emphasize(point: NDArray[np.float32], emphasis: float) -> NDArray[np.float32]:
    """A style (…, latent) as the network gets it: `emphasis` times as far from the middle, but as loud as it is.

    Loudness is left out: emphasized, it makes loud answers to loud calls even louder, where people do the contrary.
    """
    out = np.float32(emphasis) * point
    out[..., LOUDNESS] = point[..., LOUDNESS]
    return out


def share_loudness(point: NDArray[np.float32], call_loudness: float | None, share: float) -> NDArray[np.float32]:
    """The style with that share of the call's loudness, in spreads, and its own for the rest."""
    if call_loudness is None or not share:
        return point
    out = point.copy()
    out[LOUDNESS] += np.float32(share) * (np.float32(call_loudness) - point[LOUDNESS])
    return out


def shift_style(
    point: NDArray[np.float32], distance: float, seed: int, answer_start: int, velocity_freedom: float = 1.0
) -> NDArray[np.float32]:
    """The tied dimensions (7,) of a style, moved by the answer's offset, `distance` times as far as people's.

    In loudness, it is multiplied by `velocity_freedom`.
    """
    offset = np.float32(distance) * draw_offset(seed, answer_start)
    offset[LOUDNESS] *= np.float32(velocity_freedom)
    return point[: len(NAMES)] + offset


@lru_cache(maxsize=64)
def draw_offset(seed: int, answer_start: int) -> NDArray[np.float32]:
    """The offset (7,), in spreads, of the answer that begins after `answer_start` notes of a session with this seed."""
    normal = np.random.default_rng([seed, answer_start]).standard_normal(len(NAMES)).clip(-2.0, 2.0)
    means = np.array([OFFSET_MEANS.get(name, 0.0) for name in NAMES], np.float32)
    spreads = np.array([OFFSET_SPREADS.get(name, 0.0) for name in NAMES], np.float32)
    return means + spreads * normal.astype(np.float32)
