"""The style prompt: a few bars in a style that the network reads between a call and its answer, and that are never played.

The network heeds what it read last more than a point in the latent space, so it reads something of the style last.
The bars are moved into the call's key and onto its beat, and removed from the context once the answer is over.
Musicians call these bars a vamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..music.keys import key_of
from ..music.note_records import ANSWER, CALL, HIGHEST, LOWEST, Note, Span
from ..steering.sampling import Sampling
from .session_context import Context

PAUSE_SECONDS = 0.3  # between the call's last onset and the prompt's first, as the network reads them
CALL_NOTES = 64  # of the context's last notes, those of the call tell its key and loudness
STEP_SECONDS = np.geomspace(0.1, 0.9, 320)  # the steps that are tried when the prompt's own step is looked for
LEAST_AGREEMENT = 0.8  # of 1: how closely onsets must lie on multiples of a step


class StylePrompt:
    """The bars that are set for a session, and when they are in its context."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.answer_is_over = False  # whether the last answer is
        self._beat: float | None = None  # seconds: the beat to which the prompt in the context was fitted

    def insert(self, context: Context, span: Span, sampling: Sampling) -> bool:
        """Insert the bars if an answer to a call begins now. Returns whether there are new rows to feed."""
        beat = None if span.bar is None else span.bar.length / span.bar.beats
        if beat != self._beat:
            self.renew(context)
        is_set = bool(self.notes) and "style-prompt" not in sampling.without
        if not is_set or context.prompt_length or span.together:
            return False
        if not context.notes or context.notes[-1].role == ANSWER:
            return False
        call = [n for n in context.notes[-CALL_NOTES:] if n.role == CALL]
        context.insert_prompt(fit(self.notes, call, sampling.dynamics, beat), PAUSE_SECONDS)
        self._beat = beat
        self.answer_is_over = False
        return True

    def renew(self, context: Context) -> None:
        """Remove the bars if no note of the answer has followed them, as the next answer needs other ones."""
        if context.length == context.prompt_position:
            context.remove_prompt()

    def remove_after_answer(self, context: Context) -> bool:
        """Remove the bars if the answer is over. Returns whether it was."""
        if not self.answer_is_over:
            return False
        context.remove_prompt()
        self.answer_is_over = False
        return True


def fit(
    prompt: Sequence[Note], call: Sequence[Note], loudness_share: float = 0.0, beat: float | None = None
) -> list[Note]:
    """The prompt as the answerer's notes, in the key of a call of at least one note and on its beat, the first onset at 0.

    `loudness_share`: how far its loudness is the call's, 0 to 1. `beat`: seconds from one beat to the next, or None.
    """
    call = call[-CALL_NOTES:]
    semitones = (key_of(n.pitch for n in call) - key_of(n.pitch for n in prompt) + 6) % 12 - 6
    velocity_change = loudness_share * (_mean_velocity(call) - _mean_velocity(prompt))
    stretch = _stretch(tuple(n.onset for n in prompt), beat)
    return [
        replace(
            n,
            onset=stretch * (n.onset - prompt[0].onset),
            duration=stretch * n.duration,
            pitch=_fold_into_piano(n.pitch + semitones),
            velocity=min(max(round(n.velocity + velocity_change), 1), 127),
            role=ANSWER,
            place=None,
        )
        for n in prompt
    ]


def _mean_velocity(notes: Sequence[Note]) -> float:
    return sum(n.velocity for n in notes) / len(notes)


def _fold_into_piano(pitch: int) -> int:
    """The pitch, an octave up or down where it would lie outside the piano."""
    if pitch < LOWEST:
        return pitch + 12
    return pitch - 12 if pitch > HIGHEST else pitch


def _stretch(onsets: tuple[float, ...], beat: float | None) -> float:
    """The factor on times that makes two, four, eight … of the shortest steps one beat; 1 where there is no step or beat."""
    step = None if beat is None else find_step(onsets)
    if beat is None or step is None:
        return 1.0
    ratio = beat / step
    return float(ratio * 2.0 ** -round(np.log2(ratio)))


@lru_cache(maxsize=64)
def find_step(onsets: tuple[float, ...]) -> float | None:
    """The longest step, in seconds, on whose multiples the onsets nearly lie; None where there is none.

    For each step, onsets are phases on a circle, and the length of their mean vector tells how well they agree.
    """
    since_first = np.array(onsets) - onsets[0]
    agreement = np.abs(np.exp(2j * np.pi * since_first[None] / STEP_SECONDS[:, None]).mean(axis=1))
    if not (agreement >= LEAST_AGREEMENT).any():
        return None
    best = int(np.flatnonzero(agreement >= LEAST_AGREEMENT)[-1])
    while best and agreement[best - 1] > agreement[best]:  # climb from the foot of the peak to its top
        best -= 1
    return float(STEP_SECONDS[best])
