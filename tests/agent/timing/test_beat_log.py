"""What a take is told of the beat: a few points, from which the beat at each moment can be told again."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from agent.takes.take_midi import beat_points
from agent.timing.beat_log import LARGEST_ERROR, BeatLog
from agent.timing.midi_clock import TICKS, MidiClockFollower
from agent.timing.transport import Transport
from models.music.tempo_map import from_beats

LOOK = 0.25  # seconds from one look to the next


def test_a_beat_of_our_own_is_told_exactly() -> None:
    transport = Transport(3, 100.0)
    log = BeatLog(transport, is_followed=False)
    assert log.news(1.0) == []
    transport.locate(1.3, -3.0)
    assert log.news(1.25) == []  # not yet
    assert log.news(1.5) == [{"beat": -3.0, "since": 1.3, "tempo": 100.0, "beats": 3}]
    assert log.news(90.0) == []
    transport.set_tempo(90.1, 120.0)
    assert log.news(90.25) == [{"beat": 145.0, "since": 90.1, "tempo": 120.0, "beats": 3}]
    transport.stop(92.0)
    assert log.news(92.25) == [{"beat": None, "since": 92.0}]
    assert log.news(99.0) == []
    transport.locate(99.1, 0.0)
    assert log.news(99.25) == [{"beat": 0.0, "since": 99.1, "tempo": 120.0, "beats": 3}]


@pytest.mark.parametrize("jitter", [0.0, 0.001, 0.004])
def test_a_followed_beat_is_told_where_it_leaves_the_line(jitter: float) -> None:
    """Two minutes of a clock that goes from 96 to 104 beats a minute and jumps at the half."""
    chance = random.Random(7)
    transport = Transport()
    follower = MidiClockFollower(transport)
    log = BeatLog(transport, is_followed=True)
    rows: list[dict[str, Any]] = []
    true: list[tuple[float, float]] = []  # seconds and the transport's beat
    now = 5.0
    looked = now
    follower.hear(now - 0.1, b"\xfa")
    for number in range(120 * 40):
        if number == 60 * 40:
            follower.hear(now, b"\xf2\x00\x01")  # to beat 32
        follower.hear(now + chance.uniform(0, jitter), b"\xf8")
        if now - looked > LOOK:
            looked = now
            rows += log.news(now)
            true.append((now, transport.beat_at(now)))
        now += 60.0 / (96.0 + number / 600.0) / TICKS
    assert 2 <= len(rows) < 120 + 1000 * jitter * 40
    tempo_map, origin = from_beats(beat_points(json.loads(json.dumps(rows))), 5.0)
    misses = []
    for seconds, beat in true[20:]:
        place = tempo_map.tick_at(seconds - origin) / 480.0 % 4.0
        misses.append(min((place - beat) % 4.0, (beat - place) % 4.0))
    assert sorted(misses)[int(0.97 * len(misses))] < 4 * LARGEST_ERROR
    assert sum(miss > 0.1 for miss in misses) <= 10  # while it jumps


def test_rows_that_cannot_be_right_are_left_out() -> None:
    good = {"beat": 1, "since": 2, "tempo": 100, "beats": 4}
    bad = [
        {"beat": 1},
        {**good, "tempo": 0},
        {**good, "beats": "x"},
        {**good, "since": "nan"},
        {**good, "beats": 1e9},
        {**good, "tempo": [1]},
        {"say": "beat"},
    ]
    assert [tuple(p) for p in beat_points([*bad, good, {"beat": None, "since": 3}])] == [
        (2.0, 1.0, 100.0, 4),
        (3.0, None, 120.0, 4),
    ]
