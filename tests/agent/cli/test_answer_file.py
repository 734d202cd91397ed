"""Answers to files, by a real worker process: the echo, and the shipped weights."""

from __future__ import annotations

import sys
from pathlib import Path

import mido
import numpy as np
import pytest

from agent.cli.answer_file import RING_SECONDS, answer_file
from agent.demo_call import written_call
from agent.errors import UserError
from agent.playing.worker_client import worker_command
from agent.styles import presets
from agent.styles.presets import Preset
from models.music.keys import KEYS, key_of
from models.music.midifile import MidiMusic, Part, read_music, write_music, write_notes
from models.music.note_records import Note
from models.music.tempo_map import Metre, TempoMap

ECHO = [sys.executable, "-m", "models.worker", "--echo"]


@pytest.fixture
def call(tmp_path: Path) -> Path:
    write_notes(tmp_path / "call.mid", {"piano": written_call().notes})
    return tmp_path / "call.mid"


def test_call_and_answer_are_two_tracks(call: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.mid"
    found = answer_file(call, out, Preset("plain"), seconds=8.0, seed=0, command=ECHO)
    assert [n.pitch - 12 for n in found.answer] == [n.pitch for n in found.call]
    tracks = mido.MidiFile(out).tracks
    assert [t.name for t in tracks[1:]] == ["piano", "answer"]
    assert not any(m.type in ("set_tempo", "time_signature") for m in tracks[0])  # the call has no beat either
    assert all(
        sum(m.type == "note_on" for m in t) == sum(m.type == "note_off" for m in t) == len(found.call)
        for t in tracks[1:]
    )


def test_a_call_keeps_its_beat_and_its_sound(tmp_path: Path) -> None:
    beat, three = TempoMap(960, ((0, 666_667),), ((0, Metre(3)),)), 2.0  # a bar of three at 90 lasts two seconds
    tune = tuple(Note(three + 0.5 * i, 0.4, 60 + i, 80) for i in range(6))
    parts = (Part("Rhodes", tune, 5, 4, 130), Part("", tune[:2], 6), Part("kit", tune[:3], 9))
    write_music(tmp_path / "call.mid", MidiMusic(parts, beat))
    found = answer_file(tmp_path / "call.mid", tmp_path / "out.mid", Preset("plain"), seconds=4.0, seed=0, command=ECHO)
    assert found.call[0].onset == 0.0
    both = read_music(tmp_path / "out.mid")
    assert both.tempo_map == beat
    told = [(p.name, p.channel, p.program, p.bank) for p in both.parts]
    assert told == [
        ("Rhodes", 5, 4, 130),
        ("call", 6, None, None),
        ("kit", 9, None, None),
        ("answer", 7, 4, 130),
    ]
    assert [n.onset for n in both.parts[0].notes] == pytest.approx([n.onset for n in tune], abs=1e-3)
    assert both.parts[3].notes[0].onset == pytest.approx(found.answer[0].onset + three, abs=1e-3)


def test_a_call_is_not_overwritten_by_its_answer(call: Path) -> None:
    before = call.read_bytes()
    other_name = call.parent / ".." / call.parent.name / call.name
    with pytest.raises(UserError, match="is the call itself"):
        answer_file(call, other_name, Preset("plain"), seconds=4.0, seed=0, command=ECHO)
    assert call.read_bytes() == before


def test_a_call_on_every_channel_is_answered(tmp_path: Path) -> None:
    parts = tuple(Part(f"p{c}", (Note(0.1 * c, 0.1, 60 + c, 80),), c) for c in range(16))
    write_music(tmp_path / "call.mid", MidiMusic(parts, TempoMap()))
    answer_file(tmp_path / "call.mid", tmp_path / "out.mid", Preset("plain"), seconds=4.0, seed=0, command=ECHO)
    assert [p.name for p in read_music(tmp_path / "out.mid").parts] == [*(p.name for p in parts), "answer"]


def test_the_shipped_weights_answer_in_time_and_repeatably(call: Path, tmp_path: Path) -> None:
    style, command = presets.load("bebop-line"), worker_command()
    found = answer_file(call, tmp_path / "a.mid", style, seconds=8.0, seed=7, command=command)
    answer_file(call, tmp_path / "b.mid", style, seconds=8.0, seed=7, command=command)
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    start = max(n.onset for n in found.call)
    assert 12 <= len(found.answer) <= 20 * 8
    assert all(start < n.onset <= start + 10.5 and n.end <= start + 10.5 + RING_SECONDS for n in found.answer)


def test_the_shipped_weights_answer_in_key(call: Path, tmp_path: Path) -> None:
    """Over a few answers: one may wander. Seven pitch classes of twelve would be 0.58 by chance."""
    inside = []
    for seed in range(6):
        found = answer_file(call, tmp_path / "a.mid", presets.load(), seconds=8.0, seed=seed, command=worker_command())
        assert len(found.answer) >= 12
        key = key_of(n.pitch for n in found.call)
        inside.append(np.mean([KEYS[key][n.pitch % 12] for n in found.answer]))
    assert np.mean(inside) >= 0.8, inside


def test_bad_calls_and_workers_are_one_sentence(call: Path, tmp_path: Path) -> None:
    def ask(path: Path, command: list[str]) -> str:
        with pytest.raises(UserError) as caught:
            answer_file(path, tmp_path / "out.mid", Preset("p"), seconds=4.0, seed=0, command=command)
        assert not (tmp_path / "out.mid").exists()
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "is not there" in ask(tmp_path / "no.mid", ECHO)
    assert "stopped before" in ask(call, [sys.executable, "-c", "import sys; sys.exit('ouch')"])
    assert "not a reply" in ask(call, [sys.executable, "-c", "print('hello')"])
    assert "'nowhere' not found" in ask(call, worker_command("nowhere"))
    assert "cannot be asked" in ask(call, ["/no/such/program"])
    silent = "import json; print(json.dumps({'id': 1, 'done': 'end'}))"
    assert "nothing to say" in ask(call, [sys.executable, "-c", silent])
