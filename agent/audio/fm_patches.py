"""The patches of the built-in instruments: plain records of numbers for `agent.audio.fm_voices`."""

from __future__ import annotations

from dataclasses import dataclass, replace

Pair = tuple[float, float]


@dataclass(frozen=True)
class Timbre:
    """Two pairs of sine oscillators, each a carrier and its modulator (frequency modulation).

    `ratios`: carrier, modulator, carrier, modulator, in multiples of the note's frequency. `indices`: the modulation index of each pair
    at full velocity, in radians. `index_decays`: seconds in which each index falls to 1/e. `mix`: the level of each pair.
    `attack`, `decay`, `release`: seconds. `sustain`: the level of a held note in the end, 0 to 1. `gain` makes the patches equally loud.
    """

    ratios: tuple[float, float, float, float]
    indices: Pair
    index_decays: Pair
    mix: Pair
    attack: float
    decay: float
    sustain: float
    release: float
    gain: float = 1.0


#: In the units of `Timbre`; chosen.
TIMBRES = {
    "electric piano": Timbre(
        (1.0, 1.0, 1.0, 14.0), (1.5, 0.55), (0.9, 0.16), (0.62, 0.38), 0.003, 1.6, 0.0, 0.07, gain=1.1
    ),
    "bass": Timbre((1.0, 1.0, 1.0, 0.5), (2.2, 0.6), (0.35, 0.5), (0.75, 0.25), 0.004, 2.2, 0.15, 0.06, gain=1.3),
    "pad": Timbre((1.0, 2.0, 1.0007, 1.0), (0.5, 0.7), (4.0, 6.0), (0.5, 0.5), 0.22, 3.0, 0.6, 0.35, gain=0.8),
    "organ": Timbre((1.0, 2.0, 2.0, 1.0), (0.6, 0.3), (60.0, 60.0), (0.6, 0.4), 0.006, 1.0, 0.9, 0.03, gain=0.7),
}
CLICK = Timbre((1.0, 1.41, 2.0, 1.0), (0.8, 0.2), (0.01, 0.01), (0.7, 0.3), 0.003, 0.03, 0.0, 0.03, gain=0.8)
"""The patch of the metronome."""
_HAT = Timbre((1.0, 1.41, 2.37, 3.11), (4.0, 3.5), (0.05, 0.05), (0.5, 0.5), 0.001, 0.045, 0.0, 0.04, gain=0.35)
_OPEN_HAT = replace(_HAT, index_decays=(0.3, 0.3), decay=0.28, release=0.2)
_RIDE = Timbre((1.0, 1.47, 2.09, 2.56), (5.0, 6.5), (0.5, 0.5), (0.5, 0.5), 0.001, 0.3, 0.0, 0.25, gain=0.3)
_CRASH = replace(_RIDE, indices=(7.0, 8.0), decay=0.7, release=0.35)
_KICK = Timbre((1.0, 1.0, 2.0, 1.0), (1.4, 0.3), (0.03, 0.02), (0.9, 0.1), 0.002, 0.15, 0.0, 0.1, gain=1.7)
_TOM = replace(_KICK, decay=0.3, release=0.2, gain=1.3)
_SNARE = Timbre((1.0, 1.83, 2.7, 3.91), (3.0, 7.0), (0.1, 0.12), (0.4, 0.6), 0.001, 0.13, 0.0, 0.1, gain=0.7)
KIT = {
    36: (_KICK, 36),
    37: (CLICK, 84),
    38: (_SNARE, 57),
    42: (_HAT, 95),
    44: (_HAT, 93),
    45: (_TOM, 43),
    46: (_OPEN_HAT, 95),
    47: (_TOM, 47),
    49: (_CRASH, 90),
    50: (_TOM, 52),
    51: (_RIDE, 92),
}
"""The drums of the General MIDI kit that the band uses: a patch, and the pitch at which it is played; chosen. All others are clicks."""
