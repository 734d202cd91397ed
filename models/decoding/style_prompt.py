"""Vamps: a few bars in a style, thought of and not played, between a call and its answer; so the answer goes on in that style.

Knows nothing of networks or of time. What was heard last outweighs a point in the latent space; so something of the style is heard
later still: who is asked for a rag has one in the ear before the hands come down. It is told in the call's key and in time with its
beat, and forgotten once the answer is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..music.keys import key_of
from ..music.note import ANSWER, HIGHEST, LOWEST, Note

BREATH = 0.3  # seconds between the call's last onset and the vamp's first, to the network
HEARD = 64  # notes of the call whose key and loudness count
STEPS = np.geomspace(0.1, 0.9, 320)  # seconds, that are tried
SURE = 0.8  # of 1: how closely onsets must lie on them


def fitted(vamp: Sequence[Note], call: Sequence[Note], heeded: float = 0.0, beat: float | None = None) -> list[Note]:
    """The vamp as the answerer's, in the key of a call of at least one note and in time with its beat, its first onset at 0.

    `heeded`: how far its loudness is the call's, 0 to 1; `beat`: seconds from one beat to the next, None where there is none.
    """
    heard = call[-HEARD:]
    up = (key_of(n.pitch for n in heard) - key_of(n.pitch for n in vamp) + 6) % 12 - 6
    louder = heeded * (_loudness(heard) - _loudness(vamp))
    slower = _slower(tuple(n.onset for n in vamp), beat)
    return [
        replace(
            n,
            onset=slower * (n.onset - vamp[0].onset),
            duration=slower * n.duration,
            pitch=_folded(n.pitch + up),
            velocity=min(max(round(n.velocity + louder), 1), 127),
            role=ANSWER,
            place=None,
        )
        for n in vamp
    ]


def _loudness(notes: Sequence[Note]) -> float:
    return sum(n.velocity for n in notes) / len(notes)


def _folded(pitch: int) -> int:
    """The pitch on a piano: an octave up or down where it would lie outside."""
    return pitch + 12 if pitch < LOWEST else pitch - 12 if pitch > HIGHEST else pitch


def _slower(onsets: tuple[float, ...], beat: float | None) -> float:
    """How many times as slow they are to be, so that two, four, eight … of their shortest steps make a beat; 1 where they have no steps."""
    if beat is None or (own := step(onsets)) is None:
        return 1.0
    ratio = beat / own
    return float(ratio * 2.0 ** -round(np.log2(ratio)))


@lru_cache(maxsize=64)
def step(onsets: tuple[float, ...]) -> float | None:
    """The longest step, in seconds, on whose multiples the onsets nearly lie; None where there is none."""
    since = np.array(onsets) - onsets[0]
    gathered = np.abs(np.exp(2j * np.pi * since[None] / STEPS[:, None]).mean(axis=1))
    if not (gathered >= SURE).any():
        return None
    best = int(np.flatnonzero(gathered >= SURE)[-1])
    while best and gathered[best - 1] > gathered[best]:  # from the foot of the hill to its top
        best -= 1
    return float(STEPS[best])
