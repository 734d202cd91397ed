"""Knobs: seven plain qualities of the playing that can be turned up and down, each -1 to +1 around a style.

Knows nothing of the cache: a knob counts from the next note, and costs no step.

A knob acts twice. It moves the style's own dimension for its quality (`models.music.features`) by up to `REACH` of the usual spreads; and
it tilts the distribution of the fields that make the quality: p'(x) ~ p(x) exp(s f(x)), where f is the plain feature in question,
centred and scaled by p itself. So what the musician holds to be impossible stays so, and of what is likely the wanted end is taken.
The tilt fades where the last notes are `ASKED` spreads from the style, or a line that is to be higher would climb for ever; and where the
musician hardly doubts, it moves little, as the rest is unlikely for a reason: no spread counts as less than a feature's `doubt`.

A style pulls in the same way, more gently, with its knobs at rest: the call is always heard, and outweighs a point in a latent space.
Loudness alone is not tilted: see `models.steering.dynamics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..encoding import codec
from ..music import features, keys
from ..music.chords import CHORD_SECONDS
from ..music.features import NAMES
from ..music.note import LOWEST, Note
from ..music.settings import TERMS
from .base import Call, Row, Step, Style
from .sampling import chances

TILTED = tuple(name for name in NAMES if name != "loudness")  # which is moved instead: `models.steering.dynamics`
REACH = 1.2  # spreads by which a knob turned fully moves the style
ASKED = 2.5  # spreads of its quality that a knob turned fully asks for
LEFT = (
    0.75  # of the style's own quality is left behind by a knob that is turned fully: soft is soft, also in a loud style
)
BACK = (
    0.35  # of the tilt back where a knob has got more than it asked for: more, and short notes and long ones take turns
)
STRENGTH = 1.6  # of the tilt, where the quality is far from what is asked for
#: Qualities that several notes make together want more.
STUBBORN = {"register": 1.3, "polyphony": 3.0, "articulation": 3.4, "density": 1.5}
#: The share of a style's pull that is left of it, where that is not all. A few notes tell too little of these: drawn to them firmly,
#: harmony and rhythm lose their thread.
GENTLY = {"chromaticism": 0.25, "freedom": 0.5}
LOOKED_AT = 24  # notes
LEAST = 5  # notes that can be measured
LONGEST = 3.0  # seconds that a note counts as sounding, as in training

FINE = 50  # parts of an octave: how finely a wait is told apart here

Turns = dict[str, float]


class Feature(NamedTuple):
    """What a tilt goes by: (3, n), 1, the feature and its square, for each of n values; and a spread of it that tells of doubt."""

    powers: Row
    doubt: float

    @classmethod
    def of(cls, values: Row, doubt: float) -> Feature:
        """Of the plain values, (n,)."""
        return cls(np.stack([np.ones(len(values)), values, values * values]), doubt)


_USUAL = list(zip(features.MEAN.tolist(), features.SPREAD.tolist(), strict=True))
_CHORD = codec.TIMES < CHORD_SECONDS
_LOG_TIMES = np.log2(np.maximum(codec.TIMES, 0.01))
_HASTE = Feature.of(-np.log(codec.TIMES + 0.03), 0.35)
_TOGETHER = Feature.of(_CHORD.astype(float), 0.3)
_PITCHES = Feature.of(np.arange(codec.SIZES[codec.PITCH], dtype=float), 4.0)
_OUTSIDE = [Feature.of(1.0 - key[(np.arange(codec.SIZES[codec.PITCH]) + LOWEST) % 12], 0.3) for key in keys.KEYS]
_LENGTHS = Feature.of(np.log2(codec.DURATIONS), 0.6)


class Knobs:
    """Tilts the fields by the qualities that the style has, `strength` strong, and that its knobs ask for, at their own strength."""

    name = "knobs"
    setting = TERMS[name]
    fields = frozenset({codec.TIME, codec.PITCH, codec.DURATION})

    def prepare(self, call: Call, style: Style) -> tuple[Turns, bool, NDArray[np.float32]]:
        """The knobs, whether there is a style to be drawn to, and where it wants the qualities, (7,) or more, in spreads."""
        return style.sampling.knobs, style.has_style, style.point

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of a field, tilted."""
        how = step.memo.get(self.name)
        if how is None:
            knobs, has_style, point = step.prepared
            notes = step.own if len(step.own) >= LEAST else step.recent
            how = step.memo[self.name] = strengths(knobs, strength if has_style else 0.0, point, notes)
        return tilted(logits, step.field, how, step.recent)


