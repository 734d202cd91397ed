"""Each take has a folder of its own, nothing in it is ever overwritten, and who still plays has not ended."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from agent.errors import UserError
from agent.midi.messages import Event
from agent.takes import library, take_folder_lock
from agent.takes.recorder import JSONL, MIDI, Take, repair
from agent.takes.take_folder_lock import MOST_NAMES, claim, is_recording

from ...system.rigs.jack import ROOT, wait_for

NAME = "2026-01-02_03-04-05"


def play(take: Take, pitch: int = 60) -> None:
    take.record_input(Event(1.0, bytes((0x90, pitch, 80))), "in")
    take.record_input(Event(2.0, bytes((0x80, pitch, 0))), "in")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_take_is_never_overwritten(tmp_path: Path) -> None:
    kept = []
    for number in range(3):
        take = Take(tmp_path / "first-jam")
        play(take, 60 + number)
        take.close()
        kept.append((take.folder, contents(take.folder)))
    assert [folder.name for folder, _ in kept] == ["first-jam", "first-jam-2", "first-jam-3"]
    assert [contents(folder) for folder, _ in kept] == [files for _, files in kept]
    assert len({files[MIDI] for _, files in kept}) == 3


@pytest.mark.parametrize("name", ["take.mid", "take.png", "take.txt", "take.jsonl"])
def test_one_file_of_a_take_is_enough(tmp_path: Path, name: str) -> None:
    (tmp_path / "jam").mkdir()
    (tmp_path / "jam" / name).write_text("mine")
    take = Take(tmp_path / "jam")
    take.close()
    assert take.folder.name == "jam-2"
    assert contents(tmp_path / "jam") == {name: b"mine"}


def test_a_folder_of_other_files_is_used(tmp_path: Path) -> None:
    (tmp_path / "song.als").write_text("mine")
    take = Take(tmp_path)
    take.close()
    assert take.folder == tmp_path
    assert (tmp_path / "song.als").read_text() == "mine"


def test_the_present_folder_has_neighbours_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder in (tmp_path / "here", tmp_path / "here-2", tmp_path / "here-3"):
        take = Take(Path("."))
        take.close()
        assert take.folder.resolve() == folder


def test_a_link_to_a_take_is_a_take(tmp_path: Path) -> None:
    Take(tmp_path / "a").close()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    take = Take(tmp_path / "link")
    take.close()
    assert take.folder == tmp_path / "a-2"


def test_sessions_of_one_second_have_a_folder_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        takes = list(pool.map(lambda _: Take(tmp_path / NAME), range(16)))
    for number, take in enumerate(takes):
        play(take, 40 + number)
    for take in takes:
        take.close()
    assert len({take.folder for take in takes}) == 16
    assert len(library.list_takes(tmp_path)) == 16
    assert {summary.played for summary in map(library.summarize, library.list_takes(tmp_path))} == {1}


def test_too_many_takes_of_one_name_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_folder_lock, "MOST_NAMES", 2)
    assert MOST_NAMES >= 100
    for _ in range(2):
        Take(tmp_path / "jam").close()
    with pytest.raises(UserError, match="it holds too many takes"):
        Take(tmp_path / "jam")


def test_who_still_plays_has_not_ended(tmp_path: Path) -> None:
    take = Take(tmp_path / NAME)
    play(take)
    wait_for(lambda: len((tmp_path / NAME / JSONL).read_bytes()) > 150, 5, "the take on the disk")
    assert is_recording(take.folder)
    assert library.repair_all(tmp_path) == []
    assert library.without_picture(tmp_path) == []
    assert not (take.folder / MIDI).exists()
    with pytest.raises(UserError, match="is being played just now"):
        library.delete(tmp_path, NAME)
    Take(tmp_path / "2027-01-02_03-04-05").close()
    assert library.prune(tmp_path, datetime(2030, 1, 1), most=1) == 0
    take.close()
    assert not is_recording(take.folder)
    assert library.repair_all(tmp_path) == []  # it has its .mid
    assert library.without_picture(tmp_path) == [tmp_path / "2027-01-02_03-04-05", take.folder]
    assert library.prune(tmp_path, datetime(2030, 1, 1), most=1) == 1


def test_a_take_is_not_over_before_its_midi_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("agent.takes.recorder.write_take_midi", lambda folder: seen.append(is_recording(folder)))
    take = Take(tmp_path)
    play(take)
    take.close()
    assert seen == [True]


RECORDS = """
import sys, time
from pathlib import Path
from agent.midi.messages import Event
from agent.takes.recorder import Take
take = Take(Path(sys.argv[1]))
take.record_input(Event(1.0, bytes((0x90, 60, 80))), "in")
time.sleep(0.5)
print("plays", flush=True)
time.sleep(60)
"""


def test_a_session_of_another_process_plays_until_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", RECORDS, str(tmp_path / NAME)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    assert is_recording(tmp_path / NAME)
    assert not repair(tmp_path / NAME)
    process.kill()
    process.communicate()
    assert not is_recording(tmp_path / NAME)
    assert library.repair_all(tmp_path) == [NAME]


def test_a_file_system_without_locks_records_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int, *, waits: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(take_folder_lock, "_lock", refuse)
    folder, file = claim(tmp_path / "jam")
    os.close(file)
    assert folder == tmp_path / "jam"
    assert not is_recording(folder)
    assert not is_recording(tmp_path / "nothing")
