"""The whole path on real parts: JACK, the program as a process with its shipped weights, a synth, an independent recorder."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.demo_call import messages, written_call
from agent.midi.jack.watcher import JackServerWatch
from agent.takes.recorder import AGENT, JSONL, MIDI, PLAYER, take_notes
from agent.timing.midi_clock import TICKS, MidiClockFollower
from agent.timing.transport import Transport
from agent.turns import turn_taking
from models.music.midifile import read_notes
from models.music.note_records import Note
from models.music.phrase_end import LONGEST_SILENCE

from .rigs.jack import (
    PERIOD,
    RATE,
    ROOT,
    Program,
    Recorder,
    jack_server,
    midi_clock,
    ons,
    retry_if_jack_missed_periods,
    still_sounding,
    synth,
    wait_for,
)

if sys.platform != "linux":
    pytest.skip("JACK's dummy driver is asked for on Linux only", allow_module_level=True)

pytestmark = pytest.mark.real

CALL = messages(written_call().notes)
LAST_KEY = max(when for when, m in CALL if m[0] == 0x90)
BARE = ("--sound", "off", "--no-page")  # page and sound have rooms of their own
ANSWERING = 1  # the agent's channel, from 0; the player has channel 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with jack_server(tmp_path_factory.mktemp("jack") / "jackd.log") as name:
        yield name


@pytest.fixture
def patient_server(tmp_path: Path) -> Iterator[str]:
    with jack_server(tmp_path / "jackd.log", patient=True) as name:
        yield name


def test_a_name_that_another_keeps_is_ours_when_it_is_free(server: str) -> None:
    """As when a program that has just ended, or is about to, is still called as we are."""
    import jack

    other, ours = (jack.Client(name, no_start_server=True) for name in ("tradefours", "tradefours-07"))
    watch = JackServerWatch()
    try:
        kept, port = other.midi_outports.register("out"), ours.midi_outports.register("out")
        other.activate()
        ours.activate()
        began = time.monotonic()
        assert not watch.set_alias(port.name, kept.name)
        assert time.monotonic() - began < 2.0  # nobody waits for it any longer
        assert port.aliases == []
        other.close()
        wait_for(lambda: port.aliases == ["tradefours:out"], 10, "the name that we are known by")
    finally:
        watch.close()
        other.close()
        ours.close()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT
    )


@retry_if_jack_missed_periods
def test_a_jam_from_key_to_sound(server: str, tmp_path: Path) -> None:
    take = tmp_path / "take"
    with (
        synth(tmp_path / "synth.log"),
        Recorder() as recorder,
        Program(
            *("play", *BARE, "--take", str(take), "--channel", str(ANSWERING + 1), "--seed", "4"),
            *("--control", "pc5=preset:jazz-ballad"),
        ) as program,
    ):
        program.wait_for_line(r"Listening to tradefours:in.*tradefours:out")
        program.wait_for_line("ready")
        wait_for(lambda: any(n.startswith("synth") for n in recorder.names()), 20, "the synth's ports")
        assert {"tradefours:in", "tradefours:out"} <= set(recorder.names())
        hears = next(
            p.name for p in recorder.client.get_ports(is_midi=True, is_input=True) if p.name.startswith("synth")
        )
        sound = next(
            p.name for p in recorder.client.get_ports(is_audio=True, is_output=True) if p.name.startswith("synth")
        )
        for source, sink in (
            ("recorder:keys", "tradefours:in"),
            ("recorder:keys", "recorder:thru_in"),
            ("tradefours:out", "recorder:out"),
            ("tradefours:out", hears),
            (sound, "recorder:audio"),
        ):
            recorder.connect(source, sink)

        begun = recorder.now() + 0.3
        recorder.play(CALL, begun)
        wait_for(lambda: len(ons(recorder.heard["out"], ANSWERING)) >= 4, 30, f"an answer; {program.said}")

        # Thru: every key came out, on its own channel, at once.
        pressed, passed = ons(recorder.heard["thru_in"], 0), ons(recorder.heard["out"], 0)
        assert [p for _, p in passed] == [p for _, p in pressed] == [m[1] for _, m in CALL if m[0] == 0x90]
        delays = sorted(b - a for (a, _), (b, _) in zip(pressed, passed, strict=True))
        assert delays[len(delays) // 2] < 0.03
        # The answer began after the phrase had ended, and not before.
        first = ons(recorder.heard["out"], ANSWERING)[0][0]
        assert begun + LAST_KEY + 0.3 < first < begun + LAST_KEY + 5.0

        # A second call, once the answer is over, to another musician; asked to stop in the middle of the second answer.
        # (Its last notes may be long ones, and rests among its notes too.)
        wait_for(
            lambda: recorder.now() - recorder.heard["out"][-1][0] > 2.0 and not still_sounding(recorder.heard["out"]),
            40,
            "the first answer's end",
        )
        recorder.play([(0.0, b"\xc0\x05")], recorder.now() + 0.1)
        program.wait_for_line("weights full takes the seat")
        program.wait_for_line("ready .*full-noncommercial")
        program.wait_for_line("not for commercial use")
        before = len(ons(recorder.heard["out"], ANSWERING))
        recorder.play(CALL, recorder.now() + 0.2)
        wait_for(lambda: len(ons(recorder.heard["out"], ANSWERING)) >= before + 3, 30, "a second answer")
        program.process.send_signal(signal.SIGTERM)
        program.end()
        wait_for(lambda: recorder.now() - recorder.heard["out"][-1][0] > 0.3, 5, "silence")

    heard = recorder.heard["out"]
    assert still_sounding(heard) == set()
    began = [m for _, m in heard if m[0] & 0xF0 == 0x90 and m[2] > 0]
    ended = [m for _, m in heard if m[0] & 0xF0 == 0x80 or (m[0] & 0xF0 == 0x90 and m[2] == 0)]
    assert len(began) == len(ended) >= len(CALL) + 7  # two calls, and at least seven notes of answers
    assert "Traceback" not in program.said
    # The synth sounded while keys were down, and was silent before.
    quiet = [v for t, v in recorder.loudness if t < begun - 0.1]
    loud = [v for t, v in recorder.loudness if begun < t < begun + LAST_KEY]
    assert max(quiet, default=0.0) < 1e-4
    assert sorted(loud)[len(loud) // 2] > 1e-3
    # The take tells the same story as the independent recorder.
    notes = take_notes(take / JSONL)
    assert [n.pitch for n in notes[PLAYER]] == [p for _, p in ons(recorder.heard["thru_in"], 0)]
    assert [n.pitch for n in notes[AGENT]] == [p for _, p in ons(heard, ANSWERING)]
    assert len(read_notes(take / MIDI)) == len(notes[PLAYER]) + len(notes[AGENT])


@retry_if_jack_missed_periods
def test_the_meters_claim_what_is_heard_from_outside(server: str, tmp_path: Path) -> None:
    """Decision to first note, and cut-in to last off, by JACK's own frames. An event's frame may lie a period from where it is seen."""
    rounds, after = (
        3,
        LONGEST_SILENCE,
    )  # so few keys are given so much time, with one before them or without
    few = [
        (0.2 * i + off, bytes((kind, 60 + 2 * i, 80))) for i in range(3) for off, kind in ((0.0, 0x90), (0.05, 0x80))
    ]
    notes = [Note(0.2 * i, 0.05, 60, 80) for i in range(3)]
    assert (
        turn_taking.closing_silence(notes) == turn_taking.closing_silence([Note(-1.0, 0.05, 36, 80), *notes]) == after
    )
    with (
        Recorder() as recorder,
        Program("play", *BARE, "--take", str(tmp_path), "--channel", str(ANSWERING + 1), "--json") as program,
    ):
        program.wait_for_line("ready")
        for source, sink in (
            ("recorder:keys", "tradefours:in"),
            ("recorder:keys", "recorder:thru_in"),
            ("tradefours:out", "recorder:out"),
        ):
            recorder.connect(source, sink)
        first_on, cut_in = [], []
        for _ in range(rounds):
            heard = len(ons(recorder.heard["out"], ANSWERING))
            recorder.play(few, recorder.now() + 0.1)
            wait_for(
                lambda n=heard: len(ons(recorder.heard["out"], ANSWERING)) >= n + 2, 30, f"an answer; {program.said}"
            )
            decided = ons(recorder.heard["thru_in"], 0)[-1][0] + after
            first_on.append(ons(recorder.heard["out"], ANSWERING)[heard][0] - decided)
            recorder.play([(0.0, b"\x90\x24\x50"), (0.05, b"\x80\x24\x00")], recorder.now() + 0.05)
            wait_for(lambda: recorder.heard["thru_in"][-1][1] == b"\x80\x24\x00", 10, "the key that cuts in")
            wait_for(lambda: recorder.now() - recorder.heard["thru_in"][-1][0] > 0.2, 10, "what it does")
            struck = ons(recorder.heard["thru_in"], 0)[-1][0]
            ends = [t for t, m in recorder.heard["out"] if m[0] == 0x80 | ANSWERING and t >= struck - PERIOD / RATE]
            cut_in.append(max(ends, default=struck) - struck)
            assert not [c for c in still_sounding(recorder.heard["out"]) if c[0] == ANSWERING]
            time.sleep(0.5)  # one key alone is no phrase; the next one begins with it
        program.process.send_signal(signal.SIGTERM)
        program.end()
        stumbled = max(recorder.shifts) - min(recorder.shifts)  # how late the server's own cycles were, at worst
    claimed = json.loads(next(line for line in reversed(program.lines) if line.startswith("{")))
    slack = PERIOD / RATE + stumbled + 0.002
    for name, seconds in (("first_on_ms", first_on), ("cut_in_ms", cut_in)):
        for figure, measured in (("p50", sorted(seconds)[rounds // 2]), ("max", max(seconds))):
            assert abs(measured - claimed[name][figure] / 1000) <= slack, (
                name,
                figure,
                seconds,
                claimed[name],
                stumbled,
            )


def test_ports_are_listed_and_wrong_names_are_helped(server: str, tmp_path: Path) -> None:
    with Recorder():
        listed = run("ports", "--json")
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout)
        assert found["api"] == "jack"
        assert "recorder:keys" in found["inputs"]
        assert "recorder:out" in found["outputs"]
        assert "recorder:keys" in run("ports").stdout
        for option, wrong, right in (
            ("--in", "recoder:kees", "recorder:keys"),
            ("--out", "recorder:oud", "recorder:out"),
        ):
            refused = run("play", option, wrong, "--take", str(tmp_path / "t"))
            assert refused.returncode == 2
            assert right in refused.stderr
            assert refused.stderr.count("\n") == 1
            assert "Traceback" not in refused.stderr
    assert not (tmp_path / "t").exists()


@retry_if_jack_missed_periods
def test_named_ports_are_joined_and_thru_can_be_off(server: str, tmp_path: Path) -> None:
    echo = f"{sys.executable} -m models.worker --echo"
    with (
        Recorder() as recorder,
        Program(
            *("play", "--in", "recorder:keys", "--out", "recorder:out", "--no-thru", "--mind", echo),
            *("--take", str(tmp_path / "take"), "--seconds", "60"),
        ) as program,
    ):
        program.wait_for_line("ready")
        recorder.play(CALL, recorder.now() + 0.1)
        wait_for(lambda: len(ons(recorder.heard["out"], 0)) >= 3, 30, "an answer")
        program.process.send_signal(signal.SIGINT)
        program.end()
        wait_for(lambda: recorder.now() - recorder.heard["out"][-1][0] > 0.2, 5, "silence")
    assert still_sounding(recorder.heard["out"]) == set()
    answered = [p - 12 for _, p in ons(recorder.heard["out"], 0)]
    assert answered == [m[1] for _, m in CALL if m[0] == 0x90][: len(answered)]


def test_two_programs_do_not_fight_over_names(server: str, tmp_path: Path) -> None:
    echo = ("--mind", f"{sys.executable} -m models.worker --echo")
    with Program("play", *BARE, "--take", str(tmp_path / "a"), *echo) as one:
        one.wait_for_line("ready")
        with Recorder() as recorder, Program("play", *BARE, "--take", str(tmp_path / "b"), *echo) as two:
            line = two.wait_for_line("Listening")
            two.wait_for_line("ready")
            words = line.replace(",", " ").replace(";", " ").split()
            mine = {w for w in words if w.startswith("tradefours")}
            assert len(mine) == 2
            assert mine <= set(recorder.names())
            assert mine.isdisjoint({"tradefours:in", "tradefours:out"})
            two.process.send_signal(signal.SIGTERM)
            two.end()
        one.process.send_signal(signal.SIGTERM)
        one.end()


JITTERS = ((0.0, 0), (0.005, 1), (0.010, 2))  # seconds by which a tick comes early or late, at most; and a seed


def ticks_of_jack(tempo: float, seconds: float, ramp: float = 0.0) -> list[float]:
    """When JACK's own clock ticked, stamped by the server's frames; its tempo gains `ramp` beats a minute each second."""

    def place(_state: int, _size: int, position: Any, _new: bool) -> None:
        passed = position.frame / RATE
        beat = (tempo * passed + ramp * passed**2 / 2) / 60
        position.valid = 0x10  # bar, beat and tick
        position.beats_per_bar, position.beat_type, position.ticks_per_beat = 4, 4, 1920
        position.beats_per_minute = tempo + ramp * passed
        position.bar, position.beat, position.tick = int(beat // 4) + 1, int(beat % 4) + 1, int(beat % 1 * 1920)
        position.bar_start_tick = (position.bar - 1) * 4 * 1920

    with midi_clock(tempo), Recorder() as recorder:
        recorder.client.set_timebase_callback(place)
        ports = wait_for(lambda: recorder.client.get_ports("jack_midi_clock", is_output=True), 20, "the clock")
        recorder.connect(ports[0].name, "recorder:clock")
        recorder.client.transport_frame = 0
        recorder.client.transport_start()
        wait_for(lambda: recorder.heard["clock"], 10, "the clock's ticks")
        end = recorder.now() + seconds
        wait_for(lambda: recorder.now() > end, seconds + 30, "the time to pass")
        recorder.client.transport_stop()
    return [t for t, m in recorder.heard["clock"] if m == b"\xf8"]


def followed(ticks: list[float], jitter: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a follower makes of ticks that come early or late: errors of the beat from the fifth on, in seconds, between ticks, too;
    and the tempo that it shows from the thirteenth on."""
    rng, late = np.random.default_rng(seed), ticks[0]
    transport = Transport()
    follower = MidiClockFollower(transport)
    follower.hear(ticks[0] - 0.1, b"\xfa")
    errors, shown = [], []
    for number, when in enumerate(ticks[:-24]):
        late = max(late, when + float(rng.uniform(-jitter, jitter)))
        follower.hear(late, b"\xf8")
        if number >= 4 * TICKS:
            soon = when + 0.011
            true = float(np.interp(soon, ticks, np.arange(len(ticks)) / TICKS))
            errors.append((transport.beat_at(soon) - true) * 60 / transport.tempo)
        if number >= 12 * TICKS:
            shown.append(follower.tempo or 0.0)
    return np.array(errors), np.array(shown)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