def move_style(z: NDArray[np.float32], knobs: Turns) -> NDArray[np.float32]:
    """The style, its tied dimensions moved as the knobs ask."""
    out = z.copy()
    for i, name in enumerate(NAMES):
        out[i] += REACH * knobs.get(name, 0.0)
    return out


def strengths(knobs: Turns, pull: float, z: Row, notes: Sequence[Note]) -> Turns:
    """How much each quality must be tilted, given the last notes of the one who plays, or of the call.

    A quality is drawn to where the style `z` and its knob want it: with `pull` by the style alone, with up to `STRENGTH` (or
    more) by a knob; and the less, the nearer it is.
    """
    recent, style = notes[-LOOKED_AT:], z[: len(NAMES)].tolist()
    if len(recent) >= LEAST:
        figures = features.figures(
            [n.onset for n in recent],
            [n.duration if n.duration < LONGEST else LONGEST for n in recent],
            [n.pitch for n in recent],
            [n.velocity for n in recent],
        )
        wanted = [own - (now - mean) / spread for own, now, (mean, spread) in zip(style, figures, _USUAL, strict=True)]
    else:
        wanted = [0.0] * len(NAMES)
    out = {}
    for name, own, short in zip(NAMES, style, wanted, strict=True):
        if name not in TILTED:
            continue
        value, mild = knobs.get(name, 0.0), pull * GENTLY.get(name, 1.0)
        force = max(mild, STRENGTH * STUBBORN.get(name, 1.0) * abs(value)) if value else mild
        if force:
            near = min(max(short - LEFT * abs(value) * own + ASKED * value, -1.0), 1.0)
            out[name] = near * (force if near * value >= 0.0 else min(force, BACK))
    return out


def tilted(logits: Row, field: int, how: Turns, notes: Sequence[Note]) -> Row:
    """The logits (n,) of a field, tilted by the strengths of the knobs that it makes. `notes` are the last of all players."""
    found = _features(field, how, notes)
    if not found:
        return logits
    # The mean and spread of a feature under p; p need not sum to one for that, and the tilt not be centred: only differences count.
    p = chances(logits)
    for feature, strength in found:
        total, first, second = feature.powers.dot(p).tolist()  # for so few, `@` takes twice as long
        mean = first / total
        spread = math.sqrt(max(second / total - mean * mean, 0.0))
        logits = logits + strength / max(spread, feature.doubt) * feature.powers[1]
    return logits


def _features(field: int, how: Turns, notes: Sequence[Note]) -> list[tuple[Feature, float]]:
    """The features that a field makes and that are asked for, and how strongly."""
    found: list[tuple[Feature, float]] = []
    if field == codec.TIME:
        if haste := how.get("density"):
            found.append((_HASTE, haste))
        if together := how.get("polyphony"):
            found.append((_TOGETHER, 0.5 * together))
        if (freedom := how.get("freedom")) and (before := _last_wait(notes)) is not None:
            found.append((_off(round(math.log2(before) * FINE)), freedom))
    elif field == codec.PITCH:
        if register := how.get("register"):
            found.append((_PITCHES, 0.6 * register))
        if (foreign := how.get("chromaticism")) and len(notes) >= LEAST:
            found.append((_OUTSIDE[keys.key_of([n.pitch for n in notes[-2 * LOOKED_AT :]])], foreign))
    elif field == codec.DURATION and (lengthen := how.get("articulation", 0.0) + 0.7 * how.get("polyphony", 0.0)):
        found.append((_LENGTHS, lengthen))
    return found


@lru_cache(maxsize=512)
def _off(fine: int) -> Feature:
    """How far each wait is from a simple ratio to the one before, of `fine` / `FINE` octaves of seconds."""
    off = np.minimum(features.off_simple(_LOG_TIMES - fine / FINE), 0.5)
    return Feature.of(np.where(_CHORD, off.mean(), off), 0.01)


def _last_wait(notes: Sequence[Note]) -> float | None:
    """The time between the last two chords, in seconds."""
    for later, earlier in zip(reversed(notes), reversed(notes[:-1]), strict=False):
        if later.onset - earlier.onset > CHORD_SECONDS:
            return later.onset - earlier.onset
    return None
