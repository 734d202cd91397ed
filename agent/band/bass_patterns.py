"""Bass lines that are no walk: in two, bossa, and straight pop. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..charts.chart import BOSSA, STRAIGHT
from ..charts.form import Form
from .band_notes import BandNote, Dice, Pulse, pulses_between, swung
from .bass_anchors import LOWEST, Anchor, anchors_in_bar

VELOCITY = 82
SHORTEST = 0.02  # beats
POP_HIGHEST = 45  # a fifth above it would leave the range of the part
#: Of a pair of pulses: place and length in pulses, and what is played: root, fifth, a step before the next root, or that root itself.
_ROOT, _FIFTH, _APPROACH, _NEXT = "root", "fifth", "approach", "next"
_TWO = ((0.0, 1.85, _ROOT),)
_TWO_BACK = ((0.0, 1.3, _FIFTH), (1.5, 0.4, _APPROACH))
_BOSSA = ((0.0, 1.4, _ROOT), (1.5, 0.45, _FIFTH))
_BOSSA_BACK = ((0.0, 1.4, _FIFTH), (1.5, 0.45, _NEXT))
_POP = ((0.0, 1.4, _ROOT), (1.5, 0.45, _ROOT))
_POP_EIGHTHS = ((0.0, 0.45, _ROOT), (0.5, 0.45, _ROOT), (1.0, 0.45, _ROOT), (1.5, 0.45, _ROOT))


@dataclass(frozen=True)
class Style:
    """The feel, where the second eighth of a pulse lies, and whether a pop bass plays all eighths."""

    feel: str
    swing: float
    is_busy: bool = False


def pattern(
    form: Form, anchors: list[Anchor], number: int, pulses: tuple[Pulse, ...], style: Style, dice: Dice
) -> list[BandNote]:
    """One bar of the form, beats from its beginning."""
    found: list[BandNote] = []
    for anchor, after, start, end in anchors_in_bar(form, anchors, number):
        own = pulses_between(pulses, start, end)
        for pair in range(0, len(own), 2):
            is_last = pair + 2 >= len(own)
            for place, length, what in _fit(_figures(style, is_back=pair > 0), own[pair : pair + 2]):
                is_approach = is_last and what == _ROOT and place >= 1.5 and dice.chance(0.4)
                pitch = _pitch(_APPROACH if is_approach else what, anchor, after)
                found.append(_note(own[pair : pair + 2], place, length, pitch, style.swing, end, dice))
    return found


def _figures(style: Style, is_back: bool) -> tuple[tuple[float, float, str], ...]:
    """The figure of a pair of pulses; `is_back`: not the first pair on its chord."""
    if style.feel == BOSSA:
        return _BOSSA_BACK if is_back else _BOSSA
    if style.feel == STRAIGHT:
        return _POP_EIGHTHS if style.is_busy else _POP
    return _TWO_BACK if is_back else _TWO


def _fit(figures: tuple[tuple[float, float, str], ...], own: list[Pulse]) -> Iterator[tuple[float, float, str]]:
    """The notes of a figure that fit into one or two pulses."""
    for place, length, what in figures:
        if place < len(own):
            yield place, min(length, len(own) - place - 0.05), what


def _note(own: list[Pulse], place: float, length: float, pitch: int, swing: float, end: float, dice: Dice) -> BandNote:
    pulse = own[int(place)]
    beat = pulse.at(swung(place % 1, swing))
    return BandNote(
        beat,
        max(min(length * pulse.length, end - beat - 0.02), SHORTEST),
        pitch,
        dice.velocity(VELOCITY - 10 * (place % 1 > 0)),
    )


def _pitch(what: str, anchor: Anchor, after: Anchor) -> int:
    """The pitch of a word of a figure."""
    pitch = anchor.pitch or LOWEST
    if what == _FIFTH:
        fifth = anchor.chord.quality.fifth
        if anchor.chord.bass is not None or fifth is None or anchor.chord.root is None:
            return pitch
        above = pitch + (anchor.chord.pitch_classes((fifth,))[0] - pitch) % 12
        return above if above <= POP_HIGHEST or above - 12 < LOWEST else above - 12
    if what == _APPROACH and after.pitch is not None and after.pitch != pitch:
        return after.pitch + (-1 if after.pitch > pitch else 1)
    if what == _NEXT and after.pitch is not None:
        return after.pitch
    return pitch
