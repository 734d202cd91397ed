"""Quality knobs: seven plain qualities of the playing that can be turned up and down, each -1 to +1 around a style.

A knob counts from the next note, and costs no step of the network. It acts twice. It moves the style's own dimension for
its quality (`models.music.features`) by up to `STYLE_SPREADS`. And it tilts the distribution of the fields that make the
quality: p'(x) ~ p(x) exp(s f(x)), where f is the plain feature in question, centred and scaled by p itself. So what the
network holds to be impossible stays so, and of what is likely the wanted end is taken.

The tilt fades where the last notes are `KNOB_SPREADS` from the style, or a line that is to be higher would climb for
ever. Where the network is nearly sure, the tilt moves little: no spread counts as less than a feature's `doubt`.

A style pulls in the same way, more gently, with its knobs at rest, as the call outweighs a point in the latent space.
Loudness alone is not tilted: see `models.steering.velocity_distribution_shift`.
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
from ..music.features import NAMES
from ..music.note_records import LOWEST, Note
from ..music.simultaneous_notes import CHORD_SECONDS
from ..music.style_settings_table import TERMS
from .base import Call, Row, Step, Style
from .sampling import relative_probabilities, relative_probabilities_of_rows

TILT_QUALITIES = tuple(
    name for name in NAMES if name != "loudness"
)  # which is moved instead: `models.steering.velocity_distribution_shift`
STYLE_SPREADS = 1.2  # spreads by which a knob turned fully moves the style
KNOB_SPREADS = 2.5  # spreads of its quality that a knob turned fully asks for
KNOB_STYLE_LOSS = (
    0.75  # of the style's own quality is left behind by a knob that is turned fully: soft is soft, also in a loud style
)
BACK_STRENGTH = (
    0.35  # of the tilt back where a knob has got more than it asked for: more, and short notes and long ones take turns
)
STRENGTH = 1.6  # of the tilt, where the quality is far from what is asked for
#: Qualities that several notes make together want more.
STRENGTH_FACTORS = {"register": 1.3, "polyphony": 3.0, "articulation": 3.4, "density": 1.5}
#: The share of a style's pull that is left of it, where that is not all. A few notes tell too little of these: drawn to them firmly,
#: harmony and rhythm lose their thread.
PULL_FACTORS = {"chromaticism": 0.25, "freedom": 0.5}
LAST_NOTES = 24  # notes
LEAST_NOTES = 5  # notes that can be measured
LONGEST_SECONDS = 3.0  # seconds that a note counts as sounding, as in training

OCTAVE_PARTS = 50  # parts of an octave: how finely a wait is told apart here

QualityValues = dict[str, float]


class TiltFeature(NamedTuple):
    """What a tilt goes by: (3, n), 1, the feature and its square, for each of n values; and a spread of it that tells of doubt."""

    powers: Row
    doubt: float

    @classmethod
    def of(cls, values: Row, doubt: float) -> TiltFeature:
        """Of the plain values, (n,)."""
        return cls(np.stack([np.ones(len(values)), values, values * values]), doubt)


_MEANS_AND_SPREADS = list(zip(features.MEAN.tolist(), features.SPREAD.tolist(), strict=True))
_CHORD = codec.TIMES < CHORD_SECONDS
_LOG_TIMES = np.log2(np.maximum(codec.TIMES, 0.01))
_DENSITY = TiltFeature.of(-np.log(codec.TIMES + 0.03), 0.35)
_POLYPHONY = TiltFeature.of(_CHORD.astype(float), 0.3)
_PITCHES = TiltFeature.of(np.arange(codec.SIZES[codec.PITCH], dtype=float), 4.0)
_OUTSIDE = [TiltFeature.of(1.0 - key[(np.arange(codec.SIZES[codec.PITCH]) + LOWEST) % 12], 0.3) for key in keys.KEYS]
_LENGTHS = TiltFeature.of(np.log2(codec.DURATIONS), 0.6)


class Knobs:
    """Tilts the fields by the qualities that the style has, `strength` strong, and that its knobs ask for, at their own strength."""

    name = "knobs"
    setting = TERMS[name]
    fields = frozenset({codec.TIME, codec.PITCH, codec.DURATION})

    def prepare(self, call: Call, style: Style) -> tuple[QualityValues, bool, NDArray[np.float32]]:
        """The knobs, whether there is a style to be drawn to, and where it wants the qualities, (7,) or more, in spreads."""
        return style.sampling.knobs, style.has_style, style.point

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of a field, tilted."""
        return tilt(logits, step.field, self._strengths(step, strength), step.recent)

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of a field: see `models.steering.base.RowSteering`."""
        amounts = [self._strengths(step, strength) for step in steps]
        return tilt_rows(logits, steps[0].field, amounts, [step.recent for step in steps])

    def _strengths(self, step: Step, strength: float) -> QualityValues:
        """How much each quality must be tilted; found once a note."""
        amounts: QualityValues | None = step.memo.get(self.name)
        if amounts is None:
            knobs, has_style, point = step.prepared
            notes = step.own if len(step.own) >= LEAST_NOTES else step.recent
            amounts = step.memo[self.name] = tilt_strengths(knobs, strength if has_style else 0.0, point, notes)
        return amounts


def move_style(z: NDArray[np.float32], knobs: QualityValues) -> NDArray[np.float32]:
    """The style, its tied dimensions moved as the knobs ask."""
    out = z.copy()
    for i, name in enumerate(NAMES):
        out[i] += STYLE_SPREADS * knobs.get(name, 0.0)
    return out


def tilt_strengths(knobs: QualityValues, pull: float, z: Row, notes: Sequence[Note]) -> QualityValues:
    """How much each quality must be tilted, given the last notes of the one who plays, or of the call.

    A quality is drawn to where the style `z` and its knob want it: with `pull` by the style alone, with up to `STRENGTH` (or
    more) by a knob; and the less, the nearer it is.
    """
    recent = notes[-LAST_NOTES:]
    style = z[: len(NAMES)].tolist()
    if len(recent) >= LEAST_NOTES:
        figures = features.measure_list(
            [n.onset for n in recent],
            [n.duration if n.duration < LONGEST_SECONDS else LONGEST_SECONDS for n in recent],
            [n.pitch for n in recent],
            [n.velocity for n in recent],
        )
        missing = [
            own - (now - mean) / spread
            for own, now, (mean, spread) in zip(style, figures, _MEANS_AND_SPREADS, strict=True)
        ]
    else:
        missing = [0.0] * len(NAMES)
    out = {}
    for name, own, lack in zip(NAMES, style, missing, strict=True):
        if name not in TILT_QUALITIES:
            continue
        value = knobs.get(name, 0.0)
        pull_strength = pull * PULL_FACTORS.get(name, 1.0)
        force = max(pull_strength, STRENGTH * STRENGTH_FACTORS.get(name, 1.0) * abs(value)) if value else pull_strength
        if force:
            near = min(max(lack - KNOB_STYLE_LOSS * abs(value) * own + KNOB_SPREADS * value, -1.0), 1.0)
            out[name] = near * (force if near * value >= 0.0 else min(force, BACK_STRENGTH))
    return out


def tilt(logits: Row, field: int, amounts: QualityValues, notes: Sequence[Note]) -> Row:
    """The logits (n,) of a field, tilted by the strengths of the knobs that it makes. `notes` are the last of all players."""
    found = _features(field, amounts, notes)
    if not found:
        return logits
    # The mean and spread of a feature under p; p need not sum to one for that, and the tilt not be centred: only differences count.
    p = relative_probabilities(logits)
    for feature, strength in found:
        total, first, second = feature.powers.dot(p).tolist()  # for so few, `@` takes twice as long
        mean = first / total
        spread = math.sqrt(max(second / total - mean * mean, 0.0))
        logits = logits + strength / max(spread, feature.doubt) * feature.powers[1]
    return logits


def tilt_rows(logits: Row, field: int, amounts: Sequence[QualityValues], notes: Sequence[Sequence[Note]]) -> Row:
    """`tilt` of (R, n) logits, with the strengths and the last notes of each row."""
    found = [_features(field, each, recent) for each, recent in zip(amounts, notes, strict=True)]
    if not any(found):
        return logits
    p = relative_probabilities_of_rows(logits)
    groups: dict[int, tuple[TiltFeature, list[int], list[float]]] = {}
    for i, features_of_row in enumerate(found):
        for feature, strength in features_of_row:
            _, rows, strengths = groups.setdefault(id(feature), (feature, [], []))
            rows.append(i)
            strengths.append(strength)
    single = [group for group in groups.values() if len(group[1]) == 1]
    for feature, rows, strengths in groups.values():
        if len(rows) > 1:
            moments = p[rows] @ feature.powers.T
            logits[rows] += _slopes(moments, strengths, feature.doubt) * feature.powers[1]
    if single:
        rows = [rows[0] for _, rows, _ in single]
        powers = np.stack([feature.powers for feature, _, _ in single])
        moments = np.matmul(powers, p[rows][:, :, None])[:, :, 0]
        doubts = np.array([feature.doubt for feature, _, _ in single])
        slopes = _slopes(moments, [strengths[0] for _, _, strengths in single], doubts)
        np.add.at(logits, rows, slopes * powers[:, 1])  # a row may have several
    return logits


def _slopes(moments: Row, strengths: Sequence[float], doubts: Row | float) -> Row:
    """How steeply each row is tilted, (R, 1), by the (R, 3) moments of the feature under its distribution."""
    total, first, second = moments.T
    mean = first / total
    spread = np.sqrt(np.maximum(second / total - mean * mean, 0.0))
    slopes: Row = (np.array(strengths) / np.maximum(spread, doubts))[:, None]
    return slopes


def _features(field: int, amounts: QualityValues, notes: Sequence[Note]) -> list[tuple[TiltFeature, float]]:
    """The features that make the field's qualities, each with its strength."""
    found: list[tuple[TiltFeature, float]] = []
    if field == codec.TIME:
        if haste := amounts.get("density"):
            found.append((_DENSITY, haste))
        if together := amounts.get("polyphony"):
            found.append((_POLYPHONY, 0.5 * together))
        if (freedom := amounts.get("freedom")) and (before := _last_wait(notes)) is not None:
            found.append((_ratio_distance(round(math.log2(before) * OCTAVE_PARTS)), freedom))
    elif field == codec.PITCH:
        if register := amounts.get("register"):
            found.append((_PITCHES, 0.6 * register))
        if (foreign := amounts.get("chromaticism")) and len(notes) >= LEAST_NOTES:
            found.append((_OUTSIDE[keys.key_of([n.pitch for n in notes[-2 * LAST_NOTES :]])], foreign))
    elif field == codec.DURATION and (
        lengthen := amounts.get("articulation", 0.0) + 0.7 * amounts.get("polyphony", 0.0)
    ):
        found.append((_LENGTHS, lengthen))
    return found


@lru_cache(maxsize=512)
def _ratio_distance(fine: int) -> TiltFeature:
    """How far each wait is from a simple ratio to the one before, of `fine` / `FINE` octaves of seconds."""
    off = np.minimum(features.ratio_deviations(_LOG_TIMES - fine / OCTAVE_PARTS), 0.5)
    return TiltFeature.of(np.where(_CHORD, off.mean(), off), 0.01)


def _last_wait(notes: Sequence[Note]) -> float | None:
    """The time between the last two chords, in seconds."""
    for later, earlier in zip(reversed(notes), reversed(notes[:-1]), strict=False):
        if later.onset - earlier.onset > CHORD_SECONDS:
            return later.onset - earlier.onset
    return None
