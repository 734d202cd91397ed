"""Duets: how to play at the same time as somebody: when, where and how much.

Knows nothing of MIDI or threads. Pure; times are monotonic seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.music.keys import SCALE
from models.music.note import Note

AHEAD = 0.35  # seconds of music that are thought ahead: what the player does next counts soon
SOON = 0.045  # seconds: nothing is planned nearer than this, as it takes that long to think anew
LEAST_NOTES = 2  # the player's, before the agent joins in
SILENCE = 2.5  # seconds without a key: the player has stopped, and so does the agent, at an ending of its own
ENDING = 3.0  # seconds that such an ending takes, at most
LOOKED_AT = 48  # notes of the conversation
RECENT = 4.0  # seconds
BUSY = 8.0  # notes a second of the player's, at which the agent plays least
LEAST = 0.4  # share of its density that the agent keeps at least
LOWEST, HIGHEST, BASS = 28.0, 96.0, 52.0  # pitches
NARROWEST = 14.0  # semitones
CALM = 0.75  # times the preset's heat of pitch and of time: who accompanies does not surprise
LEAN = 2.0  # nats, at most, by which the player's key is favoured
SURE = 12  # seconds of the player's notes that make a key certain


def is_over(last_onset: float, now: float) -> bool:
    """Whether the player has stopped."""
    return now - last_onset > SILENCE


def bounds(last_onset: float, now: float) -> tuple[float, float]:
    """From when on the agent may close, and when it must: never, while the player plays."""
    return (now, last_onset + SILENCE + ENDING) if is_over(last_onset, now) else (math.inf, math.inf)


def key(heard: Sequence[Note], now: float) -> dict[str, float]:
    """The player's key as pitch classes (all scales that fit equally well), and how far to lean on it."""
    weight = [0.0] * 12
    for note in heard:
        weight[note.pitch % 12] += min(note.duration, now - note.onset, 2.0)
    total = sum(weight)
    fits = [sum(weight[(root + step) % 12] for step in SCALE) for root in range(12)]
    if total <= 0.0:
        return {}
    best = [root for root in range(12) if fits[root] >= max(fits) - 1e-9]
    classes = {(root + step) % 12 for root in best for step in SCALE}
    fit = max(max(fits) / total - 0.75, 0.0) / 0.25  # chromatic playing has no key to lean on
    return {"key": float(sum(1 << c for c in classes)), "lean": LEAN * fit * min(total / SURE, 1.0)}


def sampling(preset: dict[str, float], heard: Sequence[Note], now: float, part: str) -> dict[str, float]:
    """The preset's settings, with the register and density that the player leaves free."""
    recent = [n for n in heard if now - n.onset < RECENT]
    rate = len(recent) / RECENT
    share = 1.0 - (1.0 - LEAST) * min(rate / BUSY, 1.0)
    settings = {**preset, "density": max(preset.get("density", 14.0) * share, 1.0), **key(heard, now)}
    settings |= {field: CALM * preset.get(field, 1.0) for field in ("pitch", "time")}
    pitches = sorted(n.pitch for n in (recent or heard))
    if part == "bass":
        low, high = LOWEST, BASS
    elif not pitches:
        return settings
    else:
        bottom, top = pitches[len(pitches) // 4], pitches[(3 * len(pitches)) // 4]
        if part == "auto":
            part = "comp" if (bottom + top) / 2 >= 60 else "lead"
        low, high = (LOWEST, max(bottom - 1.0, LOWEST + NARROWEST)) if part == "comp" else (top + 1.0, HIGHEST)
        low = min(low, HIGHEST - NARROWEST)
    return {**settings, "lowest": low, "highest": max(high, low + NARROWEST)}
