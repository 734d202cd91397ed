"""Knobs: seven plain qualities of the playing that can be turned up and down, each -1 to +1 around a style.

Knows nothing of the cache: a knob counts from the next note, and costs no step.

A knob acts twice. It moves the style's own dimension for its quality (`models.attributes`), as far as `REACH` of the usual spreads; and
it tilts the distribution of the fields that make the quality: p'(x) ~ p(x) exp(s f(x)), where f is the plain feature in question,
centred and scaled by p itself. So what the musician holds to be impossible stays so, and of what is likely the wanted end is taken.
The tilt fades where the last notes have what was asked for, or a line that is to be higher would climb for ever.

A style pulls in the same way, more gently, with its knobs at rest: the call is always heard, and outweighs a point in a latent space.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from . import attributes, codec
from .attributes import NAMES
from .note import LOWEST, Note

REACH = 1.2  # spreads of its quality that a knob turned fully asks for
STRENGTH = 1.6  # of the tilt, where the quality is far from what is asked for
LOOKED_AT = 24  # notes
LEAST = 5  # notes that can be measured
LONGEST = 3.0  # seconds that a note counts as sounding, as in training

_TIMES = torch.from_numpy(codec.TIMES).float()
_HASTE = -(_TIMES + 0.03).log()
_TOGETHER = (_TIMES < attributes.CHORD).float()
_PITCHES = torch.arange(codec.SIZES[codec.PITCH], dtype=torch.float32)
_VELOCITIES = torch.arange(codec.SIZES[codec.VELOCITY], dtype=torch.float32)
_LENGTHS = torch.from_numpy(np.log2(codec.DURATIONS)).float()
_SIMPLE = torch.tensor([0.0, 1.0, -1.0, 1.585, -1.585, 2.0, -2.0, 0.585, -0.585])

Knobs = dict[str, float]


def moved(z: Tensor, knobs: Knobs) -> Tensor:
    """The style, its tied dimensions moved as the knobs ask."""
    out = z.clone()
    for i, name in enumerate(NAMES):
        out[i] += REACH * knobs.get(name, 0.0)
    return out


def strengths(knobs: Knobs, pull: float, z: Tensor, notes: Sequence[Note]) -> Knobs:
    """How much each quality must be tilted, -`STRENGTH` to `STRENGTH`, given the last notes of the one who plays, or of the call.

    A quality is drawn to where the style `z` and its knob want it: with `pull` by the style alone, with up to `STRENGTH` by a
    knob; and the less, the nearer it is.
    """
    recent = notes[-LOOKED_AT:]
    if len(recent) >= LEAST:
        onset, pitch, velocity = (np.array([getattr(n, k) for n in recent]) for k in ("onset", "pitch", "velocity"))
        duration = np.array([min(n.duration, LONGEST) for n in recent])
        now = (attributes.measure(onset, duration, pitch, velocity) - attributes.MEAN) / attributes.SPREAD
        wanted = {name: float(z[i] - now[i]) for i, name in enumerate(NAMES)}
    else:
        wanted = dict.fromkeys(NAMES, 0.0)
    out = {}
    for name, short in wanted.items():
        value = knobs.get(name, 0.0)
        force = max(pull, STRENGTH * abs(value))
        if force:
            out[name] = force * min(max(short + REACH * value, -1.0), 1.0)
    return out


def tilted(logits: Tensor, field: int, how: Knobs, notes: Sequence[Note]) -> Tensor:
    """The logits (n,) of a field, tilted by the strengths of the knobs that it makes. `notes` are the last of all players."""
    for feature, strength in _features(field, how, notes):
        p = torch.softmax(logits.float(), -1)
        mean = (p * feature).sum()
        spread = (p * (feature - mean).square()).sum().sqrt()
        logits = logits + strength * (feature - mean) / spread.clamp(min=1e-3)
    return logits


def _features(field: int, how: Knobs, notes: Sequence[Note]) -> list[tuple[Tensor, float]]:
    def turned(name: str) -> bool:
        return bool(how.get(name))

    found: list[tuple[Tensor, float]] = []
    if field == codec.TIME:
        if turned("density"):
            found.append((_HASTE, how["density"]))
        if turned("polyphony"):
            found.append((_TOGETHER, 0.5 * how["polyphony"]))
        if turned("freedom") and (before := _last_wait(notes)) is not None:
            off = ((_TIMES.clamp(min=0.01) / before).log2()[:, None] - _SIMPLE).abs().amin(1).clamp(max=0.5)
            found.append((torch.where(_TOGETHER > 0, off.mean(), off), how["freedom"]))
    elif field == codec.PITCH:
        if turned("register"):
            found.append((_PITCHES, 0.6 * how["register"]))
        if turned("chromaticism") and len(notes) >= LEAST:
            tonic, _ = attributes.key_share(np.array([n.pitch for n in notes[-2 * LOOKED_AT :]]))
            outside = 1.0 - torch.from_numpy(attributes.KEYS[tonic]).float()
            found.append((outside[(_PITCHES.long() + LOWEST) % 12], how["chromaticism"]))
    elif field == codec.VELOCITY and turned("loudness"):
        found.append((_VELOCITIES, how["loudness"]))
    elif field == codec.DURATION:
        lengthen = how.get("articulation", 0.0) + 0.7 * how.get("polyphony", 0.0)
        if lengthen:
            found.append((_LENGTHS, lengthen))
    return found


def _last_wait(notes: Sequence[Note]) -> float | None:
    """The time between the last two chords, in seconds."""
    for later, earlier in zip(reversed(notes), reversed(notes[:-1]), strict=False):
        if later.onset - earlier.onset > attributes.CHORD:
            return later.onset - earlier.onset
    return None
