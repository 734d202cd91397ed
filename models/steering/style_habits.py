"""Style habits: how often a style does what, against music at large: waits, intervals, durations, registers, chords, stride.

A style is a point in the latent space, but a call in the window outweighs a point within a few notes. So a style also has
log-odds of coarse bands of six features. The network's odds are multiplied by them, to a power: a product of experts
(Hinton 2002), one of which knows nothing but how often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from ..encoding import codec
from ..music import left_hand_stride
from ..music.note_records import HIGHEST, LOWEST, Note
from ..music.simultaneous_notes import last_chord_size, stroke_numbers
from ..music.style_settings_table import HABIT, HABIT_EDGES, TERMS
from .base import Call, Row, Step, Style
from .sampling import Habits

#: The share of each band in music at large: the open sources, each counting the same (`models.release.style_presets.corpus_habits`).
MUSIC: dict[str, tuple[float, ...]] = {
    "wait": (0.4226, 0.07668, 0.1048, 0.09078, 0.08424, 0.1059, 0.04077, 0.04185, 0.01109, 0.0213),
    "leap": (
        0.1371,
        0.07194,
        0.04485,
        0.06096,
        0.05207,
        0.03814,
        0.03018,
        0.04024,
        0.05933,
        0.1475,
        0.09323,
        0.1176,
        0.1069,
    ),
    "length": (0.03975, 0.06858, 0.1097, 0.09275, 0.1097, 0.08103, 0.1199, 0.07848, 0.1249, 0.05436, 0.1208),
    "place": (0.01159, 0.03844, 0.04225, 0.06077, 0.1251, 0.1638, 0.1656, 0.1777, 0.1197, 0.06912, 0.02597),
    "chord": (0.621, 0.1624, 0.07667, 0.0517, 0.08815),
    "stride": (0.6063, 0.1314, 0.09452, 0.06108, 0.1066),
}
MOST_NATS = 2.5  # nats; rarer than that is rare enough
STRIDE_NOTES = 32  # notes, of which the left hand's last bass is looked for
PRIOR_NOTES = 3.0  # notes that each band is taken to have been seen, in the proportions of music at large

_TIMES = np.digitize(codec.TIMES, HABIT_EDGES["wait"])
_LENGTHS = np.digitize(codec.DURATIONS, HABIT_EDGES["length"])
_PITCHES = np.arange(codec.SIZES[codec.PITCH]) + LOWEST
_PLACES = np.digitize(_PITCHES, HABIT_EDGES["place"])
_HANDS = np.digitize(
    _PITCHES, (left_hand_stride.BASS_BELOW, left_hand_stride.MIDDLE_C)
)  # a bass, a chord, the right hand's
_LEAPS = np.digitize(
    np.arange(1 - len(_PITCHES), len(_PITCHES)), HABIT_EDGES["leap"]
)  # from the whole keyboard down to all of it up
_LEAPS_FROM = np.stack([_LEAPS[len(_PITCHES) - 1 - last :][: len(_PITCHES)] for last in range(len(_PITCHES))])
"""(88, 88) by the last pitch and the next one, as indices from the lowest: the band of the leap."""


def count_bands(stretches: Iterable[Sequence[Note]]) -> Habits:
    """How many notes of some stretches of music fall into each band, by feature."""
    found: Habits = {name: np.zeros(len(edges) + 1) for name, edges in HABIT_EDGES.items()}
    for notes in stretches:
        onset = np.array([n.onset for n in notes])
        pitch = np.array([n.pitch for n in notes])
        features = {
            "wait": np.diff(onset),
            "leap": np.diff(pitch),
            "length": np.array([n.duration for n in notes]),
            "place": pitch,
            "chord": np.bincount(stroke_numbers(onset)),
            "stride": np.array(left_hand_stride.chords_between_basses(notes), dtype=np.int64),
        }
        for name, values in features.items():
            found[name] += np.bincount(np.digitize(values, HABIT_EDGES[name]), minlength=len(found[name]))
    return found


def log_odds(style: Habits) -> Habits:
    """The log-odds of a style's bands, in nats, against those of music at large."""
    out = {}
    for name, counts in style.items():
        expected = np.array(MUSIC[name])
        shares = (counts + PRIOR_NOTES * len(counts) * expected) / (counts.sum() + PRIOR_NOTES * len(counts))
        out[name] = np.clip(np.log(shares / expected), -MOST_NATS, MOST_NATS).round(2)
    return out


def measure_settings(notes: Sequence[Note]) -> dict[str, float]:
    """The habits of some notes, as settings of a style."""
    return to_settings(log_odds(count_bands([notes])))


def to_settings(habits: Mapping[str, Iterable[float]]) -> dict[str, float]:
    """Habits as settings of a style, one number each."""
    return {f"{HABIT}{name}.{i}": float(x) for name, row in habits.items() for i, x in enumerate(row)}


