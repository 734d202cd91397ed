"""Leanings: what an answer is drawn to besides what the musician expects: its call's key, motif, beat and loudness, its style, its knobs.

Knows nothing of the network. Each leaning is a room of its own, and a sum in the logits; so they are a product of experts in the odds
(Hinton 2002), each of which can be turned off by its setting (`models.steering.sampling`). What is forbidden outright
is in `models.steering.constraints`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music.features import LOUDNESS
from ..music.note import ANSWER, Note, Span
from . import (
    beat,
    cadence,
    constraints,
    dissonance,
    dynamics,
    knobs,
    motif,
    pitch_classes,
    repetition,
    rhythm,
    style_habits,
    style_offset,
)
from .sampling import Sampling, likeliest

#: How likely a value must be to the musician, beside the likeliest, for style and knobs to draw to it: else, of a long tail they take its
#: end, a wrong note, or one that is cut short in the middle of a chord. Waits are left alone: any may be in time.
LIKELY = {codec.PITCH: 0.02, codec.DURATION: 0.003}
_BEHIND = {field: math.log(share) for field, share in LIKELY.items()}  # in nats
OWN = 0.5  # of the call's rhythm is left where the style has a rhythm of its own
OUT = 8.0  # nats by which what is less likely stays behind the favourite, however far it is drawn to

Row = NDArray[np.floating]
Point = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks of all notes of its answer.

    Pitches foreign to its key, at home in it, and its own, (88,) each; loudness, rhythm, and how freely it may be as loud as it likes.
    """

    foreign: Row
    home: Row
    tones: Row
    loud: float | None
    rhythm: Row | None
    freely: float = 1.0

    @classmethod
    def by(cls, notes: Sequence[Note], sampling: Sampling) -> Asked:
        """By these notes, the call's the last ones of the one who calls."""
        heard = constraints.called(notes)
        home = sampling.cadence * cadence.home(heard, int(sampling.key))
        return cls(
            constraints.strangeness(notes, sampling),
            home,
            sampling.tones * pitch_classes.called(heard),
            style_offset.loudness(notes[-constraints.KEY_HEARD :]),
            rhythm.called(notes),
            style_offset.freely(notes[-constraints.KEY_HEARD :]),
        )


@dataclass(frozen=True, slots=True)
class Leaning:
    """All that the next note is drawn to. `struck`: the velocities of the answer so far, of the last ones at least."""

    sampling: Sampling
    span: Span
    recent: Sequence[Note]
    turned: knobs.Knobs
    level: dynamics.Level
    struck: Sequence[int]
    taken: motif.Motif | None
    worn: tuple[int, float] | None
    asked: Asked

    def of(self, logits: Row, field: int, onset: float) -> Row:
        """The logits (n,) of a field, all leanings added. `onset`: when the note sounds; before the time is chosen, the last one's."""
        s = self.sampling
        if field == codec.VELOCITY:
            return dynamics.leaned(logits, self.level, self.struck)
        expected = logits
        logits = knobs.tilted(logits, field, self.turned, self.recent)
        logits = style_habits.kept(logits, field, s.habits, s.habit, self.recent, onset)
        if field in LIKELY:
            odd = expected < (top := likeliest(expected)) + _BEHIND[field]
            logits = np.where(odd, likeliest(logits[~odd]) - OUT + expected - top, logits)
        logits = motif.leaned(logits, field, self.taken, s.motif, self.asked.foreign, onset)
        if field == codec.TIME and not self.span.together:
            logits = rhythm.leaned(logits, self.asked.rhythm, s.rhythm * (OWN if "wait" in s.habits else 1.0))
        if field == codec.TIME and self.span.bar is not None:
            return beat.leaned(logits, onset, self.span.bar, s.beat)
        if field == codec.PITCH:
            logits = dissonance.leaned(logits - self.asked.foreign + self.asked.tones, self.recent, onset, s.clash)
            if onset >= self.span.close and self.recent and self.recent[-1].role == ANSWER:
                logits = logits + self.asked.home
            if self.worn is not None:
                pitch, against = self.worn
                logits[pitch] -= against
        return logits


class Leanings:
    """The leanings of one engine, from answer to answer."""

    def __init__(self, latent: int) -> None:
        self.point: Point = np.zeros(latent, np.float32)
        self.sampling, self._styled = Sampling(), False
        self._asked: Asked | None = None  # once the call is looked at
        self._aim: tuple[int | None, int, Point, dynamics.Level] | None = (
            None  # of which answer, with which seed; and what
        )
        self._said: motif.Called | None = None  # and how many notes were forgotten when it was
        self._forgotten = 0

    def style(self, point: Point, sampling: Sampling, styled: bool) -> None:
        """From the next note on; `styled`: whether there is a style at all, and not only its settings."""
        self.point, self.sampling, self._styled = point, sampling, styled
        self._asked = self._aim = None

    def heard(self) -> None:
        """There is more of a call, or another one."""
        self._asked = self._said = self._aim = None

    def next(self, notes: Sequence[Note], forgotten: int, span: Span, seed: int) -> Leaning:
        """What the note after `notes` is drawn to, before which there were `forgotten` more."""
        s = self.sampling
        if self._asked is None:
            self._asked = Asked.by(notes, s)
        recent = notes[-2 * knobs.LOOKED_AT :]
        mine = [n for n in recent if n.role == ANSWER]
        begun: int | None = None
        taken: motif.Motif | None = None
        answer: Sequence[Note] = mine[-dynamics.LISTENED :]
        if not span.together:  # who plays a part in a duet takes no stand, and lets motifs be
            said = self._called(notes, forgotten)
            answer = notes[max(said.begun, len(notes) - dynamics.LISTENED) :]
            begun = forgotten + said.begun
            if s.motif:
                taken = motif.taken_up(notes, said)
                away = abs(s.knobs.get("register", 0.0))
                if away and taken is not None:  # who is asked for another register leaves the motif's own, as far
                    taken = replace(taken, weight=(1.0 - away) * taken.weight)
        pull = s.pull if self._styled else 0.0
        point, level = self._aimed(self._asked, begun, seed)
        turned = knobs.strengths(s.knobs, pull, point, mine if len(mine) >= knobs.LEAST else recent)
        struck = [n.velocity for n in answer]
        return Leaning(s, span, recent, turned, level, struck, taken, repetition.worn(mine), self._asked)

    def _aimed(self, asked: Asked, begun: int | None, seed: int) -> tuple[Point, dynamics.Level]:
        """The style (7 or more,) and the loudness of the answer that began after so many notes, found once; in a duet, none has begun."""
        if self._aim is None or self._aim[:2] != (begun, seed):
            s = self.sampling
            point = style_offset.heeding(self.point, asked.loud, s.dynamics)
            if begun is not None and s.stand:
                point = style_offset.beside(point, s.stand, seed, begun, asked.freely)
            level = dynamics.Level.asked(float(point[LOUDNESS]), s.knobs.get("loudness", 0.0), self._styled)
            self._aim = begun, seed, point, level
        return self._aim[2:]

    def _called(self, notes: Sequence[Note], forgotten: int) -> motif.Called:
        """What the call says: looked for once, as only what is heard changes it, and again where its notes were renumbered."""
        if self._said is None or self._forgotten != forgotten:
            self._said, self._forgotten = motif.called(notes), forgotten
        return self._said
