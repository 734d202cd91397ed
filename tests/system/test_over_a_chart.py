"""Trading over a chart with the band, on real parts: JACK, the program with its weights, and an independent recorder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from agent.band.band import Band
from agent.band.band_notes import BASS
from agent.charts.chart_library import load_chart
from agent.charts.form_trading import FormTrading
from agent.replay.verify_take import replay

from .rigs.jack import Program, Recorder, jack_server, ons, retry_if_jack_missed_periods, still_sounding, wait_for

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

TEMPO, CHORUSES = 240, 2
ANSWERING, BASS_CHANNEL = 1, 10  # from 0; the player has channel 0
ON_TIME = 0.005  # seconds from the beat, beside one period of the server
PERIOD_SECONDS = 128 / 48000
BEAT = 60 / TEMPO


@retry_if_jack_missed_periods
def test_two_choruses_of_blues_end_on_their_beats(tmp_path: Path) -> None:
    with jack_server(tmp_path / "jackd.log", period=128):
        play_two_choruses(tmp_path / "take")


def phrases() -> list[tuple[float, bytes]]:
    """A phrase of fourteen notes in each turn of the player's, in seconds from the first beat."""
    found = []
    for start in (0, 32, 64):
        for number in range(14):
            when = (start + 1 + number) * BEAT
            pitch = (60, 63, 65, 67, 70, 72, 70)[number % 7]
            found += [(when, bytes((0x90, pitch, 80))), (when + 0.8 * BEAT, bytes((0x80, pitch, 0)))]
    return found


def play_two_choruses(take: Path) -> None:
    chart = load_chart("blues-in-f")
    trading = FormTrading(chart, 4, last_chorus=CHORUSES - 1)
    options = f"--count-in 4 --chart blues-in-f --tempo {TEMPO} --choruses {CHORUSES} --channel 2 --seed 5".split()
    options += ["--sound", "off", "--no-page", "--take", str(take)]
    with Recorder() as recorder, Program("play", *options) as program:
        program.wait_for_line("Over Blues in F in F, 12 bars: turns of 4 bars, you play first")
        for source, sink in (("recorder:keys", "tradefours:in"), ("tradefours:out", "recorder:out")):
            recorder.connect(source, sink)
        first = wait_for(lambda: ons(recorder.heard["out"], BASS_CHANNEL), 30, "the band")[0][0]
        recorder.play(phrases(), first)
        program.end()
    heard = recorder.heard["out"]
    assert not still_sounding([h for h in heard if h[1][0] & 0x0F])
    bass = ons(heard, BASS_CHANNEL)
    wanted = [(n.beat, n.pitch) for n in Band(chart, 5).notes(BASS, 0.0, CHORUSES * 48.0)]
    assert [pitch for _, pitch in bass[:-1]] == [pitch for _, pitch in wanted]
    beats = np.array([beat for beat, _ in wanted] + [trading.end])
    late = np.array([t for t, _ in bass]) - beats * BEAT
    start = float(np.median(late))
    assert np.abs(late - start).max() < ON_TIME + PERIOD_SECONDS + recorder.clock_error(), late - start
    mine = [(t - start) / BEAT for t, _ in ons(heard, ANSWERING)]
    turns = {trading.turn_at(beat + 0.03) for beat in mine}
    assert len(turns) == 3
    assert all(turn.is_agents for turn in turns)
    for turn in turns:
        assert min(beat for beat in mine if beat >= turn.start - 0.03) < turn.start + 4
    assert replay(take)["same"]
