"""A model of a grand piano: for each key, the vibrations that its sound is a sum of. Pure numbers; `agent.audio.piano_voices` plays them.

A vibration has a frequency and a decay. There is one row of them for each partial of the strings, and one for each of some resonances of
the soundboard, which are heard as the knock of the hammer. Sources:

- inharmonicity and tuning: Rigaud, David and Daudet, "A parametric model and estimation techniques for the inharmonicity and tuning of the
  piano", JASA 133, 2013; the bass strings are those of the grand in Chaigne and Askenfelt, "Numerical simulations of piano strings",
  JASA 95, 1994, whose B is 7.4e-5 at C2, 3.8e-4 at C4 and 8.6e-3 at C7;
- the decay in two stages and the slow beats: Weinreich, "Coupled piano strings", JASA 62, 1977: two or three strings of slightly different
  pitch move one bridge. What moves it together dies away fast; what does not is heard afterwards;
- losses in the string grow with the square of the frequency (Chaigne and Askenfelt);
- a soft blow stays longer on the string, and lets its high partials move less (Hall and Askenfelt, JASA 83, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CENT = 2.0 ** (1 / 1200)  # ratio of two frequencies a cent apart
LOWEST, HIGHEST = 21, 108  # A0 and C8; keys beyond are made like the last one
UNDAMPED = 90  # F sharp 6 and above have no dampers
TREBLE_BRIDGE = (9.26e-2, -13.64)  # B is exp(slope * pitch + constant): mean of the pianos in Rigaud et al.
BASS_BRIDGE = (-8.47e-2, -7.03)  # their slope; the constant puts C2 at the 7.4e-5 of Chaigne and Askenfelt
TWO_STRINGS, THREE_STRINGS = 29, 41  # the first keys with so many
UNISONS = (-1.0, 0.2, 0.8)  # how far the strings of a key are apart
UNISON_CENTS = 0.8  # the same, in cents
STRIKE_PLACE = 1 / 8  # where the hammer strikes, as a share of the string
REFERENCE_FORCE = 80 / 127  # the blow at which keys are equally loud
HIGHEST_HERTZ = 11000.0  # partials above are left out
MOST_PARTIALS = 72  # of a key
FORCES = np.array([1, 8, 16, 32, 48, 64, 80, 96, 112, 127]) / 127  # blows that are computed, as shares of the hardest
FAINTEST = 1.2e-3  # of a key's strongest partial: what is fainter is left out
HARDENING = 1.85  # the hammer's cutoff grows with this power of the force
KNOCK_MODES = 8  # resonances of the soundboard
NOISE_MODES = 6  # above them, very short: the noise of the hammer
WAYS = 4  # vibrations of a row: three of the coupled strings, and one for how the soundboard is set in motion

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class KeySound:
    """The vibrations of one key; `n` rows. The sound of a row is the real part of the sum of its `WAYS` vibrations."""

    frequency: Floats  # (n,), hertz
    rate: Complexes  # (WAYS, n), 1 / s: decay (real part, negative) and distance from the frequency (imaginary part, radians)
    amplitude: Complexes  # (WAYS, n), before the hammer's filter and the gain of the blow
    gain: Complexes  # (2, n), of the left and the right channel
    damping: Floats  # (n,), 1 / s, that a damper adds
    is_knock: NDArray[np.bool_]  # (n,), whether it is a resonance of the soundboard
    cutoff: float  # hertz, of the hammer's filter at the reference blow
    level: Floats  # (len(FORCES),), the gain of each of `FORCES` that makes keys and blows as loud as they should be

    def below(self, hertz: float) -> KeySound:
        """The same without the rows from a frequency on."""
        kept = self.frequency < hertz
        return KeySound(
            self.frequency[kept],
            self.rate[:, kept],
            self.amplitude[:, kept],
            self.gain[:, kept],
            self.damping[kept],
            self.is_knock[kept],
            self.cutoff,
            self.level,
        )


def inharmonicity(pitch: float) -> float:
    """B of a key's strings: partial n has n * f0 * sqrt(1 + B n²)."""
    (treble, treble_zero), (bass, bass_zero) = TREBLE_BRIDGE, BASS_BRIDGE
    return float(np.exp(treble * pitch + treble_zero) + np.exp(bass * pitch + bass_zero))


@lru_cache(maxsize=1)
def _stretch() -> Floats:
    """How many cents each key is tuned above equal temperament, shape (128,), 0 at A4.

    Octaves are tuned so that partial 2ρ of the lower key meets partial ρ of the upper one (Rigaud et al.); ρ grows towards the bass.
    """
    pitch = np.arange(128.0)
    b = np.array([inharmonicity(p) for p in np.clip(pitch, LOWEST, HIGHEST)])
    meeting = 2 - np.tanh((pitch - 60) / 20)
    wide = 600 * np.log2((1 + b * 4 * meeting**2) / (1 + b * meeting**2))  # cents of the octave above
    slope = np.interp(pitch - 6, pitch, wide) / 12  # cents a semitone
    line = np.cumsum(slope)
    return np.asarray(line - line[69])


