"""MIDI files as they are found: whatever has readable notes is read, and nothing else of them matters."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.midi_parser import parse
from models.music.midifile import MidiFileError, read_music, read_notes

from ...support.raw_midi import END, TEMPO_120, chunk, event, header, meta, number, tune

PITCHES = (60, 62, 64, 65)
NOTES = tune(*PITCHES)
TRACK = chunk(NOTES + END)
TEMPO = meta(0x51, TEMPO_120)
PLAIN = header() + TRACK
RIFF = b"RIFF" + struct.pack("<I", len(PLAIN) + 12) + b"RMIDdata" + struct.pack("<I", len(PLAIN)) + PLAIN
HIGHER = chunk(tune(72, 74) + END)

#: Files that programs write, all with the same four notes, half a second each, from 0 s on.
ODD = {
    "in RIFF": RIFF,
    "in RIFF, with a list after it": RIFF + b"\0LIST\4\0\0\0INFO",
    "in MacBinary": b"\0\x08song.mid" + b"\0" * 118 + PLAIN,
    "after a byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "with more tracks declared": header(1, 5) + chunk(TEMPO + END) + TRACK,
    "with fewer tracks declared": header(1, 1) + chunk(TEMPO + END) + TRACK,
    "with no track declared": header(1, 0) + TRACK,
    "with a vendor's chunk between": header(1, 2) + chunk(TEMPO + END) + chunk(b"xf info", b"XFIH") + TRACK,
    "with a vendor's chunk of a wrong length": header(1, 2) + chunk(b"xf info", b"XFIH", 900) + TRACK,
    "with a vendor's chunk after": PLAIN + chunk(b"xf info", b"XFKM"),
    "with an empty track": header(1, 3) + chunk(b"") + TRACK + chunk(b""),
    "with a longer header": header(0, 1, 480, b"\0\0") + TRACK,
    "with a header of no length": header()[:4] + b"\0\0\0\0" + header()[8:] + TRACK,
    "with a track that says it is longer": header() + chunk(NOTES + END, length=5000),
    "with a track that says it is shorter": header(1, 2) + chunk(TEMPO + END) + chunk(NOTES + END, length=20),
    "with two tracks that say they are longer": header(1, 2)
    + chunk(TEMPO + END, length=9999)
    + chunk(NOTES + END, length=9999),
    "with tracks without a length": header(1, 2) + chunk(TEMPO + END, length=0) + chunk(NOTES + END, length=0),
    "without an end": header() + chunk(NOTES),
    "with zeros after the end": header() + chunk(NOTES + END + b"\0" * 40),
    "with junk after the file": PLAIN + b"\0" * 77 + b"junk after the end",
    "of format 2 with one track": header(2, 1) + TRACK,
    "of a format that is none": header(7, 1) + TRACK,
    "with eight sharps": header() + chunk(meta(0x59, b"\x08\x00") + NOTES + END),
    "with a mode that is none": header() + chunk(meta(0x59, b"\xfe\xff") + NOTES + END),
    "with an empty key": header() + chunk(meta(0x59) + NOTES + END),
    "with empty ports": header() + chunk(meta(0x21) + meta(0x20) + NOTES + END),
    "with a short metre": header() + chunk(meta(0x58, b"\x04") + NOTES + END),
    "with a metre of no beats": header() + chunk(meta(0x58, b"\0\x02\x18\x08") + NOTES + END),
    "with a short tempo": header() + chunk(meta(0x51, b"\x07\xa1") + NOTES + END),
    "with a tempo of nothing": header() + chunk(meta(0x51, b"\0\0\0") + NOTES + END),
    "with a wild film offset": header() + chunk(meta(0x54, b"\xff" * 5) + NOTES + END),
    "with a short film offset": header() + chunk(meta(0x54, b"\x60") + NOTES + END),
    "with metas of no meaning": header() + chunk(meta(0x7E, b"?" * 300) + meta(0x0F) + NOTES + END),
    "with a name in Shift-JIS": header() + chunk(meta(0x03, "歌".encode("shift-jis")) + NOTES + END),
    "with system messages": header() + chunk(b"\0\xf4\0\xf8\0\xf3\x05\0\xf2\x01\x02\0\xfe" + NOTES + END),
    "with a message in pieces": header() + chunk(b"\0\xf0\x03\x43\x12\0\0\xf7\x02\x43\xf7" + NOTES + END),
    "with pressure and bends": header() + chunk(b"\0\xd0\x40\0\xa0\x3c\x40\0\xe0\0\0" + NOTES + END),
    "with statuses left out": header()
    + chunk(
        b"\0\x90\x3c\x50"
        + meta(1, b"la", 240)
        + b"\x81\x70\x3c\0"
        + b"".join(b"\0%c\x50\x83\x60%c\0" % (p, p) for p in PITCHES[1:])
    ),
    "with a broken end": header() + chunk(NOTES + b"\0\xff\x7f\x85\x80\x80\x80\x80"),
    "with a text that does not fit": header() + chunk(NOTES + b"\0\xff\x01\x90\x00la"),
    "torn in a note": header() + chunk(NOTES + b"\0\x90\x3c", length=900),
    "by film frames": header(0, 1, 0xE728) + chunk(tune(*PITCHES, step=500) + END),
    "by film frames, a tempo besides": header(0, 1, 0xE728) + chunk(TEMPO + tune(*PITCHES, step=500) + END),
    "ended by all notes off": header()
    + chunk(b"".join(event(0, 0x90, p, 80) + event(480, 0xB0, 123, 0) for p in PITCHES) + END),
    "ended by all sound off": header()
    + chunk(
        event(0, 0xB0, 64, 127) + b"".join(event(0, 0x90, p, 80) + event(480, 0xB0, 120, 0) for p in PITCHES) + END
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_has_readable_notes_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "odd.mid").write_bytes(ODD[name])
    notes = read_notes(tmp_path / "odd.mid")
    assert [n.pitch for n in notes] == list(PITCHES)
    assert [n.onset for n in notes] == pytest.approx([0.5 * i for i in range(4)], abs=1e-3)
    assert [n.duration for n in notes] == pytest.approx([0.5] * 4, abs=1e-3)
    assert [p.channel for p in read_music(tmp_path / "odd.mid").parts] == [0]


def test_the_songs_of_one_file_come_one_after_another(tmp_path: Path) -> None:
    slow = chunk(meta(0x51, b"\x0f\x42\x40") + tune(72, 74) + END)
    (tmp_path / "a.mid").write_bytes(header(2, 2) + slow + TRACK)
    notes = read_notes(tmp_path / "a.mid")
    assert [n.pitch for n in notes] == [72, 74, *PITCHES]
    assert [n.onset for n in notes] == pytest.approx([0.0, 1.0, 2.0, 2.5, 3.0, 3.5])


def test_a_torn_second_track_costs_its_own_end_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes((header(1, 2) + TRACK + HIGHER)[:-14])
    assert sorted(n.pitch for n in read_notes(tmp_path / "a.mid")) == [*PITCHES, 72]


def test_the_pedal_holds_what_all_notes_off_lets_go(tmp_path: Path) -> None:
    body = event(0, 0xB0, 64, 127) + event(0, 0x90, 60, 80) + event(480, 0xB0, 123, 0) + event(480, 0xB0, 64, 0)
    (tmp_path / "a.mid").write_bytes(header() + chunk(body + tune(62) + END))
    assert [n.duration for n in read_notes(tmp_path / "a.mid")] == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("data", [b"MThd is how they begin", header(), header() + b"MTrx", header(0, 1, 0) + TRACK])
def test_what_has_no_readable_notes_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(MidiFileError, match=r"a\.mid is not a readable MIDI file"):
        read_notes(tmp_path / "a.mid")


def test_reading_ends_soon_after_too_many_events() -> None:
    contents = parse(header(1, 3) + TRACK * 3, most_events=10)
    assert contents is not None
    assert 10 < sum(map(len, contents.tracks)) <= 11


@given(st.integers(0, len(PLAIN)))
def test_a_file_cut_off_anywhere_has_the_notes_before(size: int) -> None:
    contents = parse(PLAIN[:size], most_events=1000)
    found = [] if contents is None else [e.data[0] for e in contents.tracks[0] if e.status == 0x90]
    assert found == list(PITCHES[: len(found)])
    if size > len(PLAIN) - len(END):
        assert found == list(PITCHES)


@given(st.integers(0, 0x0FFFFFFF))
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    contents = parse(header() + chunk(number(value) + b"\x90\x3c\x50" + END), most_events=10)
    assert contents is not None
    assert contents.tracks[0][0].tick == value
