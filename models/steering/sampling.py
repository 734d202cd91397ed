"""Sampling: how the next value of a field is drawn from its logits.

Knows nothing of notes or networks beyond one row of numbers.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..music.features import NAMES
from . import style_habits
from .style_habits import HABIT, Habits

KNOB = "knob."


@dataclass(frozen=True)
class Sampling:
    """How boldly to play. Temperatures multiply: `temperature` is for all fields, the others for their own.

    `lowest` and `highest` bound the pitch (MIDI numbers), `density` the answer's notes a second. `emphasis`: how much
    farther from the middle of all styles the network is told that this one lies, except in loudness; `pull`: how firmly its qualities but
    loudness are kept, where a style is given. `key` is a set of pitch classes (bit 0 is C), by default the key of the call; `lean`
    favours it, in nats. `habit` is the power to which the `habits` are taken (`models.steering.style_habits`). `motif`: how much the
    call's own continuation is favoured, in nats (`models.steering.motif`); `cadence`: how much the key's home is, where an answer
    may close (`models.steering.cadence`). `stand`: how far an answer stands from its style, 1 as far as people do;
    `dynamics`: how far its loudness is the call's, 0 not at all (`models.steering.style_offset`). `beat`: how much waits that end in time
    are favoured, where there is a beat, in nats (`models.steering.beat`); `rhythm` and `tones`: how much the waits and the tones of
    the call are (`models.steering.rhythm`, `models.steering.pitch_classes`); `clash`: how much a pitch that rubs is
    disfavoured (`models.steering.dissonance`).
    `knobs`: see `models.steering.knobs`.
    Among settings, names of knobs begin with `KNOB`, of habits with `HABIT`.
    """

    temperature: float = 1.0
    time: float = 1.0
    pitch: float = 1.0
    velocity: float = 1.1
    duration: float = 1.0
    top_p: float = 0.96
    min_p: float = 0.02
    lowest: float = 21.0
    highest: float = 108.0
    density: float = 20.0
    emphasis: float = 2.0
    pull: float = 0.5
    key: float = 0.0
    lean: float = 0.3
    habit: float = 1.0
    motif: float = 2.0
    cadence: float = 1.3
    stand: float = 1.0
    dynamics: float = 0.5
    beat: float = 3.0
    rhythm: float = 1.6
    tones: float = 0.6
    clash: float = 0.3
    knobs: dict[str, float] = field(default_factory=dict)
    habits: Habits = field(default_factory=dict)

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Sampling:
        """From a preset's settings; raises ValueError for a name that is not one."""
        knobs = {name.removeprefix(KNOB): float(value) for name, value in settings.items() if name.startswith(KNOB)}
        kept = style_habits.of({name: float(value) for name, value in settings.items() if name.startswith(HABIT)})
        plain = {name: value for name, value in settings.items() if not name.startswith((KNOB, HABIT))}
        fields = {f.name for f in dataclasses.fields(cls)} - {"knobs", "habits"}
        unknown = (set(plain) - fields) | (set(knobs) - set(NAMES))
        if unknown:
            raise ValueError(f"no sampling setting {sorted(unknown)[0]!r}")
        return cls(**plain, knobs=knobs, habits=kept)

    def heat(self, field: str) -> float:
        """The temperature of one field."""
        return self.temperature * float(getattr(self, field, 1.0))


def likeliest(logits: NDArray[np.floating]) -> np.floating:
    """The largest of a (n,) row of logits; of so few, `max` takes three times as long."""
    return logits[logits.argmax()]


def chances(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """How likely each of a (n,) row of logits is beside the likeliest, which is 1."""
    return np.exp(logits - logits[logits.argmax()], dtype=np.float64)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of a (n,) row of logits."""
    p = chances(logits)
    return p / p.sum()


def raised(logits: NDArray[np.floating], first: int, lean: NDArray[np.floating]) -> NDArray[np.float64]:
    """A (n,) row of logits, those from the `first` on raised by `lean` (n - first,), and all of them together as likely as before."""
    p = chances(logits[first:])
    out = logits.astype(np.float64)
    out[first:] += lean - np.log(np.exp(lean).dot(p) / p.sum())
    return out


def draw(
    logits: NDArray[np.floating], temperature: float, top_p: float, min_p: float, generator: np.random.Generator
) -> int:
    """One index of a (n,) row of logits. Forbidden values are -inf; at least one must not be.

    Nucleus sampling (Holtzman et al. 2020), and nothing less likely than `min_p` times the likeliest (Nguyen et al.
    2024).
    """
    p = chances(logits if temperature == 1.0 else logits * (1.0 / max(temperature, 1e-3)))
    each = p.tolist()
    likely = sorted((p >= min(min_p, 1.0)).nonzero()[0].tolist(), key=each.__getitem__, reverse=True)
    kept, total, nucleus = 0, 0.0, top_p * float(p.sum())
    for i in likely:
        kept, total = kept + 1, total + each[i]
        if total >= nucleus:
            break
    drawn = generator.random() * total
    for i in likely[:kept]:
        drawn -= each[i]
        if drawn < 0.0:
            return i
    return likely[kept - 1]  # rounding
