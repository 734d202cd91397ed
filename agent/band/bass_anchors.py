"""The frame of a bass line: at which beats it must be where, and in which octave, for one chorus.

Pure. The first anchor of a chorus is the same in each, so that any bar can be made without those before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.music.harmony.chords import Chord

from ..charts.form import Form
from .band_notes import Dice

LOWEST, HIGHEST = 28, 50  # E1 to D3: the walking range of a double bass, MIDI numbers
CENTRE = 37  # around which a line stays
_OTHERS = ("5", "3", "b3", "b5", "#5")  # degrees on which a bar may begin where the chord goes on


@dataclass(frozen=True)
class Anchor:
    """A note that the line must have: on a beat of the chorus, until the next anchor. `pitch` is None where no chord sounds."""

    beat: float
    end: float
    chord: Chord
    pitch: int | None
    bar: int  # of the form
    is_change: bool  # whether the chord is new here


def anchors_in_bar(form: Form, anchors: list[Anchor], number: int) -> Iterator[tuple[Anchor, Anchor, float, float]]:
    """The sounding anchors of a bar, each with the one after it, and with its start and end in beats from the bar's beginning."""
    bar = form.bars[number]
    for index, anchor in enumerate(anchors):
        if anchor.bar == number and anchor.pitch is not None:
            yield anchor, anchors[(index + 1) % len(anchors)], anchor.beat - bar.start, anchor.end - bar.start


def spans_of(form: Form) -> list[Anchor]:
    """Each bar of the form, cut where the chord changes; without pitches."""
    found: list[Anchor] = []
    before: Chord | None = None
    for number, bar in enumerate(form.bars):
        starts = [bar.start + placed.beat for placed in bar.bar.chords]
        for placed, start, end in zip(bar.bar.chords, starts, [*starts[1:], bar.end], strict=True):
            found.append(Anchor(start, end, placed.chord, None, number, placed.chord != before))
            before = placed.chord
    return found


def anchors_of(form: Form, dice: Dice, may_vary: bool = True) -> list[Anchor]:
    """All anchors of a chorus with their pitches: chord after chord the nearest octave, drawn a little towards the middle.

    `may_vary`: where a chord goes on for several bars, a later bar may begin on its fifth or third.
    """
    found: list[Anchor] = []
    last = CENTRE
    for number, span in enumerate(spans_of(form)):
        if span.chord.root is None:
            found.append(span)
            continue
        tone = span.chord.lowest
        if may_vary and number and not span.is_change and dice.chance(0.5):
            others = span.chord.pitch_classes([degree for degree in span.chord.quality.degrees if degree in _OTHERS])
            tone = others[dice.pick(len(others))] if others else tone
        pitch = nearest(tone or 0, last, dice if number else None)
        found.append(Anchor(span.beat, span.end, span.chord, pitch, span.bar, span.is_change))
        last = pitch
    return found


def nearest(pitch_class: int, last: int, dice: Dice | None = None) -> int:
    """The octave of a pitch class that is nearest to the last note and to the middle of the range."""
    pitches = [pitch for pitch in range(LOWEST, HIGHEST + 1) if pitch % 12 == pitch_class % 12]
    noise = {pitch: (dice.number() * 3 if dice is not None else 0.0) for pitch in pitches}
    return min(pitches, key=lambda pitch: abs(pitch - last) + 0.6 * abs(pitch - CENTRE) + noise[pitch])
