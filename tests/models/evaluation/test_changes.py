"""Chord tones of answers over a chart: counted right, read from a pack, and a command that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.data import chord_labels, corpus
from models.decoding.engine import Engine
from models.evaluation import changes
from models.music.harmony.chord_symbols import read_chord
from models.music.harmony.chords import TimedChord
from models.music.note_records import Note

from ...support.musicians import small_network

CHART = [TimedChord(0.0, read_chord("F7")), TimedChord(4.0, read_chord("Bb7")), TimedChord(8.0, read_chord("N.C."))]


def pack(folder: Path, roots: list[int], quality: list[int], starts: list[float]) -> Path:
    """A pack of one solo, a note every 0.25 s for 40 s, with these chords."""
    count = 160
    since = np.full(count, 125)
    since[0] = 0
    np.savez(
        folder / "solo.npz",
        dt_lo=since.astype(np.uint8), dt_hi=np.zeros(count, np.uint8),
        dur_lo=np.full(count, 50, np.uint8), dur_hi=np.zeros(count, np.uint8),
        pitch=np.array([60 + i % 12 for i in range(count)], np.uint8), vel=np.array([60 + i % 20 for i in range(count)], np.uint8),
        part=np.ones(count, np.uint8), n_notes=np.array([count]), n_ped=np.array([0]), n_beats=np.array([0]),
        ped_dt=np.zeros(0, np.int32), beat_dt=np.zeros(0, np.int32), beat_pos=np.zeros(0, np.uint8),
    )  # fmt: skip
    ticks = np.diff(np.round(np.array(starts) / 0.002).astype(np.int64), prepend=0)
    np.savez(
        folder / "solo.chords.npz",
        n_chords=np.array([len(roots)]), chord_dt=ticks.astype(np.int32),
        root=np.array(roots, np.uint8), quality=np.array(quality, np.uint8),
    )  # fmt: skip
    source = {
        "file": "solo.npz",
        "chords_file": "solo.chords.npz",
        "defaults": {"human_timing": True},
        "index": [{"id": "one", "split": "test"}],
    }
    manifest = {"onset_tick_s": 0.002, "duration_tick_s": 0.004, "sources": {"wjd": source}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf8")
    return folder


def test_notes_are_measured_against_the_chord_that_sounds() -> None:
    notes = [Note(t, 0.2, p, 64) for t, p in ((1.0, 65), (2.0, 66), (3.95, 62), (5.0, 64), (8.5, 60))]
    found = changes.measure(notes, CHART)
    assert found == {
        "all": [True, False, True, False],  # F, G flat over F7; D just before B flat 7 counts to it, and E does not fit
        "first after a change": [True],
        "guide tones there": [True],
    }
    assert changes.shares([found, found])["all"] == 0.5
    assert changes.shares([])["all"] is None


def test_labels_are_read_and_a_piece_with_an_unknown_chord_is_left_out(tmp_path: Path) -> None:
    labels = chord_labels.read_labels(pack(tmp_path, [5, 10, 12], [2, 2, 0], [0.0, 4.0, 8.0]), "wjd")
    assert labels == {"one": CHART}
    assert chord_labels.read_labels(pack(tmp_path, [5, 255], [2, 0], [0.0, 4.0]), "wjd") == {}
    with pytest.raises(corpus.CorpusError, match="no chords of jazz"):
        chord_labels.read_labels(tmp_path, "jazz")


def test_excerpts_end_where_a_chord_begins_and_are_answered(tmp_path: Path) -> None:
    root = pack(tmp_path, [5, 10, 0, 7], [2, 2, 0, 2], [0.0, 10.0, 20.0, 30.0])
    labels = chord_labels.read_labels(root, "wjd")
    excerpts = changes.draw_excerpts(corpus.read(root, None, ["wjd"]), labels, 3)
    assert len(excerpts) == 3
    for excerpt in excerpts:
        assert excerpt.start in (10.0, 20.0, 30.0)
        assert all(n.onset < excerpt.start for n in excerpt.call)
    engine = Engine(small_network())
    notes = changes.answer(engine, excerpts[0], 1)
    assert notes
    assert all(excerpts[0].start - 0.01 <= n.onset <= excerpts[0].start + changes.SECONDS for n in notes)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert changes.main(["--corpus", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("changes: ")
