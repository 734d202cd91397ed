"""Tempo maps: bars of a file are the bars that were kept, and seconds stay what they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.midifile import MidiMusic, Part, read_music, read_notes, write_music
from models.music.note_records import Note
from models.music.tempo_map import TICKS_PER_BEAT, BeatPoint, Metre, TempoMap, from_beats

from ...support.raw_midi import END, TEMPO_120, chunk, header, meta, tune

BEAT = 0.6  # seconds, at 100 beats a minute


def beats_in_file(tempo_map: TempoMap, origin: float, seconds: float) -> float:
    """Where in its bar of the file a moment lies, in beats."""
    since, metre = next(m for m in reversed(tempo_map.metres) if m[0] <= tempo_map.tick_at(seconds - origin) + 2)
    return (tempo_map.tick_at(seconds - origin) - since) / TICKS_PER_BEAT % metre.beats


def test_free_time_has_no_tempo_and_no_metre() -> None:
    assert from_beats([], 12.5) == (TempoMap(), 12.5)
    assert from_beats([BeatPoint(3.0, None)], 12.5) == (TempoMap(), 12.5)
    assert from_beats([BeatPoint(3.0, 0.0), BeatPoint(9.0, None)], 12.5) == (TempoMap(), 12.5)  # it was over before
    assert TempoMap().tick_at(1.0) == 2 * TICKS_PER_BEAT


def test_a_file_begins_at_the_bar_of_its_first_note() -> None:
    tempo_map, origin = from_beats([BeatPoint(10.0, -4.0, 100.0)], 10.0 + 5.5 * BEAT)
    assert origin == pytest.approx(10.0 + 4 * BEAT)
    assert tempo_map == TempoMap(tempos=((0, 600_000),), metres=((0, Metre(4)),))


def test_a_first_note_shortly_before_the_beat_is_in_the_bar_before() -> None:
    tempo_map, origin = from_beats([BeatPoint(10.0, 0.0, 100.0, 3)], 9.0)
    assert origin == pytest.approx(10.0 - 3 * BEAT)
    assert tempo_map == TempoMap(tempos=((0, 600_000),), metres=((0, Metre(3)),))


def test_free_time_before_a_beat_is_whole_bars_without_a_metre() -> None:
    tempo_map, origin = from_beats([BeatPoint(31.0, -4.0, 100.0)], 0.7)
    assert origin == 0.7
    ((since, metre),) = tempo_map.metres
    assert metre == Metre(4)
    assert since % (4 * TICKS_PER_BEAT) == 0
    assert tempo_map.seconds_at(since) == pytest.approx(30.3, abs=1e-3)
    assert [tick for tick, _ in tempo_map.tempos] == [0, since]
    assert tempo_map.tempos[0][1] == pytest.approx(500_000, rel=0.05)  # near 120 beats a minute


def test_a_stop_and_a_new_start_stay_at_bars() -> None:
    points = [
        BeatPoint(0.0, 0.0, 100.0),
        BeatPoint(7.7, None),
        BeatPoint(20.3, 0.0, 90.0),
        BeatPoint(24.3, 6.0, 120.0),
    ]
    tempo_map, origin = from_beats(points, 0.2)
    for time, place in ((0.6, 1), (2.4, 0), (7.2, 0), (20.3, 0), (24.3, 2), (24.8, 3), (25.3, 0), (60.3, 2)):
        assert beats_in_file(tempo_map, origin, time) % 4 == pytest.approx(place, abs=0.01)
    assert tempo_map.tempos[-1][1] == 500_000


def test_a_jump_stays_at_bars() -> None:
    points = [BeatPoint(0.0, 0.0, 120.0), BeatPoint(5.3, 64.0, 120.0), BeatPoint(9.3, 64.0, 60.0)]
    tempo_map, origin = from_beats(points, 0.0)
    for time, place in ((0.5, 1), (4.0, 0), (5.3, 0), (5.8, 1), (7.3, 0), (9.3, 0), (13.3, 0), (14.3, 1)):
        assert beats_in_file(tempo_map, origin, time) == pytest.approx(place, abs=0.01)


@given(
    st.lists(st.tuples(st.floats(0.5, 40.0), st.floats(30.0, 300.0), st.booleans()), min_size=1, max_size=6),
    st.floats(0.0, 60.0),
    st.integers(2, 7),
)
def test_beats_of_any_session_are_beats_of_its_file(
    pieces: list[tuple[float, float, bool]], first: float, beats: int
) -> None:
    """Each piece lasts so many seconds at a tempo; some are followed by a stop of three seconds."""
    points: list[BeatPoint] = []
    checks: list[tuple[float, float]] = []  # seconds and beat
    now = 10.0
    beat = -float(beats)
    for seconds, tempo, stops in pieces:
        points.append(BeatPoint(now, beat, tempo, beats))
        bars = beats * 60.0 / tempo
        checks += [(now + k * 60.0 / tempo, beat + k) for k in range(int(seconds * tempo / 60.0)) if seconds > 2 * bars]
        now += seconds
        beat += seconds * tempo / 60.0
        if stops:
            points.append(BeatPoint(now, None))
            now += 3.0
            beat = 0.0
    tempo_map, origin = from_beats(points, first)
    starts = [tempo_map.seconds_at(tick) for tick, _ in tempo_map.tempos]
    assert starts == sorted(set(starts))
    for time in (first, first + 1.234, max(first, now)):
        tick = tempo_map.tick_at(time - origin)
        longest = max((tempo for _, tempo in tempo_map.tempos), default=500_000) / 1e6 / TICKS_PER_BEAT
        assert tempo_map.seconds_at(tick) == pytest.approx(time - origin, abs=longest)
    for time, wanted in checks:
        if time >= first and any(tick <= tempo_map.tick_at(time - origin) for tick, _ in tempo_map.metres):
            place = beats_in_file(tempo_map, origin, time)
            assert min((place - wanted) % beats, (wanted - place) % beats) < 0.05, (time, wanted, tempo_map)


def test_tempo_metre_names_channels_and_programs_come_back(tmp_path: Path) -> None:
    notes = (Note(0.0, 0.5, 60, 80), Note(0.7, 0.5, 64, 81))
    parts = (
        Part("Rhodes", notes, channel=5, program=4, bank=2 << 7 | 3),
        Part("歌".encode("shift-jis").decode("latin-1"), notes, channel=9),
    )
    music = MidiMusic(parts, TempoMap(960, ((0, 666_667), (3840, 500_000)), ((0, Metre(3)), (2880, Metre(6, 3)))))
    write_music(tmp_path / "a.mid", music)
    back = read_music(tmp_path / "a.mid")
    assert back.tempo_map == music.tempo_map
    for part, wanted in zip(back.parts, parts, strict=True):
        assert (part.name, part.channel, part.program, part.bank) == (
            wanted.name,
            wanted.channel,
            wanted.program,
            wanted.bank,
        )
        assert [(n.pitch, n.velocity) for n in part.notes] == [(60, 80), (64, 81)]
        assert [n.onset for n in part.notes] == pytest.approx([0.0, 0.7], abs=1e-3)
    assert len(read_notes(tmp_path / "a.mid")) == 2  # without the drums


def test_a_coarse_map_is_made_finer() -> None:
    coarse = TempoMap(1, ((0, 600_000), (8, 500_000)), ((0, Metre(3)),))
    fine = coarse.refine()
    assert fine == TempoMap(480, ((0, 600_000), (3840, 500_000)), ((0, Metre(3)),))
    assert fine.tick_at(0.35) == 280
    assert TempoMap(960).refine() == TempoMap(960)


def test_a_part_sounds_as_set_before_its_first_note(tmp_path: Path) -> None:
    body = b"\0\xb0\0\x01\0\xb0\x20\x02\0\xc0\x05" + tune(60, 62) + b"\0\xc0\x07" + tune(64) + END
    (tmp_path / "a.mid").write_bytes(header() + chunk(meta(0x51, TEMPO_120) + body))
    (part,) = read_music(tmp_path / "a.mid").parts
    assert (part.program, part.bank, len(part.notes)) == (5, 130, 3)


def test_a_file_by_film_frames_has_no_beats(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(header(0, 1, 0xE728) + chunk(meta(0x51, TEMPO_120) + tune(60) + END))
    assert read_music(tmp_path / "a.mid").tempo_map == TempoMap()
