"""Timbres: what the built-in instruments are made of.

Knows nothing of notes or samples. Plain records; see `agent.audio.fm_synth` for what the numbers do.
"""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[float, float]


@dataclass(frozen=True)
class Timbre:
    """Two pairs of sines. `ratios`: carrier, modulator, carrier, modulator, in multiples of the pitch.

    `bends` is how far each modulator bends its carrier at full force, `dims` the seconds in which that fades; `mix` their loudness.
    A voice rises in `attack` seconds, sinks in about `decay` seconds to `rest`, and ends in about `release`.
    """

    ratios: tuple[float, float, float, float]
    bends: Pair
    dims: Pair
    mix: Pair
    attack: float
    decay: float
    rest: float
    release: float
    gain: float = 1.0


TIMBRES = {
    "electric piano": Timbre(
        (1.0, 1.0, 1.0, 14.0), (1.5, 0.55), (0.9, 0.16), (0.62, 0.38), 0.003, 1.6, 0.0, 0.07, gain=1.1
    ),
    "piano": Timbre((1.0, 1.0, 1.0004, 3.0), (2.6, 1.1), (0.45, 0.22), (0.55, 0.45), 0.003, 1.2, 0.0, 0.06, gain=1.0),
    "bass": Timbre((1.0, 1.0, 1.0, 0.5), (2.2, 0.6), (0.35, 0.5), (0.75, 0.25), 0.004, 2.2, 0.15, 0.06, gain=1.3),
    "pad": Timbre((1.0, 2.0, 1.0007, 1.0), (0.5, 0.7), (4.0, 6.0), (0.5, 0.5), 0.22, 3.0, 0.6, 0.35, gain=0.8),
    "organ": Timbre((1.0, 2.0, 2.0, 1.0), (0.6, 0.3), (60.0, 60.0), (0.6, 0.4), 0.006, 1.0, 0.9, 0.03, gain=0.7),
}
CLICK = Timbre((1.0, 1.41, 2.0, 1.0), (0.8, 0.2), (0.01, 0.01), (0.7, 0.3), 0.003, 0.03, 0.0, 0.03, gain=0.8)
"""What the metronome is heard on."""
