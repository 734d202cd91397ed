"""The .mid of a take: tempo, metre and bars where there was a beat, none where there was none; channels, programs and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.midi.messages import Event
from agent.takes import library
from agent.takes.recorder import JSONL, MIDI, Take, rows, write_take_midi
from models.music.midifile import MidiMusic, read_music
from models.music.tempo_map import Metre, TempoMap

from ...measure.record_golden import jam

BEAT = 60.0 / 110.0  # seconds, of the jam to a metronome


def keep(folder: Path, *messages: tuple[str, float, str], beat: bool = False) -> MidiMusic:
    """A take of these messages (in or out, seconds, bytes), and its .mid."""
    take = Take(folder)
    if beat:
        take.record_row(99.0, {"beat": -4.0, "since": 100.0, "tempo": 100.0, "beats": 4})
    for way, when, text in messages:
        message = bytes.fromhex(text)
        if way == "in":
            take.record_input(Event(when, message), "in")
        else:
            take.record_output(when, when, message)
    take.close()
    return read_music(folder / MIDI)


NOTES = (
    ("in", 103.0, "90 3c 50"),
    ("in", 103.5, "80 3c 00"),
    ("out", 104.8, "90 40 50"),
    ("out", 105.3, "80 40 00"),
)


def test_a_trade_is_written_in_its_bars(tmp_path: Path) -> None:
    jam("trade", tmp_path)
    music = read_music(tmp_path / MIDI)
    assert music.tempo_map.tempos == ((0, round(60e6 / 110)),)
    assert music.tempo_map.metres == ((0, Metre(4)),)
    told = [row for row in rows(tmp_path / JSONL) if "beat" in row]
    assert [(row["beat"], row["tempo"], row["beats"]) for row in told] == [(-4.0, 110.0, 4)]
    player, agent = music.parts
    assert (player.name, agent.name) == ("player", "agent")
    heard = {}
    for row in rows(tmp_path / JSONL):
        if row.get("ask", {}).get("do") == "hear":
            heard |= {(note[0], note[2]): note[5] for note in row["ask"]["notes"] if note[4] == 0}
    places = [place for _, place in sorted(heard.items())]
    assert len(places) >= 10
    found = [n.onset / BEAT / 4 % 1.0 for n in player.notes[: len(places)]]
    for a, b in zip(places, found, strict=True):
        assert min((a - b) % 1.0, (b - a) % 1.0) < 0.01
    assert library.summarize(tmp_path).tempo == 110.0


def test_no_pulse_is_pretended_where_there_was_none(tmp_path: Path) -> None:
    jam("call", tmp_path)
    assert read_music(tmp_path / MIDI).tempo_map == TempoMap()


def test_notes_stay_at_their_beats(tmp_path: Path) -> None:
    player, agent = keep(tmp_path, *NOTES, beat=True).parts
    assert player.notes[0].onset == pytest.approx(103.0 - 102.4, abs=2e-3)  # from the bar line on
    assert agent.notes[0].onset == pytest.approx(2.4, abs=2e-3)  # the next one
    assert agent.notes[0].duration == pytest.approx(0.5, abs=2e-3)


def test_channels_programs_and_banks_are_kept(tmp_path: Path) -> None:
    sounds = (("out", 100.0, "b5 00 01"), ("out", 100.0, "b5 20 02"), ("out", 100.0, "c5 04"), ("in", 100.0, "c2 09"))
    notes = [(way, when, f"{text[0]}{'2' if way == 'in' else '5'}{text[2:]}") for way, when, text in NOTES]
    player, agent = keep(tmp_path, *sounds, *notes).parts
    assert (player.channel, player.program, player.bank) == (2, 9, None)
    assert (agent.channel, agent.program, agent.bank) == (5, 4, 130)


def test_two_on_one_channel_are_two_in_the_file(tmp_path: Path) -> None:
    together = (("in", 1.0, "90 3c 50"), ("out", 1.1, "90 3c 50"), ("out", 1.5, "80 3c 00"), ("in", 2.0, "80 3c 00"))
    player, agent = keep(tmp_path, *together).parts
    assert (player.channel, agent.channel) == (0, 1)
    assert player.notes[0].duration == pytest.approx(1.0, abs=2e-3)
    assert agent.notes[0].duration == pytest.approx(0.4, abs=2e-3)


def test_the_next_channel_of_the_ninth_is_not_the_drums(tmp_path: Path) -> None:
    both = [(way, when, f"{text[0]}8{text[2:]}") for way, when, text in NOTES]
    assert [p.channel for p in keep(tmp_path, *both).parts] == [8, 10]


def test_an_old_take_has_no_beat_and_is_written_all_the_same(tmp_path: Path) -> None:
    keep(tmp_path, *NOTES, beat=True)
    kept = [line for line in (tmp_path / JSONL).read_text().splitlines() if '"beat"' not in line]
    (tmp_path / JSONL).write_text("\n".join(kept))
    write_take_midi(tmp_path)
    music = read_music(tmp_path / MIDI)
    assert music.tempo_map == TempoMap()
    assert music.parts[0].notes[0].onset == 0.0
