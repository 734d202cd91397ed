"""Following a MIDI clock: jitter, tempo ramps and steps, gaps, stops and song positions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agent.timing.midi_clock import TICKS, MidiClockFollower
from agent.timing.transport import Transport

START, TICK, STOP, CONTINUE = b"\xfa", b"\xf8", b"\xfc", b"\xfb"


class Clock:
    """A clock whose tempo is a function of time, and a follower with its errors."""

    def __init__(self, tempo: Callable[[float], float], seconds: float, jitter: float = 0.0, seed: int = 0) -> None:
        step = 1e-3
        self.time = np.arange(0.0, seconds, step)
        self.tempo = tempo
        self.beat = np.cumsum([tempo(t) / 60 * step for t in self.time]) - tempo(0.0) / 60 * step
        true = np.interp(np.arange(int(self.beat[-1] * TICKS)) / TICKS, self.beat, self.time)
        rng = np.random.default_rng(seed)
        self.ticks = np.maximum.accumulate(true + rng.uniform(-jitter, jitter, len(true)))
        self.transport = Transport()
        self.follower = MidiClockFollower(self.transport)
        self.follower.hear(-0.1, START)
        self.errors: list[float] = []  # seconds by which the beat is off, from the fifth beat on
        self.tempos: list[float] = []

    def play(self, lost: range = range(0)) -> Clock:
        for i, when in enumerate(self.ticks[:-1]):
            if i in lost:
                continue
            self.follower.hear(float(when), TICK)
            if i >= 4 * TICKS:
                for share in (0.0, 0.4, 0.8):
                    at = when + share * (self.ticks[i + 1] - when)
                    off = self.transport.beat_at(at) - np.interp(at, self.time, self.beat)
                    self.errors.append(off * 60 / self.tempo(at))
                self.tempos.append((self.follower.tempo or 0.0) - self.tempo(when))
        return self

    def rms(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.errors))))


@pytest.mark.parametrize("jitter", [0.0, 0.005, 0.010])
@pytest.mark.parametrize("tempo", [60.0, 120.0, 200.0])
def test_a_steady_clock_is_followed_within_three_milliseconds(tempo: float, jitter: float) -> None:
    clock = Clock(lambda t: tempo, 40.0, jitter).play()
    assert clock.rms() < 0.003
    shown = clock.tempos[8 * TICKS :]
    assert max(map(abs, shown)) < 0.3 + 0.2 * (jitter >= 0.01 and tempo >= 200)
    assert float(np.sqrt(np.mean(np.square(shown)))) < 0.3


@pytest.mark.parametrize("jitter", [0.0, 0.005, 0.010])
def test_a_ramp_is_followed_within_ten_milliseconds(jitter: float) -> None:
    assert Clock(lambda t: 60 + 4 * t, 30.0, jitter).play().rms() < 0.010


@pytest.mark.parametrize(("before", "after"), [(120, 150), (120, 96), (90, 180), (120, 65)])
def test_a_sudden_change_of_tempo_is_followed_within_two_beats(before: float, after: float) -> None:
    clock = Clock(lambda t: before if t < 10 else after, 20.0, 0.002).play()
    late = clock.errors[-int(3 * TICKS * after / 60 * 7) :]
    assert max(map(abs, late)) < 0.01
    assert clock.transport.tempo == pytest.approx(after, rel=0.02)


@pytest.mark.parametrize("lost", [range(300, 301), range(300, 303), range(300, 345)])
def test_lost_ticks_are_bridged(lost: range) -> None:
    clock = Clock(lambda t: 120, 20.0, 0.001).play(lost)
    assert max(map(abs, clock.errors[-600:])) < 0.003


def test_a_lost_clock_is_noticed_and_followed_again_at_the_right_beat() -> None:
    clock = Clock(lambda t: 120, 20.0)
    for when in clock.ticks[:480]:  # ten seconds
        clock.follower.hear(float(when), TICK)
    gone = float(clock.ticks[479])
    assert not clock.follower.check(gone + 0.5)
    assert clock.follower.check(gone + 1.3)
    assert not clock.follower.check(gone + 1.5)
    assert not clock.transport.running
    news = [clock.follower.hear(float(when), TICK) for when in clock.ticks[624:]]  # three seconds later
    assert news[0] == "back"
    assert not any(news[1:])
    end = float(clock.ticks[-1])
    assert clock.transport.beat_at(end) == pytest.approx(2 * end, abs=0.02)


def test_start_stop_continue_and_song_position() -> None:
    transport = Transport()
    follower = MidiClockFollower(transport)
    now = 0.0

    def ticks(count: int) -> list[str]:
        nonlocal now
        news = []
        for _ in range(count):
            now += 0.02
            if (word := follower.hear(now, TICK)) is not None:
                news.append(word)
        return news

    assert ticks(48) == []  # a clock without a start has a tempo and no bars
    assert not transport.running
    assert transport.tempo == pytest.approx(125, rel=0.01)
    follower.hear(now, START)
    assert ticks(49) == ["start"]
    assert transport.beat_at(now) == pytest.approx(2.0, abs=0.02)
    assert follower.hear(now, STOP) == "stop"
    assert ticks(30) == []
    assert transport.beat_at(now) == pytest.approx(2.0, abs=0.05)
    follower.hear(now, CONTINUE)
    assert ticks(25) == ["start"]
    assert transport.beat_at(now) == pytest.approx(3.0, abs=0.1)
    follower.hear(now, b"\xf2\x40\x00")  # 64 sixteenths are beat 16
    ticks(25)
    assert transport.beat_at(now) == pytest.approx(17.0, abs=0.05)
    assert follower.hear(now, b"\xf2\x40") is None
    assert follower.hear(now, b"") is None
    assert follower.hear(now, b"\x90\x40\x40") is None


@pytest.mark.parametrize(
    ("beats", "tempo", "before", "runs_at"),
    [
        (4, 120.0, [], 97),  # the first tick of the second bar
        (4, 60.0, [], 97),
        (4, 200.0, [], 97),
        (3, 90.0, [], 73),
        (4, 120.0, [50, None], 97),  # a pause after two beats: counted anew
        (4, 120.0, [STOP], None),  # it says when the song stands
        (4, 120.0, [b"\xf2\x00\x00"], None),  # a song position: such a clock says Continue, too
        (4, 120.0, [20, STOP], None),
        (4, 120.0, [START, 30, STOP], None),
        (4, 120.0, [20, START, 30, STOP, 10], None),
    ],
)
def test_a_clock_that_never_says_start_runs_after_a_bar(
    beats: int, tempo: float, before: list[bytes | int | None], runs_at: int | None
) -> None:
    transport = Transport(beats)
    follower = MidiClockFollower(transport)
    step = 60.0 / tempo / TICKS
    now = 10.0
    for part in before:
        if part is None:
            now += 3.0
        elif isinstance(part, int):
            for _ in range(part):
                now += step
                follower.hear(now, TICK)
        else:
            follower.hear(now, part)
    news = {}
    for number in range(1, 193):
        now += step
        if (word := follower.hear(now, TICK)) is not None:
            news[number] = word
    assert news == ({} if runs_at is None else {runs_at: "unannounced"})
    assert transport.running is (runs_at is not None)
    if runs_at is not None:
        assert transport.tempo == pytest.approx(tempo, rel=0.01)
        assert transport.beat_at(now) == pytest.approx((192 - runs_at) / TICKS, abs=0.05)


def test_a_start_that_comes_late_begins_the_song_all_the_same() -> None:
    transport = Transport()
    follower = MidiClockFollower(transport)
    news = [follower.hear(0.02 * i, TICK) for i in range(150)]
    assert [word for word in news if word] == ["unannounced"]
    follower.hear(3.0, START)
    assert follower.hear(3.0, TICK) == "jump"
    assert transport.beat_at(3.0) == pytest.approx(0.0, abs=0.02)
    assert follower.hear(3.01, STOP) == "stop"
    assert [follower.hear(3.02 + 0.02 * i, TICK) for i in range(300)] == [None] * 300
