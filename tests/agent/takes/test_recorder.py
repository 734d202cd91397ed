"""A take keeps everything, also when it was cut off, and never stops the music."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.errors import UserError
from agent.midi.messages import Event
from agent.takes import library, recorder
from agent.takes.recorder import AGENT, JSONL, MIDI, PLAYER, Take, repair, rows, take_notes, write_take_midi
from models.music.midifile import read_notes

from ...system.rigs.jack import ROOT, wait_for


def a_take(folder: Path, *, closed: bool = True) -> Take:
    take = Take(folder, preset="plain", seed=3)
    for i in range(30):
        take.record_input(Event(10.0 + i, bytes((0x90, 60, 80))), "in")
        take.record_input(Event(10.4 + i, bytes((0x80, 60, 0))), "in")
        take.record_output(10.5 + i, 10.5001 + i, bytes((0x90, 72, 70)))
        take.record_output(10.9 + i, 10.9001 + i, bytes((0x80, 72, 0)))
    take.record_line(50.0, "Grüße")
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
    wait_for(lambda: len(list(rows(tmp_path / JSONL))) == 122, 5, "the take's own thread")
    with (tmp_path / JSONL).open("ab") as file:
        file.write(b'{"t": 99, "in": "i\xff')
    assert not (tmp_path / MIDI).exists()
    write_take_midi(tmp_path)
    assert len(read_notes(tmp_path / MIDI)) >= 50
    take.close()


def test_an_open_note_is_closed_in_the_file(tmp_path: Path) -> None:
    take = Take(tmp_path)
    take.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
    take.record_input(Event(2.0, bytes((0xB0, 64, 127))), "in")
    take.close()
    assert read_notes(tmp_path / MIDI)[0].duration == pytest.approx(1.5, abs=0.01)


def test_a_silent_take_leaves_no_midi_file(tmp_path: Path) -> None:
    Take(tmp_path / "a" / "b").close()
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == [JSONL]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="name another folder"):
        Take(tmp_path / "file" / "take")


def test_a_full_disk_does_not_stop_the_music_and_loses_nothing_if_room_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [300]
    write_some = recorder.write_some

    def full(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        some = data[: room[0]]  # as a disk does: half a line, and then none
        room[0] -= len(some)
        return write_some(file, some)

    monkeypatch.setattr(recorder, "write_some", full)
    monkeypatch.setattr(recorder, "WRITE", 0.01)
    said: list[str] = []
    take = a_take(tmp_path, closed=False)
    take.report_error = said.append
    wait_for(lambda: take.full, 5, "a full disk")
    take.record_input(Event(60.0, bytes((0x90, 60, 80))), "in")
    time.sleep(0.05)
    assert said == ["The take cannot be written just now (No space left on device); make room, and play on."]
    room[0] = 1 << 20
    take.close()
    assert not take.full
    assert len(list(rows(tmp_path / JSONL))) == 123
    assert len(read_notes(tmp_path / MIDI)) == 61


def test_a_disk_that_is_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(recorder, "write_some", lambda file, data: os.write(full, data))
    said: list[str] = []
    take = Take(tmp_path, report_error=said.append)
    take.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
    wait_for(lambda: said, 5, "a word about it")
    take.close()
    os.close(full)
    assert take.full
    assert len(said) == 1


def test_a_take_has_an_end_and_so_has_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_BYTES", 4000)
    monkeypatch.setattr(recorder, "WRITE", 0.01)
    said: list[str] = []
    take = Take(tmp_path, report_error=said.append)
    for _ in range(100):
        take.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
    wait_for(lambda: said, 5, "the bound")
    for _ in range(100):
        take.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
    take.close()
    assert (tmp_path / JSONL).stat().st_size < 8000
    monkeypatch.setattr(recorder, "MOST_WAITING", 500)
    monkeypatch.setattr(recorder, "WRITE", 60.0)
    waiting = Take(tmp_path / "b")
    for _ in range(100):
        waiting.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
    assert len(waiting._waiting) <= 500
    waiting.close()


KEEPS = """
import sys, time
from pathlib import Path
from agent.midi.ports import Event
from agent.takes.recorder import Take
take = Take(Path(sys.argv[1]))
for i in range(100_000):
    take.record_input(Event(time.time(), bytes((0x90 if i % 2 == 0 else 0x80, 60, 80))), "in")
    take.record_row(time.time(), {"number": i})
    print(i, flush=True)
    time.sleep(0.002)
"""


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.7, 1.1, 1.6])
def test_killed_at_any_moment_all_but_the_last_second_is_kept(tmp_path: Path, seconds: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", KEEPS, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    killed = time.time()
    process.communicate()
    kept = [row["t"] for row in rows(tmp_path / JSONL) if "in" in row]
    lost = killed - max(kept, default=killed - seconds)
    assert lost < 1.0
    numbers = [row["number"] for row in rows(tmp_path / JSONL) if "number" in row]
    assert numbers == list(range(len(numbers)))  # nothing before it is missing
    assert repair(tmp_path) == (len(kept) >= 1)
    if kept:
        assert len(read_notes(tmp_path / MIDI)) == (len(kept) + 1) // 2
    assert not repair(tmp_path)


def test_a_shelf_is_mended_at_the_next_look(tmp_path: Path) -> None:
    names = ["2026-01-01_10-00-00", "2026-01-02_10-00-00", "2026-01-03_10-00-00"]
    for name in names:
        a_take(tmp_path / name)
    (tmp_path / names[0] / MIDI).unlink()
    os.utime(tmp_path / names[1] / JSONL, (2e9, 2e9))  # it went on after its .mid was made
    assert library.repair_all(tmp_path) == [names[1], names[0]]
    assert (tmp_path / names[0] / MIDI).is_file()
    (tmp_path / names[1] / JSONL).write_text("not a take")
    assert library.repair_all(tmp_path) in ([], [names[1]])


@pytest.mark.parametrize(
    ("channel", "bent", "pitches"), [(None, False, [60, 62]), (9, False, [38, 60, 62]), (None, True, [38, 60, 62])]
)
def test_drums_are_no_notes_of_the_players_unless_they_were_asked_for(
    tmp_path: Path, channel: int | None, bent: bool, pitches: list[int]
) -> None:
    take = Take(tmp_path, setting={"zone": {"channel": channel}})
    if bent:
        take.record_input(Event(0.5, bytes((0xE9, 5, 70))), "pads")
    for when, message in (
        (1.0, b"\x90\x3c\x50"),
        (1.1, b"\x99\x26\x50"),
        (1.2, b"\x89\x26\x00"),
        (1.3, b"\x90\x3e\x50"),
    ):
        take.record_input(Event(when, message), "pads")
    take.close()
    assert sorted(n.pitch for n in take_notes(tmp_path / JSONL)[PLAYER]) == pitches
    assert [row["bytes"] for row in rows(tmp_path / JSONL) if "in" in row].count(
        "99 26 50"
    ) == 1  # the take has them all
