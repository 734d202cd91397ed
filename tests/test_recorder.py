"""A take keeps everything, also when it was cut off, and never stops the music."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserError
from agent.ports import Event
from agent.recorder import AGENT, JSONL, MIDI, PLAYER, Take, rows, take_notes, write_take_midi
from models.midifile import read_notes


def a_take(folder: Path, *, closed: bool = True) -> Take:
    take = Take(folder, preset="plain", seed=3)
    for i in range(30):
        take.heard(Event(10.0 + i, bytes((0x90, 60, 80))), "in")
        take.heard(Event(10.4 + i, bytes((0x80, 60, 0))), "in")
        take.played(10.5 + i, 10.5001 + i, bytes((0x90, 72, 70)))
        take.played(10.9 + i, 10.9001 + i, bytes((0x80, 72, 0)))
    take.said(50.0, "Grüße")
    if closed:
        take.close()
        take.close()
    return take


def test_all_of_it_is_kept(tmp_path: Path) -> None:
    a_take(tmp_path)
    kept = list(rows(tmp_path / JSONL))
    assert kept[0]["format"] == "tradefours-take/1"
    assert (kept[0]["preset"], kept[0]["seed"]) == ("plain", 3)
    assert kept[1] == {"t": 10.0, "in": "in", "bytes": "90 3c 50"}
    assert kept[3] == {"t": 10.5, "at": 10.5001, "out": "90 48 46"}
    assert kept[-1]["say"] == "Grüße"
    notes = take_notes(tmp_path / JSONL)
    assert len(notes[PLAYER]) == len(notes[AGENT]) == 30
    assert notes[PLAYER][0].duration == pytest.approx(0.4)
    assert len(read_notes(tmp_path / MIDI)) == 60


def test_a_take_that_was_cut_off_still_gives_a_midi_file(tmp_path: Path) -> None:
    take = a_take(tmp_path, closed=False)
    with (tmp_path / JSONL).open("ab") as file:
        file.write(b'{"t": 99, "in": "i\xff')
    assert not (tmp_path / MIDI).exists()
    write_take_midi(tmp_path)
    assert len(read_notes(tmp_path / MIDI)) >= 50
    take.close()


def test_an_open_note_is_closed_in_the_file(tmp_path: Path) -> None:
    take = Take(tmp_path)
    take.heard(Event(1.0, bytes((0x90, 60, 80))), "in")
    take.heard(Event(2.0, bytes((0xB0, 64, 127))), "in")
    take.close()
    assert read_notes(tmp_path / MIDI)[0].duration == pytest.approx(1.5, abs=0.01)


def test_a_silent_take_leaves_no_midi_file(tmp_path: Path) -> None:
    Take(tmp_path / "a" / "b").close()
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == [JSONL]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="name another folder"):
        Take(tmp_path / "file" / "take")


def test_a_full_disk_does_not_stop_the_music(tmp_path: Path) -> None:
    take = Take(tmp_path)

    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    assert take._file is not None
    take._file.close()
    take._file = Full()  # type: ignore[assignment]
    take.heard(Event(1.0, bytes((0x90, 60, 80))), "in")
    take.close()
    assert take.full
