"""The built-in sound: in tune, without clicks, never too loud, light on the processor; every key that is let go ends."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from agent.audio.fm_patches import TIMBRES
from agent.audio.fm_synth import BLOCK, POLYPHONY, SLOTS, FmSynth, Part, limited

RATE = 48000


def on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int) -> bytes:
    return bytes((0x80, pitch, 0))


def seconds(voices: FmSynth, length: float) -> np.ndarray:
    return voices.render(BLOCK * math.ceil(length * RATE / BLOCK))


def pitch_of(samples: np.ndarray, near: float) -> float:
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
    voices = FmSynth(RATE, [Part(timbre)])
    voices.take(0, on(pitch))
    seconds(voices, 0.3)
    tone = seconds(voices, 0.5)[:24000].sum(axis=1)
    true = 440.0 * 2 ** ((pitch - 69) / 12)
    assert abs(1200 * math.log2(pitch_of(tone, true) / true)) < 2.0


def jumps(samples: np.ndarray) -> float:
    """The largest step of the slope from a sample to the next: a click is one, however loud the tone."""
    return float(np.abs(np.diff(samples, n=2, axis=0)).max())


@pytest.mark.parametrize("timbre", sorted(TIMBRES))
def test_notes_begin_end_and_are_taken_without_a_click(timbre: str) -> None:
    voices = FmSynth(RATE, [Part(timbre)])
    voices.take(0, on(60, 127))
    begun = seconds(voices, 0.05)
    steady = jumps(seconds(voices, 0.1))
    voices.take(0, off(60))
    ended = seconds(voices, 3.0)
    assert jumps(begun) < 4 * steady + 0.01
    assert jumps(ended) < 1.2 * steady + 0.002
    assert np.abs(ended[-1]).max() < 1e-3
    assert np.abs(begun[:4]).max() < 0.02


def test_a_voice_that_is_taken_fades() -> None:
    voices = FmSynth(RATE, [Part("organ")])
    for pitch in range(40, 40 + POLYPHONY):
        voices.take(0, on(pitch, 60))
    seconds(voices, 0.1)
    steady = jumps(seconds(voices, 0.05))
    for pitch in range(80, 88):
        voices.take(0, on(pitch, 60))
        assert jumps(seconds(voices, 0.01)) < 2 * steady + 0.02
    assert voices.sounding <= SLOTS
    seconds(voices, 0.2)
    assert voices.sounding == POLYPHONY


def test_the_same_key_again_and_again_is_one_voice_without_clicks() -> None:
    voices = FmSynth(RATE, [Part("pad")])
    for _ in range(20):
        voices.take(0, on(60))
        assert jumps(seconds(voices, 0.03)) < 0.05
        voices.take(0, off(60))
    seconds(voices, 4.0)
    assert voices.sounding == 0


@pytest.mark.parametrize("timbre", sorted(TIMBRES))
def test_thirty_two_loud_voices_do_not_clip(timbre: str) -> None:
    voices = FmSynth(RATE, [Part(timbre)])
    for pitch in range(48, 48 + POLYPHONY):
        voices.take(0, on(pitch, 127))
    heard = seconds(voices, 1.0)
    assert np.isfinite(heard).all()
    assert 0.3 < np.abs(heard).max() < 1.0


def test_thirty_two_voices_take_a_small_share_of_a_core() -> None:
    """Promised: 15 % of a core. Here twice that, as this machine may be busy, and the best of some."""
    voices = FmSynth(RATE, [Part("pad")])
    for pitch in range(48, 48 + POLYPHONY):
        voices.take(0, on(pitch, 127))
    shares = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(100):
            voices.render(BLOCK)
        shares.append((time.process_time() - begun) / (100 * BLOCK / RATE))
    assert voices.sounding == POLYPHONY
    assert min(shares) < 0.30


def test_a_harder_touch_is_louder_and_the_two_sit_apart() -> None:
    loud = []
    for velocity in (30, 80, 120):
        voices = FmSynth(RATE)
        voices.take(0, on(60, velocity))
        loud.append(float(np.sqrt((seconds(voices, 0.3) ** 2).mean())))
    assert loud[0] * 1.5 < loud[1] < loud[2]
    for who, side in ((0, 0), (1, 1)):
        voices = FmSynth(RATE, [Part("piano", 0.3), Part("piano", 0.7)])
        voices.take(who, on(60))
        power = (seconds(voices, 0.2) ** 2).mean(axis=0)
        assert power[side] > 1.5 * power[1 - side]


def test_the_pedal_holds_and_lets_go_and_panic_ends_all() -> None:
    voices = FmSynth(RATE)
    voices.take(0, bytes((0xB0, 64, 127)))
    voices.take(0, on(60))
    voices.take(0, off(60))
    assert np.abs(seconds(voices, 0.8)[-1000:]).max() > 0.005
    voices.take(0, bytes((0xB0, 64, 0)))
    seconds(voices, 1.0)
    assert voices.sounding == 0
    for pitch in (60, 64, 67):
        voices.take(0, on(pitch))
    voices.take(0, bytes((0xB0, 123, 0)))
    seconds(voices, 1.0)
    assert voices.sounding == 0


def test_bending_bends_and_nonsense_is_passed_over() -> None:
    voices = FmSynth(RATE, [Part("organ")])
    voices.take(0, on(69))
    voices.take(0, bytes((0xE0, 0x7F, 0x7F)))
    seconds(voices, 0.2)
    assert abs(1200 * math.log2(pitch_of(seconds(voices, 0.5)[:24000].sum(axis=1), 493.88) / 493.88)) < 5
    for message in (b"", b"\x90", b"\xf8", b"\xc0\x05", b"\xf0\x01\xf7", bytes((0xB0, 7, 0))):
        voices.take(0, message)
    assert voices.render(0).shape == (0, 2)
    assert voices.render(300).shape == (300, 2)


def test_what_is_not_loud_is_not_touched() -> None:
    quiet = np.linspace(-0.69, 0.69, 100, dtype=np.float32)[:, None].repeat(2, 1)
    assert limited(quiet) is quiet
    bent = limited(np.linspace(-20, 20, 100001, dtype=np.float32))
    assert (np.abs(bent) < 1).all()
    assert (np.diff(bent) >= 0).all()


def test_clicks_of_the_metronome_are_short() -> None:
    voices = FmSynth(RATE)
    voices.take(1, on(76, 100, 9))
    assert np.abs(seconds(voices, 0.05)).max() > 0.01
    seconds(voices, 0.5)
    assert voices.sounding == 0
