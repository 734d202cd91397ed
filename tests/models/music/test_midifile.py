"""MIDI files: what is written is read, and what is broken is one sentence."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.music import midifile
from models.music.midi_parser import DEFAULT_TEMPO
from models.music.midifile import MidiFileError, read_notes, write_notes
from models.music.note_records import Note
from models.music.tempo_map import TICKS_PER_BEAT

TICK = DEFAULT_TEMPO / 1e6 / TICKS_PER_BEAT

lines = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 900), st.integers(0, 127), st.integers(1, 127)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(lines)
def test_notes_come_back_to_a_tick(
    tmp_path_factory: pytest.TempPathFactory, line: list[tuple[int, int, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    notes = [Note(on * TICK, length * TICK, pitch, velocity) for on, length, pitch, velocity in line]
    write_notes(path, {"one": notes})
    kept: dict[tuple[int, int], Note] = {}
    for n in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        kept.setdefault((round(n.onset / TICK), n.pitch), n)
    back = read_notes(path)
    assert [(round(n.onset / TICK), n.pitch, n.velocity) for n in back] == [
        (tick, pitch, n.velocity) for (tick, pitch), n in sorted(kept.items())
    ]
    for n in back:
        again = [k for k in back if k.pitch == n.pitch and k.onset > n.onset]
        wanted = kept[(round(n.onset / TICK), n.pitch)].end
        assert n.end == pytest.approx(min([wanted, *(k.onset for k in again)]), abs=1.5 * TICK)


def test_the_same_notes_are_the_same_bytes(tmp_path: Path) -> None:
    notes = {"call": [Note(0.0, 0.5, 60, 80)], "answer": [Note(1.0, 0.5, 64, 80), Note(1.0, 0.5, 67, 80)]}
    for name in ("a.mid", "b.mid"):
        write_notes(tmp_path / name, notes, channel={"answer": 1})
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    file = mido.MidiFile(tmp_path / "a.mid")
    assert [t.name for t in file.tracks[1:]] == ["call", "answer"]
    assert not list(tmp_path.glob("*.part"))


def made(path: Path, *messages: mido.Message, ticks: int = 480) -> Path:
    file = mido.MidiFile(type=0, ticks_per_beat=ticks)
    file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return path


def test_tempo_pedal_and_drums(tmp_path: Path) -> None:
    m = mido.Message
    path = made(
        tmp_path / "a.mid",
        mido.MetaMessage("set_tempo", tempo=1_000_000),
        m("control_change", control=64, value=127),
        m("note_on", note=60, velocity=70),
        m("note_on", note=36, velocity=70, channel=9),
        m("note_off", note=60, time=240),
        mido.MetaMessage("set_tempo", tempo=500_000),
        m("control_change", control=64, value=0, time=480),
        m("note_on", note=62, velocity=70),
        m("note_on", note=62, velocity=0, time=480),
    )
    assert read_notes(path) == [Note(0.0, 1.0, 60, 70), Note(1.0, 0.5, 62, 70)]


def control(number: int, value: int, time: int = 0) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, time=time)


@pytest.mark.parametrize("mode", [120, 123, 124, 125, 126, 127])
def test_all_notes_off_ends_notes_in_place_of_note_offs(tmp_path: Path, mode: int) -> None:
    notes = [mido.Message("note_on", note=pitch, velocity=80) for pitch in (60, 64)]
    again = mido.Message("note_on", note=67, velocity=80, time=480)
    path = made(tmp_path / "stop.mid", *notes, control(mode, 0, 480), again, control(mode, 0, 240))
    assert [(n.pitch, n.onset, n.duration) for n in read_notes(path)] == [(60, 0, 0.5), (64, 0, 0.5), (67, 1.0, 0.25)]


@pytest.mark.parametrize("pedal", [64, 66, 69])
def test_the_pedals_of_a_file_hold_notes_beyond_all_notes_off_until_a_reset(tmp_path: Path, pedal: int) -> None:
    note = mido.Message("note_on", note=60, velocity=80)
    end = mido.Message("note_on", note=72, velocity=80, time=480)
    path = made(tmp_path / "pedal.mid", note, control(pedal, 127, 240), control(123, 0, 240), control(121, 0, 480), end)
    assert [(n.pitch, n.duration) for n in read_notes(path)] == [(60, 1.0), (72, 0.001)]


def test_every_kind_of_bad_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "text.mid").write_bytes(b"MThd is how they begin")
    (tmp_path / "folder.mid").mkdir()
    made(tmp_path / "none.mid", mido.Message("control_change", control=1, value=1))
    made(tmp_path / "long.mid", mido.Message("note_on", note=60, velocity=60, time=0x0FFFFFFF), ticks=1)
    said = {
        "empty": "is empty",
        "text": "not a readable",
        "folder": "is a folder",
        "none": "holds no notes",
        "long": "longer than",
        "missing": "is not there",
    }
    for name, sentence in said.items():
        with pytest.raises(MidiFileError, match=sentence) as caught:
            read_notes(tmp_path / f"{name}.mid")
        assert "\n" not in str(caught.value)


def test_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midifile, "MAX_BYTES", 10)
    path = made(tmp_path / "a.mid", mido.Message("note_on", note=60, velocity=60))
    with pytest.raises(MidiFileError, match="larger than"):
        read_notes(path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bytes_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    write_notes(folder / "good.mid", {"a": [Note(0.1 * i, 0.1, 60 + i, 70) for i in range(8)]})
    good = bytearray((folder / "good.mid").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "bad.mid"
    path.write_bytes(bytes(good[: data.draw(st.integers(0, len(good)))]))
    try:
        notes = read_notes(path)
    except MidiFileError as error:
        said = str(error)
        assert said
    else:
        assert all(n.duration > 0 for n in notes)
