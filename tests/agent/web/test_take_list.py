"""The takes as the pages see them: what is kept of the last minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.midi.messages import Event
from agent.takes.recorder import MIDI, Take
from agent.web.take_list import TakeList
from models.music.midifile import read_music
from models.music.tempo_map import Metre


def test_the_last_minutes_keep_their_bars(tmp_path: Path) -> None:
    take = Take(tmp_path / "2026-01-01_10-00-00")
    takes = TakeList(take, tmp_path)
    take.record_row(10.0, {"beat": 0.0, "since": 10.0, "tempo": 100.0, "beats": 3})
    for i in range(400):  # four minutes, a note a beat
        takes.record_input(Event(10.0 + 0.6 * i, b"\x90\x3c\x50"), "in")
        takes.record_input(Event(10.3 + 0.6 * i, b"\x80\x3c\x00"), "in")
    moment = takes.begin_moment(250.0, "plain")
    moment.write()
    takes.close()
    music = read_music(moment.folder / MIDI)
    assert music.tempo_map.tempos == ((0, 600_000),)
    assert music.tempo_map.metres == ((0, Metre(3)),)
    beats = [n.onset / 0.6 for n in music.parts[0].notes]
    assert beats[:2] == pytest.approx([round(beats[0]), round(beats[0]) + 1], abs=0.01)
    assert 195 <= len(beats) <= 201
