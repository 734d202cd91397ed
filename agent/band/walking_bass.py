"""A walking bass: a note a pulse, from anchor to anchor, mostly by steps, with an approach note before each change. Pure."""

from __future__ import annotations

from models.music.harmony.chords import Chord

from ..charts.form import Form
from .band_notes import BandNote, Dice, Pulse, pulses_between
from .bass_anchors import HIGHEST, LOWEST, Anchor, anchors_in_bar

LENGTH = 0.92  # of a pulse
VELOCITY = 84
SKIP = 0.07  # share of pulses after which a light note is put in
_FORBIDDEN = 1e6


def path(anchor: Anchor, target: int | None, slots: int, strong: set[int], dice: Dice) -> list[int]:
    """The pitches of `slots` pulses from an anchor to the pitch after it; `strong` slots hold tones of the chord.

    The cheapest line by dynamic programming: steps cost least, a repeated note and a leap more; a little chance varies it.
    """
    assert anchor.pitch is not None
    lines: dict[int, tuple[float, list[int]]] = {anchor.pitch: (0.0, [anchor.pitch])}
    for slot in range(1, slots):
        is_last = slot == slots - 1
        candidates = _candidates(anchor.chord, slot in strong and not (is_last and target is not None), is_last, target)
        following: dict[int, tuple[float, list[int]]] = {}
        for pitch, weight in candidates.items():
            cost = weight + dice.number() * 1.6
            best = min(lines.values(), key=lambda line: line[0] + _step_cost(line[1], pitch))
            total = best[0] + _step_cost(best[1], pitch) + cost
            if is_last and target is not None:
                total += _step_cost([*best[1], pitch], target)
            following[pitch] = (total, [*best[1], pitch])
        lines = following
    return min(lines.values(), key=lambda line: line[0])[1]


def _candidates(chord: Chord, is_strong: bool, is_last: bool, target: int | None) -> dict[int, float]:
    """Pitches for a slot, and what each costs in itself."""
    found: dict[int, float] = {}
    tones = set(chord.tones)
    scale = tones | set(chord.tensions)
    for pitch in range(LOWEST, HIGHEST + 1):
        if pitch % 12 in tones:
            found[pitch] = 0.0
        elif not is_strong and pitch % 12 in scale:
            found[pitch] = 0.5
    if is_last and target is not None:
        for step, cost in ((-1, -1.2), (1, -1.0), (2, -0.4), (-2, -0.4), (7, 0.2), (-5, 0.2)):
            if LOWEST <= target + step <= HIGHEST:
                found[target + step] = min(found.get(target + step, 9.0), cost)
        found.pop(target, None)
    return found


def _step_cost(line: list[int], pitch: int) -> float:
    """What it costs to go on with this pitch."""
    step = abs(pitch - line[-1])
    cost = (
        3.0
        if step == 0
        else 0.0
        if step <= 2
        else 0.7
        if step <= 4
        else 1.6
        if step <= 7
        else 4.0
        if step <= 12
        else _FORBIDDEN
    )
    if len(line) > 1:
        is_back = pitch == line[-2]
        turns = (pitch - line[-1]) * (line[-1] - line[-2]) < 0
        cost += 1.5 * is_back + 0.3 * turns
    return cost


def walk(
    form: Form, anchors: list[Anchor], number: int, pulses: tuple[Pulse, ...], swing: float, dice: Dice
) -> list[BandNote]:
    """One bar of the form, beats from its beginning."""
    found: list[BandNote] = []
    for anchor, after, start, end in anchors_in_bar(form, anchors, number):
        own = pulses_between(pulses, start, end)
        strong = {slot for slot, pulse in enumerate(own) if _is_strong(pulse, pulses)}
        pitches = path(anchor, after.pitch, len(own), strong, dice)
        for slot, (pulse, pitch) in enumerate(zip(own, pitches, strict=True)):
            found.append(BandNote(pulse.start, LENGTH * pulse.length, pitch, dice.velocity(VELOCITY + 4 * (slot == 0))))
            if dice.chance(SKIP) and pulse in pulses:
                place = pulse.at(swing)
                found[-1] = BandNote(pulse.start, place - pulse.start - 0.02, pitch, found[-1].velocity)
                found.append(
                    BandNote(place, 0.4 * (pulse.start + pulse.length - place), pitch, dice.velocity(VELOCITY - 28))
                )
    return found


def _is_strong(pulse: Pulse, pulses: tuple[Pulse, ...]) -> bool:
    """Whether a pulse is the first or the middle one of its bar."""
    return pulse in pulses and pulses.index(pulse) % 2 == 0
