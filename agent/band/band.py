"""The band: bass, comping and drums over a chart, by rule. Any bar of any chorus can be made at any time.

What is played depends on the seed, the chart, the number of the chorus and the bar, and on nothing else. Pure; times are in beats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from ..charts.chart import BALLAD, BOSSA, SHUFFLE, STRAIGHT, SWING, Chart
from ..charts.form import Form, form_of
from ..midi.messages import DRUM_CHANNEL
from . import bass_patterns, comping, drums, voicings, walking_bass
from .band_notes import BASS, COMPING, DRUMS, PARTS, BandNote, Dice, Pulse, pulses_of, swing_of
from .bass_anchors import Anchor, anchors_of, nearest

SOFT = 0.72  # of a velocity, while the band plays softer under a player
CHANNELS = {BASS: 10, COMPING: 11, DRUMS: DRUM_CHANNEL}  # from 0: as far from the players' as can be
BUSY = 0.4  # share of the sections of a pop tune in which the bass plays all eighths
ENDING_BEATS = 4  # for which the last chord is held
#: Programs of General MIDI, from 0, by feel. The kit has none.
ACOUSTIC_BASS, FINGERED_BASS, ELECTRIC_PIANO, ORGAN, NYLON_GUITAR, CLEAN_GUITAR = 32, 33, 4, 16, 24, 27
PROGRAMS = {
    SWING: {BASS: ACOUSTIC_BASS, COMPING: ELECTRIC_PIANO},
    BALLAD: {BASS: ACOUSTIC_BASS, COMPING: ELECTRIC_PIANO},
    BOSSA: {BASS: ACOUSTIC_BASS, COMPING: NYLON_GUITAR},
    STRAIGHT: {BASS: FINGERED_BASS, COMPING: CLEAN_GUITAR},
    SHUFFLE: {BASS: FINGERED_BASS, COMPING: ORGAN},
}


@dataclass(frozen=True)
class PartSettings:
    """A part: whether it plays, and how loud beside its usual loudness, 0 to 2."""

    is_on: bool = True
    volume: float = 1.0


@dataclass(frozen=True)
class BandSettings:
    """All parts. `is_soft_under_player`: softer in the player's turns."""

    bass: PartSettings = PartSettings()
    comping: PartSettings = PartSettings()
    drums: PartSettings = PartSettings()
    is_soft_under_player: bool = False

    def part(self, name: str) -> PartSettings:
        """The settings of one of the `PARTS`."""
        found: PartSettings = getattr(self, name)
        return found


class Band:
    """Plays one chart. Ask `bar` or `notes` for any place."""

    def __init__(self, chart: Chart, seed: int = 0, is_last: bool = False) -> None:
        """`is_last`: over the form of the last chorus, which may go to the coda."""
        self.chart = chart
        self.form: Form = form_of(chart, is_last)
        self.seed = seed
        self._swing = swing_of(chart)
        self._voicings = voicings.of_form(self.form, chart.key, comping.has_tensions(chart.feel))
        self._anchors: Callable[[int], list[Anchor]] = lru_cache(maxsize=4)(self._make_anchors)
        self._bar: Callable[[str, int, int], tuple[BandNote, ...]] = lru_cache(maxsize=256)(self._make_bar)

    @property
    def programs(self) -> dict[str, int]:
        """The General MIDI program of each part that has one, from 0."""
        return PROGRAMS[self.chart.feel]

    def bar(self, part: str, chorus: int, number: int) -> tuple[BandNote, ...]:
        """One bar of a part, beats from its beginning. `chorus` counts from 0, `number` is a bar of the form."""
        return self._bar(part, chorus, number)

    def notes(self, part: str, start: float, end: float, first_chorus: int = 0) -> list[BandNote]:
        """All notes of a part that begin from `start` up to `end`, in beats from the beginning of the first chorus; none before."""
        found: list[BandNote] = []
        beat = max(start, 0.0)
        while beat < end - 1e-9:
            chorus = math.floor(beat / self.form.beats + 1e-9)
            bar = self.form.bar_at(beat)
            number = self.form.bars.index(bar)
            first = chorus * self.form.beats + bar.start
            found += [
                note.shift(first)
                for note in self.bar(part, first_chorus + chorus, number)
                if start <= note.beat + first < end
            ]
            beat = chorus * self.form.beats + bar.end
        return found

    def ending(self, part: str) -> tuple[BandNote, ...]:
        """The last chord, held, beats from where the last chorus ends: what the first bar begins with, which is mostly home."""
        chord = self.form.changes[0].chord
        beats = float(ENDING_BEATS)
        if part == DRUMS:
            return tuple(BandNote(0.0, drums.LENGTH, pitch, 70) for pitch in (drums.KICK, drums.CRASH))
        if chord.root is None:
            return ()
        if part == BASS:
            return (BandNote(0.0, beats, nearest(chord.lowest or 0, 36), walking_bass.VELOCITY),)
        voicing = self._voicings[self.form.changes[0].start]
        return tuple(BandNote(0.0, beats, pitch, comping.VELOCITY) for pitch in voicing)

    def _make_anchors(self, chorus: int) -> list[Anchor]:
        dice = Dice(self.seed, self.chart.title, chorus, "anchors")
        return anchors_of(self.form, dice, may_vary=self.chart.feel in (SWING, SHUFFLE))

    def _make_bar(self, part: str, chorus: int, number: int) -> tuple[BandNote, ...]:
        dice = Dice(self.seed, self.chart.title, chorus, number, part)
        pulses = pulses_of(self.form.bars[number].bar.metre)
        makers = {BASS: self._bass, COMPING: self._comping, DRUMS: self._drums}
        return tuple(makers[part](chorus, number, pulses, dice))

    def _bass(self, chorus: int, number: int, pulses: tuple[Pulse, ...], dice: Dice) -> list[BandNote]:
        anchors = self._anchors(chorus)
        if self.chart.feel in (SWING, SHUFFLE):
            return walking_bass.walk(self.form, anchors, number, pulses, self._swing, dice)
        section = self.form.bars[number].section_number
        is_busy = Dice(self.seed, self.chart.title, chorus, section, "busy").chance(BUSY)
        style = bass_patterns.Style(self.chart.feel, self._swing, is_busy)
        return bass_patterns.pattern(self.form, anchors, number, pulses, style, dice)

    def _comping(self, chorus: int, number: int, pulses: tuple[Pulse, ...], dice: Dice) -> list[BandNote]:
        return comping.comp(self.form, self._voicings, number, pulses, self.chart.feel, self._swing, dice)

    def _drums(self, chorus: int, number: int, pulses: tuple[Pulse, ...], dice: Dice) -> list[BandNote]:
        return drums.play(self.form, number, pulses, self.chart.feel, self._swing, dice)


def with_settings(notes: list[BandNote], settings: PartSettings, is_soft: bool = False) -> list[BandNote]:
    """The notes as loud as they are asked for; none of a part that is muted."""
    if not settings.is_on or settings.volume <= 0:
        return []
    factor = settings.volume * (SOFT if is_soft else 1.0)
    return [replace(note, velocity=min(max(round(note.velocity * factor), 1), 127)) for note in notes]


__all__ = ["CHANNELS", "PARTS", "Band", "BandSettings", "PartSettings", "with_settings"]
