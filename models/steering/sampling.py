"""Sampling: the settings of a style as the musician takes them, and how a value is drawn from a row of logits.

A row is (n,) logits of one field, in nats.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..music import style_settings_table
from ..music.style_settings_table import HABIT, HABIT_EDGES, KNOB, KNOBS, SWITCHES, TERMS, WITHOUT

Habits = dict[str, NDArray[np.floating]]
"""The habits of a style: for each kind, (bands,) log-odds in nats."""
STRENGTHS = {setting.name: setting.default for setting in TERMS.values()}
"""How strong each term of steering is by default, by the name of its setting."""


def _default(name: str) -> float:
    return style_settings_table.SAMPLING[name].default


@dataclass(frozen=True)
class Sampling:
    """The settings of a style: see `models.music.style_settings_table` for their units and bounds.

    Temperatures multiply: `temperature` is for all fields, the others for their own. `key` is a set of pitch classes (bit 0
    is C), 0 for the key of the call. `strengths` are those of the terms of steering, by the name of the setting. `without` are
    the switches that are off.
    Among settings, names of knobs begin with `KNOB`, of habits with `HABIT`, of what is switched off with `WITHOUT`.
    """

    temperature: float = _default("temperature")
    time: float = _default("time")
    pitch: float = _default("pitch")
    velocity: float = _default("velocity")
    duration: float = _default("duration")
    top_p: float = _default("top_p")
    min_p: float = _default("min_p")
    lowest: float = _default("lowest")
    highest: float = _default("highest")
    density: float = _default("density")
    emphasis: float = _default("emphasis")
    dynamics: float = _default("dynamics")
    key: float = style_settings_table.KEY.default
    strengths: Mapping[str, float] = field(default_factory=lambda: dict(STRENGTHS))
    knobs: dict[str, float] = field(default_factory=dict)
    habits: Habits = field(default_factory=dict)
    without: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Sampling:
        """From a preset's settings. Raises ValueError for a name that is not one."""
        knobs = {name.removeprefix(KNOB): float(value) for name, value in values.items() if name.startswith(KNOB)}
        habits = _habits({name: float(value) for name, value in values.items() if name.startswith(HABIT)})
        off = frozenset(
            name.removeprefix(WITHOUT) for name, value in values.items() if name.startswith(WITHOUT) and value
        )
        plain = {name: value for name, value in values.items() if not name.startswith((KNOB, HABIT, WITHOUT))}
        strengths = {name: plain.pop(name, default) for name, default in STRENGTHS.items()}
        fields = {f.name for f in dataclasses.fields(cls)} - {"strengths", "knobs", "habits", "without"}
        unknown = (set(plain) - fields) | (set(knobs) - set(KNOBS))
        if unknown:
            raise ValueError(f"no sampling setting {sorted(unknown)[0]!r}")
        if wrong := sorted(off - set(SWITCHES)):
            raise ValueError(f"{wrong[0]!r} cannot be switched off; {style_settings_table.nearest(wrong[0], SWITCHES)}")
        strengths |= {TERMS[name].name: 0.0 for name in off & set(TERMS)}
        return cls(**plain, strengths=strengths, knobs=knobs, habits=habits, without=off)

    def temperature_of(self, field: str) -> float:
        """The temperature of one field."""
        return self.temperature * float(getattr(self, field, 1.0))


def _habits(values: Mapping[str, float]) -> Habits:
    """The habits among settings. Raises ValueError for one that is not there."""
    found: Habits = {}
    for key, value in values.items():
        name, _, band = key.removeprefix(HABIT).partition(".")
        if name not in HABIT_EDGES or not band.isdecimal() or int(band) > len(HABIT_EDGES[name]):
            raise ValueError(f"no habit {key!r}")
        found.setdefault(name, np.zeros(len(HABIT_EDGES[name]) + 1))[int(band)] = value
    return found


def likeliest(logits: NDArray[np.floating]) -> np.floating:
    """The largest of a (n,) row of logits; of so few, `max` takes three times as long."""
    return logits[logits.argmax()]


def relative_probabilities(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """How likely each of a (n,) row of logits is beside the likeliest, which is 1."""
    return np.exp(logits - logits[logits.argmax()], dtype=np.float64)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of a (n,) row of logits."""
    p = relative_probabilities(logits)
    return p / p.sum()


def raise_keeping_mass(
    logits: NDArray[np.floating], first: int, change: NDArray[np.floating], odds: NDArray[np.floating]
) -> NDArray[np.float64]:
    """A (n,) row of logits, those from the `first` on raised by `change` (n - first,), and all of them together as likely as before.

    `odds`: the exponential of `change`.
    """
    p = relative_probabilities(logits[first:])
    out = logits.astype(np.float64)
    out[first:] += change - np.log(odds.dot(p) / p.sum())
    return out


def draw(
    logits: NDArray[np.floating], temperature: float, top_p: float, min_p: float, generator: np.random.Generator
) -> int:
    """One index of a (n,) row of logits. Forbidden values are -inf; at least one must not be.

    Nucleus sampling (Holtzman et al. 2020), and nothing less likely than `min_p` times the likeliest (Nguyen et al.
    2024).
    """
    p = relative_probabilities(logits if temperature == 1.0 else logits * (1.0 / max(temperature, 1e-3)))
    each = p.tolist()
    likely = sorted((p >= min(min_p, 1.0)).nonzero()[0].tolist(), key=each.__getitem__, reverse=True)
    kept = 0
    total = 0.0
    nucleus = top_p * float(p.sum())
    for i in likely:
        kept = kept + 1
        total = total + each[i]
        if total >= nucleus:
            break
    drawn = generator.random() * total
    for i in likely[:kept]:
        drawn -= each[i]
        if drawn < 0.0:
            return i
    return likely[kept - 1]  # rounding


# -- the same for several rows at once ---------------------------------------------------------------------------------


def relative_probabilities_of_rows(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """How likely each of (R, n) logits is beside the likeliest of its row."""
    return np.exp(logits - logits.max(1)[:, None], dtype=np.float64)


def raise_rows_keeping_mass(
    logits: NDArray[np.floating], first: int, change: NDArray[np.floating], odds: NDArray[np.floating]
) -> NDArray[np.float64]:
    """`raise_keeping_mass` of (R, n) logits. `change` and `odds` are (n - first,), or (R, n - first)."""
    p = relative_probabilities_of_rows(logits[:, first:])
    out = logits.astype(np.float64)
    out[:, first:] += change - np.log((odds * p).sum(1) / p.sum(1))[:, None]
    return out


def draw_rows(
    logits: NDArray[np.floating],
    temperature: float,
    top_p: float,
    min_p: float,
    generators: Sequence[np.random.Generator],
) -> NDArray[np.int64]:
    """`draw` for each of (R, n) logits, with a generator of its own: (R,)."""
    scaled = logits if temperature == 1.0 else logits * (1.0 / max(temperature, 1e-3))
    p = relative_probabilities_of_rows(scaled)
    order = (-p).argsort(axis=1, kind="stable")
    every = np.arange(len(p))
    ordered = p[every[:, None], order]
    total = ordered.cumsum(axis=1)
    in_nucleus = (total < top_p * total[:, -1:]).sum(1)
    last = np.minimum(in_nucleus, (ordered >= min(min_p, 1.0)).sum(1) - 1)
    drawn = np.array([generator.random() for generator in generators]) * total[every, last]
    place = np.minimum((total <= drawn[:, None]).sum(1), last)
    chosen: NDArray[np.int64] = order[every, place]
    return chosen