class StyleHabits:
    """Adds the habits of the style to the power of `strength`."""

    name = "habits"
    setting = TERMS[name]
    fields = frozenset({codec.TIME, codec.PITCH, codec.DURATION})

    def prepare(self, call: Call, style: Style) -> Habits:
        """The style's habits."""
        return style.sampling.habits

    def __call__(self, logits: Row, step: Step, strength: float) -> Row:
        """The logits (n,) of a field, with the habits that it makes."""
        habits: Habits = step.prepared
        if step.field == codec.TIME and "wait" in habits:
            return logits + strength * _waits(habits, step.recent)[_TIMES]
        if step.field == codec.DURATION and "length" in habits:
            return logits + strength * habits["length"][_LENGTHS]
        if step.field == codec.PITCH:
            return _pitches(logits, step, habits, strength)
        return logits

    def steer_rows(self, logits: Row, steps: Sequence[Step], strength: float) -> Row:
        """The (R, n) logits of a field: see `models.steering.base.RowSteering`."""
        habits: Habits = steps[0].prepared
        field = steps[0].field
        if field == codec.TIME and "wait" in habits:
            return logits + strength * np.stack([_waits(habits, step.recent) for step in steps])[:, _TIMES]
        if field == codec.DURATION and "length" in habits:
            return logits + strength * habits["length"][_LENGTHS]
        if field == codec.PITCH:
            return _pitches_of_rows(logits, steps, habits, strength)
        return logits


def _pitches(logits: Row, step: Step, habits: Habits, strength: float) -> Row:
    """The logits (88,) of the pitch, with the habits of leaping, of place, and of the left hand's stride."""
    notes = step.recent
    if "leap" in habits and notes:
        last = min(max(notes[-1].pitch, LOWEST), HIGHEST) - LOWEST
        logits = logits + strength * habits["leap"][_LEAPS[len(_PITCHES) - 1 - last :][: len(_PITCHES)]]
    if "place" in habits:
        logits = logits + strength * habits["place"][_PLACES]
    if (
        "stride" in habits
        and (chords := left_hand_stride.chords_since_bass(notes[-STRIDE_NOTES:], step.onset)) is not None
    ):
        row = _by_chords(habits["stride"].tobytes())[min(chords, len(HABIT_EDGES["stride"]))]
        logits = logits + strength * row[_HANDS]
    return logits


def _pitches_of_rows(logits: Row, steps: Sequence[Step], habits: Habits, strength: float) -> Row:
    """`_pitches` of (R, 88) logits."""
    if "leap" in habits and steps[0].recent:
        last = [min(max(step.recent[-1].pitch, LOWEST), HIGHEST) - LOWEST for step in steps]
        logits = logits + (strength * habits["leap"])[_LEAPS_FROM[last]]
    if "place" in habits:
        logits = logits + strength * habits["place"][_PLACES]
    if "stride" in habits:
        rows = strength * _by_chords(habits["stride"].tobytes())
        for row, step in zip(logits, steps, strict=True):
            chords = left_hand_stride.chords_since_bass(step.recent[-STRIDE_NOTES:], step.onset)
            if chords is not None:
                row += rows[min(chords, len(HABIT_EDGES["stride"]))][_HANDS]
    return logits


def _waits(habits: Habits, notes: Sequence[Note]) -> Row:
    """The habit of waiting; and where that of striking together is known, whether this chord gets another note is by that one."""
    if "chord" not in habits:
        return habits["wait"]
    size = min(last_chord_size(notes), len(HABIT_EDGES["chord"]) + 1)
    return _by_size(habits["wait"].tobytes(), habits["chord"].tobytes())[size - 1]


@lru_cache(maxsize=8)
def _by_size(wait: bytes, chord: bytes) -> Row:
    """The log-odds of each wait, against music at large, after a chord of 1, 2, ... notes: (chord's bands, wait's bands).

    Of a chord as large as the last band says nobody knows whether it is done.
    """
    waits = np.frombuffer(wait)
    expected = np.array(MUSIC["chord"])
    later = np.array(MUSIC["wait"][1:])
    rows = np.tile(waits - np.log(later @ np.exp(waits[1:]) / later.sum()), (len(expected), 1))
    style = expected * np.exp(np.frombuffer(chord))
    more = [
        np.log(style[i + 1 :].sum() / style[i] * expected[i] / expected[i + 1 :].sum())
        for i in range(len(expected) - 1)
    ]
    rows[:, 0] = np.clip([*more, 0.0], -MOST_NATS, MOST_NATS)
    return rows


@lru_cache(maxsize=8)
def _by_chords(stride: bytes) -> Row:
    """The log-odds, against music at large, of a bass, of another chord, and of what the right hand does (0), by the chords since the bass.

    Of as many chords as the last band has, nobody knows how many more there will be.
    """
    expected = np.array(MUSIC["stride"])
    style = expected * np.exp(np.frombuffer(stride))
    rows = np.zeros((len(expected), 3))
    for i in range(len(expected) - 1):
        shares, music = (share[i] / share[i:].sum() for share in (style, expected))
        rows[i, :2] = np.log(shares / music), np.log((1.0 - shares) / (1.0 - music))
    clipped: Row = np.clip(rows, -MOST_NATS, MOST_NATS)
    return clipped
