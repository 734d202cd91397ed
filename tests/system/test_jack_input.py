"""Chords at one sample on JACK's usual, asynchronous server: nothing is lost, however short its period is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.midi.messages import MOST_SYSEX

from .rigs.jack import PERIOD, Program, Recorder, jack_server, retry_if_jack_missed_periods, still_sounding, wait_for

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

ROUNDS = 5  # of each chord
SIZES = (5, 10, 40)  # keys that go down, and come up, at one sample


def chord(size: int) -> list[tuple[float, bytes]]:
    """So many keys down at one moment, and up at another."""
    keys = range(40, 40 + size)
    return [(0.0, bytes((0x90, key, 90))) for key in keys] + [(0.2, bytes((0x80, key, 0))) for key in keys]


@pytest.mark.parametrize("period", [64, 128, 256, 512, 1024])
def test_chords_at_one_sample_pass_through_whole(period: int, tmp_path: Path) -> None:
    play_chords(period=period, tmp_path=tmp_path)


@contextmanager
def passing_on(folder: Path, period: int = PERIOD) -> Iterator[Recorder]:
    """A server of that period in frames, and a session between the keys and the ears of a recorder."""
    with (
        jack_server(folder / "jackd.log", period=period),
        Recorder() as recorder,
        Program(
            *("play", "--sound", "off", "--no-page", "--channel", "2", "--take", str(folder / "take")),
            *("--mind", f"{sys.executable} -m models.worker --echo"),
        ) as program,
    ):
        program.wait_for_line("ready")
        recorder.connect("recorder:keys", "tradefours:in")
        recorder.connect("tradefours:out", "recorder:out")
        yield recorder


def test_system_exclusive_messages_pass_through_whole_up_to_their_bound(tmp_path: Path) -> None:
    play_sysex(tmp_path=tmp_path)


@retry_if_jack_missed_periods
def play_sysex(tmp_path: Path) -> None:
    short, long, too_long = (bytes((0xF0, *[7] * (size - 2), 0xF7)) for size in (8, MOST_SYSEX, MOST_SYSEX + 1))
    with passing_on(tmp_path) as recorder:
        key = [b"\x90\x3c\x50", b"\x80\x3c\x00"]
        recorder.play([(0.2 * i, m) for i, m in enumerate((short, too_long, long, *key))], recorder.now() + 0.1)
        wait_for(lambda: key[1] in [m for _, m in recorder.heard["out"]], 10, "the last message")
        assert [m for _, m in recorder.heard["out"]] == [short, long, *key]


@retry_if_jack_missed_periods
def play_chords(period: int, tmp_path: Path) -> None:
    with passing_on(tmp_path, period) as recorder:
        recorder.connect("recorder:keys", "recorder:thru_in")
        for size in SIZES:
            for _ in range(ROUNDS):
                before = len(recorder.heard["thru_in"])
                recorder.play(chord(size), recorder.now() + 0.1)
                recorder.wait_played()
                wait_for(lambda: recorder.now() > recorder.heard["thru_in"][-1][0] + 0.2, 10, "the end of the chord")
                struck = [m for _, m in recorder.heard["thru_in"][before:]]
                assert struck == [m for _, m in chord(size)]
        passed = [m for _, m in recorder.heard["out"] if m[0] & 0x0F == 0]
        assert passed == [m for _, m in recorder.heard["thru_in"]]
        assert not {key for key in still_sounding(recorder.heard["out"]) if key[0] == 0}
