"""The built-in sound: in tune, without clicks, never too loud, light on the processor; every key that is let go ends."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from agent.audio.fm_patches import KIT, TIMBRES
from agent.audio.synth import BAND_CHANNELS, INSTRUMENTS, Part, Synth, soft_clip, timbre_of
from agent.audio.voices import BLOCK, POLYPHONY, SLOTS

RATE = 48000


def on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int) -> bytes:
    return bytes((0x80, pitch, 0))


def render_seconds(synth: Synth, length: float) -> np.ndarray:
    return synth.render(BLOCK * math.ceil(length * RATE / BLOCK))


def measure_frequency(samples: np.ndarray, near: float) -> float:
    """The frequency near one that is expected, by the phase's advance in a narrow band."""
    window = np.hanning(len(samples))
    half = len(samples) // 2
    n = np.arange(half)

    def phase(part: np.ndarray) -> complex:
        return complex((part * window[:: len(window) // half][:half] * np.exp(-2j * np.pi * near * n / RATE)).sum())

    turn = np.angle(phase(samples[half : 2 * half]) / phase(samples[:half]) * np.exp(-2j * np.pi * near * half / RATE))
    return near + turn / (2 * np.pi * half / RATE)


@pytest.mark.parametrize("timbre", sorted(TIMBRES))
@pytest.mark.parametrize("pitch", [33, 57, 69, 84])
def test_every_instrument_is_in_tune_within_two_cents(timbre: str, pitch: int) -> None:
    synth = Synth(RATE, [Part(timbre)])
    synth.receive(0, on(pitch))
    render_seconds(synth, 0.3)
    tone = render_seconds(synth, 0.5)[:24000].sum(axis=1)
    true = 440.0 * 2 ** ((pitch - 69) / 12)
    assert abs(1200 * math.log2(measure_frequency(tone, true) / true)) < 2.0


def largest_jump(samples: np.ndarray) -> float:
    """The largest second difference between samples: a click has a large one, however loud the tone is."""
    return float(np.abs(np.diff(samples, n=2, axis=0)).max())


@pytest.mark.parametrize("timbre", INSTRUMENTS)
def test_notes_begin_and_end_without_a_click(timbre: str) -> None:
    synth = Synth(RATE, [Part(timbre)])
    synth.receive(0, on(60, 127))
    begun = render_seconds(synth, 0.05)
    steady = largest_jump(render_seconds(synth, 0.1))
    synth.receive(0, off(60))
    ended = render_seconds(synth, 3.0)
    assert largest_jump(begun) < 4 * steady + 0.01
    assert largest_jump(ended) < 1.2 * steady + 0.002
    assert np.abs(ended[-1]).max() < 1e-3
    assert np.abs(begun[:4]).max() < 0.02


def test_a_stolen_voice_fades() -> None:
    synth = Synth(RATE, [Part("organ")])
    for pitch in range(40, 40 + POLYPHONY):
        synth.receive(0, on(pitch, 60))
    render_seconds(synth, 0.1)
    steady = largest_jump(render_seconds(synth, 0.05))
    for pitch in range(80, 88):
        synth.receive(0, on(pitch, 60))
        assert largest_jump(render_seconds(synth, 0.01)) < 2 * steady + 0.02
    assert synth.sounding <= SLOTS
    render_seconds(synth, 0.2)
    assert synth.sounding == POLYPHONY


def test_the_same_key_again_and_again_is_one_voice_without_clicks() -> None:
    synth = Synth(RATE, [Part("pad")])
    for _ in range(20):
        synth.receive(0, on(60))
        assert largest_jump(render_seconds(synth, 0.03)) < 0.05
        synth.receive(0, off(60))
    render_seconds(synth, 4.0)
    assert synth.sounding == 0


@pytest.mark.parametrize("timbre", INSTRUMENTS)
def test_thirty_two_loud_voices_do_not_clip(timbre: str) -> None:
    synth = Synth(RATE, [Part(timbre)])
    for pitch in range(48, 48 + POLYPHONY):
        synth.receive(0, on(pitch, 127))
    heard = render_seconds(synth, 1.0)
    assert np.isfinite(heard).all()
    assert 0.3 < np.abs(heard).max() < 1.0


def test_thirty_two_voices_take_a_small_share_of_a_core() -> None:
    """Promised: 15 % of a core. Here twice that, as this machine may be busy, and the best of some."""
    synth = Synth(RATE, [Part("pad")])
    for pitch in range(48, 48 + POLYPHONY):
        synth.receive(0, on(pitch, 127))
    shares = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(100):
            synth.render(BLOCK)
        shares.append((time.process_time() - begun) / (100 * BLOCK / RATE))
    assert synth.sounding == POLYPHONY
    assert min(shares) < 0.30


def test_velocity_is_loudness_and_the_players_are_panned() -> None:
    loud = []
    for velocity in (30, 80, 120):
        synth = Synth(RATE)
        synth.receive(0, on(60, velocity))
        loud.append(float(np.sqrt((render_seconds(synth, 0.3) ** 2).mean())))
    assert loud[0] * 1.5 < loud[1] < loud[2]
    for who, side in ((0, 0), (1, 1)):
        synth = Synth(RATE, [Part("piano", 0.3), Part("piano", 0.7)])
        synth.receive(who, on(60))
        power = (render_seconds(synth, 0.2) ** 2).mean(axis=0)
        assert power[side] > 1.5 * power[1 - side]


def test_the_pedal_holds_notes_and_all_notes_off_ends_them() -> None:
    synth = Synth(RATE)
    synth.receive(0, bytes((0xB0, 64, 127)))
    synth.receive(0, on(60))
    synth.receive(0, off(60))
    assert np.abs(render_seconds(synth, 0.8)[-1000:]).max() > 0.005
    synth.receive(0, bytes((0xB0, 64, 0)))
    render_seconds(synth, 1.0)
    assert synth.sounding == 0
    for pitch in (60, 64, 67):
        synth.receive(0, on(pitch))
    synth.receive(0, bytes((0xB0, 123, 0)))
    render_seconds(synth, 1.0)
    assert synth.sounding == 0


@pytest.mark.parametrize("pedal", [64, 66, 69])
def test_all_notes_off_leaves_what_a_pedal_holds_until_a_reset(pedal: int) -> None:
    synth = Synth(RATE)
    synth.receive(0, on(60))
    synth.receive(0, bytes((0xB0, pedal, 127)))
    synth.receive(0, bytes((0xB0, 123, 0)))
    assert np.abs(render_seconds(synth, 0.8)[-1000:]).max() > 0.005
    synth.receive(0, bytes((0xB0, 121, 0)))
    render_seconds(synth, 1.0)
    assert synth.sounding == 0


def test_all_sound_off_ends_what_a_pedal_holds_at_once() -> None:
    synth = Synth(RATE)
    synth.receive(0, bytes((0xB0, 64, 127)))
    for pitch in (60, 64):
        synth.receive(0, on(pitch))
    synth.receive(0, off(60))
    synth.receive(1, on(67))
    synth.receive(0, bytes((0xB0, 120, 0)))
    render_seconds(synth, 0.2)
    assert synth.sounding == 1  # the other player's


def test_pitch_bend_works_and_malformed_messages_are_ignored() -> None:
    synth = Synth(RATE, [Part("organ")])
    synth.receive(0, on(69))
    synth.receive(0, bytes((0xE0, 0x7F, 0x7F)))
    render_seconds(synth, 0.2)
    assert abs(1200 * math.log2(measure_frequency(render_seconds(synth, 0.5)[:24000].sum(axis=1), 493.88) / 493.88)) < 5
    for message in (b"", b"\x90", b"\xf8", b"\xc0\x05", b"\xf0\x01\xf7", bytes((0xB0, 7, 0))):
        synth.receive(0, message)
    assert synth.render(0).shape == (0, 2)
    assert synth.render(300).shape == (300, 2)


def test_soft_clipping_leaves_quiet_samples_alone() -> None:
    quiet = np.linspace(-0.69, 0.69, 100, dtype=np.float32)[:, None].repeat(2, 1)
    assert soft_clip(quiet) is quiet
    bent = soft_clip(np.linspace(-20, 20, 100001, dtype=np.float32))
    assert (np.abs(bent) < 1).all()
    assert (np.diff(bent) >= 0).all()


def test_clicks_of_the_metronome_are_short() -> None:
    synth = Synth(RATE)
    synth.receive(1, on(76, 100, 9))
    assert np.abs(render_seconds(synth, 0.05)).max() > 0.01
    render_seconds(synth, 0.5)
    assert synth.sounding == 0


def test_a_program_change_gives_a_part_of_the_band_its_instrument_and_others_keep_theirs() -> None:
    band = BAND_CHANNELS[0]

    def sound(*messages: tuple[int, ...]) -> np.ndarray:
        synth = Synth(48000)
        for message in messages:
            synth.receive(1, bytes(message))
        return synth.render(4800)

    piano = sound((0x90 | band, 40, 90))
    bass = sound((0xC0 | band, 32), (0x90 | band, 40, 90))
    assert not np.array_equal(piano, bass)
    assert np.array_equal(sound((0xC1, 32), (0x91, 40, 90)), sound((0x91, 40, 90)))
    assert [timbre_of(program) for program in (0, 4, 16, 27, 33, 89)] == [
        "piano",
        "electric piano",
        "organ",
        "electric piano",
        "bass",
        "pad",
    ]


@pytest.mark.parametrize("pitch", sorted(KIT))
def test_every_drum_of_the_band_sounds_and_ends(pitch: int) -> None:
    synth = Synth(48000)
    synth.receive(1, bytes((0x99, pitch, 100)))
    assert 0.01 < np.abs(synth.render(4800)).max() < 0.7
    synth.receive(1, bytes((0x89, pitch, 0)))
    for _ in range(60):
        synth.render(4800)
    assert synth.sounding == 0