def fundamental(pitch: int) -> float:
    """f0 of a key: the frequency that its strings would have without stiffness, in hertz."""
    first = 440.0 * 2.0 ** ((pitch - 69) / 12) * CENT ** _stretch()[min(max(pitch, LOWEST), HIGHEST)]
    return float(first / np.sqrt(1 + inharmonicity(min(max(pitch, LOWEST), HIGHEST))))


def hammer_cutoff(pitch: float) -> float:
    """The cutoff of the hammer's filter at the reference blow, in hertz; it has two equal poles."""
    return float(2400.0 * 2.0 ** ((min(max(pitch, LOWEST), HIGHEST) - 60) / 60))


def hammer_filter(sound: KeySound, force: float) -> Floats:
    """How much of each row a blow sets in motion, shape (n,). `force`: the velocity, 0 to 1. The knock is as much softer as the tone."""
    hardness = max(force / REFERENCE_FORCE, 0.05) ** HARDENING
    heard = 1 / (1 + (sound.frequency / (sound.cutoff * hardness)) ** 2)
    tone = (1 + (sound.frequency[:1] / sound.cutoff) ** 2) / (
        1 + (sound.frequency[:1] / (sound.cutoff * hardness)) ** 2
    )
    return np.asarray(np.where(sound.is_knock, heard * tone, heard))


def blow_gain(sound: KeySound, force: float) -> float:
    """The gain of a blow, beside the hammer's filter. `force`: the velocity, 0 to 1."""
    return float(np.interp(force, FORCES, sound.level))


@lru_cache(maxsize=128)
def key_sound(pitch: int) -> KeySound:
    """The vibrations of one key, 0 to 127."""
    random = np.random.default_rng([1709, pitch])
    place = min(max(pitch, LOWEST), HIGHEST)
    partials = _partials(pitch, place, random)
    knock = _knock(place, random)
    frequency, rate, amplitude, damping = (np.concatenate(pair, axis=-1) for pair in zip(partials, knock, strict=True))
    is_knock = np.arange(len(frequency)) >= len(partials[0])
    gain = _stereo(place, frequency, random)
    cutoff = hammer_cutoff(place)
    bare = KeySound(frequency, rate, amplitude, gain, damping, is_knock, cutoff, np.ones(len(FORCES)))
    level = [10 ** (target_level(pitch, force) / 20) / first_second(bare, force) ** 0.5 for force in FORCES]
    return KeySound(frequency, rate, amplitude, gain, damping, is_knock, cutoff, np.array(level))


def first_second(sound: KeySound, force: float) -> float:
    """The mean power of the first second of a blow, mean of both channels."""
    both = sound.rate[:, None] + sound.rate[None].conj()
    lasting = (np.exp(both) - 1) / both
    power = 0.5 * (sound.amplitude[:, None] * sound.amplitude[None].conj() * lasting).sum((0, 1)).real
    power = power * (np.abs(sound.gain) ** 2).mean(0) * hammer_filter(sound, force) ** 2
    return float(power.sum()) * blow_gain(sound, force) ** 2


def target_level(pitch: int, force: float) -> float:
    """The level of the first second, in decibels of full scale: high keys die away sooner, and may."""
    register = -0.19 * max(pitch - 58, 0) - 0.05 * max(40 - pitch, 0)
    return float(-29.0 + register + 34.0 * np.log10(max(force, 0.02) / REFERENCE_FORCE))


def _partials(pitch: int, place: int, random: np.random.Generator) -> tuple[Floats, Complexes, Complexes, Floats]:
    """Frequencies, rates, amplitudes and damping of the strings' partials."""
    n = np.arange(1.0, 121.0)
    frequency = n * fundamental(pitch) * np.sqrt(1 + inharmonicity(place) * n**2)
    strike = np.sqrt(np.sin(np.pi * n * STRIKE_PLACE) ** 2 + 0.03)
    level = (
        strike**0.7
        * n ** -np.interp(place, (36, 60), (0.45, 0.6))
        * _radiation(frequency)
        * 10 ** (random.normal(0, 1.5, n.size) / 20)
    )
    loudest = level / (1 + (frequency / hammer_cutoff(place) / 1.5) ** 2)
    level /= loudest.max()
    loudest /= loudest.max()
    heard = (n < MOST_PARTIALS) & (frequency < HIGHEST_HERTZ) & (loudest > FAINTEST)
    heard[0] = True
    n = n[heard]
    frequency = frequency[heard]
    level = level[heard]
    rate, share = _coupled_strings(place, frequency, random)
    phase = np.exp(1j * random.uniform(-2.4, 2.4, n.size))
    damping = np.full(n.size, 0.0)
    if pitch < UNDAMPED:
        damping = (9.0 + 0.12 * (place - LOWEST)) * (1 + np.minimum(frequency / 2500, 2.0))
    return frequency, rate, share * level * phase, damping


