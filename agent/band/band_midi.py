"""The band as MIDI music: choruses of a chart with count-in and ending, a track and a channel for each part. Pure."""

from __future__ import annotations

from models.music.midifile import MidiMusic, Part
from models.music.note_records import ANSWER, Note
from models.music.tempo_map import Metre, TempoMap

from .band import CHANNELS, PARTS, Band, BandSettings, with_settings
from .band_notes import DRUMS, BandNote, pulses_of

TICKS_PER_BEAT = 480
COUNT_IN_PITCH, COUNT_IN_LENGTH = 37, 0.2  # side stick; beats
NAMES = {"bass": "Bass", "comping": "Comping", "drums": "Drums"}


def band_music(
    band: Band,
    choruses: int = 1,
    settings: BandSettings | None = None,
    count_in: int = 1,
    has_ending: bool = True,
) -> MidiMusic:
    """So many choruses after `count_in` bars, and the last chord after them."""
    metre = band.chart.metre
    start = float(count_in * metre.beats)
    end = choruses * band.form.beats
    seconds = 60.0 / band.chart.tempo
    chosen = settings or BandSettings()
    parts = []
    for name in PARTS:
        notes = with_settings(band.notes(name, 0.0, end), chosen.part(name))
        if has_ending:
            notes += [note.shift(end) for note in with_settings(list(band.ending(name)), chosen.part(name))]
        played = [note.shift(start) for note in notes]
        if name == DRUMS and played:
            played = _count_in(band, start) + played
        if played:
            program = band.programs.get(name)
            parts.append(
                Part(NAMES[name], tuple(_in_seconds(note, seconds) for note in played), CHANNELS[name], program)
            )
    return MidiMusic(tuple(parts), _tempo_map(band, choruses, count_in))


def _in_seconds(note: BandNote, seconds: float) -> Note:
    return Note(note.beat * seconds, note.length * seconds, note.pitch, note.velocity, ANSWER)


def _count_in(band: Band, beats: float) -> list[BandNote]:
    """A stroke on each pulse of the bars before the first."""

    metre = band.chart.metre
    found = []
    for bar in range(round(beats / metre.beats)):
        for pulse in pulses_of(metre):
            found.append(BandNote(bar * metre.beats + pulse.start, COUNT_IN_LENGTH, COUNT_IN_PITCH, 80))
    return found


def _tempo_map(band: Band, choruses: int, count_in: int) -> TempoMap:
    """One tempo; the metres of the bars. MIDI counts quarter notes, the chart its own beats."""
    unit = band.chart.metre.unit
    tempo = round(60e6 / (band.chart.tempo * 4 / unit))
    metres: list[tuple[int, Metre]] = [(0, _metre(band.chart.metre.beats, unit))]
    tick = count_in * band.chart.metre.beats * TICKS_PER_BEAT * 4 // unit
    for _ in range(choruses):
        for bar in band.form.bars:
            metre = _metre(bar.bar.metre.beats, bar.bar.metre.unit)
            if metre != metres[-1][1]:
                metres.append((tick, metre))
            tick += bar.bar.metre.beats * TICKS_PER_BEAT * 4 // bar.bar.metre.unit
    return TempoMap(TICKS_PER_BEAT, ((0, tempo),), tuple(metres))


def _metre(beats: int, unit: int) -> Metre:
    return Metre(beats, unit.bit_length() - 1)
