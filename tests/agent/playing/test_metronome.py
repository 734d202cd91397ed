"""Clicks and clock messages come at their times; after a pause, nothing is made up for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, cast

import pytest

from agent.midi.messages import START, TICK
from agent.playing.metronome import ACCENT, LOOKAHEAD, Metronome
from agent.playing.playback_thread import Player
from agent.timing.midi_clock import TICKS
from agent.timing.transport import Transport
from agent.turns.mode_settings import BeatSettings

TEMPO, BEATS = 120.0, 4
BAR = BEATS * 60.0 / TEMPO  # seconds


class Recorder:
    """A player that notes what is planned, and when it was asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clicks: list[tuple[float, float, int]] = []  # asked at, planned for, pitch
        self.messages: list[tuple[float, float, int]] = []  # asked at, planned for, status byte

    def start(self) -> None: ...

    def cut(self) -> None: ...

    def add(self, notes: Iterable[tuple[int, Any]]) -> None:
        self.clicks += [(self.now, note.onset, note.pitch) for _, note in notes]

    def send_at(self, when: float, message: bytes) -> None:
        self.messages.append((self.now, when, message[0]))


def played(pauses: dict[float, float], until: float) -> Recorder:
    """A metronome that is asked four times a second, but not in the pauses (from, to)."""
    recorder = Recorder()
    transport = Transport(BEATS, TEMPO)
    metronome = Metronome(cast(Player, recorder), transport)
    metronome.begin(0.0, BeatSettings(tempo=TEMPO, beats=BEATS, count_in=1, click=True, send_clock=True))
    now = 0.0
    while now < until:
        now += 0.25
        now = next((end for begin, end in pauses.items() if begin <= now < end), now)
        recorder.now = now
        metronome.plan(now)
    return recorder


def late(rows: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    return [row for row in rows if row[1] < row[0] - 0.1]


def test_without_a_pause_every_click_and_tick_is_there() -> None:
    recorder = played({}, 20.0)
    assert late(recorder.clicks) == late(recorder.messages) == []
    ticks = [when for _, when, status in recorder.messages if status == TICK]
    gaps = [b - a for a, b in itertools.pairwise(ticks)]
    assert gaps == pytest.approx([60 / TEMPO / TICKS] * len(gaps))
    assert sum(status == START for *_, status in recorder.messages) == 1


@pytest.mark.parametrize("pause", [0.9, 1.3, 5.0, 60.0, 3600.0])
@pytest.mark.parametrize("begin", [4.0, 5.25])
def test_after_a_pause_nothing_comes_in_a_burst_and_followers_start_at_a_bar(begin: float, pause: float) -> None:
    recorder = played({begin: begin + pause}, begin + pause + 10.0)
    assert late(recorder.clicks) == late(recorder.messages) == []
    assert len(recorder.messages) < (begin + pause % BAR + 12 + LOOKAHEAD) * TICKS * TEMPO / 60
    starts = [when for _, when, status in recorder.messages if status == START]
    bars = [when for _, when, pitch in recorder.clicks if pitch == ACCENT]
    if pause > LOOKAHEAD + 0.25 + 0.1:
        assert len(starts) == 2
    assert all(min(abs(start - bar) for bar in bars) < 1e-6 for start in starts)
    after = [when for _, when, status in recorder.messages if status == TICK and when >= starts[-1]]
    gaps = [b - a for a, b in itertools.pairwise(after)]
    assert gaps == pytest.approx([60 / TEMPO / TICKS] * len(gaps))
    assert after[0] == starts[-1]
