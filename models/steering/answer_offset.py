"""Stand: where one answer lies beside its style: a little higher or lower, louder or softer, for as long as it lasts.

Knows nothing of networks. What people play after a phrase is seldom in the middle of how they play; each phrase takes its own stand.
A musician that draws note by note from narrowed odds has none, and keeps closer to a call than a person does. So one is drawn for each
answer, and asked for as a knob is (`models.steering.quality_knobs`).

Loudness is no matter of style alone: who plays softly wants a partner who does. So an answer's lies between its style's and its call's; and
who strikes all keys alike is answered about as loudly, who does not, more freely, as people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..music.features import LOUDNESS, MEAN, NAMES, SPREAD
from ..music.note import CALL, Note
from .base import KEY_HEARD, Call, Style

#: How far answers stand from their style, in the usual spreads of each quality (`models.music.features`).
OFFSET_SPREADS = {"density": 0.88, "register": 0.2, "loudness": 0.28}
#: And how far from it they stand on the whole: left to itself the musician is slower than people are.
OFFSET_MEANS = {"density": 0.1}

CALL_NOTES = 24  # notes of a call whose loudness counts
LEAST_NOTES = 8  # notes that tell how evenly they are struck
USUAL_VELOCITY_SPREAD = 9.0  # MIDI velocity: the spread among a call's notes, in the middle of all calls
FREEDOM_RANGE = 0.25, 2.0  # the least and the most that the stand in loudness is changed by it


def aim_style(style: Style, call: Call) -> Style:
    """The style with the point that one answer aims at: as loud as its call asks for, and beside the middle of the style."""
    call_notes = call.history[-KEY_HEARD:]
    sampling = style.sampling
    point = share_loudness(style.point, measure_loudness(call_notes), sampling.dynamics)
    distance = sampling.strengths["stand"]
    if distance and not call.together:  # who plays a part in a duet takes no stand
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
    return (
        float(np.clip(np.std(velocities) / USUAL_VELOCITY_SPREAD, *FREEDOM_RANGE))
        if len(velocities) >= LEAST_NOTES
        else 1.0
    )


def emphasize(point: NDArray[np.float32], emphasis: float) -> NDArray[np.float32]:
    """A style (…, latent) as the network is told it: `emphasis` times as far from the middle, but as loud as it is.

    Told twice as loud, it answers what is loud more loudly, and what is soft more softly, where people do the contrary.
    """
    out = np.float32(emphasis) * point
    out[..., LOUDNESS] = point[..., LOUDNESS]
    return out


def share_loudness(point: NDArray[np.float32], call_loudness: float | None, share: float) -> NDArray[np.float32]:
    """A style whose loudness is the call's by that share, and its own by the rest."""
    if call_loudness is None or not share:
        return point
    out = point.copy()
    out[LOUDNESS] += np.float32(share) * (np.float32(call_loudness) - point[LOUDNESS])
    return out


def shift_style(
    point: NDArray[np.float32], distance: float, seed: int, answer_start: int, velocity_freedom: float = 1.0
) -> NDArray[np.float32]:
    """The tied dimensions (7,) of a style, moved to where the answer stands, `far` times as far as people do.

    In loudness, `freely` times as far again.
    """
    stand = np.float32(distance) * draw_offset(seed, answer_start)
    stand[LOUDNESS] *= np.float32(velocity_freedom)
    return point[: len(NAMES)] + stand


@lru_cache(maxsize=64)
def draw_offset(seed: int, answer_start: int) -> NDArray[np.float32]:
    """The stand of the answer that begins after `begun` notes of a session with this seed, (7,), in spreads. The same each time."""
    drawn = np.random.default_rng([seed, answer_start]).standard_normal(len(NAMES)).clip(-2.0, 2.0)
    spreads, middle = ([table.get(name, 0.0) for name in NAMES] for table in (OFFSET_SPREADS, OFFSET_MEANS))
    return np.array(middle, np.float32) + np.array(spreads, np.float32) * drawn.astype(np.float32)
