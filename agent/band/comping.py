"""The comping part: voicings in the rhythm of the feel. Each change is struck, on its beat or an eighth before it. Pure."""

from __future__ import annotations

from ..charts.chart import BALLAD, STRAIGHT
from ..charts.form import Form
from .band_notes import BandNote, Dice, Pulse, swung
from .comping_rhythms import figures, groups
from .voicings import Voicing

VELOCITY = 62
AHEAD = 0.5  # of a pulse: a stroke so shortly before a change plays the chord to come
SHORTEST = 0.12  # beats


def comp(
    form: Form,
    voicings: dict[float, Voicing],
    number: int,
    pulses: tuple[Pulse, ...],
    feel: str,
    swing: float,
    dice: Dice,
) -> list[BandNote]:
    """One bar of the form, beats from its beginning."""
    bar = form.bars[number]
    length = bar.end - bar.start
    strokes = _with_changes(_strokes(pulses, feel, swing, dice), form, number, pulses)
    found: list[BandNote] = []
    for index, (beat, wanted) in enumerate(strokes):
        voicing, changes = _voicing_at(form, voicings, bar.start + beat, pulses)
        following = strokes[index + 1][0] if index + 1 < len(strokes) else length
        end = min(beat + wanted, following - 0.03, changes - bar.start - 0.02)
        velocity = dice.velocity(VELOCITY - 8 * (feel == BALLAD) - 5 * (wanted < 0.6), 5)
        for voice, pitch in enumerate(voicing):
            is_top = voice == len(voicing) - 1
            found.append(BandNote(beat, max(end - beat, SHORTEST), pitch, min(velocity + 4 * is_top, 127)))
    return found


def _strokes(pulses: tuple[Pulse, ...], feel: str, swing: float, dice: Dice) -> list[tuple[float, float]]:
    """Beats and lengths by the figures of the feel."""
    found: list[tuple[float, float]] = []
    first = 0
    for size in groups(len(pulses)):
        choice = figures(feel, size)
        figure = choice[min(dice.pick(len(choice)), dice.pick(len(choice)))]  # the usual ones more often
        for place, length in figure:
            pulse = pulses[first + int(place)]
            found.append((pulse.at(swung(place % 1, swing)), length * pulse.length))
        first += size
    return found


def _with_changes(
    strokes: list[tuple[float, float]], form: Form, number: int, pulses: tuple[Pulse, ...]
) -> list[tuple[float, float]]:
    """The strokes, and one on each change of the bar that would not be heard otherwise."""
    bar = form.bars[number]
    ahead = AHEAD * pulses[0].length
    found = list(strokes)
    starts = [placed.beat for placed in bar.bar.chords]
    for placed, end in zip(bar.bar.chords, [*starts[1:], bar.end - bar.start], strict=True):
        is_new = form.chord_at(bar.start + placed.beat - 0.01) != placed.chord or (not number and not placed.beat)
        heard = any(placed.beat - ahead - 1e-6 < beat < end - ahead - 1e-6 for beat, _ in found)
        if is_new and not heard:
            found.append((placed.beat, 1.5 * pulses[0].length))
    return sorted(found)


def _voicing_at(
    form: Form, voicings: dict[float, Voicing], beat: float, pulses: tuple[Pulse, ...]
) -> tuple[Voicing, float]:
    """What is struck on a beat, and the beat up to which it may sound: the chord to come, where it comes within half a pulse."""
    change = form.next_change(beat)
    if 0 < change.start - beat < AHEAD * pulses[0].length + 1e-6 and abs(beat - round(beat)) > 1e-6:
        after = form.next_change(change.start)
        return voicings[_key(form, change.start)], after.start
    starts = [start for start in voicings if start <= beat % form.beats + 1e-6]
    return voicings[max(starts)] if starts else (), change.start


def _key(form: Form, beat: float) -> float:
    """The beat of a change within the chorus."""
    within = beat % form.beats
    return min(form.changes, key=lambda change: abs(change.start - within)).start


def has_tensions(feel: str) -> bool:
    """Whether the style adds tensions and leaves roots out."""
    return feel != STRAIGHT