def test_a_real_clock_is_followed_through_jitter_on_its_way(patient_server: str) -> None:
    ticks = ticks_of_jack(120.0, 9.0)
    for jitter, seed in JITTERS:
        errors, shown = followed(ticks, jitter, seed)
        assert len(errors) > 12 * TICKS
        assert rms(errors) < 0.003, jitter
        assert rms(shown - 120.0) < 0.3, jitter


def test_a_real_clock_is_followed_while_its_tempo_runs_away(patient_server: str) -> None:
    """60 to 180 beats a minute in half a minute."""
    ticks = ticks_of_jack(60.0, 30.0, ramp=4.0)
    assert 60 / TICKS / np.median(np.diff(ticks[-25:])) > 165
    for jitter, seed in JITTERS:
        errors, _ = followed(ticks, jitter, seed)
        assert len(errors) > 50 * TICKS
        assert rms(errors) < 0.010, jitter


@pytest.mark.parametrize("jitter_percent", [0, 15])
@retry_if_jack_missed_periods
def test_trading_bars_with_a_real_midi_clock(server: str, tmp_path: Path, jitter_percent: int) -> None:
    """Another program's clock leads; every answer lies in its own bars, and begins on a beat."""
    tempo, beats, rounds = 144.0, 4, 3
    beat = 60.0 / tempo
    with (
        midi_clock(tempo, jitter_percent),
        Recorder() as recorder,
        Program(
            *("play", "--mode", "trade", "--bars", "1", "--clock", "--channel", str(ANSWERING + 1), "--seed", "1"),
            *("--take", str(tmp_path / "take")),
        ) as program,
    ):
        program.wait_for_line("ready")
        source = wait_for(
            lambda: next((p.name for p in recorder.client.get_ports("jack_midi_clock", is_output=True)), None),
            10,
            "the clock",
        )
        for a, b in (
            (source, "tradefours:in"),
            (source, "recorder:clock"),
            ("recorder:keys", "tradefours:in"),
            ("tradefours:out", "recorder:out"),
        ):
            recorder.connect(a, b)
        recorder.client.transport_frame = 0
        recorder.client.transport_start()
        program.wait_for_line("The clock runs", 10)
        begun = next(t for t, m in recorder.heard["clock"] if m == b"\xf8")
        calls = [
            (2 * r * beats * beat + i * beat + after, message)
            for r in range(rounds)
            for i in range(beats - 1)
            for after, message in ((0.0, bytes((0x90, 60 + 2 * i, 80))), (0.8 * beat, bytes((0x80, 60 + 2 * i, 0))))
        ]
        recorder.play(calls, begun)
        wait_for(lambda: recorder.now() > begun + (2 * rounds * beats + 0.5) * beat, 60, "all rounds")
        recorder.client.transport_stop()
        program.wait_for_line("The clock has stopped", 10)
        program.process.send_signal(signal.SIGTERM)
        program.end()
        wait_for(lambda: recorder.now() - recorder.heard["out"][-1][0] > 0.2, 5, "silence")

    ticks = np.array([t for t, m in recorder.heard["clock"] if m == b"\xf8"])
    assert 60 / (24 * np.median(np.diff(ticks))) == pytest.approx(tempo, rel=0.05)
    numbers = np.concatenate([[0], np.cumsum(np.round(np.diff(ticks) / np.median(np.diff(ticks))))])

    def beat_at(time: float) -> float:
        """By the clock's own ticks, however they wander; one that the recorder missed counts all the same."""
        return float(np.interp(time, ticks, numbers / 24))

    answers: dict[int, list[float]] = {}
    for when, _ in ons(recorder.heard["out"], ANSWERING):
        answers.setdefault(math.floor((beat_at(when) + 0.1) / beats), []).append(beat_at(when))
    assert sorted(answers) == [1, 3, 5], answers
    off_beat = sorted(abs(onsets[0] - round(onsets[0])) * beat for onsets in answers.values())
    # What we send leaves at a period's border. A clock that wanders cannot be foretold for the quarter second in which an
    # answer is thought of: its tempo walks by a seventh from tick to tick.
    assert off_beat[len(off_beat) // 2] < PERIOD / RATE + (0.02 if jitter_percent else 0.006), off_beat
    assert still_sounding(recorder.heard["out"]) == set()
    ends = [beat_at(t) for t, m in recorder.heard["out"] if m[0] == 0x80 | ANSWERING]
    outside = [end for end in ends if math.floor(end / beats) % 2 == 0 and end % beats > 0.1]
    assert not outside, (outside, sorted(ends))
