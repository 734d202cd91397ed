"""Duets: how to play at the same time as somebody: when, where and how much. Times are monotonic seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.music.keys import SCALE
from models.music.note_records import Note, Span

LOOKAHEAD = 0.35  # seconds of music that are asked for at a time: what the player does next counts soon
DELAY = 0.045  # seconds: nothing is planned nearer than this, as it takes that long to generate anew
LEAST_NOTES = 2  # the player's, before the agent joins in
SILENCE = 2.5  # seconds without a key: the player has stopped, and so does the agent, at an ending of its own
ENDING = 3.0  # seconds that such an ending takes, at most
CONTEXT_NOTES = 48  # of the history that are looked at
RECENT = 4.0  # seconds
BUSY = 8.0  # notes a second of the player's, at which the agent plays least
LEAST_SHARE = 0.4  # of its density that the agent keeps at least
USUAL_DENSITY = 14.0  # notes a second, where the preset names none
LOWEST = 28.0  # MIDI number
HIGHEST = 96.0  # MIDI number
BASS = 52.0  # MIDI number: the highest of a bass
NARROWEST = 14.0  # semitones
CALM = 0.75  # times the preset's temperature of pitch and of time: who accompanies does not surprise
LEAN = 2.0  # nats, at most, by which the player's key is favoured
CERTAIN = 12  # seconds of the player's notes that make a key certain
CHROMATIC_FIT = 0.75  # share of a scale's notes at which playing has no key to lean on
LONGEST_WEIGHT = 2.0  # seconds: a note counts for no more in finding the key


def has_stopped(last_onset: float, now: float) -> bool:
    """Whether the player has stopped."""
    return now - last_onset > SILENCE


def answer_span(start: float, last_onset: float, now: float) -> Span:
    """The time of what the agent plays along, from `start` on: without an end while the player plays."""
    if has_stopped(last_onset, now):
        stop = last_onset + SILENCE + ENDING
        return Span(start, stop, close=now, stop=stop, together=True)
    return Span(start, math.inf, close=math.inf, stop=math.inf, together=True)


def find_key(notes: Sequence[Note], now: float) -> dict[str, float]:
    """The player's key as a setting `key`, pitch classes as bits (all scales that fit equally well), and `lean`, how far to favour it."""
    weight = [0.0] * 12
    for note in notes:
        weight[note.pitch % 12] += min(note.duration, now - note.onset, LONGEST_WEIGHT)
    total = sum(weight)
    fits = [sum(weight[(root + step) % 12] for step in SCALE) for root in range(12)]
    if total <= 0.0:
        return {}
    best = [root for root in range(12) if fits[root] >= max(fits) - 1e-9]
    classes = {(root + step) % 12 for root in best for step in SCALE}
    fit = max(max(fits) / total - CHROMATIC_FIT, 0.0) / (1.0 - CHROMATIC_FIT)
    return {"key": float(sum(1 << c for c in classes)), "lean": LEAN * fit * min(total / CERTAIN, 1.0)}


def accompaniment_settings(preset: dict[str, float], notes: Sequence[Note], now: float, part: str) -> dict[str, float]:
    """The preset's settings, with the register and density that the player's `notes` leave free; `part`: see `modes.PARTS`."""
    recent = [n for n in notes if now - n.onset < RECENT]
    rate = len(recent) / RECENT
    share = 1.0 - (1.0 - LEAST_SHARE) * min(rate / BUSY, 1.0)
    density = max(preset.get("density", USUAL_DENSITY) * share, 1.0)
    settings = {**preset, "density": density, **find_key(notes, now)}
    settings |= {field: CALM * preset.get(field, 1.0) for field in ("pitch", "time")}
    pitches = sorted(n.pitch for n in (recent or notes))
    if part != "bass" and not pitches:
        return settings
    low, high = _free_register(pitches, part)
    return {**settings, "lowest": low, "highest": max(high, low + NARROWEST)}


def _free_register(pitches: list[int], part: str) -> tuple[float, float]:
    """The lowest and highest pitch for a part, beside the player's pitches in ascending order."""
    if part == "bass":
        return LOWEST, BASS
    bottom = pitches[len(pitches) // 4]
    top = pitches[(3 * len(pitches)) // 4]
    if part == "auto":
        part = "comp" if (bottom + top) / 2 >= 60 else "lead"
    if part == "comp":
        return LOWEST, max(bottom - 1.0, LOWEST + NARROWEST)
    return min(top + 1.0, HIGHEST - NARROWEST), HIGHEST
