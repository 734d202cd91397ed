"""The drums, on a General MIDI kit: ride and hi-hat for swing, a bossa with its clave, a backbeat for pop and shuffle. Pure."""

from __future__ import annotations

from ..charts.chart import BALLAD, BOSSA, SHUFFLE, STRAIGHT
from ..charts.form import Form
from .band_notes import BandNote, Dice, Pulse, swung

KICK, SIDE_STICK, SNARE, CLOSED_HAT, PEDAL_HAT, OPEN_HAT = 36, 37, 38, 42, 44, 46
LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE = 45, 47, 50, 49, 51
LENGTH = 0.2  # beats: a drum rings by itself
#: Eighths of two bars on which the side stick plays the clave of the bossa nova.
CLAVE = (0, 3, 6, 10, 13)
FILL = 0.7  # share of sections whose last bar has a fill


class _Kit:
    """Collects the strokes of a bar."""

    def __init__(self, pulses: tuple[Pulse, ...], swing: float, dice: Dice) -> None:
        self.pulses = pulses
        self.dice = dice
        self.notes: list[BandNote] = []
        self._swing = swing

    def hit(self, place: float, pitch: int, velocity: int) -> None:
        """A stroke at a place in pulses; places past the bar are left out."""
        if place < len(self.pulses):
            beat = self.pulses[int(place)].at(swung(place % 1, self._swing))
            self.notes.append(BandNote(beat, LENGTH, pitch, self.dice.velocity(velocity)))


def play(form: Form, number: int, pulses: tuple[Pulse, ...], feel: str, swing: float, dice: Dice) -> list[BandNote]:
    """One bar of the form, beats from its beginning."""
    kit = _Kit(pulses, swing, dice)
    is_first, is_last = _place_in_section(form, number)
    if feel == BOSSA:
        _bossa(kit, number)
    elif feel in (STRAIGHT, SHUFFLE):
        _backbeat(kit, feel)
    else:
        _swing(kit, feel)
    if is_first and feel != BOSSA and number:
        kit.hit(0.0, CRASH, 52 if feel in (STRAIGHT, SHUFFLE) else 40)
    if is_last and len(pulses) >= 3 and feel not in (BOSSA, BALLAD) and dice.chance(FILL):
        _fill(kit, feel)
    return sorted(kit.notes, key=lambda note: (note.beat, note.pitch))


def _place_in_section(form: Form, number: int) -> tuple[bool, bool]:
    """Whether a bar is the first and the last of its section."""
    own = form.bars[number].section_number
    before = form.bars[number - 1].section_number if number else -1
    after = form.bars[number + 1].section_number if number + 1 < len(form.bars) else -1
    return own != before, own != after


def _swing(kit: _Kit, feel: str) -> None:
    count = len(kit.pulses)
    loud = 58 if feel == BALLAD else 72
    for pulse in range(count):
        kit.hit(pulse, RIDE, loud + (6 if pulse % 2 else 0))
        is_back = pulse % 2 == 1 or (count == 3 and pulse == 2)
        if pulse % 2 == 1 and (feel != BALLAD or kit.dice.chance(0.3)):
            kit.hit(pulse + 0.5, RIDE, loud - 12)
        if is_back:
            kit.hit(pulse, PEDAL_HAT, 50)
        kit.hit(pulse, KICK, 34 if pulse else 44)
    for eighth in range(1, 2 * count):
        if kit.dice.chance(0.05 if feel == BALLAD else 0.1):
            kit.hit(eighth / 2, SNARE, 34)


def _bossa(kit: _Kit, number: int) -> None:
    count = len(kit.pulses)
    for eighth in range(2 * count):
        kit.hit(eighth / 2, CLOSED_HAT, 48 if eighth % 2 == 0 else 38)
        if count == 4 and eighth + 8 * (number % 2) in CLAVE:
            kit.hit(eighth / 2, SIDE_STICK, 60)
    for place in (0.0, 1.5, 2.0, 3.5):
        kit.hit(place, KICK, 58 if place in (0.0, 2.0) else 42)
    if count != 4:
        kit.hit(count - 1, SIDE_STICK, 56)


def _backbeat(kit: _Kit, feel: str) -> None:
    count = len(kit.pulses)
    for eighth in range(2 * count):
        kit.hit(eighth / 2, CLOSED_HAT if feel == STRAIGHT else RIDE, 62 if eighth % 2 == 0 else 46)
    for pulse in range(count):
        is_back = pulse % 2 == 1 or (count == 3 and pulse == 2)
        kit.hit(pulse, SNARE if is_back else KICK, 84 if is_back else 82)
    if kit.dice.chance(0.6):
        kit.hit(1.5, KICK, 66)
    elif count == 4 and kit.dice.chance(0.5):
        kit.hit(2.5, KICK, 66)


def _fill(kit: _Kit, feel: str) -> None:
    """The last pulse or two of the section on snare and toms."""
    count = len(kit.pulses)
    first = count - 2 if kit.dice.chance(0.4) else count - 1
    ends = {pulse.start for pulse in kit.pulses[first:]}
    kit.notes = [n for n in kit.notes if n.beat < min(ends) or n.pitch in (KICK, RIDE, CLOSED_HAT, PEDAL_HAT)]
    drums = (SNARE, HIGH_TOM, MID_TOM, LOW_TOM)
    steps = 2 * (count - first)
    for step in range(steps):
        if step and kit.dice.chance(0.25):
            continue
        kit.hit(
            first + step / 2, drums[min(step * 4 // steps, 3)], 60 + 4 * step if feel != STRAIGHT else 74 + 4 * step
        )
