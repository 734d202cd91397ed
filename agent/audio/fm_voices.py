"""Voices of frequency modulation: electric piano, bass, pad, organ and clicks. Pure: they render a block when they are asked to.

Each voice is two pairs of sine oscillators; in each pair one modulates the frequency of the other (Chowning, "The Synthesis of Complex
Audio Spectra by Means of Frequency Modulation", 1973). The modulation index decays, as the brightness of a struck string does. All voices
of a block are computed as one array. Nothing clicks: a level moves in a straight line through each block and never jumps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fm_patches import Timbre
from .voices import BLOCK, SLOTS, Start

SILENT = 1e-4  # a level below it is silence
GAIN = 0.22  # of one voice


class FmVoices:
    """Up to `SLOTS` voices at `rate` frames a second; see `agent.audio.voices.Voices`."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._steps = np.arange(1, BLOCK + 1, dtype=np.float32)
        self._ramp = self._steps / BLOCK
        # Every array has a row for each slot; four columns are carrier, modulator, carrier, modulator; two are the pairs.
        self._phase = np.zeros((SLOTS, 4))  # radians
        self._phase_step = np.zeros((SLOTS, 4))  # radians a frame
        self._index = np.zeros((SLOTS, 2))  # radians
        self._index_decay = np.ones((SLOTS, 2))  # factor a frame
        self._mix = np.zeros((SLOTS, 2))
        self._pan = np.zeros((SLOTS, 2))  # gain left, right
        self._level = np.zeros(SLOTS)
        self._attack = np.zeros(SLOTS)  # rise of the level a frame; 0 after the attack
        self._decay = np.ones(SLOTS)  # time constant, frames
        self._sustain = np.zeros(SLOTS)  # the level that a held voice decays to
        self._release = np.zeros(SLOTS)  # time constant, seconds
        self._on = np.zeros(SLOTS, dtype=bool)

    def start(self, slot: int, start: Start, timbre: Timbre) -> None:
        """Begin a voice with this timbre."""
        self._phase[slot] = 0.0
        step = 2 * math.pi * 440.0 * 2.0 ** ((start.pitch - 69) / 12) * start.bend * np.array(timbre.ratios) / self.rate
        self._phase_step[slot] = step
        register = 2.0 ** (-(start.pitch - 60) / 24)  # low strings ring longer and brighter
        index = np.array(timbre.indices) * (0.25 + 0.75 * start.force) * min(max(register, 0.25), 1.6)
        index[step[1::2] + step[0::2] > 0.9 * math.pi] = 0.0  # sidebands above half the rate would alias
        self._index[slot] = index
        self._index_decay[slot] = np.exp(-1.0 / (np.array(timbre.index_decays) * register * self.rate))
        audible = step[0::2] < 0.95 * math.pi
        loudness = GAIN * start.volume * timbre.gain * (0.08 + 0.92 * start.force**1.6)
        self._mix[slot] = np.array(timbre.mix) * audible * loudness
        self._pan[slot] = start.sides
        self._level[slot] = 0.0
        self._attack[slot] = 1.0 / (timbre.attack * self.rate)
        self._decay[slot] = timbre.decay * register * self.rate
        self._sustain[slot] = timbre.sustain
        self._release[slot] = timbre.release
        self._on[slot] = True

    def release(self, slot: int) -> None:
        """The key is let go."""
        self.fade(slot, self._release[slot])

    def fade(self, slot: int, seconds: float) -> None:
        """Let a voice decay to silence with this time constant."""
        self._attack[slot] = 0.0
        self._sustain[slot] = 0.0
        self._decay[slot] = seconds * self.rate

    def cut(self, slot: int) -> None:
        """End a voice at once."""
        self._on[slot] = False

    def bend(self, slot: int, ratio: float) -> None:
        """Multiply the frequency of a voice."""
        self._phase_step[slot] *= ratio

    def levels(self) -> NDArray[np.float64]:
        """How loud each slot is, shape (SLOTS,)."""
        return np.asarray(self._level * self._mix.sum(1) * self._on)

    def render(self) -> tuple[Any, NDArray[np.intp]]:
        """The next `BLOCK` frames of all voices, shape (BLOCK, 2), or 0.0 where none sounds; and the slots that are silent from now on."""
        slots = np.flatnonzero(self._on)
        if not len(slots):
            return 0.0, slots
        phase = self._phase[slots]
        phase_step = self._phase_step[slots]
        angles = phase.astype(np.float32)[:, :, None] + phase_step.astype(np.float32)[:, :, None] * self._steps
        index = self._index[slots]
        index_end = index * self._index_decay[slots] ** BLOCK
        modulation = (
            index.astype(np.float32)[:, :, None] + (index_end - index).astype(np.float32)[:, :, None] * self._ramp
        )
        waves = np.sin(angles[:, 0::2] + modulation * np.sin(angles[:, 1::2]))
        level = self._level[slots]
        level_end = self._advance_levels(slots, level)
        gains = level.astype(np.float32)[:, None] + (level_end - level).astype(np.float32)[:, None] * self._ramp
        mono = np.einsum("vpn,vp->vn", waves, self._mix[slots].astype(np.float32)) * gains
        self._phase[slots] = (phase + phase_step * BLOCK) % (2 * math.pi)
        self._index[slots] = index_end
        self._level[slots] = level_end
        silent = slots[level_end <= 0.0]
        self._on[silent] = False
        return mono.T @ self._pan[slots].astype(np.float32), silent

    def _advance_levels(self, slots: NDArray[np.intp], level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The levels of voices a block on."""
        attack = self._attack[slots]
        sustain = self._sustain[slots]
        decaying = sustain + (level - sustain) * np.exp(-BLOCK / self._decay[slots])
        rising = np.minimum(level + attack * BLOCK, 1.0)
        new = np.where(attack > 0, rising, decaying)
        self._attack[slots] = np.where(rising >= 1.0, 0.0, attack)
        return np.where((new < SILENT) & (attack == 0), 0.0, new)
