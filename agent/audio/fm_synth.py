"""A polyphonic FM synthesizer: MIDI messages in, stereo samples out. Pure: it renders a block when it is asked to.

Each voice is two pairs of sine oscillators; in each pair one modulates the frequency of the other (Chowning, "The Synthesis of Complex
Audio Spectra by Means of Frequency Modulation", 1973). The modulation index decays, as the brightness of a struck string does. All voices
of a block are computed as one array. Nothing clicks: a level moves in a straight line through each block and never jumps. A voice that
is stolen fades in a few milliseconds, beside the one that takes its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.music.held_notes import HeldNotes

from ..midi.messages import (
    ALL_SOUND_OFF,
    CHANNEL,
    CONTROL,
    DRUM_CHANNEL,
    FIRST_STATUS,
    FIRST_SYSTEM,
    KIND,
    MOST_DATA,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
)
from .fm_patches import CLICK, TIMBRES, Timbre

BLOCK = 128  # frames that are computed at once
POLYPHONY = 32  # voices that are held at once
SLOTS = 48  # voices in all, with those that fade out
SILENT = 1e-4  # a level below it is silence
STEAL_SECONDS = 0.0018  # time constant with which a stolen voice fades
RESTRIKE_SECONDS = 4 * STEAL_SECONDS  # the same, where its key is struck again
GAIN = 0.22  # of one voice
CLIP_KNEE = 0.7  # samples above are compressed, and never reach 1
BEND_RANGE = 2.0  # semitones, the default of General MIDI
DEFAULT_TIMBRE = "electric piano"
CHANNELS = 16

Floats = NDArray[np.float32]
Line = tuple[int, int]  # a player's number and a channel: keys, pedals and pitch bend are kept for each
Voice = tuple[int, int, int]  # player, channel, pitch


@dataclass
class Part:
    """The instrument of one player."""

    timbre: str = DEFAULT_TIMBRE
    pan: float = 0.5  # 0 left, 1 right
    volume: float = 1.0


class FmSynth:
    """Up to `POLYPHONY` voices of any number of players, each with a `Part` of its own."""

    def __init__(self, rate: float = 48000.0, parts: list[Part] | None = None) -> None:
        """`rate`: frames a second. A player without a part of its own plays the last one."""
        self.rate = rate
        self.volume = 1.0
        self.parts = parts or [Part()]
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
        self._decay = np.zeros(SLOTS)  # time constant, frames
        self._sustain = np.zeros(SLOTS)  # the level that a held voice decays to
        self._release = np.zeros(SLOTS)  # time constant, seconds
        self._on = np.zeros(SLOTS, dtype=bool)
        self._fading = np.zeros(SLOTS, dtype=bool)  # released or stolen
        self._keys: list[Voice | None] = [None] * SLOTS  # of each held voice
        self._held: HeldNotes[Voice] = HeldNotes()  # its channels are the numbers of lines
        self._bend: dict[Line, float] = {}  # -1 to 1

    @property
    def sounding(self) -> int:
        """How many voices sound, those that fade out included."""
        return int(self._on.sum())

    # -- messages ----------------------------------------------------------------------------------------------------

    def receive(self, who: int, message: bytes) -> None:
        """Take one message of a player; it takes effect in the next block. Other messages than a channel's are ignored."""
        if not message or not FIRST_STATUS <= message[0] < FIRST_SYSTEM or len(message) < 2:
            return
        kind = message[0] & KIND
        line = (who, message[0] & CHANNEL)
        first = message[1] & MOST_DATA
        second = message[2] & MOST_DATA if len(message) > 2 else 0
        if kind == NOTE_ON and second:
            self._start_note(line, first, second)
        elif kind in (NOTE_OFF, NOTE_ON):
            self._end_note(line, first)
        elif kind == PITCH_BEND:
            self._set_bend(line, (((second << 7) | first) - 8192) / 8192)
        elif kind == CONTROL:
            ended = self._held.control(_number(line), first, second)
            self._release_voices(ended, RESTRIKE_SECONDS if first == ALL_SOUND_OFF else None)

    def _release_voices(self, voices: list[Voice], seconds: float | None = None) -> None:
        """Let these voices fade with this time constant, or as their instruments do."""
        for slot, key in enumerate(self._keys):
            if key is not None and key in voices:
                self._fade(slot, self._release[slot] if seconds is None else seconds)

    def _start_note(self, line: Line, pitch: int, velocity: int) -> None:
        key = (*line, pitch)
        for slot in [s for s, k in enumerate(self._keys) if k == key]:
            self._fade(slot, RESTRIKE_SECONDS)
        self._held.press((_number(line), pitch), key)
        slot = self._find_slot()
        part = self.parts[min(line[0], len(self.parts) - 1)]
        timbre = CLICK if line[1] == DRUM_CHANNEL else TIMBRES.get(part.timbre, TIMBRES[DEFAULT_TIMBRE])
        self._start_voice(slot, timbre, part, pitch, velocity / 127, self._bend.get(line, 0.0))
        self._keys[slot] = key

    def _find_slot(self) -> int:
        """A slot for a new voice; where all voices sound, the quietest one is stolen."""
        held = np.flatnonzero(self._on & ~self._fading)
        if len(held) >= POLYPHONY:
            loudness = self._level[held] * self._mix[held].sum(1)
            self._fade(int(held[np.argmin(loudness)]), STEAL_SECONDS)
        fading = np.flatnonzero(self._on & self._fading)
        if len(held) + len(fading) >= SLOTS - 8 and len(fading):
            self._fade(int(fading[np.argmin(self._level[fading])]), STEAL_SECONDS)
        free = np.flatnonzero(~self._on)
        return int(free[0]) if len(free) else int(np.argmin(self._level))

    def _start_voice(self, slot: int, timbre: Timbre, part: Part, pitch: int, force: float, bend: float) -> None:
        """`force`: the velocity, 0 to 1. `bend`: -1 to 1."""
        self._phase[slot] = 0.0
        hertz = 440.0 * 2.0 ** ((pitch - 69 + BEND_RANGE * bend) / 12)
        step = 2 * math.pi * hertz * np.array(timbre.ratios) / self.rate
        self._phase_step[slot] = step
        register = 2.0 ** (-(pitch - 60) / 24)  # low strings ring longer and brighter
        index = np.array(timbre.indices) * (0.25 + 0.75 * force) * min(max(register, 0.25), 1.6)
        index[step[1::2] + step[0::2] > 0.9 * math.pi] = 0.0  # sidebands above half the rate would alias
        self._index[slot] = index
        self._index_decay[slot] = np.exp(-1.0 / (np.array(timbre.index_decays) * register * self.rate))
        audible = step[0::2] < 0.95 * math.pi
        self._mix[slot] = np.array(timbre.mix) * audible * GAIN * part.volume * timbre.gain * (0.08 + 0.92 * force**1.6)
        angle = part.pan * math.pi / 2
        self._pan[slot] = (math.cos(angle) * math.sqrt(2) * 0.8, math.sin(angle) * math.sqrt(2) * 0.8)
        self._level[slot] = 0.0
        self._attack[slot] = 1.0 / (timbre.attack * self.rate)
        self._decay[slot] = timbre.decay * register * self.rate
        self._sustain[slot] = timbre.sustain
        self._release[slot] = timbre.release
        self._on[slot] = True
        self._fading[slot] = False

    def _fade(self, slot: int, seconds: float) -> None:
        """Let a voice decay to silence with this time constant."""
        self._keys[slot] = None
        self._fading[slot] = True
        self._attack[slot] = 0.0
        self._sustain[slot] = 0.0
        self._decay[slot] = seconds * self.rate

    def _end_note(self, line: Line, pitch: int) -> None:
        if (_number(line), pitch) in self._held.down:
            self._release_voices(self._held.release((_number(line), pitch)))

    def _set_bend(self, line: Line, bend: float) -> None:
        former = self._bend.get(line, 0.0)
        self._bend[line] = bend
        for slot in [s for s, k in enumerate(self._keys) if k is not None and k[:2] == line]:
            self._phase_step[slot] *= 2.0 ** ((bend - former) * BEND_RANGE / 12)

    # -- samples -----------------------------------------------------------------------------------------------------

    def render(self, frames: int) -> Floats:
        """The next frames, shape (frames, 2), between -1 and 1."""
        out = np.zeros((frames, 2), dtype=np.float32)
        for start in range(0, frames, BLOCK):
            block = out[start : start + BLOCK]
            if self._on.any():
                block += self._render_block(len(block))
        return soft_clip(out * np.float32(self.volume))

    def _render_block(self, n: int) -> Any:
        """The next `n` frames of all voices, at most `BLOCK`, shape (n, 2)."""
        slots = np.flatnonzero(self._on)
        steps = self._steps[:n]
        ramp = self._ramp[:n] if n == BLOCK else steps / np.float32(n)
        phase = self._phase[slots]
        phase_step = self._phase_step[slots]
        angles = phase.astype(np.float32)[:, :, None] + phase_step.astype(np.float32)[:, :, None] * steps
        index = self._index[slots]
        index_end = index * self._index_decay[slots] ** n
        modulation = index.astype(np.float32)[:, :, None] + (index_end - index).astype(np.float32)[:, :, None] * ramp
        waves = np.sin(angles[:, 0::2] + modulation * np.sin(angles[:, 1::2]))
        level = self._level[slots]
        level_end = self._advance_levels(slots, level, n)
        gains = level.astype(np.float32)[:, None] + (level_end - level).astype(np.float32)[:, None] * ramp
        mono = np.einsum("vpn,vp->vn", waves, self._mix[slots].astype(np.float32)) * gains
        self._phase[slots] = (phase + phase_step * n) % (2 * math.pi)
        self._index[slots] = index_end
        self._level[slots] = level_end
        silent = slots[level_end <= 0.0]
        self._on[silent] = False
        for slot in silent:
            self._keys[slot] = None
        return mono.T @ self._pan[slots].astype(np.float32)

    def _advance_levels(self, slots: NDArray[np.intp], level: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """The levels of voices `n` frames on."""
        attack = self._attack[slots]
        sustain = self._sustain[slots]
        decaying = sustain + (level - sustain) * np.exp(-n / self._decay[slots])
        rising = np.minimum(level + attack * n, 1.0)
        new = np.where(attack > 0, rising, decaying)
        self._attack[slots] = np.where(rising >= 1.0, 0.0, attack)
        return np.where((new < SILENT) & (attack == 0), 0.0, new)


def _number(line: Line) -> int:
    return line[0] * CHANNELS + line[1]


def soft_clip(samples: Floats) -> Floats:
    """Compress the samples above `CLIP_KNEE` so that none reaches 1; the others stay as they are."""
    size = np.abs(samples)
    if float(size.max(initial=0.0)) <= CLIP_KNEE:
        return samples
    clipped = CLIP_KNEE + (1 - CLIP_KNEE) * np.tanh((size - CLIP_KNEE) / (1 - CLIP_KNEE)) * 0.99
    return np.where(size > CLIP_KNEE, np.copysign(clipped, samples), samples).astype(np.float32)
