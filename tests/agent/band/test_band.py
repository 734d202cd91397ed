"""The band is judged by rules: it keeps to the chart, moves by steps, stays in its range, and any bar can be made at any time."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.band.band import CHANNELS, PARTS, Band, PartSettings, with_settings
from agent.band.band_notes import BASS, COMPING, DRUMS, BandNote, pulses_of, swing_of, swung
from agent.band.bass_anchors import HIGHEST, LOWEST
from agent.band.bass_patterns import POP_HIGHEST
from agent.band.voicings import HIGHEST as TOP
from agent.band.voicings import LOWEST as BOTTOM
from agent.band.voicings import movement
from agent.charts.chart import Chart, ChartError, Metre
from agent.charts.chart_library import chart_files, load_chart
from agent.charts.formats.text_form import read_text
from models.music.harmony.chords import Chord

from ...support.made_charts import charts

NAMES = sorted(chart_files())
WALKS = ("blues-in-f", "blues-in-b-flat", "minor-blues", "rhythm-changes", "two-five-one", "modal-vamp", "jazz-waltz")
CHORUSES = 3
KIT = {36, 37, 38, 42, 44, 46, 45, 47, 49, 50, 51}


def band(name: str, seed: int = 1) -> Band:
    return Band(load_chart(name), seed)


def tones(chord: Chord) -> set[int]:
    """What may sound over a chord: its tones, its tensions, and its bass."""
    return {*chord.tones, *chord.tensions, *([chord.lowest] if chord.lowest is not None else [])}


def notes_of(one: Band, part: str) -> list[BandNote]:
    return one.notes(part, 0.0, CHORUSES * one.form.beats)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", PARTS)
def test_any_bar_can_be_made_at_any_time(name: str, part: str) -> None:
    one = band(name)
    whole = notes_of(one, part)
    other = band(name)
    edges = [CHORUSES * one.form.beats * share for share in (0.0, 0.13, 0.5, 0.77, 1.0)]
    pieces = [other.notes(part, start, end) for start, end in reversed(list(pairwise(edges)))]
    assert [note for piece in reversed(pieces) for note in piece] == whole
    assert all(one.bar(part, 7, n) == other.bar(part, 7, n) for n in reversed(range(len(one.form.bars))))
    assert notes_of(band(name, seed=2), part) != whole


@pytest.mark.parametrize("name", NAMES)
def test_the_bass_plays_the_bass_of_each_change_on_its_beat(name: str) -> None:
    one = band(name)
    played = {round(note.beat, 6): note.pitch for note in notes_of(one, BASS)}
    for chorus in range(CHORUSES):
        for change in one.form.changes:
            beat = round(chorus * one.form.beats + change.start, 6)
            assert played[beat] % 12 == change.chord.lowest, (beat, change)


@pytest.mark.parametrize("name", NAMES)
def test_the_bass_stays_in_its_range_and_never_leaps_far(name: str) -> None:
    notes = notes_of(band(name), BASS)
    assert all(LOWEST <= note.pitch <= max(HIGHEST, POP_HIGHEST) for note in notes)
    assert max(abs(b.pitch - a.pitch) for a, b in pairwise(notes)) <= 14
    assert all(a.beat + a.length <= b.beat + 1e-9 for a, b in pairwise(notes))


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_moves_by_steps_and_keeps_to_the_chart(name: str) -> None:
    one = band(name)
    pulses = pulses_of(one.chart.metre)
    line = [note for note in notes_of(one, BASS) if note.beat % one.chart.metre.beats in {p.start for p in pulses}]
    assert len(line) == CHORUSES * len(one.form.bars) * len(pulses)
    steps = [abs(b.pitch - a.pitch) for a, b in pairwise(line)]
    assert sum(step <= 2 for step in steps) / len(steps) >= 0.5
    assert sum(step == 0 for step in steps) / len(steps) <= 0.02
    assert max(steps) <= 12
    for note, after in pairwise(line):
        chord = one.form.chord_at(note.beat)
        place = note.beat % one.chart.metre.beats
        is_approach = one.form.chord_at(after.beat) != chord or after.beat % one.chart.metre.beats == 0
        if place % 2 == 0 and not is_approach:
            assert note.pitch % 12 in {*chord.tones, chord.lowest}, (note, chord)
        elif not is_approach:
            assert note.pitch % 12 in tones(chord), (note, chord)
        else:
            assert abs(after.pitch - note.pitch) in (1, 2, 5, 7) or note.pitch % 12 in tones(chord), (note, chord)


@pytest.mark.parametrize("name", NAMES)
def test_comping_never_clashes_with_the_chart(name: str) -> None:
    one = band(name)
    pulse = pulses_of(one.chart.metre)[0].length
    for note in notes_of(one, COMPING):
        chord = one.form.chord_at(note.beat)
        change = one.form.next_change(note.beat)
        if note.pitch % 12 not in tones(chord) or note.beat + note.length > change.start + 1e-6:
            assert change.start - note.beat <= 0.5 * pulse + 1e-6  # it is ahead of the chord to come
            assert note.pitch % 12 in tones(change.chord)
            assert note.beat + note.length <= one.form.next_change(change.start).start
        assert BOTTOM <= note.pitch <= TOP


@pytest.mark.parametrize("name", NAMES)
def test_every_change_is_heard_in_the_comping(name: str) -> None:
    one = band(name)
    pulse = pulses_of(one.chart.metre)[0].length
    beats = sorted({note.beat for note in notes_of(one, COMPING)})
    for change in one.form.changes:
        end = one.form.next_change(change.start).start
        assert any(change.start - 0.5 * pulse - 1e-6 <= beat < end for beat in beats), change


@pytest.mark.parametrize("name", NAMES)
def test_voices_are_led(name: str) -> None:
    one = band(name)
    strokes: dict[float, list[int]] = {}
    for note in notes_of(one, COMPING):
        strokes.setdefault(note.beat, []).append(note.pitch)
    voicings = [tuple(sorted(pitches)) for _, pitches in sorted(strokes.items())]
    moves = [movement(a, b) for a, b in pairwise(voicings) if a != b]
    assert statistics.mean(moves) <= 2.0
    assert max(moves) <= 5.0
    assert all(3 <= len(voicing) <= 4 and len(set(voicing)) == len(voicing) for voicing in voicings)


@pytest.mark.parametrize("name", ["blues-in-f", "rhythm-changes", "two-five-one", "ballad"])
def test_jazz_voicings_have_the_guide_tones_and_mostly_no_root(name: str) -> None:
    one = band(name)
    roots = 0
    for change in one.form.changes:
        classes = {pitch % 12 for pitch in one._voicings[change.start]}
        assert set(change.chord.guide_tones) <= classes, change
        roots += change.chord.root in classes
    assert roots / len(one.form.changes) <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_drums_keep_time_on_a_general_midi_kit(name: str) -> None:
    one = band(name)
    notes = notes_of(one, DRUMS)
    assert {note.pitch for note in notes} <= KIT
    struck = {round(note.beat, 6) for note in notes}
    for chorus in range(CHORUSES):
        for bar in one.form.bars:
            for pulse in pulses_of(bar.bar.metre):
                assert round(chorus * one.form.beats + bar.start + pulse.start, 6) in struck


@settings(max_examples=60, deadline=None)
@given(charts(), st.integers(0, 99), st.integers(0, 20))
def test_any_chart_can_be_played(chart: Chart, seed: int, chorus: int) -> None:
    try:
        one = Band(chart, seed)
    except ChartError:
        return
    for part in PARTS:
        for number, bar in enumerate(one.form.bars[:12]):
            for note in one.bar(part, chorus, number):
                assert -1e-6 <= note.beat < bar.bar.metre.beats
                assert note.length > 0
                assert note.beat + note.length < bar.bar.metre.beats + one.form.beats
                assert 0 < note.pitch < 128
                assert 0 < note.velocity < 128


def test_no_chord_no_notes_but_drums() -> None:
    one = Band(read_text("| N.C. | C7 |"))
    assert one.bar(BASS, 0, 0) == one.bar(COMPING, 0, 0) == ()
    assert one.bar(DRUMS, 0, 0)
    assert one.bar(BASS, 0, 1)


@pytest.mark.parametrize(
    ("metre", "starts"),
    [
        ((4, 4), [0, 1, 2, 3]),
        ((6, 8), [0, 3]),
        ((7, 8), [0, 2, 4]),
        ((12, 8), [0, 3, 6, 9]),
        ((5, 4), [0, 1, 2, 3, 4]),
        ((2, 2), [0, 1]),
        ((1, 8), [0]),
    ],
)
def test_pulses(metre: tuple[int, int], starts: list[float]) -> None:
    pulses = pulses_of(Metre(*metre))
    assert [pulse.start for pulse in pulses] == starts
    assert pulses[-1].start + pulses[-1].length == metre[0]


def test_swing_is_softer_when_it_is_fast() -> None:
    slow, fast = (swing_of(read_text(f"tempo: {tempo}\nfeel: swing\n| C |")) for tempo in (100, 300))
    assert slow == pytest.approx(2 / 3)
    assert 0.54 <= fast < 0.58
    assert swing_of(read_text("feel: bossa\n| C |")) == 0.5
    assert [swung(share, 2 / 3) for share in (0.0, 0.25, 0.5)] == pytest.approx([0, 1 / 3, 2 / 3])


def test_a_part_can_be_muted_turned_down_and_soft() -> None:
    notes = [BandNote(0.0, 1.0, 60, 100)]
    assert with_settings(notes, PartSettings(is_on=False)) == []
    assert with_settings(notes, PartSettings(volume=0.5))[0].velocity == 50
    assert with_settings(notes, PartSettings(), is_soft=True)[0].velocity == 72
    assert with_settings(notes, PartSettings(volume=2.0))[0].velocity == 127


def test_each_part_has_a_channel_of_its_own() -> None:
    assert len(set(CHANNELS.values())) == len(PARTS)
    assert CHANNELS[DRUMS] == 9
    assert 0 not in CHANNELS.values()


def test_the_ending_is_the_first_chord_held() -> None:
    one = band("blues-in-f")
    assert {note.pitch % 12 for note in one.ending(COMPING)} <= tones(one.form.changes[0].chord)
    assert [note.pitch % 12 for note in one.ending(BASS)] == [5]
    assert one.ending(DRUMS)