def _radiation(frequency: Floats) -> Floats:
    """How well the soundboard radiates: little below its first resonances, best in the octaves above, and evenly up to 3 kHz."""
    below = 1 / (1 + (45.0 / frequency) ** 4) ** 0.5
    board = 1.0 / (1 + (frequency / 220) ** 2) ** 0.5 + 0.46 / (1 + (frequency / 6000) ** 2)
    return np.asarray(below * board)


def _coupled_strings(place: int, frequency: Floats, random: np.random.Generator) -> tuple[Complexes, Complexes]:
    """Rates and shares, (WAYS, n), of three coupled vibrations for each partial, and of the soundboard's way into motion.

    Where a key has fewer than three strings, the others stand for the vibration along the soundboard, which moves the bridge little.
    """
    weight = np.array(
        [1.0, 0.35, 0.1] if place < TWO_STRINGS else [1.0, 1.0, 0.3] if place < THREE_STRINGS else [1.0] * 3
    )
    detune = UNISON_CENTS * (np.array(UNISONS) + random.normal(0, 0.2, 3))
    detune -= (detune * weight).sum() / weight.sum()
    own_loss = _interpolate(place, (0.26, 0.3, 0.38, 0.5, 0.7, 1.2, 2.0, 2.6)) + 2.6e-9 * (2 * np.pi * frequency) ** 2
    bridge_loss = _interpolate(place, (0.4, 0.6, 0.8, 1.1, 2.4, 3.4, 4.2, 5.0)) / (weight**2).sum()
    bridge = (
        bridge_loss * np.exp(random.normal(0, 0.35, frequency.size)) * (1 + 0.6j * random.normal(0, 1, frequency.size))
    )
    drift = 2 * np.pi * frequency[:, None] * (CENT**detune - 1)
    matrix = 1j * drift[:, :, None] * np.eye(3) - own_loss[:, None, None] * np.eye(3)
    matrix = matrix - bridge[:, None, None] * np.outer(weight, weight)
    blow = np.maximum(weight, 0.6) * (1 + random.normal(0, 0.15, (frequency.size, 3)))
    values, vectors = np.linalg.eig(matrix)
    shares = np.linalg.solve(vectors, blow[:, :, None].astype(complex))[:, :, 0] * (weight @ vectors)
    shares /= shares.sum(1, keepdims=True)
    loudest = np.abs(shares).argmax(1)
    values = values - 1j * values.imag[np.arange(len(values)), loudest][:, None]  # a tuner hears the strings together
    rise = 1 / _interpolate(place, (0.020, 0.014, 0.011, 0.009, 0.006, 0.004, 0.002, 0.001))
    rate = np.vstack([values.T, values.real.mean(1) - rise])
    return rate, np.vstack([shares.T, np.full(frequency.size, -0.55)])


def _knock(place: int, random: np.random.Generator) -> tuple[Floats, Complexes, Complexes, Floats]:
    """The same as `_partials` for the soundboard's resonances, which the hammer and the key set in motion, too."""
    low = 75.0 * (700.0 / 75.0 * 2.0 ** ((place - 60) / 24)) ** np.linspace(0, 1, KNOCK_MODES)
    high = 1000.0 * 6.0 ** np.linspace(0, 1, NOISE_MODES)
    frequency = np.concatenate([low, high]) * 2.0 ** random.uniform(-0.15, 0.15, KNOCK_MODES + NOISE_MODES)
    rate = np.zeros((WAYS, frequency.size), dtype=complex)
    rate[:] = -14.0 - frequency / 25
    amplitude = np.zeros((WAYS, frequency.size), dtype=complex)
    strength = _interpolate(place, (0.03, 0.035, 0.04, 0.05, 0.055, 0.055, 0.05, 0.05))
    amplitude[0] = strength * np.exp(2j * np.pi * random.uniform(0, 1, frequency.size))
    return frequency, rate, amplitude, np.zeros(frequency.size)


def _stereo(place: int, frequency: Floats, random: np.random.Generator) -> Complexes:
    """Gains of the left and the right channel, (2, n): low keys a little to the left; partials a little apart in level and phase."""
    side = 0.22 * (place - 64) / 44 + random.normal(0, 0.11, frequency.size)
    angle = np.pi / 4 * (1 + np.clip(side, -0.6, 0.6))
    turn = random.normal(0, 0.6, frequency.size) * np.minimum(frequency / 400, 1.0)
    return np.asarray(np.sqrt(2) * np.stack([np.cos(angle) * np.exp(1j * turn), np.sin(angle) * np.exp(-1j * turn)]))


def _interpolate(place: float, values: tuple[float, ...]) -> float:
    """A value of a key, given those of A0, A1, A2, A3 (45, 57 …): geometric in between."""
    return float(np.exp(np.interp(place, LOWEST + 12.0 * np.arange(len(values)), np.log(values))))
